// expect: calotype::nn: the parameters of the layers Want and Got have the same name; give one of these
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .name = "stem"}, conv{.filters = 4, .name = "stem"},
                          global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
