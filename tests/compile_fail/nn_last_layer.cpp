// expect: calotype::nn: the last layer must be logits.. or a dense layer without relu
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 3}, global_max_pool{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
