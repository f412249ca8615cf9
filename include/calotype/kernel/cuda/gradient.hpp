// Gradients of exec::cuda<fp32>: what one thread computes. Every number is the chain that kernel/ops.hpp fixes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/conv.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/element/adam.hpp>
#include <calotype/kernel/element/dropout.hpp>
#include <calotype/kernel/element/pool.hpp>
#include <calotype/kernel/element/relu.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cuda_task {

// The convolution of the output's gradient that the input's gradient is, where windows are next to each other.
template <conv_shape S>
inline constexpr conv_shape turned{S.out(), S.in.channels, S.kernel, 1, S.kernel - 1 - S.padding};

// Weights for the input's gradient: channels are its filters, and the filters its channels.
template <conv_shape S>
struct gradient_weights : conv_weights<turned<S>> {
  static void pack(float const* weights, float* packed) {
    constexpr int window = S.kernel * S.kernel;
    std::vector<float> swapped(static_cast<std::size_t>(S.weights()));
    std::vector<float> const none(static_cast<std::size_t>(S.in.channels));
    for (int f = 0; f < S.filters; ++f) {
      for (int c = 0; c < S.in.channels; ++c) {
        for (int tap = 0; tap < window; ++tap) {
          swapped[static_cast<std::size_t>((c * S.filters + f) * window + tap)] =
              weights[(f * S.in.channels + c) * window + tap];
        }
      }
    }
    conv_weights<turned<S>>::pack(swapped.data(), none.data(), packed);
  }
};

// Any convolution's input gradient: one pixel and eight channels.
template <conv_shape S, bool Added>
struct conv_input_gradient {
  using weights = gradient_weights<S>;
  static constexpr int each = S.in.rows * S.in.cols;
  static constexpr int count = weights::groups * each;

  float const* dout;
  float const* packed;
  float const* added;
  float* din;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    constexpr map_shape o = s.out();
    int const group = task / each, row = task % each / s.in.cols, col = task % s.in.cols;
    int const y = row + s.padding, x = col + s.padding;
    float sums[filters_at_once] = {};
    for (int ky = y % s.stride; ky < s.kernel && ky <= y; ky += s.stride) {
      int const from_row = (y - ky) / s.stride;
      if (from_row >= o.rows) continue;
      for (int kx = x % s.stride; kx < s.kernel && kx <= x; kx += s.stride) {
        int const from_col = (x - kx) / s.stride;
        if (from_col >= o.cols) continue;
        quad const* w = weights::at(packed, group, ky, kx);
        for (int f = 0; f < s.filters; ++f) {
          float const d = quad_map<S.out()>::get(dout, f, from_row, from_col);
          quad const low = w[2 * f], high = w[2 * f + 1];
          CALOTYPE_DEVICE_UNROLL
          for (int k = 0; k < 4; ++k) {
            sums[k] = fma(d, low.v[k], sums[k]);
            sums[4 + k] = fma(d, high.v[k], sums[4 + k]);
          }
        }
      }
    }
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < filters_at_once; ++k) {
      int const c = group * filters_at_once + k;
      if (c >= s.in.channels) continue;
      float const sum = Added ? kernel::add(sums[k], quad_map<S.in>::get(added, c, row, col)) : sums[k];
      quad_map<S.in>::set(din, c, row, col, sum);
    }
  }
};

// Of a map: four filters and four channels at a place of the window, over the outputs in raster order; what is
// padding is read as the zeros around the map.
template <conv_shape S>
struct weights_of_map {
  using from = quad_map<S.in>;
  using to = quad_map<S.out()>;
  static constexpr int window = S.kernel * S.kernel;
  static constexpr int count = window * to::quads * from::quads;
  static constexpr bool possible = S.padding <= 1 && !S.in.is_vector() && !S.out().is_vector();

