// Batch normalisation of one number (Ioffe and Szegedy, arXiv:1502.03167, algorithm 1) and its gradient. Sums
// over pixels are chains along a row in the policy's numbers; the rows are added in double, from the top.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/conv.hpp>

namespace calotype::kernel {

// What a batch's channels are normalised with, and what they become; arrays of whole blocks of 16, zero behind
// the last channel. inverse: 1 / sqrt(variance + epsilon).
template <class Real>
struct channel_norm {
  Real const* mean;
  Real const* inverse;
  Real const* scale;
  Real const* shift;
};

// What a channel's loss has to say of its normalisation: the means over the batch of the gradient, and of its
// product with the normalised numbers.
template <class Real>
struct channel_slope {
  Real const* mean;
  Real const* product;
};

namespace element {

template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real standardised(Real x, Real mean, Real inverse) {
  return mul(add(x, -mean), inverse);
}

// Of channel c; shortcut[i] is added before the ReLU.
template <bool Relu, bool Shortcut, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real batch_norm_forward(Real x, channel_norm<Real> const& n, int c,
                                                    Real const* shortcut, int i) {
  return finished<Relu, Shortcut>(fma(n.scale[c], standardised(x, n.mean[c], n.inverse[c]), n.shift[c]),
                                  shortcut, i);
}

// d loss / d x by d loss / d (what the channel became).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real batch_norm_gradient(Real x, Real dout, channel_norm<Real> const& n,
                                                     channel_slope<Real> const& s, int c) {
  Real const known = fma(-standardised(x, n.mean[c], n.inverse[c]), s.product[c], add(dout, -s.mean[c]));
  return mul(mul(n.scale[c], n.inverse[c]), known);
}

}  // namespace element
}  // namespace calotype::kernel
