// The one loop behind convolutions and their input gradients: every output is a chain of fused multiply-adds
// over the taps of its window (row, column) and the input's channels; a tile of outputs is held in registers.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>

namespace calotype::kernel::cpu {

// The taps of a window. Tap (ky, kx) of the output at (y, x) reads the input at
// (y stride + first_row + ky step, x stride + first_col + kx step).
struct window {
  int rows = 0;
  int cols = 0;
  int first_row = 0;
  int first_col = 0;
  int step = 1;
  int stride = 1;

  // Whether every tap of rows x cols outputs stays inside the input and its halo.
  constexpr bool stays_inside(strides in, int out_rows, int out_cols) const {
    auto const inside = [&](int first, int taps, int outputs, int size) {
      int const last_tap = first + step * (taps - 1);
      int const last_output = stride * (outputs - 1);
      return smaller_of(first, last_tap) >= -in.halo &&
             larger_of(first, last_tap) + last_output < size + in.halo;
    };
    return rows * cols == 0 ||
           (inside(first_row, rows, out_rows, in.rows) && inside(first_col, cols, out_cols, in.cols));
  }
  friend constexpr bool operator==(window, window) = default;
};

// The registers of a tile: `vectors` for the output channels that are computed together, times the tile's
// outputs. What is left holds the weights and one input.
template <class Arch>
struct tile_model {
  static constexpr int lanes = simd<Arch>::lanes;

  // Blocks of output channels computed together: two where a block is one register, so that each input that is
  // broadcast serves two multiply-adds.
  static constexpr int blocks_together(int blocks) { return lanes == block_size && blocks % 2 == 0 ? 2 : 1; }
  static constexpr int vectors(int blocks) { return blocks_together(blocks) * block_size / lanes; }
  static constexpr int outputs(int vectors) { return (simd<Arch>::registers - vectors - 1) / vectors; }
};

// A whole layer: `rows` x `cols` outputs with `blocks` blocks of channels. `to` has the strides between
// outputs.
struct layer {
  strides from{};
  strides to{};
  int stride = 1;
  int blocks = 0;

  friend constexpr bool operator==(layer, layer) = default;
};

// The taps that are carried out, as steps through memory.
struct taps {
  int rows = 0;
  int cols = 0;
  int row_step = 0;
  int col_step = 0;
  int weight_row = 0;
};

template <class Arch, layer L>
struct chains {
  using v = simd<Arch>;
  static constexpr int vectors = tile_model<Arch>::vectors(L.blocks);
  static constexpr int together = tile_model<Arch>::blocks_together(L.blocks);
  static constexpr int outputs = tile_model<Arch>::outputs(vectors);
  static constexpr int width = together * block_size;  // output channels computed together
  static constexpr int rows = L.to.rows;
  static constexpr int cols = L.to.cols;
  // Narrow layers take several rows into a tile.
  static constexpr parts across = split(cols, outputs);
  static constexpr parts down = split(rows, cols <= outputs ? outputs / cols : 1);

  static constexpr taps whole(window w) {
    return {w.rows, w.cols, w.step * L.from.row, w.step * L.from.pixel, w.cols * L.from.channels * width};
  }

  // All outputs. `in`, `added` and `out` point at pixel (0, 0); `weights` are [together][tap row][tap
  // col][channel][width], `bias` has all channels; `added` may be null. Every tap must stay inside the input
  // and its halo.
  template <bool Relu, class Policy>
  static void all(Policy const& p, float const* in, float const* bias, float const* weights, window w,
                  float const* added, float* out) {
    in += w.first_row * L.from.row + w.first_col * L.from.pixel;
    int const weights_of_group = w.rows * w.cols * L.from.channels * width;
    for_each_part(p, L.blocks / together * down.count, work(w), [&](int, int part) {
      int const group = part / down.count, i = part % down.count;
      int const y = i * down.length + smaller_of(i, down.longer);
      float const* const from = in + y * L.stride * L.from.row;
      float const* const b = bias + group * width;
      int const to = y * L.to.row + group * together * L.to.block;
      if constexpr (down.longer > 0) {
        if (i < down.longer) {
          return band<down.length + 1, Relu>(from, b, weights + group * weights_of_group, whole(w), added, out,
                                             to);
        }
      }
      band<down.length, Relu>(from, b, weights + group * weights_of_group, whole(w), added, out, to);
    });
  }

