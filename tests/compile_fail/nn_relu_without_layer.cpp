// expect: calotype::nn::relu: the layer named by Layer has no conv, dense or logits layer directly before it;
// move the relu behind one
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16}, max_pool{}, relu{}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
