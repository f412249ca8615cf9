// Convolution and max pool in the same pass.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>

namespace calotype::kernel::cpu {

// Convolution and max pool in one go: tiles of whole pool windows.
template <class Arch, layer L, strides Pooled, int Size>
struct pooled_chains {
  using v = simd<Arch>;
  using chain = chains<Arch, L>;
  static constexpr int windows = chain::outputs / (Size * Size);  // in a tile
  static constexpr parts across = split(Pooled.cols, larger_of(windows, 1));

  template <bool Relu, class Policy>
  static void all(Policy const& p, float const* in, float const* bias, float const* weights, window w,
                  float* out) {
    for_each_part(p, L.blocks / chain::together * Pooled.rows, chain::work(w), [&](int, int part) {
      row<Relu>(in, bias, weights, w, part / Pooled.rows, part % Pooled.rows, out);
    });
  }

  // The pooled column at which a tile begins.
  static constexpr int first_of_tile(int i) { return i * across.length + smaller_of(i, across.longer); }

  // Row y of the pooled map, group `group` of its channels, the tiles from `begin` to `end`.
  template <bool Relu>
  static void row(float const* in, float const* bias, float const* weights, window w, int group, int y,
                  float* out, int begin = 0, int end = across.count) {
    int const first = first_of_tile(begin);
    float const* from = in + (w.first_row + y * Size * L.stride) * L.from.row +
                        (w.first_col + first * Size * L.stride) * L.from.pixel;
    float const* const b = bias + group * chain::width;
    float const* const weight = weights + group * (w.rows * w.cols * L.from.channels * chain::width);
    float* to = out + group * chain::together * Pooled.block + y * Pooled.row + first * Pooled.pixel;
    for (int i = begin; i < end; ++i) {
      if constexpr (across.longer > 0) {
        if (i < across.longer) {
          tile<across.length + 1, Relu>(from, b, weight, chain::whole(w), to);
          from += (across.length + 1) * Size * L.stride * L.from.pixel;
          to += (across.length + 1) * Pooled.pixel;
          continue;
        }
      }
      tile<across.length, Relu>(from, b, weight, chain::whole(w), to);
      from += across.length * Size * L.stride * L.from.pixel;
      to += across.length * Pooled.pixel;
    }
  }

 private:
  template <int Windows, bool Relu>
  static void tile(float const* in, float const* bias, float const* weights, taps t, float* out) {
    vec<Arch> sum[Size][Windows * Size][chain::vectors];
    chain::accumulate(sum, in, bias, weights, t);
    CALOTYPE_UNROLL for (int x = 0; x < Windows; ++x) {
      CALOTYPE_UNROLL for (int n = 0; n < chain::vectors; ++n) {
        // ReLU first: of sums that are no number it makes zeros.
        vec<Arch> best = Relu ? v::broadcast(0.f) : sum[0][x * Size][n];
        CALOTYPE_UNROLL for (int r = 0; r < Size; ++r) {
          CALOTYPE_UNROLL for (int c = 0; c < Size; ++c) best = v::greater_of(sum[r][x * Size + c][n], best);
        }
        int const at = x * Pooled.pixel + n * v::lanes / block_size * Pooled.block + n * v::lanes % block_size;
        v::store(out + at, best);
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
