// The threads that work on one event together.
#pragma once

#include <calotype/core/config.hpp>

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#endif

namespace calotype::kernel {

// A group does f(0) ... f(n - 1), each by one of its threads, and is done when all are. `pixels`: of a
// convolution, at most, for each thread.

// The threads of a block, which have much to do each; device code alone calls it.
struct block_group {
  static constexpr int pixels = 8;

  template <class Function>
  CALOTYPE_HD void each([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) f(i);
    __syncthreads();
#endif
  }
};

// Those of all blocks, launched together: many for one event. Warps are dealt out block by block, so that
// little work is everybody's.
struct grid_group {
  static constexpr int pixels = 1;

  template <class Function>
  CALOTYPE_HD void each([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    int const first = static_cast<int>((threadIdx.x / 32 * gridDim.x + blockIdx.x) * 32 + threadIdx.x % 32);
    for (int i = first; i < n; i += static_cast<int>(gridDim.x * blockDim.x)) f(i);
    cooperative_groups::this_grid().sync();
#endif
  }
};

// On the host one after the other, in the order of the numbers or against it: what one needs of another's work
// between two barriers is then missing in one of both.
template <class Group>
struct emulated_group {
  static constexpr int pixels = Group::pixels;
  bool backwards = false;

  template <class Function>
  CALOTYPE_HD void each(int n, Function f) const {
    for (int i = 0; i < n; ++i) f(backwards ? n - 1 - i : i);
  }
};

}  // namespace calotype::kernel
