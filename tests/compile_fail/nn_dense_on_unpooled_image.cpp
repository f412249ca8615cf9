// expect: calotype::nn::dense: the layer named by Layer would flatten a map of Got numbers .limit Want.; pool before it .max_pool, global_max_pool. or raise .max_inputs
#include <array>
#include <calotype/nn/plan.hpp>
namespace ct = calotype;
struct image {
  static constexpr auto tensor() { return std::array{ct::kernel::map_shape{1, 170, 360}}; }
};
struct tagger {
  using input = image;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .padding = 1}, relu{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
