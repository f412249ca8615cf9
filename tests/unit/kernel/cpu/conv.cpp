// Convolutions of the CPU policy against the scalar reference, bit for bit.
#include "conv_example.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::pool_shape;

template <class Arch, conv_shape S, bool FromImage, bool Relu, bool Shortcut>
void check_forward() {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.rows);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  conv_example<S> e;
  using conv = typename cpu_ops<Arch>::template conv<S, FromImage>;
  numbers expected(e.shortcut.size());
  reference::conv<S, FromImage>::template forward<Relu, Shortcut>({}, e.x.data(), e.packed.data(),
                                                                  e.shortcut.data(), expected.data());
  buffer<float> packed(conv::packed_size);
  packed.fill(poison);
  conv::pack(e.weights.data(), e.bias.data(), packed.data());
  conv_input<Arch, S, FromImage> in(e.x);
  auto shortcut = cpu_map<S.out()>::of(e.shortcut);
  auto out = cpu_map<S.out()>::poisoned();
  conv::template forward<Relu, Shortcut>({}, in.data(), packed.data(), Shortcut ? shortcut.data() : nullptr,
                                         out.data());
  CHECK(differences(out.canonical(), expected) == 0);
  CHECK(out.rest_is_zero());
  if constexpr (Shortcut) {  // which may be where the output goes
    conv::template forward<Relu, true>({}, in.data(), packed.data(), shortcut.data(), shortcut.data());
    CHECK(differences(shortcut.canonical(), expected) == 0);
  }
}

template <class Arch, conv_shape S, bool FromImage, bool Relu, int Size>
void check_pooled() {
  constexpr pool_shape pool{S.out(), Size, Size};
  using conv = typename cpu_ops<Arch>::template conv<S, FromImage>;
  if constexpr (conv::template pools<pool>) {
    conv_example<S> e;
    numbers middle(e.shortcut.size());
    numbers expected(static_cast<std::size_t>(pool.out().size()));
    reference::conv<S, FromImage>::template forward<Relu, false>({}, e.x.data(), e.packed.data(), nullptr,
                                                                 middle.data());
    reference::max_pool<pool>::forward({}, middle.data(), expected.data());
    buffer<float> packed(conv::packed_size);
    conv::pack(e.weights.data(), e.bias.data(), packed.data());
    conv_input<Arch, S, FromImage> in(e.x);
    auto out = cpu_map<pool.out()>::poisoned();
    conv::template forward_pool<Relu, pool>({}, in.data(), packed.data(), out.data());
    CHECK(differences(out.canonical(), expected) == 0);
    CHECK(out.rest_is_zero());
  }
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions with shortcut and ReLU", Arch, CALOTYPE_TEST_ARCHS) {
  for_each_conv_shape([]<conv_shape S>() { check_forward<Arch, S, false, true, true>(); });
}

TEST_CASE_TEMPLATE("convolutions of images", Arch, CALOTYPE_TEST_ARCHS) {
  shapes_of_images::each([]<conv_shape S>() { check_forward<Arch, S, true, true, false>(); });
}

TEST_CASE_TEMPLATE("convolutions without shortcut or ReLU", Arch, CALOTYPE_TEST_ARCHS) {
  check_forward<Arch, conv_shape{{16, 3, 21}, 32, 3, 2, 1}, false, false, false>();
  check_forward<Arch, conv_shape{{16, 3, 21}, 32, 3, 2, 1}, false, false, true>();
  check_forward<Arch, conv_shape{{17, 3, 9}, 10, 5, 1, 2}, false, true, false>();
  check_forward<Arch, conv_shape{{3, 9, 20}, 16, 7, 2, 1}, true, false, true>();
}

TEST_CASE_TEMPLATE("convolution and pool in one go", Arch, CALOTYPE_TEST_ARCHS) {
  check_pooled<Arch, conv_shape{{1, 17, 71}, 16, 7, 2, 1}, true, true, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 72}, 16, 7, 2, 1}, true, false, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 40}, 32, 3, 1, 1}, true, true, 3>();
  check_pooled<Arch, conv_shape{{16, 8, 23}, 16, 3, 1, 1}, false, false, 2>();
}
