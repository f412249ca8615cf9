// expect: calotype::nn::dense: the layer named by Layer would flatten a map of Got numbers .limit Want.; pool
// before it .max_pool, global_max_pool. or raise .max_inputs
#include "one_image.hpp"

#include <calotype/nn/session.hpp>

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .padding = 1}, relu{}, logits{});
  }
};

float first(ct::session<tagger>& score, std::span<float const> image) { return score(image)[0]; }
