// expect: calotype::nn: the layer named by Layer works on a feature map but gets a vector; put it before
// global_max_pool or dense
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(global_max_pool{}, conv{.filters = 16}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
