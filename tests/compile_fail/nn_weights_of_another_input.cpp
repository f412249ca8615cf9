// expect: calotype::nn::model: these constant weights were made for another input .layout, channels,
// preprocessing. than the network reads; convert weights of this network
#include "one_image.hpp"

#include <calotype/nn/model.hpp>

struct tagger : one_image {
  static constexpr auto layers() { return ct::nn::layers(ct::nn::global_max_pool{}, ct::nn::logits{}); }
};
constexpr ct::nn::constant_weights<1, ct::nn::signature<tagger>, ct::nn::model<tagger>::size, 3> weights{};
ct::nn::model<tagger> const refused(weights);
