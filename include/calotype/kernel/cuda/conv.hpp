// Convolutions of exec::cuda<fp32>: what one thread computes. Every number is the one chain of fused
// multiply-adds that kernel/ops.hpp fixes.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/cuda/warp.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cuda_task {

// Filters that a thread computes together, from weights that lie together: for each such group of filters, row
// and column of the window, channel: eight numbers; then the biases. Filters that there are not have zeros.
inline constexpr int filters_at_once = 8;

template <conv_shape S>
struct conv_weights {
  static constexpr int groups = (S.filters + filters_at_once - 1) / filters_at_once;
  static constexpr int width = S.kernel, channels = S.in.channels;
  static constexpr int taps = width * width * channels;
  static constexpr int biases = groups * taps * filters_at_once;  // where they begin
  static constexpr auto size = static_cast<std::size_t>(biases + groups * filters_at_once);

  // From weights in PyTorch's order, on the host.
  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    constexpr int window = S.kernel * S.kernel;
    for (int f = 0; f < groups * filters_at_once; ++f) {
      int const group = f / filters_at_once, lane = f % filters_at_once;
      bool const real = f < S.filters;
      for (int tap = 0; tap < window; ++tap) {
        for (int c = 0; c < S.in.channels; ++c) {
          packed[((group * window + tap) * S.in.channels + c) * filters_at_once + lane] =
              real ? weights[(f * S.in.channels + c) * window + tap] : 0.0F;
        }
      }
      packed[biases + f] = real ? bias[f] : 0.0F;
    }
  }

  // The weights of a group at a tap of the window.
  CALOTYPE_INLINE CALOTYPE_HD static quad const* at(float const* packed, int group, int row, int col) {
    return reinterpret_cast<quad const*>(packed) +
           ((group * width + row) * width + col) * channels * (filters_at_once / 4);
  }
  CALOTYPE_INLINE CALOTYPE_HD static quad const* bias_at(float const* packed, int group) {
    return reinterpret_cast<quad const*>(packed + biases + group * filters_at_once);
  }
};

// Sums of eight filters at some places.
template <int Places>
struct filter_sums {
  float v[Places][filters_at_once];

  CALOTYPE_INLINE CALOTYPE_HD void begin(quad const* bias) {
    quad const low = bias[0], high = bias[1];
    CALOTYPE_DEVICE_UNROLL
    for (int j = 0; j < Places; ++j) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) {
        v[j][k] = low.v[k];
        v[j][4 + k] = high.v[k];
      }
    }
  }
  CALOTYPE_INLINE CALOTYPE_HD void add(int place, float x, quad low, quad high) {
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) {
      v[place][k] = fma(x, low.v[k], v[place][k]);
      v[place][4 + k] = fma(x, high.v[k], v[place][4 + k]);
    }
  }
};

// Writes what eight filters have at a pixel, shortcut and ReLU included. Pixel: in quads, from the plane's
// origin.
template <map_shape Out, bool Relu, bool Shortcut>
CALOTYPE_INLINE CALOTYPE_HD void finish(float const (&sums)[filters_at_once], int group, int pixel,
                                        quad const* shortcut, quad* out) {
  using map = quad_map<Out>;
  constexpr map_shape o = Out;
  CALOTYPE_DEVICE_UNROLL
  for (int h = 0; h < filters_at_once / 4; ++h) {
    int const q = group * (filters_at_once / 4) + h;
    if (q >= map::quads) continue;
    int const at = q * map::plane + map::origin + pixel;
    quad r;
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) r.v[k] = sums[4 * h + k];
    if constexpr (Shortcut) {
      quad const s =
          map::is_vector ? map::quad_at(reinterpret_cast<float const*>(shortcut), q, 0, 0) : shortcut[at];
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) r.v[k] = kernel::add(r.v[k], s.v[k]);
    }
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) {
      if constexpr (Relu) r.v[k] = rectified(r.v[k]);
      if (4 * q + k >= o.channels) r.v[k] = 0.0F;
    }
    if constexpr (o.is_vector()) {
      store(r, q, o.channels, reinterpret_cast<float*>(out));
    } else {
      out[at] = r;
    }
  }
}

