// expect: calotype::nn::conv_lstm: the layer named by Layer cannot cut its Got input channels into Want equal
// steps
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv_lstm{.filters = 4, .steps = 10}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