  float const* in;
  float const* dout;
  float* dweights;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    constexpr map_shape o = s.out();
    // Threads next to each other share what they read.
    int const c4 = task % from::quads, f4 = task / from::quads % to::quads,
              tap = task / from::quads / to::quads;
    int const ky = tap / s.kernel, kx = tap % s.kernel;
    quad const* x = reinterpret_cast<quad const*>(in) + c4 * from::plane + from::origin +
                    (ky - s.padding) * from::pitch + kx - s.padding;
    quad const* d = reinterpret_cast<quad const*>(dout) + f4 * to::plane + to::origin;
    float sums[4][4] = {};
    for (int row = 0; row < o.rows; ++row) {
      for (int col = 0; col < o.cols; ++col) {
        quad const of_in = x[col * s.stride], of_out = d[col];
        CALOTYPE_DEVICE_UNROLL
        for (int f = 0; f < 4; ++f) {
          CALOTYPE_DEVICE_UNROLL
          for (int c = 0; c < 4; ++c) sums[f][c] = fma(of_in.v[c], of_out.v[f], sums[f][c]);
        }
      }
      x += s.stride * from::pitch;
      d += to::pitch;
    }
    CALOTYPE_DEVICE_UNROLL
    for (int f = 0; f < 4; ++f) {
      CALOTYPE_DEVICE_UNROLL
      for (int c = 0; c < 4; ++c) {
        int const filter = 4 * f4 + f, channel = 4 * c4 + c;
        if (filter < s.filters && channel < s.in.channels) {
          dweights[(filter * s.in.channels + channel) * window + tap] = sums[f][c];
        }
      }
    }
  }
};

// Of an image, or anything else: eight filters, one channel.
template <conv_shape S, bool FromImage>
struct weights_of_any {
  static constexpr int window = S.kernel * S.kernel;
  static constexpr int groups = (S.filters + filters_at_once - 1) / filters_at_once;
  static constexpr int count = window * S.in.channels * groups;

  float const* in;
  float const* dout;
  float* dweights;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    constexpr map_shape o = s.out();
    int const group = task % groups, channel = task / groups % s.in.channels,
              tap = task / groups / s.in.channels;
    int const ky = tap / s.kernel, kx = tap % s.kernel;
    element::range const rows = element::windows_with_tap_inside(ky, s.stride, s.padding, s.in.rows, o.rows);
    element::range const cols = element::windows_with_tap_inside(kx, s.stride, s.padding, s.in.cols, o.cols);
    float sums[filters_at_once] = {};
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int col = cols.begin; col < cols.end; ++col) {
        float const x = input_at(channel, row * s.stride + ky - s.padding, col * s.stride + kx - s.padding);
        CALOTYPE_DEVICE_UNROLL
        for (int h = 0; h < filters_at_once / 4; ++h) {
          int const q = group * (filters_at_once / 4) + h;
          if (q >= quad_map<S.out()>::quads) continue;
          quad const d = quad_map<S.out()>::quad_at(dout, q, row, col);
          CALOTYPE_DEVICE_UNROLL
          for (int k = 0; k < 4; ++k) sums[4 * h + k] = fma(x, d.v[k], sums[4 * h + k]);
        }
      }
    }
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < filters_at_once; ++k) {
      int const filter = group * filters_at_once + k;
      if (filter < s.filters) dweights[(filter * s.in.channels + channel) * window + tap] = sums[k];
    }
  }

 private:
  CALOTYPE_INLINE CALOTYPE_HD float input_at(int channel, int row, int col) const {
    if constexpr (FromImage) {
      return in[image_plane<S.in>::at(channel, row, col)];
    } else {
      return quad_map<S.in>::get(in, channel, row, col);
    }
  }
};

// The bias of a filter.
template <conv_shape S>
struct bias_of_conv {
  static constexpr int count = S.filters;

  float const* dout;
  float* dbias;

  CALOTYPE_HD void operator()(int filter) const {
    constexpr map_shape o = S.out();
    float sum = 0;
    for (int row = 0; row < o.rows; ++row) {
      for (int col = 0; col < o.cols; ++col)
        sum = kernel::add(sum, quad_map<S.out()>::get(dout, filter, row, col));
    }
    dbias[filter] = sum;
  }
};

// Tasks of two kinds, the first ones first, between two barriers.
template <class First, class Second>
struct either {
  static constexpr int count = First::count + Second::count;
  First first;
  Second second;
  CALOTYPE_HD void operator()(int i) const {
    if (i < First::count) {
      first(i);
    } else {
      second(i - First::count);
    }
  }
};

