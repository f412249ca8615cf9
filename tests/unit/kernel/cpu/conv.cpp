// Convolutions of the CPU policy against the scalar reference, bit for bit.
#include "same_bits.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::conv_shape;
using kernel::map_shape;
using kernel::pool_shape;

template <class Arch, conv_shape S, bool FromImage>
struct input {
  cpu_map<S.in> map;
  buffer<float> image;

  explicit input(numbers const& x) {
    if constexpr (FromImage) {
      image = image_of<Arch, S.in>(x);
    } else {
      map = cpu_map<S.in>::of(x);
    }
  }
  float const* data() { return FromImage ? image.data() : map.data(); }
};

template <conv_shape S>
struct example {
  numbers x = random_numbers(static_cast<std::size_t>(S.in.size()), 1);
  numbers weights = random_numbers(static_cast<std::size_t>(S.weights()), 2);
  numbers bias = random_numbers(static_cast<std::size_t>(S.filters), 3);
  numbers shortcut = random_numbers(static_cast<std::size_t>(S.out().size()), 4);
  numbers gradient = random_numbers(static_cast<std::size_t>(S.out().size()), 5);
  numbers added = random_numbers(static_cast<std::size_t>(S.in.size()), 6);
  numbers packed = numbers(reference::conv<S, false>::packed_size);

  example() { reference::conv<S, false>::pack(weights.data(), bias.data(), packed.data()); }
};

template <class Arch, conv_shape S, bool FromImage, bool Relu, bool Shortcut>
void check_forward() {
  example<S> e;
  using conv = typename cpu_ops<Arch>::template conv<S, FromImage>;
  numbers expected(e.shortcut.size());
  reference::conv<S, FromImage>::template forward<Relu, Shortcut>({}, e.x.data(), e.packed.data(),
                                                                  e.shortcut.data(), expected.data());
  buffer<float> packed(conv::packed_size);
  packed.fill(poison);
  conv::pack(e.weights.data(), e.bias.data(), packed.data());
  input<Arch, S, FromImage> in(e.x);
  auto shortcut = cpu_map<S.out()>::of(e.shortcut);
  auto out = cpu_map<S.out()>::poisoned();
  conv::template forward<Relu, Shortcut>({}, in.data(), packed.data(), Shortcut ? shortcut.data() : nullptr,
                                         out.data());
  CHECK(differences(out.canonical(), expected) == 0);
  CHECK(out.rest_is_zero());
}

template <class Arch, conv_shape S, bool FromImage>
void check_weight_gradient() {
  example<S> e;
  numbers weights(e.weights.size());
  numbers bias(e.bias.size());
  reference::conv<S, FromImage>::weight_gradient({}, e.x.data(), e.gradient.data(), weights.data(),
                                                 bias.data());
  input<Arch, S, FromImage> in(e.x);
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
  example<S> e;
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

template <class Arch, conv_shape S>
void check() {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.rows);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  check_forward<Arch, S, false, true, true>();
  check_forward<Arch, S, false, false, false>();
  check_input_gradient<Arch, S>(false);
  check_input_gradient<Arch, S>(true);
  check_weight_gradient<Arch, S, false>();
}

template <class Arch, conv_shape S>
void check_image() {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.padding);
  check_forward<Arch, S, true, true, false>();
  check_weight_gradient<Arch, S, true>();
}

