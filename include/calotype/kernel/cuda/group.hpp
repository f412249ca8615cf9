// The threads that work on one event together.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cuda/warp.hpp>

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#endif

namespace calotype::kernel {

// What a group can do; each call is done when all threads are:
//   each(n, f)             f(0) ... f(n - 1), each by one of its threads
//   warps(n, f)            f(warp, 0) ... f(warp, n - 1), each by one of its warps
//   together(steps, a, b)  only where threads share memory: Role::units warps for each of two roles, which keep
//                          what they have in registers from step to step: begin(warp, unit, state), then
//                          step<s % 3>(warp, unit, state, s) for all s; a step begins when all have done the
//                          one before
// `pixels`: of a convolution, at most, for each thread; `rows`: for each warp.

// The threads of a block, which have much to do each; device code alone calls it. memory: what they share.
struct block_group {
  static constexpr int pixels = 8, rows = 8;
  static constexpr bool shares_memory = true;
  void* memory = nullptr;

  template <class Function>
  CALOTYPE_HD void each([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) f(i);
    __syncthreads();
#endif
  }

  template <class Function>
  CALOTYPE_HD void warps([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    device_warp const warp{static_cast<int>(threadIdx.x) % lanes_of_warp};
    int const apart = static_cast<int>(blockDim.x) / lanes_of_warp;
    for (int i = static_cast<int>(threadIdx.x) / lanes_of_warp; i < n; i += apart) f(warp, i);
    __syncthreads();
#endif
  }

  template <class First, class Second>
  CALOTYPE_HD void together([[maybe_unused]] int steps, [[maybe_unused]] First first,
                            [[maybe_unused]] Second second) const {
#if defined(__CUDA_ARCH__)
    int const unit = static_cast<int>(threadIdx.x) / lanes_of_warp;
    if (unit < First::units) {
      carry_out(first, unit, steps);
    } else if (unit < First::units + Second::units) {
      carry_out(second, unit - First::units, steps);
    } else {
      for (int s = 0; s < steps; ++s) step_barrier();
    }
    __syncthreads();
#endif
  }

#if defined(__CUDA_ARCH__)
 private:
  // The warps of a block come here from different places of the code: a barrier with a name.
  CALOTYPE_INLINE __device__ static void step_barrier() {
    asm volatile("bar.sync 1, %0;" ::"r"(blockDim.x) : "memory");
  }
  template <class Role>
  CALOTYPE_INLINE __device__ static void carry_out(Role const& role, int unit, int steps) {
    device_warp const warp{static_cast<int>(threadIdx.x) % lanes_of_warp};
    typename Role::template state<device_warp> mine;
    role.begin(warp, unit, mine);
    for (int s = 0; s < steps; s += 3) {
      role.template step<0>(warp, unit, mine, s);
      step_barrier();
      if (s + 1 < steps) {
        role.template step<1>(warp, unit, mine, s + 1);
        step_barrier();
      }
      if (s + 2 < steps) {
        role.template step<2>(warp, unit, mine, s + 2);
        step_barrier();
      }
    }
  }
#endif
};

// Those of all blocks, launched together: many for one event. Warps are dealt out block by block, so that
// little work is everybody's.
struct grid_group {
  static constexpr int pixels = 1, rows = 1;
  static constexpr bool shares_memory = false;

  template <class Function>
  CALOTYPE_HD void each([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    int const first = static_cast<int>((threadIdx.x / 32 * gridDim.x + blockIdx.x) * 32 + threadIdx.x % 32);
    for (int i = first; i < n; i += static_cast<int>(gridDim.x * blockDim.x)) f(i);
    cooperative_groups::this_grid().sync();
#endif
  }

  template <class Function>
  CALOTYPE_HD void warps([[maybe_unused]] int n, [[maybe_unused]] Function f) const {
#if defined(__CUDA_ARCH__)
    device_warp const warp{static_cast<int>(threadIdx.x) % lanes_of_warp};
    int const first = static_cast<int>(threadIdx.x / 32 * gridDim.x + blockIdx.x);
    for (int i = first; i < n; i += static_cast<int>(gridDim.x * blockDim.x / 32)) f(warp, i);
    cooperative_groups::this_grid().sync();
#endif
  }
};

// On the host one after the other, in the order of the numbers or against it: what one needs of another's work
// between two barriers is then missing in one of both.
template <class Group>
struct emulated_group {
  static constexpr int pixels = Group::pixels, rows = Group::rows;
  static constexpr bool shares_memory = Group::shares_memory;
  bool backwards = false;
  void* memory = nullptr;

  template <class Function>
  CALOTYPE_HD void each(int n, Function f) const {
    for (int i = 0; i < n; ++i) f(backwards ? n - 1 - i : i);
  }

  template <class Function>
  CALOTYPE_HD void warps(int n, Function f) const {
    each(n, [&](int i) { f(host_warp{}, i); });
  }

  template <class First, class Second>
  CALOTYPE_HD void together(int steps, First first, Second second) const {
    typename First::template state<host_warp> of_first[First::units];
    typename Second::template state<host_warp> of_second[Second::units];
    each(First::units, [&](int u) { first.begin(host_warp{}, u, of_first[u]); });
    each(Second::units, [&](int u) { second.begin(host_warp{}, u, of_second[u]); });
    for (int s = 0; s < steps; ++s) {
      each(First::units + Second::units, [&](int u) {
        if (u < First::units) {
          step(first, u, of_first[u], s);
        } else {
          step(second, u - First::units, of_second[u - First::units], s);
        }
      });
    }
  }

 private:
  template <class Role, class State>
  CALOTYPE_HD static void step(Role const& role, int unit, State& state, int s) {
    if (s % 3 == 0) role.template step<0>(host_warp{}, unit, state, s);
    if (s % 3 == 1) role.template step<1>(host_warp{}, unit, state, s);
    if (s % 3 == 2) role.template step<2>(host_warp{}, unit, state, s);
  }
};

}  // namespace calotype::kernel
