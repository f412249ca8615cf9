// expect: calotype::nn: the last layer has Got outputs but classes.. needs Want; end the network with logits
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(global_max_pool{}, dense{.units = 4});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