  // Whether a map is so small that a tenth of the taps or more see the zeros around it, and few tiles do it.
  static constexpr bool leaves_out(window w) {
    int inside_rows = 0, inside_cols = 0;
    for (int y = 0; y < rows; ++y) {
      for (int k = 0; k < w.rows; ++k)
        inside_rows += is_inside(y * L.stride + w.first_row + k * w.step, L.from.rows);
    }
    for (int x = 0; x < cols; ++x) {
      for (int k = 0; k < w.cols; ++k)
        inside_cols += is_inside(x * L.stride + w.first_col + k * w.step, L.from.cols);
    }
    return across.count == 1 && down.count <= 2 &&
           10 * inside_rows * inside_cols <= 9 * rows * w.rows * cols * w.cols;
  }

  // The same as all() without the taps that see zeros: what a chain that starts from a bias would add to it is
  // nothing.
  template <bool Relu, window W, class Policy>
  static void inside_only(Policy const& p, float const* in, float const* bias, float const* weights,
                          float const* added, float* out) requires(leaves_out(W)) {
    constexpr int weights_of_group = W.rows * W.cols * L.from.channels * width;
    for_each_part(p, L.blocks / together * down.count, work(W), [&](int, int part) {
      int const group = part / down.count;
      float const* const b = bias + group * width;
      float const* const w = weights + group * weights_of_group;
      int const to = group * together * L.to.block;
      if (part % down.count == 0) {
        inside_band<0, Relu, W>(in, b, w, added, out, to);
      } else {
        inside_band<down.count - 1, Relu, W>(in, b, w, added, out, to);
      }
    });
  }

  // Multiply-adds of the layer.
  static constexpr long long work(window w) {
    return static_cast<long long>(rows) * cols * L.blocks * block_size * w.rows * w.cols * L.from.channels;
  }

  // The same where taps may fall beyond the halo: they are left out.
  template <bool Relu>
  static void clipped(float const* in, float const* bias, float const* weights, window w, float const* added,
                      float* out) {
    for (int block = 0; block < L.blocks; block += together) {
      for (int y = 0; y < rows; ++y) {
        auto const ky = inside(y * L.stride + w.first_row, w.step, w.rows, L.from.rows);
        float const* from = in + (y * L.stride + w.first_row + ky.first * w.step) * L.from.row;
        for (int x = 0; x < cols; ++x) {
          auto const kx = inside(x * L.stride + w.first_col, w.step, w.cols, L.from.cols);
          taps t = whole(w);
          t.rows = ky.count;
          t.cols = kx.count;
          int const to = block * L.to.block + y * L.to.row + x * L.to.pixel;
          tile<1, 1, Relu>(from + (x * L.stride + w.first_col + kx.first * w.step) * L.from.pixel,
                           bias + block * block_size,
                           weights + ky.first * t.weight_row + kx.first * L.from.channels * width, t,
                           added != nullptr ? added + to : nullptr, out + to);
        }
      }
      weights += w.rows * w.cols * L.from.channels * width;
    }
  }

