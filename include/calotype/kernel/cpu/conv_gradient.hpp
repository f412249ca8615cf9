// Gradients of a convolution. The input gradient is a convolution again, one for each residue of the row and
// column modulo the stride; the weight gradient keeps one chain per weight over the outputs in raster order.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/conv.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, conv_shape S>
struct conv_input_gradient {
  using arch = typename Policy::arch_type;
  static constexpr strides from = map_strides(S.out());
  static constexpr strides to = map_strides(S.in);
  static constexpr int blocks = blocks_of(S.in.channels);
  static constexpr int width = tile_model<arch>::blocks_together(blocks) * block_size;
  static constexpr std::size_t bias_size = static_cast<std::size_t>(blocks * block_size);
  static constexpr std::size_t packed_size =
      bias_size * (1 + static_cast<std::size_t>(S.filters * S.kernel * S.kernel));

  static void pack(float const* weights, float* packed) noexcept {
    for (std::size_t i = 0; i < bias_size; ++i) *packed++ = 0.f;
    for (int row = 0; row < S.stride; ++row) {
      for (int col = 0; col < S.stride; ++col) {
        packing const order{.outputs = S.in.channels,
                            .output_step = S.kernel * S.kernel,
                            .inputs = S.filters,
                            .input_step = S.in.channels * S.kernel * S.kernel,
                            .kernel = S.kernel,
                            .first_row = first_tap(row),
                            .first_col = first_tap(col),
                            .step = S.stride,
                            .width = width};
        packed = pack_chains<arch>(order, weights, packed);
      }
    }
  }

  static void run(float const* dout, float const* packed, float const* added, float* din) noexcept {
    if constexpr (S.in.is_vector()) {
      whole_blocks<S.in.channels> plus;
      whole_blocks<S.in.channels> sum;
      if (added != nullptr) plus = whole_blocks<S.in.channels>(added);
      residues<0>(dout, packed, packed + bias_size, added != nullptr ? plus.value : nullptr, sum.value);
      sum.copy_to(din);
    } else {
      residues<0>(dout, packed, packed + bias_size, added != nullptr ? added + to.origin() : nullptr,
                  din + to.origin());
    }
  }

 private:
  // The first tap that reaches rows (columns) with this residue, and how many do.
  static constexpr int first_tap(int residue) { return (residue + S.padding) % S.stride; }
  static constexpr int count_taps(int residue) {
    return first_tap(residue) < S.kernel ? ratio_up(S.kernel - first_tap(residue), S.stride) : 0;
  }

  template <int Residue>
  static void residues(float const* dout, float const* zeros, float const* weights, float const* added,
                       float* din) noexcept {
    constexpr int row = Residue / S.stride;
    constexpr int col = Residue % S.stride;
    constexpr int rows = ratio_up(S.in.rows - row, S.stride);
    constexpr int cols = ratio_up(S.in.cols - col, S.stride);
    constexpr window taps{count_taps(row),
                          count_taps(col),
                          (row + S.padding - first_tap(row)) / S.stride,
                          (col + S.padding - first_tap(col)) / S.stride,
                          -1,
                          1};
    if constexpr (row < S.in.rows && col < S.in.cols) {
      constexpr strides every = {
          to.channels, to.together, to.channel, to.pixel * S.stride, to.row * S.stride, to.block,
          rows,        cols,        0};
      using chain = chains<arch, layer{from, every, 1, blocks}>;
      constexpr int at = row * to.row + col * to.pixel;
      float const* plus = added != nullptr ? added + at : nullptr;
      if constexpr (taps.stays_inside(from, rows, cols)) {
        chain::template all<false>(caller_alone{}, dout + from.origin(), zeros, weights, taps, plus, din + at);
      } else {
        chain::template clipped<false>(dout + from.origin(), zeros, weights, taps, plus, din + at);
      }
    }
    if constexpr (Residue + 1 < S.stride * S.stride) {
      residues<Residue + 1>(dout, zeros, weights + taps.rows * taps.cols * S.filters * blocks * block_size,
                            added, din);
    }
  }
};

// The weights whose chains one pass over the outputs carries on: `rows` x `cols` taps of `channels` input
// channels, for the output channels that fill `vectors` registers.
struct weight_tile {
  int rows = 1;
  int cols = 1;
  int channels = 1;

  friend constexpr bool operator==(weight_tile, weight_tile) = default;
};

