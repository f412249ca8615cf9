// The convolutions of a policy with their gradients, in the arithmetic it asks for.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>
#include <calotype/kernel/cpu/conv.hpp>
#include <calotype/kernel/cpu/conv_gradient.hpp>
#include <calotype/kernel/cpu/pooled_gradient.hpp>
#include <calotype/kernel/cpu/winograd.hpp>
#include <calotype/kernel/cpu/winograd_gradient.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// One chain per output.
template <class Policy, conv_shape S, bool FromImage>
struct direct_layer : conv<Policy, S, FromImage> {
  static constexpr std::size_t gradient_packed_size = conv_input_gradient<Policy, S>::packed_size;

  static void pack_gradient(float const* weights, float* packed) noexcept {
    conv_input_gradient<Policy, S>::pack(weights, packed);
  }
  static void input_gradient(Policy const&, float const* dout, float const* packed, float const* added,
                             float* din) noexcept requires(!FromImage) {
    conv_input_gradient<Policy, S>::run(dout, packed, added, din);
  }
  static void weight_gradient(Policy const&, float const* in, float const* dout, float* dweights,
                              float* dbias) noexcept {
    conv_weight_gradient<Policy, S, FromImage>::run(in, dout, dweights, dbias);
  }

  template <pool_shape P>
  static bool gradient_through_pool_pays(float const* in) noexcept {
    return pooled_weight_gradient<Policy, S, P>::pays(in);
  }
  template <pool_shape P>
  static void weight_gradient_through_pool(Policy const&, float const* in, float const* packed,
                                           pixel_word const* filled, float const* dpooled, float* place,
                                           float* dweights, float* dbias) noexcept {
    using through = pooled_weight_gradient<Policy, S, P>;
    through::run(in, packed, packed + conv<Policy, S, FromImage>::bias_size, filled, dpooled, place, dweights,
                 dbias);
  }
};

// The gradient of the input is the same kind of convolution, from filters to channels, with its taps turned
// round.
template <class Policy, conv_shape S>
struct winograd_layer {
  static constexpr conv_shape turned{S.out(), S.in.channels, 3, 1, 1};
  using forward_kernel = winograd_conv<Policy, S>;
  using gradient_kernel = winograd_conv<Policy, turned>;
  using weight_kernel = winograd_weight_gradient<Policy, S>;
  static constexpr std::size_t packed_size = forward_kernel::packed_size;
  static constexpr std::size_t gradient_packed_size = gradient_kernel::packed_size;
  static constexpr std::size_t scratch_size = forward_kernel::scratch_size;
  static constexpr std::size_t gradient_scratch_size =
      std::max(gradient_kernel::scratch_size, weight_kernel::pays ? weight_kernel::scratch_size : 0);

  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    float* const points = pack_bias<typename Policy::arch_type>(S.filters, bias, packed);
    forward_kernel::template pack_points<false>(weights, S.in.channels * 9, 9, points);
  }
  template <bool Relu, bool Shortcut>
  static void forward(Policy const& p, float const* in, float const* packed, float const* shortcut, float* out,
                      float* scratch) noexcept {
    constexpr auto finish = Relu ? winograd_finish::relu : winograd_finish::none;
    forward_kernel::template run<finish, Shortcut>(p, in, packed, shortcut, nullptr, out, scratch);
  }
  static constexpr bool gains_together = forward_kernel::gains_together;
  template <bool Relu, bool Shortcut>
  static void forward_together(Policy const& p, int maps, std::ptrdiff_t step, float const* in,
                               float const* packed, float const* shortcut, float* out,
                               float* scratch) noexcept {
    constexpr auto finish = Relu ? winograd_finish::relu : winograd_finish::none;
    forward_kernel::template run_together<finish, Shortcut>(p, maps, step, in, packed, shortcut, out, scratch);
  }
  static constexpr bool follows = forward_kernel::follows;
  template <bool Relu, bool Shortcut>
  static void forward_changed(Policy const& p, float const* in, float const* packed, float const* shortcut,
                              float const* empty, pixel_word const* computed, pixel_word const* copied,
                              float* out, float* scratch) noexcept {
    constexpr auto finish = Relu ? winograd_finish::relu : winograd_finish::none;
    forward_kernel::template run_changed<finish, Shortcut>(p, in, packed, shortcut, empty, computed, copied,
                                                           out, scratch);
  }
  static void changed(pixel_word const* from, pixel_word* to) noexcept { pixel_set<S.out()>::spread(from, to); }
  static void computed(pixel_word const* from, pixel_word* to) noexcept {
    forward_kernel::whole_tiles(from, to);
  }
  static void read(pixel_word const* from, pixel_word* to) noexcept { pixel_set<S.in>::spread(from, to); }
  template <pool_shape>
  static constexpr bool pools = false;

  static void pack_gradient(float const* weights, float* packed) noexcept {
    for (std::size_t i = 0; i < gradient_kernel::bias_size; ++i) *packed++ = 0.f;
    gradient_kernel::template pack_points<true>(weights, 9, S.in.channels * 9, packed);
  }
  static void input_gradient(Policy const& p, float const* dout, float const* packed, float const* added,
                             float* din, float* scratch) noexcept {
    with_added<winograd_finish::none>(p, dout, packed, added, nullptr, din, scratch);
  }
  static void input_gradient_relu(Policy const& p, float const* dout, float const* packed, float const* added,
                                  float const* in, float* din, float* scratch) noexcept {
    with_added<winograd_finish::relu_gradient>(p, dout, packed, added, in, din, scratch);
  }
  static void weight_gradient(Policy const&, float const* in, float const* dout, float* dweights, float* dbias,
                              float* scratch) noexcept {
    if constexpr (weight_kernel::pays) {
      weight_kernel::run(in, dout, dweights, dbias, scratch);
    } else {
      conv_weight_gradient<Policy, S, false>::run(in, dout, dweights, dbias);
    }
  }

 private:
  template <winograd_finish Finish>
  static void with_added(Policy const& p, float const* dout, float const* packed, float const* added,
                         float const* in, float* din, float* scratch) noexcept {
    if (added != nullptr) {
      gradient_kernel::template run<Finish, true>(p, dout, packed, added, in, din, scratch);
    } else {
      gradient_kernel::template run<Finish, false>(p, dout, packed, nullptr, in, din, scratch);
    }
  }
};

namespace detail {

template <class Policy, conv_shape S, bool FromImage>
constexpr auto choose_layer() {
  constexpr bool both = winograd_applies(S) && winograd_applies({S.out(), S.in.channels, 3, 1, 1});
  if constexpr (std::same_as<typename Policy::arithmetic_type, exec::winograd> && !FromImage && both) {
    return winograd_layer<Policy, S>{};
  } else {
    return direct_layer<Policy, S, FromImage>{};
  }
}

}  // namespace detail

template <class Policy, conv_shape S, bool FromImage>
using layer_of = decltype(detail::choose_layer<Policy, S, FromImage>());

}  // namespace calotype::kernel::cpu
