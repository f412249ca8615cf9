// The residual network of the event and jet papers, as a list of layers.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include <calotype/nn/layers.hpp>

namespace calotype::nn {

// In the place of batch_norm{}.
struct no_norm {};

// Everything before the last dense layer: an image plane becomes 32 numbers. conv0 is 7x7 with stride 2 and
// padding 1, then 2x2 max pooling, `Blocks` blocks of 16, one of 32 with stride 2, `Blocks` of 32, global max
// pooling; no batch normalisation (event paper 5.1; shapes and parameter names as in the authors' public code
// johnalison/QCD_Glu_Quark). Other kinds of pooling may be given, and batch_norm{} to have one behind each
// convolution.
template <int Blocks, class Pool = max_pool, class GlobalPool = global_max_pool, class Norm = no_norm>
constexpr auto resnet_trunk(Pool first = {}, GlobalPool last = {}, Norm = {}) {
  constexpr bool normalised = std::same_as<Norm, batch_norm>;
  static_assert(normalised || std::same_as<Norm, no_norm>);
  auto const behind_first = [] {
    if constexpr (normalised) {
      return layers(batch_norm{}, relu{});
    } else {
      return relu{};
    }
  }();
  constexpr std::array<std::string_view, 8> narrow{"layer1.0", "layer1.1", "layer1.2", "layer1.3",
                                                   "layer1.4", "layer1.5", "layer1.6", "layer1.7"};
  constexpr std::array<std::string_view, 8> wide{"layer3.0", "layer3.1", "layer3.2", "layer3.3",
                                                 "layer3.4", "layer3.5", "layer3.6", "layer3.7"};
  static_assert(Blocks > 0 && Blocks <= static_cast<int>(narrow.size()));
  return [&]<std::size_t... Block>(std::index_sequence<Block...>) {
    return layers(conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1, .name = "conv0"}, behind_first,
                  first, residual{.filters = 16, .name = narrow[Block], .batch_norm = normalised}...,
                  residual{.filters = 32, .stride = 2, .name = "layer2.0", .batch_norm = normalised},
                  residual{.filters = 32, .name = wide[Block], .batch_norm = normalised}..., last);
  }
  (std::make_index_sequence<static_cast<std::size_t>(Blocks)>{});
}

// The published one: 15 convolutions.
constexpr auto resnet15_trunk() { return resnet_trunk<3>(); }

// The whole network for one image plane.
constexpr auto resnet15() { return layers(resnet15_trunk(), logits{}); }

}  // namespace calotype::nn
