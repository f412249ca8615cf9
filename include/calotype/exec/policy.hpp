// Execution policies: where and how a description is carried out. Descriptions, weights and data never mention
// one.
#pragma once

#include <concepts>

#include <calotype/core/config.hpp>

namespace calotype {

namespace concepts {

// A policy is a small value type that says so; its kernels are found as kernel::ops<Policy>.
template <class P>
concept execution_policy = std::copyable<P> && requires {
  typename P::policy_tag;
};

}  // namespace concepts

namespace exec {

// Arithmetic of the convolutions. `direct` is the strict one: one chain of fused multiply-adds per output, the
// same bits on every machine and under every strict policy.
struct direct {};
// Minimal filtering (Winograd) for 3x3 windows with stride 1, one chain for everything else: faster, as
// reproducible as `direct`, but rounded differently (by less than 5e-6 of a tensor's maximum).
struct winograd {};

// The readable reference: plain loops, one thread. `scalar_of<double>` serves numerical checks of gradients.
template <std::floating_point Real>
struct scalar_of {
  using policy_tag = scalar_of;
  using real_type = Real;
};
using scalar = scalar_of<float>;

// Plain algorithms of Thrust on one of its systems: thrust::cpp::tag, omp::tag, tbb::tag or cuda::tag. Aliases
// and kernels come with <calotype/kernel/thrust.hpp>.
template <class System>
struct on_thrust {
  using policy_tag = on_thrust;
  using system_type = System;
};

static_assert(concepts::execution_policy<scalar>);

}  // namespace exec
}  // namespace calotype
