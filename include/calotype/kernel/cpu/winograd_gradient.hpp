// Weight gradients of 3x3 convolutions in the points of Winograd's filtering: tiles of the input and of the
// output's gradient meet at each point, the products are summed over the tiles, and the sums go back to nine
// taps once.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/cpu/winograd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, conv_shape S>
struct winograd_weight_gradient {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  using forward = winograd_conv<Policy, S>;
  static constexpr strides from = map_strides(S.in);
  static constexpr strides to = map_strides(S.out());
  static constexpr int in_blocks = forward::in_blocks;
  static constexpr int out_blocks = forward::out_blocks;
  static constexpr int together = forward::together;
  static constexpr int vectors = forward::vectors;
  static constexpr int width = forward::width;
  static constexpr winograd_tiling tiling = forward::tiling;
  static constexpr int row_points = forward::row_points;
  static constexpr int col_points = forward::col_points;
  static constexpr int inputs = in_blocks * block_size;

  // Whether it beats one chain per weight: small maps spend more on reading and writing the sums.
  static constexpr bool pays = [] {
    int products = 0;
    for (int i = 0; i < 4; ++i) {
      winograd_field const f = tiling.field(i);
      if (f.tiles() > 0) products += f.points() * (f.tiles() + 5);
    }
    return products < 9 * S.out().rows * S.out().cols;
  }();

  // Input channels whose sums are in registers together.
  static constexpr int channels = power_below(tile_model<arch>::outputs(vectors));
  static constexpr int most_tiles = 24;
  static constexpr int sums_of_point = inputs * out_blocks * block_size;

  static constexpr std::size_t sums_size = static_cast<std::size_t>(row_points * col_points * sums_of_point);
  static constexpr std::size_t scratch_size =
      sums_size +
      static_cast<std::size_t>(row_points * col_points * most_tiles * block_size * (in_blocks + out_blocks));

  static void run(float const* in, float const* dout, float* dweights, float* dbias, float* scratch) noexcept {
    field<0>(in, dout, scratch);
    field<1>(in, dout, scratch);
    field<2>(in, dout, scratch);
    field<3>(in, dout, scratch);
    to_weights(scratch, dweights);
    bias(dout + to.origin(), dbias);
  }

 private:
  // Sums are [point][group of `width` outputs][input][width].
  template <int Field>
  static void field(float const* in, float const* dout, float* sums) noexcept {
    constexpr winograd_field f = tiling.field(Field);
    if constexpr (f.tiles() > 0) {
      constexpr parts g = split(f.tiles(), most_tiles);
      float* const points = sums + sums_size;
      float* const gradients = points + f.points() * most_tiles * in_blocks * block_size;
      int tile = 0;
      for (int i = 0; i < g.count; ++i) {
        int const tiles = g.length + (i < g.longer ? 1 : 0);
        for (int t = 0; t < tiles; ++t) {
          int const y = (tile + t) / f.cols.tiles, x = (tile + t) % f.cols.tiles;
          int const row = f.rows.first + y * f.rows.size, col = f.cols.first + x * f.cols.size;
          forward::template with_extent<f>(y, x, [&]<int Rows, int Cols>() {
            for (int block = 0; block < in_blocks; ++block) {
              forward::template to_points<f, winograd_span{0, Rows + 2}, winograd_span{0, Cols + 2}>(
                  in + row * from.row + col * from.pixel + block * from.block,
                  points + (block * tiles + t) * block_size, tiles * in_blocks * block_size);
            }
            for (int block = 0; block < out_blocks; ++block) {
              to_points_of_gradient<f, Rows, Cols>(
                  dout + to.origin() + row * to.row + col * to.pixel + block * to.block,
                  gradients + (block * tiles + t) * block_size, tiles * out_blocks * block_size);
            }
          });
        }
        if (Field == 0 && i == 0) {
          multiply<f, true>(points, gradients, tiles, sums);
        } else {
          multiply<f, false>(points, gradients, tiles, sums);
        }
        tile += tiles;
      }
    }
  }

  // The transposed transform of outputs; those beyond the map count as zero.
  template <winograd_field F, int Rows, int Cols>
  static void to_points_of_gradient(float const* tile, float* points, int step) noexcept {
    constexpr int rows = F.rows.points(), cols = F.cols.points();
    for (int part = 0; part < block_size; part += v::lanes) {
      vec<arch> column[rows][F.cols.size];
      CALOTYPE_UNROLL for (int j = 0; j < F.cols.size; ++j) {
        vec<arch> y[F.rows.size], t[rows];
        CALOTYPE_UNROLL for (int i = 0; i < F.rows.size; ++i) {
          y[i] = i < Rows && j < Cols ? v::load(tile + part + i * to.row + j * to.pixel) : v::broadcast(0.f);
        }
        winograd_transform<arch, F.rows.size>::gradient(y, t);
        CALOTYPE_UNROLL for (int i = 0; i < rows; ++i) column[i][j] = t[i];
      }
      CALOTYPE_UNROLL for (int i = 0; i < rows; ++i) {
        vec<arch> t[cols];
        winograd_transform<arch, F.cols.size>::gradient(column[i], t);
        CALOTYPE_UNROLL for (int j = 0; j < cols; ++j) v::store(points + part + (i * cols + j) * step, t[j]);
      }
    }
  }

