// Adam (Kingma and Ba, arXiv:1412.6980, with epsilon outside the square root as in PyTorch): one parameter of
// one step.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel {

// base^n, the same bits everywhere.
CALOTYPE_INLINE double whole_power(double base, unsigned long long n) {
  double power = 1;
  for (double square = base; n > 0; n /= 2) {
    if (n % 2 == 1) power = mul(power, square);
    square = mul(square, square);
  }
  return power;
}

// The numbers of step t = 1, 2, ...; the corrections belong to the rounded beta1 and beta2 that the kernel
// uses.
CALOTYPE_INLINE adam_step adam_step_at(double learning_rate, double beta1, double beta2, double epsilon,
                                       long long t) {
  auto const correction = [t](float beta) {
    double const power = whole_power(static_cast<double>(beta), static_cast<unsigned long long>(t));
    return static_cast<float>(divide(1.0, add(1.0, -power)));
  };
  auto const rounded1 = static_cast<float>(beta1);
  auto const rounded2 = static_cast<float>(beta2);
  return {static_cast<float>(learning_rate),
          rounded1,
          rounded2,
          static_cast<float>(epsilon),
          correction(rounded1),
          correction(rounded2)};
}

}  // namespace calotype::kernel

namespace calotype::kernel::element {

// Updates the mean and the mean square of the gradient, then the parameter (order in kernel/ops.hpp).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD void adam_update(adam_step s, Real gradient, Real& first, Real& second,
                                             Real& parameter) {
  Real const beta1 = s.beta1;
  Real const beta2 = s.beta2;
  first = fma(beta1, first, mul(add(Real{1}, -beta1), gradient));
  second = fma(beta2, second, mul(mul(add(Real{1}, -beta2), gradient), gradient));
  Real const spread = add(square_root(mul(second, Real{s.correction2})), Real{s.epsilon});
  parameter = fma(-mul(Real{s.learning_rate}, Real{s.correction1}), divide(first, spread), parameter);
}

}  // namespace calotype::kernel::element
