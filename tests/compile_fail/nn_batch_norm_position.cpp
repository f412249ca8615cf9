// expect: calotype::nn::batch_norm: the layer named by Layer has no conv layer directly before it; move it
// between a conv and its relu
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16}, relu{}, batch_norm{}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
