// Pools over maps, sixteen channels at a time.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// f(block, part) for every register that the channels of a pixel fill.
template <class Arch, int Channels, class Function>
CALOTYPE_INLINE void for_each_register(Function f) {
  for (int block = 0; block < blocks_of(Channels); ++block) {
    CALOTYPE_UNROLL for (int part = 0; part < registers_per_block<Arch>; ++part) f(block, part);
  }
}

template <class Policy, pool_shape P>
struct max_pool {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr map_shape in_shape = P.in;
  static constexpr map_shape out_shape = P.out();
  static constexpr strides from = map_strides(in_shape);
  static constexpr strides to = map_strides(out_shape);

  static void forward(Policy const&, float const* in, float* out) noexcept {
    for_each_register<arch, in_shape.channels>([&](int block, int part) {
      for (int row = 0; row < to.rows; ++row) {
        for (int col = 0; col < to.cols; ++col) {
          float const* window = in + from.origin() + P.stride * (row * from.row + col * from.pixel);
          vec<arch> best = load_channels<arch, in_shape>(window, block, part);
          for (int y = 0; y < P.size; ++y) {
            for (int x = 0; x < P.size; ++x) {
              best = v::greater_of(
                  load_channels<arch, in_shape>(window + y * from.row + x * from.pixel, block, part), best);
            }
          }
          store_channels<arch, out_shape>(out + to.origin() + row * to.row + col * to.pixel, block, part, best);
        }
      }
    });
  }

  // Each window gives its gradient to its first maximum in raster order.
  static void gradient(Policy const&, float const* in, float const* out, float const* dout,
                       float* din) noexcept {
    constexpr bool disjoint = P.size == P.stride;  // every pixel is in one window, or beyond the last
    for_each_register<arch, in_shape.channels>([&](int block, int part) {
      vec<arch> const zero = v::broadcast(0.f);
      for (int row = 0; row < from.rows; ++row) {
        for (int col = disjoint && row < to.rows * P.size ? to.cols * P.size : 0; col < from.cols; ++col) {
          store_channels<arch, in_shape>(din + from.origin() + row * from.row + col * from.pixel, block, part,
                                         zero);
        }
      }
      for (int row = 0; row < to.rows; ++row) {
        for (int col = 0; col < to.cols; ++col) {
          int const at = to.origin() + row * to.row + col * to.pixel;
          int const window = from.origin() + P.stride * (row * from.row + col * from.pixel);
          vec<arch> const best = load_channels<arch, out_shape>(out + at, block, part);
          vec<arch> rest = v::add(zero, load_channels<arch, out_shape>(dout + at, block, part));
          for (int y = 0; y < P.size; ++y) {
            for (int x = 0; x < P.size; ++x) {
              int const tap = window + y * from.row + x * from.pixel;
              vec<arch> const value = load_channels<arch, in_shape>(in + tap, block, part);
              vec<arch> share = v::select_equal(value, best, rest, zero);
              rest = v::select_equal(value, best, zero, rest);
              if constexpr (!disjoint)
                share = v::add(load_channels<arch, in_shape>(din + tap, block, part), share);
              store_channels<arch, in_shape>(din + tap, block, part, share);
            }
          }
        }
      }
    });
  }
};

template <class Policy, map_shape M>
struct global_max_pool {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr strides from = map_strides(M);
  static constexpr map_shape vector{M.channels, 1, 1};

  // Row by row: the rows' chains of comparisons are independent, and the first of equal maxima is kept all the
  // same.
  static void forward(Policy const&, float const* in, float* out) noexcept {
    for_each_register<arch, M.channels>([&](int block, int part) {
      vec<arch> best = load_channels<arch, M>(in + from.origin(), block, part);
      for (int row = 0; row < from.rows; ++row) {
        float const* pixel = in + from.origin() + row * from.row;
        vec<arch> best_of_row = load_channels<arch, M>(pixel, block, part);
        for (int col = 1; col < from.cols; ++col) {
          best_of_row =
              v::greater_of(load_channels<arch, M>(pixel + col * from.pixel, block, part), best_of_row);
        }
        best = v::greater_of(best_of_row, best);
      }
      store_channels<arch, vector>(out, block, part, best);
    });
  }