// Four channels of a pixel, where the output was not above 0.
template <map_shape M>
struct relu_gradient {
  using map = quad_map<M>;
  static constexpr bool is_vector = M.is_vector();
  static constexpr int rows = M.rows, cols = M.cols;
  static constexpr int count = is_vector ? M.channels : map::quads * rows * cols;

  float const* out;
  float* dout;

  CALOTYPE_HD void operator()(int i) const {
    if constexpr (is_vector) {
      dout[i] = element::relu_gradient(out[i], dout[i]);
    } else {
      int const at = map::at(4 * (i / (rows * cols)), i / cols % rows, i % cols) / 4;
      quad const o = reinterpret_cast<quad const*>(out)[at];
      quad d = reinterpret_cast<quad const*>(dout)[at];
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) d.v[k] = element::relu_gradient(o.v[k], d.v[k]);
      reinterpret_cast<quad*>(dout)[at] = d;
    }
  }
};

// Four channels of a pixel of a pool's input.
template <pool_shape S, bool Mean>
struct pool_gradient {
  using from = quad_map<S.in>;
  using to = quad_map<S.out()>;
  static constexpr int rows = S.in.rows, cols = S.in.cols;
  static constexpr int count = from::quads * rows * cols;

  float const* in;  // of max pools, as is out
  float const* out;
  float const* dout;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    constexpr pool_shape s = S;
    constexpr map_shape o = s.out();
    int const q = i / (rows * cols), row = i / cols % rows, col = i % cols;
    element::range const over_rows = element::windows_over(row, s.size, s.stride, o.rows);
    element::range const over_cols = element::windows_over(col, s.size, s.stride, o.cols);
    quad sum{};
    for (int r = over_rows.begin; r < over_rows.end; ++r) {
      for (int c = over_cols.begin; c < over_cols.end; ++c) {
        quad const d = to::quad_at(dout, q, r, c);
        if constexpr (Mean) {
          constexpr float part = 1.0F / static_cast<float>(s.size * s.size);
          CALOTYPE_DEVICE_UNROLL
          for (int k = 0; k < 4; ++k) sum.v[k] = kernel::add(sum.v[k], mul(d.v[k], part));
        } else {
          quad const most = to::quad_at(out, q, r, c);
          quad const* const window =
              reinterpret_cast<quad const*>(in) + from::at(4 * q, r * s.stride, c * s.stride) / 4;
          int const tap = (row - r * s.stride) * s.size + col - c * s.stride;
          bool chosen[4] = {true, true, true, true};
          for (int t = 0; t <= tap; ++t) {
            quad const v = window[t / s.size * from::pitch + t % s.size];
            CALOTYPE_DEVICE_UNROLL
            for (int k = 0; k < 4; ++k) chosen[k] = chosen[k] && (v.v[k] == most.v[k]) == (t == tap);
          }
          CALOTYPE_DEVICE_UNROLL
          for (int k = 0; k < 4; ++k) {
            if (chosen[k]) sum.v[k] = kernel::add(sum.v[k], d.v[k]);
          }
        }
      }
    }
    reinterpret_cast<quad*>(din)[from::at(4 * q, row, col) / 4] = sum;
  }
};

// Where in a row of a channel its global maximum is first, -1 where it is not. What rows have is kept as
// integers in the slack of the gradient's map.
template <map_shape M>
struct find_in_rows {
  static constexpr int rows = M.rows, cols = M.cols;
  static constexpr int count = M.channels * rows;
  static_assert(count <= 4 * quad_map<M>::slack);

  float const* in;
  float const* vector;
  std::int32_t* found;

  CALOTYPE_HD void operator()(int i) const {
    int const channel = i / rows, row = i % rows;
    float const most = vector[channel];
    int at = -1;
    for (int col = cols - 1; col >= 0; --col) at = quad_map<M>::get(in, channel, row, col) == most ? col : at;
    found[i] = at;
  }
};

// A row of four channels of a global pool's gradient.
template <map_shape M, bool Mean>
struct global_pool_gradient {
  using map = quad_map<M>;
  static constexpr int rows = M.rows, cols = M.cols, channels = M.channels;
  static constexpr int count = map::quads * rows;

