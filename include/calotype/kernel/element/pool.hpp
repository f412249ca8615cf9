// One number of a pool, a global pool, or their gradients. Of max pools, the first maximum in raster order
// takes the gradient.
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

// The mean of Rows x Cols numbers, rows `step` apart.
template <int Rows, int Cols, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real mean(Real const* in, int step) {
  Real sum = 0;
  for (int y = 0; y < Rows; ++y) {
    Real of_row = 0;
    for (int x = 0; x < Cols; ++x) of_row = add(of_row, in[y * step + x]);
    sum = add(sum, of_row);
  }
  return mul(sum, Real{1} / Real{Rows * Cols});
}

template <pool_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real avg_pool_forward(Real const* in, place at) {
  constexpr pool_shape s = S;
  return mean<s.size, s.size>(in + (at.channel * s.in.rows + at.row * s.stride) * s.in.cols + at.col * s.stride,
                              s.in.cols);
}

// d loss / d input: the sum, from +0, of the shares that the windows over this pixel (in raster order) give.
template <pool_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real avg_pool_gradient(Real const* dout, place at) {
  constexpr pool_shape s = S;
  constexpr map_shape o = s.out();
  constexpr Real part = Real{1} / Real{s.size * s.size};
  range const rows = windows_over(at.row, s.size, s.stride, o.rows);
  range const cols = windows_over(at.col, s.size, s.stride, o.cols);
  Real sum = 0;
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int col = cols.begin; col < cols.end; ++col) {
      sum = add(sum, mul(dout[(at.channel * o.rows + row) * o.cols + col], part));
    }
  }
  return sum;
}

template <map_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real global_avg_pool_forward(Real const* in, int channel) {
  constexpr map_shape s = S;
  return mean<s.rows, s.cols>(in + channel * s.rows * s.cols, s.cols);
}
// The same for every pixel of a channel.
template <map_shape S, class Real>
CALOTYPE_INLINE CALOTYPE_HD Real global_avg_pool_gradient(Real dout) {
  constexpr map_shape s = S;
  return mul(dout, Real{1} / Real{s.rows * s.cols});
}

}  // namespace calotype::kernel::element
