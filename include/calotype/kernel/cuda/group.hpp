// The threads that work on one event together.
#pragma once

#include <calotype/core/config.hpp>

namespace calotype::kernel {

// A group does f(0) ... f(n - 1), each by one of its threads, and is done when all are.

// The threads of a block; device code alone calls it.
struct block_group {
  template <class Function>
  CALOTYPE_HD void each([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) f(i);
    __syncthreads();
#endif
  }
};

// On the host one after the other, in the order of the numbers or against it: what one needs of another's work
// between two barriers is then missing in one of both.
struct emulated_group {
  bool backwards = false;

  template <class Function>
  CALOTYPE_HD void each(int n, Function f) const {
    for (int i = 0; i < n; ++i) f(backwards ? n - 1 - i : i);
  }
};

}  // namespace calotype::kernel
