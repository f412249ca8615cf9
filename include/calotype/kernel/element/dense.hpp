// One number of a fully connected layer or its gradients. Weights are [output][input].
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::element {

template <dense_shape S, bool Relu, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real dense_forward(Real const* in, Real const* weights, Real const* bias,
                                               int output) {
  constexpr dense_shape s = S;
  Real const* w = weights + output * s.inputs;
  Real sum = bias[output];
  for (int i = 0; i < s.inputs; ++i) sum = fma(in[i], w[i], sum);
  return Relu ? rectified(sum) : sum;
}

template <dense_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real dense_input_gradient(Real const* dout, Real const* weights, int input) {
  constexpr dense_shape s = S;
  Real sum = 0;
  for (int o = 0; o < s.outputs; ++o) sum = fma(dout[o], weights[o * s.inputs + input], sum);
  return sum;
}

template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real dense_weight_gradient(Real const* in, Real const* dout, int output,
                                                       int input) {
  return mul(in[input], dout[output]);
}

}  // namespace calotype::kernel::element
