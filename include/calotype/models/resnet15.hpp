// The residual network of the event and jet papers, as a list of layers.
#pragma once

#include <calotype/nn/layers.hpp>

namespace calotype::nn {

// Everything before the last dense layer: an image plane becomes 32 numbers. conv0 is 7x7 with stride 2 and
// padding 1, then 2x2 max pooling, 3 blocks of 16, one of 32 with stride 2, 3 of 32, global max pooling; no
// batch normalisation (event paper 5.1; shapes and parameter names as in the authors' public code
// johnalison/QCD_Glu_Quark).
constexpr auto resnet15_trunk() {
  return layers(conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1, .name = "conv0"}, relu{},
                max_pool{.size = 2}, residual{.filters = 16, .name = "layer1.0"},
                residual{.filters = 16, .name = "layer1.1"}, residual{.filters = 16, .name = "layer1.2"},
                residual{.filters = 32, .stride = 2, .name = "layer2.0"},
                residual{.filters = 32, .name = "layer3.0"}, residual{.filters = 32, .name = "layer3.1"},
                residual{.filters = 32, .name = "layer3.2"}, global_max_pool{});
}

// The whole network for one image plane.
constexpr auto resnet15() { return layers(resnet15_trunk(), logits{}); }

}  // namespace calotype::nn