  static void gradient(Policy const&, float const* in, float const* out, float const* dout,
                       float* din) noexcept {
    for_each_register<arch, M.channels>([&](int block, int part) {
      vec<arch> const zero = v::broadcast(0.f);
      vec<arch> const best = load_channels<arch, vector>(out, block, part);
      vec<arch> rest = load_channels<arch, vector>(dout, block, part);
      for (int row = 0; row < from.rows; ++row) {
        for (int col = 0; col < from.cols; ++col) {
          int const at = from.origin() + row * from.row + col * from.pixel;
          vec<arch> const value = load_channels<arch, M>(in + at, block, part);
          store_channels<arch, M>(din + at, block, part, v::select_equal(value, best, rest, zero));
          rest = v::select_equal(value, best, zero, rest);
        }
      }
    });
  }
};

// The mean of Rows x Cols pixels of a map from `pixel` on.
template <class Arch, map_shape M, int Rows, int Cols>
CALOTYPE_INLINE vec<Arch> mean(float const* pixel, int block, int part) {
  using v = simd<Arch>;
  constexpr strides from = map_strides(M);
  vec<Arch> sum = v::broadcast(0.f);
  for (int y = 0; y < Rows; ++y) {
    vec<Arch> of_row = v::broadcast(0.f);
    for (int x = 0; x < Cols; ++x) {
      of_row = v::add(of_row, load_channels<Arch, M>(pixel + y * from.row + x * from.pixel, block, part));
    }
    sum = v::add(sum, of_row);
  }
  return v::mul(sum, v::broadcast(1.f / float{Rows * Cols}));
}

template <class Policy, pool_shape P>
struct avg_pool {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr map_shape in_shape = P.in;
  static constexpr map_shape out_shape = P.out();
  static constexpr strides from = map_strides(in_shape);
  static constexpr strides to = map_strides(out_shape);

  static void forward(Policy const&, float const* in, float* out) noexcept {
    for_each_register<arch, in_shape.channels>([&](int block, int part) {
      for (int row = 0; row < to.rows; ++row) {
        for (int col = 0; col < to.cols; ++col) {
          float const* window = in + from.origin() + P.stride * (row * from.row + col * from.pixel);
          store_channels<arch, out_shape>(out + to.origin() + row * to.row + col * to.pixel, block, part,
                                          mean<arch, in_shape, P.size, P.size>(window, block, part));
        }
      }
    });
  }

  static void gradient(Policy const&, float const* dout, float* din) noexcept {
    for_each_register<arch, in_shape.channels>([&](int block, int part) {
      for (int row = 0; row < from.rows; ++row) {
        for (int col = 0; col < from.cols; ++col) {
          store_channels<arch, in_shape>(din + from.origin() + row * from.row + col * from.pixel, block, part,
                                         v::broadcast(0.f));
        }
      }
      for (int row = 0; row < to.rows; ++row) {
        for (int col = 0; col < to.cols; ++col) {
          int const at = to.origin() + row * to.row + col * to.pixel;
          vec<arch> const share = v::mul(load_channels<arch, out_shape>(dout + at, block, part),
                                         v::broadcast(1.f / float{P.size * P.size}));
          float* const window = din + from.origin() + P.stride * (row * from.row + col * from.pixel);
          for (int y = 0; y < P.size; ++y) {
            for (int x = 0; x < P.size; ++x) {
              float* const pixel = window + y * from.row + x * from.pixel;
              store_channels<arch, in_shape>(pixel, block, part,
                                             v::add(load_channels<arch, in_shape>(pixel, block, part), share));
            }
          }
        }
      }
    });
  }
};

template <class Policy, map_shape M>
struct global_avg_pool {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr strides from = map_strides(M);
  static constexpr map_shape vector{M.channels, 1, 1};

  static void forward(Policy const&, float const* in, float* out) noexcept {
    for_each_register<arch, M.channels>([&](int block, int part) {
      store_channels<arch, vector>(out, block, part,
                                   mean<arch, M, M.rows, M.cols>(in + from.origin(), block, part));
    });
  }

  static void gradient(Policy const&, float const* dout, float* din) noexcept {
    for_each_register<arch, M.channels>([&](int block, int part) {
      vec<arch> const share =
          v::mul(load_channels<arch, vector>(dout, block, part), v::broadcast(1.f / float{M.rows * M.cols}));
      for (int row = 0; row < from.rows; ++row) {
        for (int col = 0; col < from.cols; ++col) {
          store_channels<arch, M>(din + from.origin() + row * from.row + col * from.pixel, block, part, share);
        }
      }
    });
  }
};

}  // namespace calotype::kernel::cpu