template <class Policy, conv_shape S, bool FromImage>
struct conv_weight_gradient {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr strides from = FromImage ? image_strides(S.in) : map_strides(S.in);
  static constexpr strides to = map_strides(S.out());
  static constexpr int blocks = blocks_of(S.filters);
  static constexpr int together = tile_model<arch>::blocks_together(blocks);
  static constexpr int vectors = tile_model<arch>::vectors(blocks);
  static constexpr int width = together * block_size;
  static constexpr window taps{S.kernel, S.kernel, -S.padding, -S.padding, 1, S.stride};
  static constexpr bool inside = taps.stays_inside(from, to.rows, to.cols);

  // As many chains as fit the registers: taps of a row first, then channels of a block (maps) or more rows
  // (images).
  static constexpr int chains_at_once = tile_model<arch>::outputs(vectors);
  static constexpr parts across = split(S.kernel, inside ? chains_at_once : 1);
  static constexpr int longest = across.length + (across.longer > 0 ? 1 : 0);
  static constexpr int channels =
      FromImage ? 1 : power_below(smaller_of(chains_at_once / longest, S.in.channels));
  static constexpr parts down = split(S.kernel, FromImage&& inside ? chains_at_once / longest : 1);

  static void run(float const* in, float const* dout, float* dweights, float* dbias) noexcept {
    if constexpr (S.in.is_vector() && !FromImage) {
      whole_blocks<S.in.channels> const whole(in);
      with_outputs(whole.value, dout, dweights, dbias);
    } else {
      with_outputs(in + from.origin(), dout, dweights, dbias);
    }
  }

 private:
  struct range {
    int begin;
    int end;
  };

  static void with_outputs(float const* in, float const* dout, float* dweights, float* dbias) noexcept {
    if constexpr (S.out().is_vector()) {
      whole_blocks<S.filters> const whole(dout);
      all(in, whole.value, dweights, dbias);
    } else {
      all(in, dout + to.origin(), dweights, dbias);
    }
  }

  // The first of the weights of a pass.
  struct weight_place {
    int filter;
    int channel;
    int row;
    int col;

    constexpr bool is_first() const { return channel == 0 && row == 0 && col == 0; }
  };

  static void all(float const* in, float const* dout, float* dweights, float* dbias) noexcept {
    for (int filter = 0; filter < S.filters; filter += width) {
      float const* d = dout + filter / block_size * to.block;
      if constexpr (!inside) bias(d, filter, dbias);
      for (int channel = 0; channel < S.in.channels; channel += channels) {
        float const* x = in + channel / from.together * from.block + channel % from.together * from.channel;
        weight_place at{filter, channel, 0, 0};
        for (int i = 0; i < down.count; ++i) {
          if constexpr (down.longer > 0) {
            if (i < down.longer) {
              tap_rows<down.length + 1>(x, d, at, dweights, dbias);
              at.row += down.length + 1;
              continue;
            }
          }
          tap_rows<down.length>(x, d, at, dweights, dbias);
          at.row += down.length;
        }
      }
    }
  }

  template <int Rows>
  CALOTYPE_INLINE static void tap_rows(float const* x, float const* d, weight_place at, float* dweights,
                                       float* dbias) {
    for (int i = 0; i < across.count; ++i) {
      if constexpr (across.longer > 0) {
        if (i < across.longer) {
          pass<weight_tile{Rows, across.length + 1, channels}>(x, d, at, dweights, dbias);
          at.col += across.length + 1;
          continue;
        }
      }
      pass<weight_tile{Rows, across.length, channels}>(x, d, at, dweights, dbias);
      at.col += across.length;
    }
  }

  // The first pass takes the bias along: its chain of sums is hidden behind the multiply-adds.
  template <weight_tile T>
  CALOTYPE_INLINE static void pass(float const* x, float const* d, weight_place at, float* dweights,
                                   float* dbias) {
    constexpr bool may_be_first = T.rows == down.length + (down.longer > 0) && T.cols == longest;
    if constexpr (inside && may_be_first) {
      if (at.is_first()) return pass_over_outputs<T, true>(x, d, at, dweights, dbias);
    }
    pass_over_outputs<T, false>(x, d, at, dweights, dbias);
  }

