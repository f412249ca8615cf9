// Batch normalisation over maps, sixteen channels at a time.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/pool.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/element/batch_norm.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, map_shape M>
struct batch_norm {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  using norm = channel_norm<float>;
  using slope = channel_slope<float>;
  static constexpr strides s = map_strides(M);

  // Of every channel.
  static void sums(Policy const&, float const* map, double* sum) noexcept {
    add_rows<1>([&](int at, int block, int part,
                    vec<arch>* row) { row[0] = v::add(row[0], load_channels<arch, M>(map + at, block, part)); },
                sum);
  }
  // Of the squares of the distances from `mean` (whole blocks).
  static void squares(Policy const&, float const* map, float const* mean, double* sum) noexcept {
    add_rows<1>(
        [&](int at, int block, int part, vec<arch>* row) {
          vec<arch> const d =
              v::sub(load_channels<arch, M>(map + at, block, part), of_channel(mean, block, part));
          row[0] = v::fma(d, d, row[0]);
        },
        sum);
  }
  template <bool Relu, bool Shortcut>
  static void forward(Policy const&, float const* map, norm const& n, float const* shortcut,
                      float* out) noexcept {
    each([&](int at, int block, int part) {
      vec<arch> const scale = of_channel(n.scale, block, part), shift = of_channel(n.shift, block, part);
      vec<arch> y = v::fma(scale, standardised(map + at, n, block, part), shift);
      if constexpr (Shortcut) y = v::add(y, load_channels<arch, M>(shortcut + at, block, part));
      if constexpr (Relu) y = v::greater_of(y, v::broadcast(0.f));
      store_channels<arch, M>(out + at, block, part, y);
    });
  }
  // Of the gradient, to sum[0 ...], and of its product with the normalised numbers, behind them.
  static void slopes(Policy const&, float const* map, norm const& n, float const* dout, double* sum) noexcept {
    add_rows<2>(
        [&](int at, int block, int part, vec<arch>* row) {
          vec<arch> const d = load_channels<arch, M>(dout + at, block, part);
          row[0] = v::add(row[0], d);
          row[1] = v::fma(d, standardised(map + at, n, block, part), row[1]);
        },
        sum);
  }
  static void gradient(Policy const&, float const* map, norm const& n, slope const& means, float const* dout,
                       float* din) noexcept {
    each([&](int at, int block, int part) {
      vec<arch> const rest =
          v::sub(load_channels<arch, M>(dout + at, block, part), of_channel(means.mean, block, part));
      vec<arch> const known = v::fma(negative(standardised(map + at, n, block, part)),
                                     of_channel(means.product, block, part), rest);
      vec<arch> const factor = v::mul(of_channel(n.scale, block, part), of_channel(n.inverse, block, part));
      store_channels<arch, M>(din + at, block, part, v::mul(factor, known));
    });
  }

 private:
  static vec<arch> of_channel(float const* numbers, int block, int part) {
    return v::load(numbers + block * block_size + part * v::lanes);
  }
  static vec<arch> negative(vec<arch> x) { return v::mul(x, v::broadcast(-1.f)); }
  static vec<arch> standardised(float const* x, norm const& n, int block, int part) {
    vec<arch> const mean = of_channel(n.mean, block, part), inverse = of_channel(n.inverse, block, part);
    return v::mul(v::sub(load_channels<arch, M>(x, block, part), mean), inverse);
  }

  template <class Function>
  static void each(Function f) {
    for_each_register<arch, M.channels>([&](int block, int part) {
      for (int row = 0; row < M.rows; ++row) {
        for (int col = 0; col < M.cols; ++col) f(s.origin() + row * s.row + col * s.pixel, block, part);
      }
    });
  }

  // sum[k channels + channel], k < Sums: f adds a pixel to the registers of a row, rows are added in double.
  template <int Sums, class Function>
  static void add_rows(Function f, double* sum) {
    for (int i = 0; i < Sums * M.channels; ++i) sum[i] = 0;
    for_each_register<arch, M.channels>([&](int block, int part) {
      int const first = block * block_size + part * v::lanes;
      for (int row = 0; row < M.rows; ++row) {
        vec<arch> of_row[Sums];
        for (int k = 0; k < Sums; ++k) of_row[k] = v::broadcast(0.f);
        for (int col = 0; col < M.cols; ++col) {
          f(s.origin() + row * s.row + col * s.pixel, block, part, of_row);
        }
        for (int k = 0; k < Sums; ++k) {
          alignas(64) float lane[v::lanes];
          v::store(lane, of_row[k]);
          for (int c = first; c < M.channels && c < first + v::lanes; ++c) {
            sum[k * M.channels + c] += double{lane[c - first]};
          }
        }
      }
    });
  }
};

}  // namespace calotype::kernel::cpu
