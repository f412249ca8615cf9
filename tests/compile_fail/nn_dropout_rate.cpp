// expect: calotype::nn::dropout: the layer named by Layer has a rate below 0 .Got = -1. or of 1 and more
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(global_max_pool{}, dropout{.rate = 1}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