  template <winograd_field F, bool First>
  static void multiply(float const* points, float const* gradients, int tiles, float* sums) noexcept {
    constexpr int cols = F.cols.points();
    for (int p = 0; p < F.points(); ++p) {
      float* to_sums = sums + (F.rows.place(p / cols) * col_points + F.cols.place(p % cols)) * sums_of_point;
      for (int block = 0; block < out_blocks; block += together) {
        float const* const d = gradients + (p * out_blocks + block) * tiles * block_size;
        for (int channel = 0; channel < inputs; channel += channels) {
          float const* const x =
              points + (p * in_blocks + channel / block_size) * tiles * block_size + channel % block_size;
          multiply_tiles<First>(x, d, tiles, to_sums);
          to_sums += channels * width;
        }
      }
    }
  }

  template <bool First>
  CALOTYPE_INLINE static void multiply_tiles(float const* x, float const* d, int tiles, float* sums) {
    vec<arch> sum[channels][vectors];
    CALOTYPE_UNROLL for (int c = 0; c < channels; ++c) {
      CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
        sum[c][n] = First ? v::broadcast(0.f) : v::load(sums + c * width + n * v::lanes);
      }
    }
    for (int t = 0; t < tiles; ++t, x += block_size, d += block_size) {
      x = forget(x);
      vec<arch> g[vectors];
      CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
        g[n] = v::load(d + n * v::lanes / block_size * tiles * block_size + n * v::lanes % block_size);
      }
      CALOTYPE_UNROLL for (int c = 0; c < channels; ++c) {
        vec<arch> const value = v::broadcast(x[c]);
        CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[c][n] = v::fma(value, g[n], sum[c][n]);
      }
    }
    CALOTYPE_UNROLL for (int c = 0; c < channels; ++c) {
      CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) v::store(sums + c * width + n * v::lanes, sum[c][n]);
    }
  }

  static void to_weights(float const* sums, float* dweights) noexcept {
    for (int group = 0; group < out_blocks * block_size; group += width) {
      int const filters = smaller_of(width, S.filters - group);
      for (int i = 0; i < S.in.channels; ++i) {
        alignas(64) float tap[9][width];
        for (int n = 0; n < width; n += v::lanes) {
          float const* const s = sums + group * inputs + i * width + n;
          vec<arch> row[3][col_points];
          CALOTYPE_UNROLL for (int x = 0; x < col_points; ++x) {
            vec<arch> u[row_points], g[3];
            CALOTYPE_UNROLL for (int y = 0; y < row_points; ++y) {
              u[y] = v::load(s + (y * col_points + x) * sums_of_point);
            }
            winograd_transform<arch, row_points - 2>::weights(u, g);
            CALOTYPE_UNROLL for (int y = 0; y < 3; ++y) row[y][x] = g[y];
          }
          CALOTYPE_UNROLL for (int y = 0; y < 3; ++y) {
            vec<arch> g[3];
            winograd_transform<arch, col_points - 2>::weights(row[y], g);
            CALOTYPE_UNROLL for (int x = 0; x < 3; ++x) v::store(tap[3 * y + x] + n, g[x]);
          }
        }
        for (int f = 0; f < filters; ++f) {
          float* const w = dweights + ((group + f) * S.in.channels + i) * 9;
          for (int t = 0; t < 9; ++t) w[t] = tap[t][f];
        }
      }
    }
  }

  // Four chains, one for each column modulo 4.
  static void bias(float const* dout, float* dbias) noexcept {
    for (int channel = 0; channel < out_blocks * block_size; channel += v::lanes) {
      float const* const d = dout + channel / block_size * to.block + channel % block_size;
      vec<arch> sum[4];
      CALOTYPE_UNROLL for (int k = 0; k < 4; ++k) sum[k] = v::broadcast(0.f);
      for (int row = 0; row < to.rows; ++row) {
        float const* const p = d + row * to.row;
        int col = 0;
        for (; col + 4 <= to.cols; col += 4) {
          CALOTYPE_UNROLL for (int k = 0; k < 4; ++k) {
            sum[k] = v::add(sum[k], v::load(p + (col + k) * to.pixel));
          }
        }
        CALOTYPE_UNROLL for (int k = 0; k < to.cols % 4; ++k) {
          sum[k] = v::add(sum[k], v::load(p + (col + k) * to.pixel));
        }
      }
      alignas(64) float lane[v::lanes];
      v::store(lane, v::add(v::add(sum[0], sum[1]), v::add(sum[2], sum[3])));
      for (int i = 0; i < v::lanes && channel + i < S.filters; ++i) dbias[channel + i] = lane[i];
    }
  }
};

}  // namespace calotype::kernel::cpu
