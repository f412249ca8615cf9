// Gradients of convolutions of the CPU policy against the scalar reference, bit for bit.
#include "conv_example.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;

template <class Arch, conv_shape S, bool FromImage>
void check_weight_gradient() {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.rows);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  conv_example<S> e;
  numbers weights(e.weights.size());
  numbers bias(e.bias.size());
  reference::conv<S, FromImage>::weight_gradient({}, e.x.data(), e.gradient.data(), weights.data(),
                                                 bias.data());
  conv_input<Arch, S, FromImage> in(e.x);
  auto gradient = cpu_map<S.out()>::of(e.gradient);
  numbers weights_here(weights.size(), poison);
  numbers bias_here(bias.size(), poison);
  cpu_ops<Arch>::template conv<S, FromImage>::weight_gradient({}, in.data(), gradient.data(),
                                                              weights_here.data(), bias_here.data());
  CHECK(differences(weights_here, weights) == 0);
  CHECK(differences(bias_here, bias) == 0);
}

template <class Arch, conv_shape S>
void check_input_gradient(bool add) {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.rows);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  conv_example<S> e;
  using conv = typename cpu_ops<Arch>::template conv<S, false>;
  numbers expected(e.x.size());
  reference::conv<S, false>::input_gradient({}, e.gradient.data(), e.packed.data(),
                                            add ? e.added.data() : nullptr, expected.data());
  buffer<float> packed(conv::gradient_packed_size);
  packed.fill(poison);
  conv::pack_gradient(e.weights.data(), packed.data());
  auto gradient = cpu_map<S.out()>::of(e.gradient);
  auto added = cpu_map<S.in>::of(e.added);
  auto din = cpu_map<S.in>::poisoned();
  conv::input_gradient({}, gradient.data(), packed.data(), add ? added.data() : nullptr, din.data());
  CHECK(differences(din.canonical(), expected) == 0);
  CHECK(din.rest_is_zero());
}

}  // namespace

TEST_CASE_TEMPLATE("input gradients", Arch, CALOTYPE_TEST_ARCHS) {
  for_each_conv_shape([]<conv_shape S>() {
    check_input_gradient<Arch, S>(false);
    check_input_gradient<Arch, S>(true);
  });
}

TEST_CASE_TEMPLATE("weight gradients", Arch, CALOTYPE_TEST_ARCHS) {
  for_each_conv_shape([]<conv_shape S>() { check_weight_gradient<Arch, S, false>(); });
}

TEST_CASE_TEMPLATE("weight gradients of images", Arch, CALOTYPE_TEST_ARCHS) {
  shapes_of_images::each([]<conv_shape S>() { check_weight_gradient<Arch, S, true>(); });
}
