// expect: calotype::nn::branches: the branches at Layer read the planes of the image, so no layer may come
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4}, relu{},
                          branches(branch("barrel", conv{.filters = 4}, global_max_pool{})), logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
