// expect: calotype::nn: the name of the layer or branch at Layer has Got characters
#include "one_image.hpp"

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .name = "a_name_that_nobody_can_read_on_a_screen"},
                          global_max_pool{}, logits{});
  }
};
static_assert(ct::nn::plan_of<tagger>.step_count > 0);
