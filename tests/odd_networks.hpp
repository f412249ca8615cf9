// Networks with layers that the papers' do not have.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/layers.hpp>
#include <calotype/nn/plan.hpp>

namespace calotype_test {

namespace ct = calotype;
using ct::kernel::map_shape;

// Windows that reach further out, means, strides of three, many pixels and few.
struct wide_windows {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 45, 50}}; }
  };
  static constexpr auto classes() { return ct::labels("only"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(avg_pool{}, conv{.filters = 6, .kernel = 5, .padding = 2}, relu{},
                          conv{.filters = 12, .kernel = 3, .stride = 3, .padding = 1}, avg_pool{},
                          conv{.filters = 7, .kernel = 1}, relu{}, global_avg_pool{}, logits{});
  }
};

// A pooled first convolution whose columns begin at no quads, with more padding.
struct odd_stride {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{4, 31, 33}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 10, .kernel = 5, .stride = 1, .padding = 2}, max_pool{},
                          conv{.filters = 8, .kernel = 3}, relu{}, global_max_pool{}, logits{});
  }
};

// Convolutions and pools that leave one pixel, which is a vector: behind another convolution, and as the first
// of all.
struct to_one_pixel {
  struct input {
    static constexpr auto tensor() {
      return std::array{map_shape{2, 8, 8}, map_shape{3, 6, 6}, map_shape{1, 4, 4}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(branches(branch("convolution", conv{.filters = 6, .kernel = 3, .padding = 1}, relu{},
                                          conv{.filters = 5, .kernel = 8}, relu{}),
                                   branch("pool", conv{.filters = 7, .kernel = 3, .padding = 1}, relu{},
                                          max_pool{.size = 6, .stride = 6}),
                                   branch("both", conv{.filters = 9, .kernel = 3}, relu{}, max_pool{})),
                          dense{.units = 11}, relu{}, logits{});
  }
};

// A global pool over more rows than usual.
struct many_rows {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 300, 12}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 3, .padding = 1}, global_avg_pool{}, logits{});
  }
};

// Residual blocks down to one pixel, which a shortcut and a window read.
struct shrinks_to_a_pixel {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 8, 8}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr residual half{.filters = 8, .stride = 2};
    return ct::nn::layers(conv{.filters = 8, .kernel = 3, .padding = 1}, relu{}, half, half, half, logits{});
  }
};

// A residual network of few columns.
struct narrow_trunk {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 60, 60}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() { return ct::nn::layers(ct::nn::resnet_trunk<1>(), ct::nn::logits{}); }
};

// Windows that are far apart.
struct far_apart {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 90, 95}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        conv{.filters = 6, .kernel = 3, .padding = 1}, relu{}, conv{.filters = 9, .kernel = 4, .stride = 4},
        relu{}, conv{.filters = 5, .kernel = 3, .stride = 5, .padding = 1}, global_max_pool{}, logits{});
  }
};

// Two convolutional LSTMs of different maps.
struct two_sequences {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{4, 8, 9}, map_shape{6, 12, 5}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("first", conv_lstm{.filters = 5, .steps = 2, .kernel = 3}, global_max_pool{}),
                 branch("second", conv_lstm{.filters = 3, .steps = 3, .kernel = 3}, global_max_pool{})),
        logits{});
  }
};

// Images a fifth of whose pixels are not empty.
template <class Net>
std::vector<float> some_inputs(std::size_t n) {
  std::vector<float> x(n * ct::nn::input_size<Net>());
  ct::stream draw(21, 0, 5);
  for (float& v : x) v = draw.uniform() < 0.2f ? draw.uniform(-0.3f, 1.0f) : 0.0f;
  return x;
}

}  // namespace calotype_test