// Of a map, with at most one pixel of padding. A warp computes eight filters at 32 x `pixels` pixels (at most
// Most): lane l those with the numbers l, l + 32, ..., so that its loads are of whole lines. Backwards: weights
// of tap (ky, kx) meet what the last tap but (ky, kx) reads, as gradients of inputs need it.
template <conv_shape S, bool Relu, bool Shortcut, int Most, bool Backwards = false>
struct conv_of_map {
  using from = quad_map<S.in>;
  using to = quad_map<S.out()>;
  using weights = conv_weights<S>;
  static constexpr int lanes = lanes_of_warp;
  // As many as leave few lanes without work.
  static constexpr int pixels = [] {
    constexpr auto idle = [](int n) { return (lanes * n - to::pixels % (lanes * n)) % (lanes * n); };
    int const wished = idle(8) * 8 <= to::pixels ? 8 : idle(4) * 8 <= to::pixels ? 4 : 2;
    return wished < Most ? wished : Most;
  }();
  static constexpr int stretches = (to::pixels + lanes * pixels - 1) / (lanes * pixels);
  static constexpr int count = weights::groups * stretches * lanes;
  // An output lies where its window begins, but for the padding: pixels keep their distances.
  static constexpr bool in_place = S.stride == 1 && to::pitch == from::pitch;
  static_assert(S.padding <= 1 && lanes * pixels + 2 * S.kernel <= from::slack);

  quad const* in;
  float const* packed;
  quad const* shortcut;
  quad* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    constexpr map_shape o = s.out();
    int const lane = task % lanes, stretch = task / lanes % stretches, group = task / lanes / stretches;
    int const first = stretch * lanes * pixels + lane;
    // Where the windows begin; what is not in the map is computed, and not written.
    quad const* start = in + from::origin - s.padding * (from::pitch + 1);
    int place[pixels];
    if constexpr (in_place) {
      start += first;
    } else {
      CALOTYPE_DEVICE_UNROLL
      for (int j = 0; j < pixels; ++j) {
        int row = (first + j * lanes) / to::pitch, col = (first + j * lanes) % to::pitch;
        if (row >= o.rows) row = o.rows - 1;
        if (col >= o.cols) col = o.cols - 1;
        place[j] = s.stride * (row * from::pitch + col);
      }
    }
    filter_sums<pixels> sums;
    sums.begin(weights::bias_at(packed, group));
    for (int ky = 0; ky < s.kernel; ++ky) {
      for (int kx = 0; kx < s.kernel; ++kx) {
        quad const* w = weights::at(packed, group, ky, kx);
        quad const* x =
            start + (Backwards ? (s.kernel - 1 - ky) * from::pitch + s.kernel - 1 - kx : ky * from::pitch + kx);
        for (int q = 0; q < s.in.channels / 4; ++q) {
          add<4>(sums, x, place, w);
          x += from::plane;
          w += 4 * (filters_at_once / 4);
        }
        if constexpr (s.in.channels % 4 != 0) add<s.in.channels % 4>(sums, x, place, w);
      }
    }
    CALOTYPE_DEVICE_UNROLL
    for (int j = 0; j < pixels; ++j) {
      int const p = first + j * lanes;
      if (p < to::pixels && p % to::pitch < o.cols) {
        finish<S.out(), Relu, Shortcut>(sums.v[j], group, p, shortcut, out);
      }
    }
  }

 private:
  // Some of the four channels of x.
  template <int Channels>
  CALOTYPE_INLINE CALOTYPE_HD static void add(filter_sums<pixels>& sums, quad const* x,
                                              int const (&place)[pixels], quad const* w) {
    quad low[Channels], high[Channels];
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < Channels; ++k) {
      low[k] = w[2 * k];
      high[k] = w[2 * k + 1];
    }
    CALOTYPE_DEVICE_UNROLL
    for (int j = 0; j < pixels; ++j) {
      quad const four = x[in_place ? j * lanes : place[j]];
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < Channels; ++k) sums.add(j, four.v[k], low[k], high[k]);
    }
  }
};

// Any other: one pixel and eight filters. From: image_plane or quad_map.
template <conv_shape S, class From, bool Relu, bool Shortcut>
struct conv_of_any {
  using to = quad_map<S.out()>;
  using weights = conv_weights<S>;
  static constexpr int each = S.out().rows * S.out().cols;
  static constexpr int count = weights::groups * each;

  float const* in;
  float const* packed;
  quad const* shortcut;
  quad* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    constexpr map_shape o = s.out();
    int const group = task / each, row = task % each / o.cols, col = task % o.cols;
    int const top = row * s.stride - s.padding, left = col * s.stride - s.padding;
    element::range const rows = element::taps_inside(top, s.kernel, s.in.rows);
    element::range const cols = element::taps_inside(left, s.kernel, s.in.cols);
    filter_sums<1> sums;
    sums.begin(weights::bias_at(packed, group));
    for (int ky = rows.begin; ky < rows.end; ++ky) {
      for (int kx = cols.begin; kx < cols.end; ++kx) {
        quad const* w = weights::at(packed, group, ky, kx);
        for (int c = 0; c < s.in.channels; ++c) {
          sums.add(0, in[From::at(c, top + ky, left + kx)], w[2 * c], w[2 * c + 1]);
        }
      }
    }
    finish<S.out(), Relu, Shortcut>(sums.v[0], group, row * to::pitch + col, shortcut, out);
  }
};

