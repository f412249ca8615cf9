// expect: calotype::nn: the window of the layer named by Layer .Got. is larger than its input with padding
// .Want.; use a smaller kernel or fewer pooling layers before it
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(max_pool{.size = 100}, conv{.filters = 4, .kernel = 3}, global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
