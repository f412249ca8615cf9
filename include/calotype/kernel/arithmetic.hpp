// The correctly rounded operations in which every strict kernel is written, on host and device. A compiler is
// free to contract a product and a sum that it finds next to each other (-ffp-contract=fast, nvcc's -fmad);
// here a multiply-add is fused where `fma` says so and nowhere else.
#pragma once

#include <calotype/core/config.hpp>

namespace calotype::kernel {

// a b + c, rounded once.
CALOTYPE_INLINE CALOTYPE_HD float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
CALOTYPE_INLINE CALOTYPE_HD double fma(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}

namespace detail {

// A product that stays one when the next operation is a sum. g++ never takes an fma apart (while it does
// contract through
// __builtin_assoc_barrier once it vectorises); clang folds fma(a, b, -0) back to a product and contracts that,
// even through
// __arithmetic_fence, so there the value passes through an empty instruction that the optimiser cannot look
// into.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real product(Real a, Real b) {
#if defined(__clang__) && !defined(__CUDA_ARCH__)
  Real p = a * b;
#if defined(__SSE2__)
  asm("" : "+x"(p));
#elif defined(__aarch64__)
  asm("" : "+w"(p));
#else
  asm("" : "+m"(p));
#endif
  return p;
#else
  return fma(a, b, -Real{0});
#endif
}

}  // namespace detail

// a b, rounded; never part of a later fma.
CALOTYPE_INLINE CALOTYPE_HD float mul(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fmul_rn(a, b);
#else
  return detail::product(a, b);
#endif
}
CALOTYPE_INLINE CALOTYPE_HD double mul(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return detail::product(a, b);
#endif
}

// a + b, rounded. On the host nothing can be contracted into it as long as products are made by `mul`.
CALOTYPE_INLINE CALOTYPE_HD float add(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}
CALOTYPE_INLINE CALOTYPE_HD double add(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dadd_rn(a, b);
#else
  return a + b;
#endif
}

// a / b, rounded.
CALOTYPE_INLINE CALOTYPE_HD float divide(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}
CALOTYPE_INLINE CALOTYPE_HD double divide(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __ddiv_rn(a, b);
#else
  return a / b;
#endif
}

// The square root, rounded; x >= 0.
CALOTYPE_INLINE CALOTYPE_HD float square_root(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}
CALOTYPE_INLINE CALOTYPE_HD double square_root(double x) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(x);
#else
  return __builtin_sqrt(x);
#endif
}

// x > 0 ? x : +0; also +0 for NaN.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real rectified(Real x) {
  return x > Real{0} ? x : Real{0};
}

}  // namespace calotype::kernel
