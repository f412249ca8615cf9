// Fully connected layers of one event: eight registers of outputs (or inputs, for the gradient) at a time.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/elementwise.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, dense_shape S>
struct dense {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr int padded = blocks_of(S.outputs) * block_size;
  static constexpr int width =
      smaller_of(8 * v::lanes, padded);  // outputs at a time; the last group may have fewer
  static constexpr std::size_t packed_size =
      static_cast<std::size_t>(padded) * (1 + static_cast<std::size_t>(S.inputs));

  // Biases, then [group of outputs][input][output].
  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    for (int o = 0; o < padded; ++o) *packed++ = o < S.outputs ? bias[o] : 0.f;
    for (int group = 0; group < padded; group += width) {
      for (int i = 0; i < S.inputs; ++i) {
        for (int o = group; o < smaller_of(group + width, padded); ++o) {
          *packed++ = o < S.outputs ? weights[static_cast<std::ptrdiff_t>(o) * S.inputs + i] : 0.f;
        }
      }
    }
  }

  template <bool Relu>
  static void forward(Policy const&, float const* in, float const* packed, float* out) noexcept {
    float const* weights = packed + padded;
    constexpr int groups = padded / width;
    for (int group = 0; group < groups; ++group) {
      outputs<width, Relu>(in, packed + group * width, weights, out + group * width, S.outputs - group * width);
      weights += static_cast<std::ptrdiff_t>(S.inputs) * width;
    }
    if constexpr (padded % width > 0) {
      constexpr int first = groups * width;
      outputs<padded % width, Relu>(in, packed + first, weights, out + first, S.outputs - first);
    }
  }

  static void input_gradient(Policy const&, float const* dout, float const* weights, float* din) noexcept {
    constexpr int together = 8;
    int i = 0;
    for (; i + together * v::lanes <= S.inputs; i += together * v::lanes) {
      vec<arch> sum[together];
      CALOTYPE_UNROLL for (int n = 0; n < together; ++n) sum[n] = v::broadcast(0.f);
      float const* w = weights + i;
      for (int o = 0; o < S.outputs; ++o, w += S.inputs) {
        vec<arch> const d = v::broadcast(dout[o]);
        CALOTYPE_UNROLL for (int n = 0; n < together; ++n) sum[n] =
            v::fma(d, v::load(w + n * v::lanes), sum[n]);
      }
      CALOTYPE_UNROLL for (int n = 0; n < together; ++n) v::store(din + i + n * v::lanes, sum[n]);
    }
    for (; i < S.inputs; i += v::lanes) {
      int const n = S.inputs - i;
      vec<arch> sum = v::broadcast(0.f);
      float const* w = weights + i;
      for (int o = 0; o < S.outputs; ++o, w += S.inputs)
        sum = v::fma(v::broadcast(dout[o]), load_up_to<arch>(w, n), sum);
      store_up_to<arch>(din + i, sum, n);
    }
  }

  static void weight_gradient(Policy const&, float const* in, float const* dout, float* dweights,
                              float* dbias) noexcept {
    for (int o = 0; o < S.outputs; ++o) {
      vec<arch> const d = v::broadcast(dout[o]);
      float* w = dweights + static_cast<std::ptrdiff_t>(o) * S.inputs;
      for (int i = 0; i < S.inputs; i += v::lanes) {
        store_up_to<arch>(w + i, v::mul(load_up_to<arch>(in + i, S.inputs - i), d), S.inputs - i);
      }
      dbias[o] = dout[o];
    }
  }

 private:
  // Width chains; `wanted` of them are stored.
  template <int Width, bool Relu>
  CALOTYPE_INLINE static void outputs(float const* in, float const* bias, float const* weights, float* out,
                                      int wanted) {
    constexpr int vectors = Width / v::lanes;
    vec<arch> sum[vectors];
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[n] = v::load(bias + n * v::lanes);
    for (int i = 0; i < S.inputs; ++i, weights += Width) {
      vec<arch> const x = v::broadcast(in[i]);
      CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[n] =
          v::fma(x, v::load(weights + n * v::lanes), sum[n]);
    }
    CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
      if (n * v::lanes < wanted) {
        store_up_to<arch>(out + n * v::lanes, Relu ? rectified<arch>(sum[n]) : sum[n], wanted - n * v::lanes);
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
