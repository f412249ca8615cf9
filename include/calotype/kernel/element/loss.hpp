// Scores and losses of one event from its logits. Sums run over the classes in order; exp and log are
// calotype's own, so that the bits are the same everywhere.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/core/math.hpp>
#include <calotype/kernel/arithmetic.hpp>

namespace calotype::kernel::element {

namespace detail {

// exp(logit - largest logit) of every class into `shares`; returns the largest logit and the sum of the shares.
template <class Real>
struct softmax_scale {
  Real largest;
  Real sum;
};

template <int Classes, class Real>
CALOTYPE_INLINE CALOTYPE_HD softmax_scale<Real> softmax_shares(Real const* logits, Real* shares) {
  Real largest = logits[0];
  for (int i = 1; i < Classes; ++i) largest = logits[i] > largest ? logits[i] : largest;
  Real sum = 0;
  for (int i = 0; i < Classes; ++i) {
    shares[i] = math::exp(add(logits[i], -largest));
    sum = add(sum, shares[i]);
  }
  return {largest, sum};
}

// exp(-|x|), the only exponential a sigmoid needs; never overflows.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real decay(Real x) {
  return math::exp(x > Real{0} ? -x : x);
}

}  // namespace detail

// Probabilities of the classes; they may overwrite the logits.
template <int Classes, class Real>
CALOTYPE_INLINE CALOTYPE_HD void softmax(Real const* logits, Real* probabilities) {
  Real const sum = detail::softmax_shares<Classes>(logits, probabilities).sum;
  for (int i = 0; i < Classes; ++i) probabilities[i] = divide(probabilities[i], sum);
}

// 1 / (1 + exp(-logit)).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real sigmoid(Real logit) {
  return math::sigmoid(logit);
}

// log(p / (1 - p)) of the probability p of class 0: what is left to see where p itself rounds to 0 or 1.
template <int Classes, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real log_odds(Real const* logits) {
  if constexpr (Classes == 1) {
    return logits[0];
  } else {
    Real others[Classes - 1];  // exp of the differences from the largest of them
    auto const scale = detail::softmax_shares<Classes - 1>(logits + 1, others);
    return add(logits[0], -add(scale.largest, math::log(scale.sum)));
  }
}

// Returns -weight log p(label) and writes its gradient weight (p_i - [i = label]). 0 <= label < Classes;
// `dlogits` must not overlap `logits`.
template <int Classes, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real softmax_cross_entropy(Real const* logits, int label, Real weight,
                                                       Real* dlogits) {
  auto const scale = detail::softmax_shares<Classes>(logits, dlogits);
  for (int i = 0; i < Classes; ++i) {
    Real const p = divide(dlogits[i], scale.sum);
    dlogits[i] = mul(weight, i == label ? add(p, Real{-1}) : p);
  }
  return mul(weight, add(math::log(scale.sum), add(scale.largest, -logits[label])));
}

// Returns -weight log p with p = sigmoid(logit) for label 1 and 1 - sigmoid(logit) for label 0, and writes its
// gradient weight (sigmoid(logit) - label).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real binary_cross_entropy(Real logit, int label, Real weight, Real& dlogit) {
  Real const wrong = label == 1 ? -logit : logit;  // the loss is log(1 + exp(wrong))
  Real const p = sigmoid(wrong);
  dlogit = mul(weight, label == 1 ? -p : p);
  return mul(weight, add(rectified(wrong), math::log1p(detail::decay(wrong))));
}

}  // namespace calotype::kernel::element
