// A network with two inputs: a first convolution with its pool and one without, channels that fill no register.
#pragma once

#include <array>

#include <calotype/kernel/ops.hpp>
#include <calotype/nn/layers.hpp>
#include <calotype/nn/plan.hpp>

namespace calotype_test {

using calotype::kernel::map_shape;

struct mixed {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{3, 21, 26}, map_shape{1, 17, 17}}; }
  };
  static constexpr auto classes() { return calotype::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace calotype::nn;
    return calotype::nn::layers(
        branches(branch("left", conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1}, relu{}, max_pool{},
                        residual{.filters = 16}, residual{.filters = 32, .stride = 2}, global_max_pool{}),
                 branch("right", conv{.filters = 5}, relu{}, max_pool{.size = 3, .stride = 2},
                        dense{.units = 9}, relu{})),
        dropout{.rate = 0.2}, dense{.units = 19}, relu{}, logits{});
  }
};

}  // namespace calotype_test
