// expect: calotype::nn::branches: the branch before the layer named by Layer has no layer that computes; give
// it one, e.g. a dense layer
#include <array>

#include <calotype/nn/plan.hpp>

namespace ct = calotype;

struct tagger {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{1, 8, 8}, ct::kernel::map_shape{5, 1, 1}};
    }
  };
  static constexpr auto classes() { return ct::labels("signal"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("image", conv{.filters = 4}, relu{}, global_max_pool{}), branch("features", dropout{})),
        logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