template <class Arch, conv_shape S, bool FromImage, bool Relu, int Size>
void check_pooled() {
  constexpr pool_shape pool{S.out(), Size, Size};
  using conv = typename cpu_ops<Arch>::template conv<S, FromImage>;
  if constexpr (conv::template pools<pool>) {
    example<S> e;
    numbers middle(e.shortcut.size());
    numbers expected(static_cast<std::size_t>(pool.out().size()));
    reference::conv<S, FromImage>::template forward<Relu, false>({}, e.x.data(), e.packed.data(), nullptr,
                                                                 middle.data());
    reference::max_pool<pool>::forward({}, middle.data(), expected.data());
    buffer<float> packed(conv::packed_size);
    conv::pack(e.weights.data(), e.bias.data(), packed.data());
    input<Arch, S, FromImage> in(e.x);
    auto out = cpu_map<pool.out()>::poisoned();
    conv::template forward_pool<Relu, pool>({}, in.data(), packed.data(), out.data());
    CHECK(differences(out.canonical(), expected) == 0);
    CHECK(out.rest_is_zero());
  }
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions of the networks", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, conv_shape{{16, 11, 89}, 16, 3, 1, 1}>();
  check<Arch, conv_shape{{16, 11, 29}, 32, 3, 2, 1}>();
  check<Arch, conv_shape{{16, 11, 30}, 32, 1, 2, 0}>();
  check<Arch, conv_shape{{32, 5, 45}, 32, 3, 1, 1}>();
  check<Arch, conv_shape{{32, 7, 7}, 32, 3, 1, 1}>();
}

TEST_CASE_TEMPLATE("convolutions of any number of channels", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, conv_shape{{1, 5, 7}, 3, 3, 1, 1}>();
  check<Arch, conv_shape{{3, 6, 9}, 10, 3, 2, 1}>();
  check<Arch, conv_shape{{17, 4, 5}, 47, 3, 1, 1}>();
  check<Arch, conv_shape{{47, 3, 4}, 17, 1, 1, 0}>();
  check<Arch, conv_shape{{32, 2, 31}, 64, 3, 1, 1}>();
}

TEST_CASE_TEMPLATE("convolutions of thin maps", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, conv_shape{{16, 1, 37}, 16, 3, 1, 1}>();
  check<Arch, conv_shape{{16, 37, 1}, 16, 3, 1, 1}>();
  check<Arch, conv_shape{{16, 1, 1}, 10, 3, 1, 1}>();
  check<Arch, conv_shape{{3, 1, 1}, 32, 1, 1, 0}>();
  check<Arch, conv_shape{{10, 3, 3}, 10, 3, 1, 0}>();
}

TEST_CASE_TEMPLATE("convolutions with windows of one to nine taps", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, conv_shape{{3, 9, 10}, 16, 2, 1, 0}>();
  check<Arch, conv_shape{{3, 9, 10}, 16, 4, 3, 2}>();
  check<Arch, conv_shape{{16, 9, 31}, 3, 5, 1, 2}>();
  check<Arch, conv_shape{{3, 12, 17}, 16, 7, 2, 1}>();
  check<Arch, conv_shape{{2, 12, 17}, 16, 7, 2, 3}>();
  check<Arch, conv_shape{{2, 9, 9}, 16, 9, 1, 4}>();
  check<Arch, conv_shape{{2, 9, 9}, 16, 1, 3, 0}>();
  check<Arch, conv_shape{{2, 3, 3}, 16, 1, 1, 3}>();
}

TEST_CASE_TEMPLATE("convolutions of images", Arch, CALOTYPE_TEST_ARCHS) {
  check_image<Arch, conv_shape{{1, 17, 71}, 16, 7, 2, 1}>();
  check_image<Arch, conv_shape{{3, 17, 61}, 16, 7, 2, 1}>();
  check_image<Arch, conv_shape{{3, 17, 21}, 32, 7, 2, 3}>();
  check_image<Arch, conv_shape{{2, 9, 9}, 10, 9, 1, 4}>();
  check_image<Arch, conv_shape{{2, 9, 9}, 10, 9, 1, 6}>();
  check_image<Arch, conv_shape{{3, 1, 40}, 47, 3, 1, 1}>();
}

TEST_CASE_TEMPLATE("convolution and pool in one go", Arch, CALOTYPE_TEST_ARCHS) {
  check_pooled<Arch, conv_shape{{1, 17, 71}, 16, 7, 2, 1}, true, true, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 72}, 16, 7, 2, 1}, true, false, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 40}, 32, 3, 1, 1}, true, true, 3>();
  check_pooled<Arch, conv_shape{{16, 8, 23}, 16, 3, 1, 1}, false, false, 2>();
}
