// expect: calotype::nn::residual: the block named by Layer has Got output channels but Want input channels, and its shortcut is the identity; set .filters to the input's channels, or .stride = 2 for a projection shortcut
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
    return ct::nn::layers(conv{.filters = 16}, relu{}, residual{.filters = 8}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
