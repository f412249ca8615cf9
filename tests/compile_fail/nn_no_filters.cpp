// expect: calotype::nn: the layer named by Layer has a number of filters or units, a kernel, a size or a stride
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.kernel = 3}, relu{}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
