// expect: calotype::nn::residual: the block named by Layer has Got output channels but Want input channels, and
// its shortcut is the identity; set .filters to the input's channels, or .stride = 2 for a projection shortcut
#include "one_image.hpp"

#include <calotype/nn/session.hpp>

struct tagger : one_image {
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16}, relu{}, residual{.filters = 8}, global_max_pool{}, logits{});
  }
};

float first(ct::session<tagger>& score, std::span<float const> image) { return score(image)[0]; }
