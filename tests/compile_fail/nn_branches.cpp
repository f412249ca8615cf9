// expect: calotype::nn::branches: the image has Want planes but the network reads Got; list one branch.* per
// plane in branches
#include <array>

#include <calotype/nn/plan.hpp>
namespace ct = calotype;
struct three_planes {
  static constexpr auto tensor() {
    using shape = ct::kernel::map_shape;
    return std::array{shape{1, 170, 360}, shape{1, 100, 100}, shape{1, 100, 100}};
  }
};
struct tagger {
  using input = three_planes;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16}, relu{}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
