// Convolution: bias, shortcut, ReLU and max pool in the same pass as the chains of multiply-adds. Its gradients
// are in conv_gradient.hpp.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/pixel_set.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/cpu/sparse.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// Weights as chains read them, [group of `width` outputs][tap row][tap col][input][width], from any order in
// which outputs and inputs are `output_step` and `input_step` apart. Taps first, first + step, ... below
// `kernel` in both directions. Missing outputs get zeros.
struct packing {
  int outputs = 0;
  int output_step = 0;
  int inputs = 0;
  int input_step = 0;
  int kernel = 0;
  int first_row = 0;
  int first_col = 0;
  int step = 1;
  int width = 0;
};

template <class Arch>
float* pack_chains(packing const& k, float const* weights, float* packed) noexcept {
  for (int group = 0; group < k.outputs; group += k.width) {
    for (int ky = k.first_row; ky < k.kernel; ky += k.step) {
      for (int kx = k.first_col; kx < k.kernel; kx += k.step) {
        for (int i = 0; i < k.inputs; ++i) {
          for (int o = group; o < group + k.width; ++o) {
            *packed++ =
                o < k.outputs ? weights[o * k.output_step + i * k.input_step + ky * k.kernel + kx] : 0.f;
          }
        }
      }
    }
  }
  return packed;
}

// Biases of whole blocks, zeros where channels are missing.
template <class Arch>
float* pack_bias(int outputs, float const* bias, float* packed) noexcept {
  for (int o = 0; o < blocks_of(outputs) * block_size; ++o) *packed++ = o < outputs ? bias[o] : 0.f;
  return packed;
}

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

  // Row y of the pooled map, group `group` of its channels.
  template <bool Relu>
  static void row(float const* in, float const* bias, float const* weights, window w, int group, int y,
                  float* out) {
    float const* from = in + (w.first_row + y * Size * L.stride) * L.from.row + w.first_col * L.from.pixel;
    float const* const b = bias + group * chain::width;
    float const* const weight = weights + group * (w.rows * w.cols * L.from.channels * chain::width);
    float* to = out + group * chain::together * Pooled.block + y * Pooled.row;
    for (int i = 0; i < across.count; ++i) {
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
        vec<Arch> best = sum[0][x * Size][n];
        CALOTYPE_UNROLL for (int r = 0; r < Size; ++r) {
          CALOTYPE_UNROLL for (int c = 0; c < Size; ++c) best = v::greater_of(sum[r][x * Size + c][n], best);
        }
        int const at = x * Pooled.pixel + n * v::lanes / block_size * Pooled.block + n * v::lanes % block_size;
        v::store(out + at, Relu ? rectified<Arch>(best) : best);
      }
    }
  }
};

// The convolution of kernel/ops.hpp. FromImage: reads the image layout.
template <class Policy, conv_shape S, bool FromImage>
struct conv {
  using arch = typename Policy::arch_type;
  static constexpr strides from = FromImage ? image_strides(S.in) : map_strides(S.in);
  static constexpr strides to = map_strides(S.out());
  static constexpr int blocks = blocks_of(S.filters);
  static constexpr layer shape{from, to, S.stride, blocks};
  static constexpr window taps{S.kernel, S.kernel, -S.padding, -S.padding, 1, S.stride};
  static constexpr bool inside = taps.stays_inside(from, to.rows, to.cols);
  using chain = chains<arch, shape>;

  static constexpr std::size_t bias_size = static_cast<std::size_t>(blocks * block_size);
  static constexpr std::size_t packed_size =
      bias_size * (1 + static_cast<std::size_t>(S.in.channels * S.kernel * S.kernel));

  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    packing constexpr order{.outputs = S.filters,
                            .output_step = S.in.channels * S.kernel * S.kernel,
                            .inputs = S.in.channels,
                            .input_step = S.kernel * S.kernel,
                            .kernel = S.kernel,
                            .width = chain::width};
    pack_chains<arch>(order, weights, pack_bias<arch>(S.filters, bias, packed));
  }

  template <bool Relu, bool Shortcut>
  static void forward(Policy const& p, float const* in, float const* packed, float const* shortcut,
                      float* out) noexcept {
    if constexpr (S.out().is_vector()) {
      whole_blocks<S.filters> added;
      whole_blocks<S.filters> sum;
      if constexpr (Shortcut) added = whole_blocks<S.filters>(shortcut);
      run<Relu>(p, in, packed, Shortcut ? added.value : nullptr, sum.value);
      sum.copy_to(out);
    } else {
      run<Relu>(p, in, packed, Shortcut ? shortcut + to.origin() : nullptr, out + to.origin());
    }
  }

  // Windows that do not overlap and of which at least one fits into a tile.
  template <pool_shape P>
  static constexpr bool pools =
      inside&& P.in == S.out() && P.size == P.stride&& P.size* P.size <= chain::outputs && !P.out().is_vector();

  // Whether forward_pool tells pixels that see energy from others.
  template <pool_shape P>
  static constexpr bool finds_filled = FromImage&& pools<P>&&
      sparse_pooled<arch, S, P, pooled_chains<arch, shape, map_strides(P.out()), P.size>>::applies;

  template <bool Relu, pool_shape P>
  static void forward_pool(Policy const& p, float const* in, float const* packed, float* out,
                           pixel_word* filled = nullptr) noexcept requires pools<P> {
    constexpr strides pooled = map_strides(P.out());
    using dense = pooled_chains<arch, shape, pooled, P.size>;
    using sparse = sparse_pooled<arch, S, P, dense>;
    if constexpr (FromImage && Relu && sparse::applies) {
      sparse::template all<Relu>(p, in + from.origin(), packed, packed + bias_size, taps, out + pooled.origin(),
                                 filled);
    } else {
      if (filled != nullptr) pixel_set<P.out()>::fill(filled);
      dense::template all<Relu>(p, in + from.origin(), packed, packed + bias_size, taps, out + pooled.origin());
    }
  }

 private:
  template <bool Relu>
  static void run([[maybe_unused]] Policy const& p, float const* in, float const* packed, float const* added,
                  float* out) noexcept {
    if constexpr (inside) {
      chain::template all<Relu>(p, in + from.origin(), packed, packed + bias_size, taps, added, out);
    } else {
      chain::template clipped<Relu>(in + from.origin(), packed, packed + bias_size, taps, added, out);
    }
  }
};

}  // namespace calotype::kernel::cpu
