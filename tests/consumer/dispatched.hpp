// A user's network, in the header that his program and the units of the network share.
#pragma once

#include <calotype/nn/layers.hpp>

namespace mine {

struct numbers {
  static constexpr auto features() { return calotype::labels("a", "b", "c"); }
};
struct quick_tagger {
  using input = numbers;
  static constexpr auto classes() { return calotype::labels("signal"); }
  static constexpr auto layers() {
    using namespace calotype::nn;
    return calotype::nn::layers(dense{16}, relu{}, logits{});
  }
};

}  // namespace mine