  float const* dvector;
  std::int32_t const* found;  // of max pools
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    int const q = i / rows, row = i % rows;
    quad* const to = reinterpret_cast<quad*>(din) + map::at(4 * q, row, 0) / 4;
    float d[4];
    int only[4];
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) {
      int const channel = 4 * q + k;
      bool const real = channel < channels;
      d[k] = real ? dvector[channel] : 0.0F;
      only[k] = -1;
      if constexpr (Mean) {
        d[k] = mul(d[k], 1.0F / static_cast<float>(rows * cols));
      } else if (real) {
        // The last pixel where the maximum is nowhere (NaN).
        int first = 0;
        while (first < rows - 1 && found[channel * rows + first] < 0) ++first;
        if (first == row) only[k] = found[channel * rows + row] < 0 ? cols - 1 : found[channel * rows + row];
      }
    }
    for (int col = 0; col < cols; ++col) {
      quad r;
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) r.v[k] = Mean || col == only[k] ? d[k] : 0.0F;
      to[col] = r;
    }
  }
};

// One number of a map that became a vector.
template <map_shape M>
struct flatten_gradient {
  static constexpr int count = M.size();

  float const* dvector;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<M>(i);
    quad_map<M>::set(din, at.channel, at.row, at.col, dvector[i]);
  }
};

// One number of a dropout layer, forward or backward.
template <map_shape M>
struct drop {
  static constexpr int count = M.size();

  float const* in;
  float* out;
  float rate;
  std::uint64_t key;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<M>(i);
    quad_map<M>::set(out, at.channel, at.row, at.col,
                     element::dropped(rate, key, i, quad_map<M>::get(in, at.channel, at.row, at.col)));
  }
};

// A weight, and for the first input the bias.
template <dense_shape S>
struct weights_of_dense {
  static constexpr int inputs = S.inputs, count = S.weights();

  float const* in;
  float const* dout;
  float* dweights;
  float* dbias;

  CALOTYPE_HD void operator()(int i) const {
    int const output = i / inputs, input = i % inputs;
    dweights[i] = mul(in[input], dout[output]);
    if (input == 0) dbias[output] = dout[output];
  }
};

// One input's. Weights as PyTorch has them: [output][input].
template <dense_shape S>
struct dense_input_gradient {
  static constexpr int inputs = S.inputs, outputs = S.outputs, count = inputs;

  float const* dout;
  float const* weights;
  float* din;

  CALOTYPE_HD void operator()(int input) const {
    float sum = 0;
    for (int o = 0; o < outputs; ++o) sum = fma(dout[o], weights[o * inputs + input], sum);
    din[input] = sum;
  }
};

// --- of all parameters

struct add_to {
  float const* from;
  float* into;
  CALOTYPE_HD void operator()(int i) const { into[i] = kernel::add(into[i], from[i]); }
};

struct adam {
  adam_step step;
  float const* gradient;
  float* first;
  float* second;
  float* parameters;
  CALOTYPE_HD void operator()(int i) const {
    element::adam_update(step, gradient[i], first[i], second[i], parameters[i]);
  }
};

// Number i of `count` lists, one after the other, added pairwise by their places: 0 + 1, 2 + 3, those two, ...
struct add_pairwise {
  float const* lists;
  float* sum;
  std::size_t size;
  int count;

  CALOTYPE_HD void operator()(int i) const {
    float open[32];  // sums that wait for their right side
    int n = 0;
    for (int k = 0; k < count; ++k) {
      float v = lists[static_cast<std::size_t>(k) * size + static_cast<std::size_t>(i)];
      for (int done = k; done % 2 == 1; done /= 2) v = kernel::add(open[--n], v);
      open[n++] = v;
    }
    while (n > 1) {
      --n;
      open[n - 1] = kernel::add(open[n - 1], open[n]);
    }
    sum[i] = open[0];
  }
};

// Packed parameters: places[i] - 1 is a place in the flat list, 0 stands for a zero.
struct gather {
  float const* flat;
  std::int32_t const* places;
  float* packed;
  CALOTYPE_HD void operator()(int i) const { packed[i] = places[i] > 0 ? flat[places[i] - 1] : 0.0F; }
};

}  // namespace calotype::kernel::cuda_task
