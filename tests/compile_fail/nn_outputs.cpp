// expect: calotype::nn: the last layer has Got outputs but classes.. needs Want; end the network with logits
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
    return ct::nn::layers(global_max_pool{}, dense{.units = 4});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