// Of an image of a few channels, and the 2 x 2 max pool behind it: eight filters of one pooled pixel, whose
// four convolutions read the same rows.
template <conv_shape S, bool Relu>
struct conv_of_image_pooled {
  static constexpr int most_channels = 4;
  static constexpr pool_shape pool{S.out(), 2, 2};
  using from = image_plane<S.in>;
  using to = quad_map<pool.out()>;
  using weights = conv_weights<S>;
  static constexpr int lanes = lanes_of_warp;
  static constexpr int stretches = (to::pixels + lanes - 1) / lanes;
  static constexpr int count = weights::groups * stretches * lanes;
  static constexpr int stride = S.stride, padding = S.padding, width = S.kernel, channels = S.in.channels;
  static constexpr int span = width + stride;  // rows and columns of the image that it reads

  // The image's columns are read in quads where those of all pixels begin at one place in them.
  static constexpr bool aligned = 2 * S.stride % 4 == 0;
  static constexpr int before = aligned ? (S.padding + 3) / 4 * 4 - S.padding : 0;
  static constexpr int wide = aligned ? (before + span + 3) / 4 * 4 : span;

  // The margin holds what is read beyond a row's sides.
  static constexpr bool possible = S.padding + before <= from::margin &&
                                   S.padding + wide - before - span <= from::margin &&
                                   S.in.channels <= most_channels && S.out().rows >= 2 && S.out().cols >= 2;

  float const* in;
  float const* packed;
  quad* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr map_shape o = to::shape;
    int const lane = task % lanes, stretch = task / lanes % stretches, group = task / lanes / stretches;
    int const p = stretch * lanes + lane;
    int const row = p / to::pitch, col = p % to::pitch;
    if (row >= o.rows || col >= o.cols) return;
    int const top = 2 * row * stride - padding, left = 2 * col * stride - padding;
    filter_sums<4> sums;
    sums.begin(weights::bias_at(packed, group));
    for (int y = 0; y < span; ++y) {
      if (top + y < 0 || top + y >= from::rows) continue;
      float x[channels][wide];
      CALOTYPE_DEVICE_UNROLL
      for (int c = 0; c < channels; ++c) load(in + from::at(c, top + y, left - before), x[c]);
      // Row y of the image is row y of the upper two windows, and y - stride of the lower two.
      if (y < width) add_row<0>(sums, x, group, y);
      if (y >= stride) add_row<2>(sums, x, group, y - stride);
    }
    float best[filters_at_once];
    CALOTYPE_DEVICE_UNROLL
    for (int f = 0; f < filters_at_once; ++f) {
      best[f] = Relu ? rectified(sums.v[0][f]) : sums.v[0][f];
      CALOTYPE_DEVICE_UNROLL
      for (int j = 1; j < 4; ++j) {
        float const v = Relu ? rectified(sums.v[j][f]) : sums.v[j][f];
        best[f] = v > best[f] ? v : best[f];
      }
    }
    finish<to::shape, false, false>(best, group, p, nullptr, out);
  }

 private:
  CALOTYPE_INLINE CALOTYPE_HD static void load(float const* row, float (&x)[wide]) {
    if constexpr (aligned) {
      CALOTYPE_DEVICE_UNROLL
      for (int i = 0; i < wide; i += 4) {
        quad const four = *reinterpret_cast<quad const*>(row + i);
        CALOTYPE_DEVICE_UNROLL
        for (int k = 0; k < 4; ++k) x[i + k] = four.v[k];
      }
    } else {
      CALOTYPE_DEVICE_UNROLL
      for (int i = 0; i < wide; ++i) x[i] = row[i];
    }
  }

  template <int First>
  CALOTYPE_INLINE CALOTYPE_HD void add_row(filter_sums<4>& sums, float const (&x)[channels][wide], int group,
                                           int ky) const {
    CALOTYPE_DEVICE_UNROLL
    for (int kx = 0; kx < width; ++kx) {
      quad const* w = weights::at(packed, group, ky, kx);
      CALOTYPE_DEVICE_UNROLL
      for (int c = 0; c < channels; ++c) {
        quad const low = w[2 * c], high = w[2 * c + 1];
        sums.add(First, x[c][before + kx], low, high);
        sums.add(First + 1, x[c][before + kx + stride], low, high);
      }
    }
  }
};

}  // namespace calotype::kernel::cuda_task
