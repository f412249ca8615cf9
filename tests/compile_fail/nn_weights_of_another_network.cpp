// expect: calotype::nn::model: these constant weights were made for a network with other layers or classes;
// convert weights of this network
#include "one_image.hpp"

#include <calotype/nn/model.hpp>

struct tagger : one_image {
  static constexpr auto layers() { return ct::nn::layers(ct::nn::global_max_pool{}, ct::nn::logits{}); }
};
struct renamed : tagger {
  static constexpr auto classes() { return ct::labels("quark", "gluon", "photon"); }
};
template <class Net>
constexpr ct::nn::constant_weights<ct::nn::input_traits<one_image::input>::signature(), ct::nn::signature<Net>,
                                   ct::nn::model<Net>::size, 3>
    weights_of{};
ct::nn::model<tagger> const accepted(weights_of<tagger>);
ct::nn::model<tagger> const refused(weights_of<renamed>);
