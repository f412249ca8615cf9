// One number of a max pool, a global max pool, or their gradients. The first maximum in raster order takes the
// gradient.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::element {

template <pool_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real pool_forward(Real const* in, place at) {
  constexpr pool_shape s = S;
  Real const* window = in + (at.channel * s.in.rows + at.row * s.stride) * s.in.cols + at.col * s.stride;
  Real best = window[0];
  for (int y = 0; y < s.size; ++y) {
    for (int x = 0; x < s.size; ++x) {
      Real const v = window[y * s.in.cols + x];
      best = v > best ? v : best;
    }
  }
  return best;
}

// True if the pixel `tap` (row * in.cols + column, counted from the window's corner) is the first to equal the
// maximum.
template <pool_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD bool is_first_maximum(Real const* window, Real maximum, int tap_row, int tap_col) {
  constexpr pool_shape s = S;
  for (int y = 0; y <= tap_row; ++y) {
    int const cols = y == tap_row ? tap_col : s.size;
    for (int x = 0; x < cols; ++x) {
      if (window[y * s.in.cols + x] == maximum) return false;
    }
  }
  return window[tap_row * s.in.cols + tap_col] == maximum;
}

// d loss / d input: the sum, from +0, of the gradients of the windows (in raster order) whose first maximum
// this pixel is.
template <pool_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real pool_gradient(Real const* in, Real const* out, Real const* dout, place at) {
  constexpr pool_shape s = S;
  constexpr map_shape o = s.out();
  range const rows = windows_over(at.row, s.size, s.stride, o.rows);
  range const cols = windows_over(at.col, s.size, s.stride, o.cols);
  Real sum = 0;
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int col = cols.begin; col < cols.end; ++col) {
      Real const* window = in + (at.channel * s.in.rows + row * s.stride) * s.in.cols + col * s.stride;
      int const i = (at.channel * o.rows + row) * o.cols + col;
      if (is_first_maximum<S>(window, out[i], at.row - row * s.stride, at.col - col * s.stride))
        sum = add(sum, dout[i]);
    }
  }
  return sum;
}

template <map_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real global_pool_forward(Real const* in, int channel) {
  constexpr map_shape s = S;
  constexpr int plane = s.rows * s.cols;
  Real const* x = in + channel * plane;
  Real best = x[0];
  for (int i = 1; i < plane; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

// Index in its channel (row * cols + column) of the pixel that the channel's whole gradient goes to.
template <map_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD int first_maximum(Real const* in, Real maximum, int channel) {
  constexpr map_shape s = S;
  constexpr int plane = s.rows * s.cols;
  Real const* x = in + channel * plane;
  int i = 0;
  while (i < plane - 1 && x[i] != maximum) ++i;
  return i;
}

}  // namespace calotype::kernel::element