  // The outputs o for which 0 <= o stride + k - padding < size; all of them where the halo takes the others.
  CALOTYPE_INLINE static range outputs_of_tap(int k, int size, int outputs) {
    if constexpr (inside) {
      return {0, outputs};
    } else {
      int const at = k - S.padding;
      int const begin = at < 0 ? ratio_up(-at, S.stride) : 0;
      return {begin, at < size ? smaller_of(outputs, (size - 1 - at) / S.stride + 1) : 0};
    }
  }

  template <weight_tile T, bool WithBias>
  static void pass_over_outputs(float const* x, float const* d, weight_place at, float* dweights,
                                float* dbias) {
    vec<arch> sum[T.rows][T.cols][T.channels][vectors];
    vec<arch> sum_of_outputs[vectors];
    each<T>([&](int r, int c, int i, int n) { sum[r][c][i][n] = v::broadcast(0.f); });
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum_of_outputs[n] = v::broadcast(0.f);
    range const ys = outputs_of_tap(at.row, from.rows, to.rows);
    range const xs = outputs_of_tap(at.col, from.cols, to.cols);
    for (int row = ys.begin; row < ys.end; ++row) {
      float const* in = x + (row * S.stride + at.row - S.padding) * from.row +
                        (xs.begin * S.stride + at.col - S.padding) * from.pixel;
      float const* out = d + row * to.row + xs.begin * to.pixel;
      for (int col = xs.begin; col < xs.end; ++col, in += S.stride * from.pixel, out += to.pixel) {
        in = forget(in);
        vec<arch> g[vectors];
        CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
          g[n] = v::load(out + place(n));
          if constexpr (WithBias) sum_of_outputs[n] = v::add(sum_of_outputs[n], g[n]);
        }
        CALOTYPE_UNROLL for (int r = 0; r < T.rows; ++r) {
          CALOTYPE_UNROLL for (int c = 0; c < T.cols; ++c) {
            CALOTYPE_UNROLL for (int i = 0; i < T.channels; ++i) {
              vec<arch> const value = v::broadcast(in[r * from.row + c * from.pixel + i * from.channel]);
              CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[r][c][i][n] =
                  v::fma(value, g[n], sum[r][c][i][n]);
            }
          }
        }
      }
    }
    alignas(64) float lane[T.rows][T.cols][T.channels][width];
    each<T>([&](int r, int c, int i, int n) { v::store(lane[r][c][i] + n * v::lanes, sum[r][c][i][n]); });
    if constexpr (WithBias) store_bias(sum_of_outputs, at.filter, dbias);
    int const filters = smaller_of(width, S.filters - at.filter);
    int const inputs = smaller_of(T.channels, S.in.channels - at.channel);
    for (int f = 0; f < filters; ++f) {
      float* filter = dweights + (at.filter + f) * S.in.channels * S.kernel * S.kernel;
      for (int i = 0; i < inputs; ++i) {
        float* w = filter + ((at.channel + i) * S.kernel + at.row) * S.kernel + at.col;
        for (int r = 0; r < T.rows; ++r) {
          for (int c = 0; c < T.cols; ++c) w[r * S.kernel + c] = lane[r][c][i][f];
        }
      }
    }
  }

  static void bias(float const* d, int filter, float* dbias) {
    vec<arch> sum[vectors];
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[n] = v::broadcast(0.f);
    for (int row = 0; row < to.rows; ++row) {
      float const* out = d + row * to.row;
      for (int col = 0; col < to.cols; ++col, out += to.pixel) {
        CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[n] = v::add(sum[n], v::load(out + place(n)));
      }
    }
    store_bias(sum, filter, dbias);
  }

  CALOTYPE_INLINE static void store_bias(vec<arch> const (&sum)[vectors], int filter, float* dbias) {
    alignas(64) float lane[width];
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) v::store(lane + n * v::lanes, sum[n]);
    int const filters = smaller_of(width, S.filters - filter);
    for (int f = 0; f < filters; ++f) dbias[filter + f] = lane[f];
  }

  // Where register n of the output channels lies.
  static constexpr int place(int n) { return n * v::lanes / block_size * to.block + n * v::lanes % block_size; }

  template <weight_tile T, class Function>
  CALOTYPE_INLINE static void each(Function f) {
    CALOTYPE_UNROLL for (int r = 0; r < T.rows; ++r) {
      CALOTYPE_UNROLL for (int c = 0; c < T.cols; ++c) {
        CALOTYPE_UNROLL for (int i = 0; i < T.channels; ++i) {
          CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) f(r, c, i, n);
        }
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
