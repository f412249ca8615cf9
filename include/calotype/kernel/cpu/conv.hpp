// Convolution: bias, shortcut, ReLU and max pool in the same pass as the chains of multiply-adds. Its gradients
// are in conv_gradient.hpp.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/pixel_set.hpp>
#include <calotype/kernel/cpu/pooled.hpp>
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

  template <bool Relu, pool_shape P>
  static void forward_pool(Policy const& p, float const* in, float const* packed, float* out,
                           pixel_word* filled = nullptr) noexcept requires pools<P> {
    constexpr strides pooled = map_strides(P.out());
    if (filled != nullptr) pixel_set<P.out()>::fill(filled);
    pooled_chains<arch, shape, pooled, P.size>::template all<Relu>(
        p, in + from.origin(), packed, packed + bias_size, taps, out + pooled.origin());
  }

  // Mostly empty images, row by row from wherever their pixels are.
  template <bool Relu, pool_shape P>
  static constexpr bool reads_rows = FromImage&& Relu&& pools<P>&& sparse_pooled<arch, S, P>::applies;
  template <pool_shape P>
  static constexpr std::size_t window_size = sparse_pooled<arch, S, P>::window_size;

  template <bool Relu, pool_shape P, class Rows>
  static void forward_pool_rows(Policy const& p, Rows const& image, float const* packed, float* out,
                                float* windows,
                                pixel_word* filled = nullptr) noexcept requires reads_rows<Relu, P> {
    sparse_pooled<arch, S, P>::template all<Relu>(p, image, packed, packed + bias_size,
                                                  out + map_strides(P.out()).origin(), windows, filled);
  }

 private:
  template <bool Relu>
  static void run([[maybe_unused]] Policy const& p, float const* in, float const* packed, float const* added,
                  float* out) noexcept {
    if constexpr (chain::leaves_out(taps)) {
      chain::template inside_only<Relu, taps>(p, in + from.origin(), packed, packed + bias_size, added, out);
    } else if constexpr (inside) {
      chain::template all<Relu>(p, in + from.origin(), packed, packed + bias_size, taps, added, out);
    } else {
      chain::template clipped<Relu>(in + from.origin(), packed, packed + bias_size, taps, added, out);
    }
  }
};

}  // namespace calotype::kernel::cpu
