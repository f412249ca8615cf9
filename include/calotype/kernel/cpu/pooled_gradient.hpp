// The weight gradient of a detector image's first convolution, through its ReLU and max pool, without a map of
// the convolution's outputs: most windows see no pixel, and the others' outputs are soon computed again. The
// same bits as by way of that map, where the gradient is zero but at the first maximum of each window.
#pragma once

#include <bit>
#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, conv_shape S, pool_shape P>
struct pooled_weight_gradient {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr strides from = image_strides(S.in);
  static constexpr strides pooled = map_strides(P.out());
  static constexpr int registers = registers_per_block<arch>;
  static constexpr bool applies = blocks_of(S.filters) == 1 && P.size == P.stride && P.in == S.out();

  // Whether so few pixels are filled that run() is faster than the whole map.
  static bool pays(float const* in) noexcept {
    in += from.origin();
    int count = 0;
    for (int c = 0; c < S.in.channels; ++c) {
      for (int y = 0; y < S.in.rows; ++y) {
        for (int g = 0; g < groups; ++g) {
          count += std::popcount(filled_of(in + c * from.channel + y * from.row, g));
        }
      }
    }
    return 8 * count <= S.in.size();
  }

  // `filled`: the windows that see a filled pixel; `dout`: the gradients of the pooled map; `place`: memory for
  // another such map, whatever is in it.
  static void run(float const* in, float const* packed_bias, float const* packed_weights,
                  pixel_word const* filled, float const* dout, float* place, float* dweights,
                  float* dbias) noexcept {
    in += from.origin();
    dout += pooled.origin();
    place += pooled.origin();
    find_places(in, packed_bias, packed_weights, filled, place);
    bias(place, dout, dbias);
    weights(in, place, dout, dweights);
  }

 private:
  static constexpr int groups = ratio_up(S.in.cols, v::lanes);
  static constexpr window taps{S.kernel, S.kernel, -S.padding, -S.padding, 1, S.stride};
  using chain = chains<arch, layer{from, map_strides(S.out()), S.stride, 1}>;

  // Which pixels of a group of lanes are not zero.
  CALOTYPE_INLINE static unsigned filled_of(float const* row, int group) {
    int const x = group * v::lanes, n = S.in.cols - x;
    return v::not_zero(n >= v::lanes ? v::load(row + x) : v::load_part(row + x, n));
  }

  // Of every window the place of its first maximum, row * size + column; -1 where the ReLU makes it zero.
  static void find_places(float const* in, float const* packed_bias, float const* packed_weights,
                          pixel_word const* filled, float* place) {
    vec<arch> const zero = v::broadcast(0.f);
    for (int y = 0; y < pooled.rows; ++y, filled += words_in_row(P.out())) {
      for (int x = 0; x < pooled.cols; ++x) {
        vec<arch> sum[P.size][P.size][registers];
        bool const sees = (filled[x / 64] >> x % 64 & 1) != 0;
        if (sees) {
          float const* const window = in + (y * P.size * S.stride - S.padding) * from.row +
                                      (x * P.size * S.stride - S.padding) * from.pixel;
          chain::accumulate(sum, window, packed_bias, packed_weights, chain::whole(taps));
        }
        CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
          vec<arch> best = sees ? sum[0][0][n] : v::load(packed_bias + n * v::lanes);
          vec<arch> where = zero;
          if (sees) {
            CALOTYPE_UNROLL for (int i = 1; i < P.size * P.size; ++i) {
              vec<arch> const s = sum[i / P.size][i % P.size][n];
              where = v::select_greater(s, best, v::broadcast(static_cast<float>(i)), where);
              best = v::greater_of(s, best);
            }
          }
          v::store(place + y * pooled.row + x * pooled.pixel + n * v::lanes,
                   v::select_greater(best, zero, where, v::broadcast(-1.f)));
        }
      }
    }
  }

  // The gradient of the output at one place of a window.
  CALOTYPE_INLINE static vec<arch> at_place(float const* place, float const* dout, int window, float where,
                                            int n) {
    vec<arch> const zero = v::broadcast(0.f);
    return v::select_equal(v::load(place + window + n * v::lanes), v::broadcast(where),
                           v::add(zero, v::load(dout + window + n * v::lanes)), zero);
  }

  // In the order of the convolution's outputs: row by row, of which a window has at most one maximum.
  static void bias(float const* place, float const* dout, float* dbias) {
    alignas(64) float sums[block_size];
    vec<arch> sum[registers];
    CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) sum[n] = v::broadcast(0.f);
    for (int y = 0; y < P.size * pooled.rows; ++y) {
      for (int x = 0; x < P.size * pooled.cols; ++x) {
        int const window = y / P.size * pooled.row + x / P.size * pooled.pixel;
        auto const where = static_cast<float>(y % P.size * P.size + x % P.size);
        CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
          sum[n] = v::add(sum[n], at_place(place, dout, window, where, n));
        }
      }
    }
    CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) v::store(sums + n * v::lanes, sum[n]);
    for (int o = 0; o < S.filters; ++o) dbias[o] = sums[o];
  }

  // Pixel by pixel: for each tap that is the order of the outputs.
  static void weights(float const* in, float const* place, float const* dout, float* dweights) {
    constexpr int sum_count = S.kernel * S.kernel * S.in.channels;
    alignas(64) float sums[sum_count][block_size] = {};
    for (int y = 0; y < S.in.rows; ++y) {
      for (int g = 0; g < groups; ++g) {
        unsigned any = 0;
        for (int c = 0; c < S.in.channels; ++c) any |= filled_of(in + c * from.channel + y * from.row, g);
        for (; any != 0; any &= any - 1) {
          int const x = g * v::lanes + std::countr_zero(any);
          pixel(in + y * from.row + x, y, x, place, dout, sums);
        }
      }
    }
    for (int o = 0; o < S.filters; ++o) {
      for (int c = 0; c < S.in.channels; ++c) {
        for (int k = 0; k < S.kernel * S.kernel; ++k) {
          dweights[(o * S.in.channels + c) * S.kernel * S.kernel + k] = sums[k * S.in.channels + c][o];
        }
      }
    }
  }

  CALOTYPE_INLINE static void pixel(float const* values, int y, int x, float const* place, float const* dout,
                                    float (*sums)[block_size]) {
    for (int ky = (y + S.padding) % S.stride; ky < S.kernel; ky += S.stride) {
      int const row = (y + S.padding - ky) / S.stride;
      if (y + S.padding < ky || row >= P.size * pooled.rows) continue;
      for (int kx = (x + S.padding) % S.stride; kx < S.kernel; kx += S.stride) {
        int const col = (x + S.padding - kx) / S.stride;
        if (x + S.padding < kx || col >= P.size * pooled.cols) continue;
        int const window = row / P.size * pooled.row + col / P.size * pooled.pixel;
        auto const where = static_cast<float>(row % P.size * P.size + col % P.size);
        CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
          vec<arch> const d = at_place(place, dout, window, where, n);
          for (int c = 0; c < S.in.channels; ++c) {
            float* const sum = sums[(ky * S.kernel + kx) * S.in.channels + c] + n * v::lanes;
            v::store(sum, v::fma(v::broadcast(values[c * from.channel]), d, v::load(sum)));
          }
        }
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
