// expect: calotype::nn: the window of the layer named by Layer .Got. is larger than its input with padding .Want.; use a smaller kernel or fewer pooling layers before it
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
    return ct::nn::layers(max_pool{.size = 100}, conv{.filters = 4, .kernel = 3}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
