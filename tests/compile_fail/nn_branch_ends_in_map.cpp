// expect: calotype::nn::branches: the branch before the layer named by Layer ends in a feature map
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(branches(branch("barrel", conv{.filters = 4}, relu{})), logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