  // sum[row][col][vector] = bias, then one fma per tap and input channel.
  template <int Rows, int Cols>
  CALOTYPE_INLINE static void accumulate(vec<Arch> (&sum)[Rows][Cols][vectors], float const* in,
                                         float const* bias, float const* weights, taps t) {
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
      vec<Arch> const start = v::load(bias + n * v::lanes);
      CALOTYPE_UNROLL for (int r = 0; r < Rows; ++r) {
        CALOTYPE_UNROLL for (int c = 0; c < Cols; ++c) sum[r][c][n] = start;
      }
    }
    for (int ky = 0; ky < t.rows; ++ky, in += t.row_step, weights += t.weight_row) {
      float const* tap = in;
      float const* weight = weights;
      for (int kx = 0; kx < t.cols; ++kx, tap += t.col_step) {
        for (int first = 0, block = 0; first < L.from.channels;
             first += L.from.together, block += L.from.block) {
          float const* x = tap + block;
          int const channels = smaller_of(L.from.together, L.from.channels - first);
          for (int channel = 0; channel < channels; ++channel, x += L.from.channel, weight += width) {
            x = forget(x);
            vec<Arch> w[vectors];
            CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) w[n] = v::load(weight + n * v::lanes);
            CALOTYPE_UNROLL for (int r = 0; r < Rows; ++r) {
              CALOTYPE_UNROLL for (int c = 0; c < Cols; ++c) {
                vec<Arch> const value = v::broadcast(x[L.stride * (r * L.from.row + c * L.from.pixel)]);
                CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[r][c][n] =
                    v::fma(value, w[n], sum[r][c][n]);
              }
            }
          }
        }
      }
    }
  }

  // Where register n of a pixel's channels lies in the output.
  static constexpr int place(int n) {
    return n * v::lanes / block_size * L.to.block + n * v::lanes % block_size;
  }

 private:
  struct span {
    int first;
    int count;
  };

  // The taps k for which 0 <= at + k step < size.
  CALOTYPE_INLINE static span inside(int at, int step, int taps, int size) {
    int const first = larger_of(0, step > 0 ? -at : at - size + 1);
    int const end = smaller_of(taps, step > 0 ? size - at : at + 1);
    return {first < end ? first : 0, first < end ? end - first : 0};
  }

  template <int Rows, bool Relu>
  CALOTYPE_INLINE static void band(float const* in, float const* bias, float const* weights, taps t,
                                   float const* added, float* out, int to) {
    constexpr int step = L.stride * L.from.pixel;
    for (int i = 0; i < across.count; ++i) {
      float const* a = added != nullptr ? added + to : nullptr;
      if constexpr (across.longer > 0) {
        if (i < across.longer) {
          tile<Rows, across.length + 1, Relu>(in, bias, weights, t, a, out + to);
          in += (across.length + 1) * step;
          to += (across.length + 1) * L.to.pixel;
          continue;
        }
      }
      tile<Rows, across.length, Relu>(in, bias, weights, t, a, out + to);
      in += across.length * step;
      to += across.length * L.to.pixel;
    }
  }

  static constexpr bool is_inside(int at, int size) { return 0 <= at && at < size; }

  template <int Band, bool Relu, window W>
  static void inside_band(float const* in, float const* bias, float const* weights, float const* added,
                          float* out, int to) {
    constexpr int first = Band * down.length + smaller_of(Band, down.longer);
    constexpr int count = down.length + (Band < down.longer ? 1 : 0);
    vec<Arch> sum[count][cols][vectors];
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
      vec<Arch> const start = v::load(bias + n * v::lanes);
      CALOTYPE_UNROLL for (int r = 0; r < count; ++r) {
        CALOTYPE_UNROLL for (int c = 0; c < cols; ++c) sum[r][c][n] = start;
      }
    }
    inside_taps<0, first, W>(sum, in, weights);
    finish<Relu>(sum, added != nullptr ? added + to + first * L.to.row : nullptr, out + to + first * L.to.row);
  }

  template <int Tap, int First, window W, int Rows>
  CALOTYPE_INLINE static void inside_taps(vec<Arch> (&sum)[Rows][cols][vectors], float const* in,
                                          float const* weight) {
    if constexpr (Tap < W.rows * W.cols) {
      constexpr int row = First * L.stride + W.first_row + Tap / W.cols * W.step;
      constexpr int col = W.first_col + Tap % W.cols * W.step;
      for (int first = 0, block = 0; first < L.from.channels; first += L.from.together, block += L.from.block) {
        float const* x = in + row * L.from.row + col * L.from.pixel + block;
        int const channels = smaller_of(L.from.together, L.from.channels - first);
        for (int channel = 0; channel < channels; ++channel, x += L.from.channel, weight += width) {
          x = forget(x);
          vec<Arch> w[vectors];
          CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) w[n] = v::load(weight + n * v::lanes);
          CALOTYPE_UNROLL for (int r = 0; r < Rows; ++r) {
            CALOTYPE_UNROLL for (int c = 0; c < cols; ++c) {
              if (is_inside(row + r * L.stride, L.from.rows) && is_inside(col + c * L.stride, L.from.cols)) {
                vec<Arch> const value = v::broadcast(x[L.stride * (r * L.from.row + c * L.from.pixel)]);
                CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[r][c][n] =
                    v::fma(value, w[n], sum[r][c][n]);
              }
            }
          }
        }
      }
      inside_taps<Tap + 1, First, W>(sum, in, weight);
    }
  }

  template <int Rows, int Cols, bool Relu>
  static void tile(float const* in, float const* bias, float const* weights, taps t, float const* added,
                   float* out) {
    vec<Arch> sum[Rows][Cols][vectors];
    accumulate(sum, in, bias, weights, t);
    finish<Relu>(sum, added, out);
  }

  template <bool Relu, int Rows, int Cols>
  CALOTYPE_INLINE static void finish(vec<Arch> (&sum)[Rows][Cols][vectors], float const* added, float* out) {
    if (added != nullptr) {
      each(sum, [&](vec<Arch>& s, int at) { s = v::add(s, v::load(added + at)); });
    }
    each(sum, [&](vec<Arch> s, int at) { v::store(out + at, Relu ? rectified<Arch>(s) : s); });
  }

  template <int Rows, int Cols, class Function>
  CALOTYPE_INLINE static void each(vec<Arch> (&sum)[Rows][Cols][vectors], Function f) {
    CALOTYPE_UNROLL for (int r = 0; r < Rows; ++r) {
      CALOTYPE_UNROLL for (int c = 0; c < Cols; ++c) {
        CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n)
            f(sum[r][c][n], r * L.to.row + c * L.to.pixel + place(n));
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
