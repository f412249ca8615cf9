// One number of a convolution, its input gradient, its weight gradient or its bias gradient, as the one chain
// of fused multiply-adds that kernel/ops.hpp fixes. Maps are dense (channel, row, column), weights OIHW.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::element {

// Output (at.channel = filter) before shortcut and ReLU.
template <conv_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real conv_forward(Real const* in, Real const* weights, Real const* bias, place at) {
  constexpr conv_shape s = S;
  constexpr int plane = s.in.rows * s.in.cols;
  constexpr int window = s.kernel * s.kernel;
  int const top = at.row * s.stride - s.padding;
  int const left = at.col * s.stride - s.padding;
  range const rows = taps_inside(top, s.kernel, s.in.rows);
  range const cols = taps_inside(left, s.kernel, s.in.cols);
  Real const* filter = weights + at.channel * s.in.channels * window;
  Real sum = bias[at.channel];
  for (int ky = rows.begin; ky < rows.end; ++ky) {
    for (int kx = cols.begin; kx < cols.end; ++kx) {
      Real const* x = in + (top + ky) * s.in.cols + left + kx;
      Real const* w = filter + ky * s.kernel + kx;
      for (int c = 0; c < s.in.channels; ++c) sum = fma(x[c * plane], w[c * window], sum);
    }
  }
  return sum;
}

// What follows the chain: the shortcut's value is added last (Shortcut), then the ReLU (Relu).
template <bool Relu, bool Shortcut, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real finished(Real sum, Real const* shortcut, int i) {
  if constexpr (Shortcut) sum = add(sum, shortcut[i]);
  if constexpr (Relu) sum = rectified(sum);
  return sum;
}

// d loss / d input: over the taps (row, column) that saw this pixel, then over the filters.
template <conv_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real conv_input_gradient(Real const* dout, Real const* weights, place at) {
  constexpr conv_shape s = S;
  constexpr map_shape out = s.out();
  constexpr int plane = out.rows * out.cols;
  constexpr int window = s.kernel * s.kernel;
  Real const* channel = weights + at.channel * window;
  int const y = at.row + s.padding;
  int const x = at.col + s.padding;
  Real sum = 0;
  // Tap k of window o reads o stride + k = y, so k runs over the residue class of y.
  for (int ky = y % s.stride; ky < s.kernel && ky <= y; ky += s.stride) {
    int const row = (y - ky) / s.stride;
    if (row >= out.rows) continue;
    for (int kx = x % s.stride; kx < s.kernel && kx <= x; kx += s.stride) {
      int const col = (x - kx) / s.stride;
      if (col >= out.cols) continue;
      Real const* d = dout + row * out.cols + col;
      Real const* w = channel + ky * s.kernel + kx;
      for (int f = 0; f < s.filters; ++f) sum = fma(d[f * plane], w[f * s.in.channels * window], sum);
    }
  }
  return sum;
}

// d loss / d weight (filter, channel, ky, kx) of one event: over the outputs in raster order.
template <conv_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real conv_weight_gradient(Real const* in, Real const* dout, int filter, int channel,
                                                      int ky, int kx) {
  constexpr conv_shape s = S;
  constexpr map_shape out = s.out();
  range const rows = windows_with_tap_inside(ky, s.stride, s.padding, s.in.rows, out.rows);
  range const cols = windows_with_tap_inside(kx, s.stride, s.padding, s.in.cols, out.cols);
  Real sum = 0;
  for (int row = rows.begin; row < rows.end; ++row) {
    Real const* x = in + (channel * s.in.rows + row * s.stride + ky - s.padding) * s.in.cols + kx - s.padding;
    Real const* d = dout + (filter * out.rows + row) * out.cols;
    for (int col = cols.begin; col < cols.end; ++col) sum = fma(x[col * s.stride], d[col], sum);
  }
  return sum;
}

// d loss / d bias (filter) of one event: the outputs' gradients in raster order.
template <conv_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real conv_bias_gradient(Real const* dout, int filter) {
  constexpr conv_shape s = S;
  constexpr map_shape out = s.out();
  constexpr int plane = out.rows * out.cols;
  Real sum = 0;
  for (int i = 0; i < plane; ++i) sum = add(sum, dout[filter * plane + i]);
  return sum;
}

}  // namespace calotype::kernel::element
