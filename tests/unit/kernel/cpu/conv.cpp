// Convolutions of the CPU policy against the scalar reference, bit for bit.
#include <algorithm>
#include <bit>
#include <vector>

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

// A set as a kernel reports it, of the pixels of a map M.
template <kernel::map_shape M>
struct pixels_of {
  std::vector<kernel::pixel_word> words = std::vector<kernel::pixel_word>(kernel::words_in_set(M), 0xabcdef);

  bool has(int y, int x) const {
    return words[static_cast<std::size_t>(y * kernel::words_in_row(M) + x / 64)] >> x % 64 & 1;
  }
  int count() const {
    int n = 0;
    for (kernel::pixel_word w : words) n += std::popcount(w);
    return n;
  }
  // Whether all pixels at which two maps differ are in it.
  bool holds_differences(numbers const& a, numbers const& b) const {
    for (std::size_t i = 0; i < a.size(); ++i) {
      int const at = static_cast<int>(i) % (M.rows * M.cols);
      if (a[i] != b[i] && !has(at / M.cols, at % M.cols)) return false;
    }
    return true;
  }
  bool holds_nothing_outside() const {
    int inside = 0;
    for (int y = 0; y < M.rows; ++y)
      for (int x = 0; x < M.cols; ++x) inside += has(y, x);
    return inside == count();
  }
};

// Rows of which more pixels, of 1000, keep their number.
struct fuller_rows {
  int begin = 0, end = 0;
  int filled = 1000;
};

// Of 1000 pixels, `filled` keep their number.
template <conv_shape S>
void thin_out(numbers& x, int filled, fuller_rows fuller = {}) {
  stream draw(5, static_cast<std::uint64_t>(filled), 1);
  for (int c = 0; c < S.in.channels; ++c) {
    for (int y = 0; y < S.in.rows; ++y) {
      for (int i = 0; i < S.in.cols; ++i) {
        float& pixel = x[static_cast<std::size_t>((c * S.in.rows + y) * S.in.cols + i)];
        int const most = fuller.begin <= y && y < fuller.end ? fuller.filled : filled;
        if (static_cast<int>(draw.below(1000)) >= most) pixel = 0;
      }
    }
  }
}

// Convolution and pool, of an image row by row where that can be done.
template <class Arch, conv_shape S, bool FromImage, bool Relu, pool_shape Pool>
void run_pooled(numbers const& x, float const* packed, float* out, kernel::pixel_word* filled = nullptr) {
  using ops = cpu_ops<Arch>;
  using conv = typename ops::template conv<S, FromImage>;
  if constexpr (kernel::reads_rows<conv, Relu, Pool>()) {
    buffer<float> window(conv::template window_size<Pool>);
    conv::template forward_pool_rows<Relu, Pool>({}, typename ops::template number_rows<S.in>{x.data()}, packed,
                                                 out, window.data(), filled);
    CHECK(std::all_of(window.begin(), window.end(), [](float w) { return w == 0; }));
  } else {
    conv_input<Arch, S, FromImage> in(x);
    conv::template forward_pool<Relu, Pool>({}, in.data(), packed, out, filled);
  }
}

template <class Arch, conv_shape S, bool FromImage, bool Relu, int Size>
void check_pooled(int filled = 1000, fuller_rows fuller = {}) {
  CAPTURE(filled);
  CAPTURE(fuller.begin);
  CAPTURE(fuller.filled);
  CAPTURE(S.in.channels);
  CAPTURE(S.in.cols);
  constexpr pool_shape pool{S.out(), Size, Size};
  using conv = typename cpu_ops<Arch>::template conv<S, FromImage>;
  if constexpr (conv::template pools<pool>) {
    conv_example<S> e;
    thin_out<S>(e.x, filled, fuller);
    numbers middle(e.shortcut.size());
    numbers expected(static_cast<std::size_t>(pool.out().size()));
    reference::conv<S, FromImage>::template forward<Relu, false>({}, e.x.data(), e.packed.data(), nullptr,
                                                                 middle.data());
    reference::max_pool<pool>::forward({}, middle.data(), expected.data());
    buffer<float> packed(conv::packed_size);
    conv::pack(e.weights.data(), e.bias.data(), packed.data());
    auto out = cpu_map<pool.out()>::poisoned();
    run_pooled<Arch, S, FromImage, Relu, pool>(e.x, packed.data(), out.data());
    CHECK(differences(out.canonical(), expected) == 0);
    CHECK(out.rest_is_zero());
    pixels_of<pool.out()> reported;
    run_pooled<Arch, S, FromImage, Relu, pool>(e.x, packed.data(), out.data(), reported.words.data());
    CHECK(differences(out.canonical(), expected) == 0);
    numbers nothing(e.shortcut.size());
    reference::conv<S, FromImage>::template forward<Relu, false>({}, numbers(e.x.size()).data(),
                                                                 e.packed.data(), nullptr, nothing.data());
    numbers empty(expected.size());
    reference::max_pool<pool>::forward({}, nothing.data(), empty.data());
    CHECK(reported.holds_differences(expected, empty));
    CHECK(reported.holds_nothing_outside());
    // Of a mostly empty image it leaves most out.
    if (filled <= 1) CHECK(reported.count() <= filled * S.in.size() / 1000 * S.kernel * S.kernel);
  } else {
    static_assert(Size * Size > conv::chain::outputs,
                  "registers have room for a window, and yet it is not pooled");
  }
}

// Without a map of the convolution's outputs, against the three gradients one after the other.
template <class Arch, conv_shape S, int Size>
void check_gradient_through_pool(int filled) {
  CAPTURE(filled);
  constexpr pool_shape pool{S.out(), Size, Size};
  using conv = typename cpu_ops<Arch>::template conv<S, true>;
  using plain_conv = reference::conv<S, true>;
  if constexpr (kernel::reads_rows<conv, true, pool>()) {
    conv_example<S> e;
    thin_out<S>(e.x, filled);
    numbers const dpooled = random_numbers(static_cast<std::size_t>(pool.out().size()), 8);
    numbers middle(e.shortcut.size()), after(dpooled.size()), dmiddle(middle.size());
    numbers dweights(e.weights.size(), poison), dbias(e.bias.size(), poison);
    plain_conv::template forward<true, false>({}, e.x.data(), e.packed.data(), nullptr, middle.data());
    reference::max_pool<pool>::forward({}, middle.data(), after.data());
    reference::max_pool<pool>::gradient({}, middle.data(), after.data(), dpooled.data(), dmiddle.data());
    reference::relu_gradient<S.out()>({}, middle.data(), dmiddle.data());
    plain_conv::weight_gradient({}, e.x.data(), dmiddle.data(), dweights.data(), dbias.data());

    buffer<float> packed(conv::packed_size);
    conv::pack(e.weights.data(), e.bias.data(), packed.data());
    conv_input<Arch, S, true> in(e.x);
    auto out = cpu_map<pool.out()>::poisoned(), place = cpu_map<pool.out()>::poisoned();
    auto dout = cpu_map<pool.out()>::of(dpooled);
    pixels_of<pool.out()> seen;
    run_pooled<Arch, S, true, true, pool>(e.x, packed.data(), out.data(), seen.words.data());
    numbers got(dweights.size(), poison), got_bias(dbias.size(), poison);
    conv::template weight_gradient_through_pool<pool>({}, in.data(), packed.data(), seen.words.data(),
                                                      dout.data(), place.data(), got.data(), got_bias.data());
    CHECK(differences(got, dweights) == 0);
    CHECK(differences(got_bias, dbias) == 0);
    int count = 0;
    for (float x : e.x) count += x != 0;
    CHECK(conv::template gradient_through_pool_pays<pool>(in.data()) == (8 * count <= S.in.size()));
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

TEST_CASE_TEMPLATE("convolutions of maps so small that taps beyond the border are left out", Arch,
                   CALOTYPE_TEST_ARCHS) {
  check_forward<Arch, conv_shape{{16, 7, 7}, 32, 3, 2, 1}, false, true, false>();
  check_forward<Arch, conv_shape{{19, 3, 4}, 16, 3, 1, 1}, false, true, true>();
}

TEST_CASE_TEMPLATE("convolution and pool in one go", Arch, CALOTYPE_TEST_ARCHS) {
  check_pooled<Arch, conv_shape{{1, 17, 71}, 16, 7, 2, 1}, true, true, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 72}, 16, 7, 2, 1}, true, false, 2>();
  check_pooled<Arch, conv_shape{{3, 18, 40}, 32, 3, 1, 1}, true, true, 3>();
  check_pooled<Arch, conv_shape{{16, 8, 23}, 16, 3, 1, 1}, false, false, 2>();
}

TEST_CASE_TEMPLATE("a mostly empty image, its convolution and pool", Arch, CALOTYPE_TEST_ARCHS) {
  auto const check = []<conv_shape S, int Size>() {
    for (int filled : {0, 1, 10, 50, 70, 100, 200, 500}) check_pooled<Arch, S, true, true, Size>(filled);
    check_pooled<Arch, S, true, true, Size>(10, {S.in.rows / 2, S.in.rows});
    // Beside rows that are looked at first: one that holds too much for a list, and bands that hold too much.
    constexpr int row = S.in.rows / 2 + 1;
    for (int filled : {150, 400, 1000}) {
      check_pooled<Arch, S, true, true, Size>(5, {row, row + 1, filled});
      check_pooled<Arch, S, true, true, Size>(10, {row, row + 7, filled});
    }
    for (int filled : {0, 1, 50, 500}) check_gradient_through_pool<Arch, S, Size>(filled);
  };
  check.template operator()<conv_shape{{1, 57, 171}, 16, 7, 2, 1}, 2>();
  check.template operator()<conv_shape{{3, 58, 70}, 16, 7, 2, 1}, 2>();
  check.template operator()<conv_shape{{3, 61, 61}, 12, 7, 2, 3}, 2>();
  check.template operator()<conv_shape{{2, 40, 66}, 16, 5, 1, 2}, 3>();
  check.template operator()<conv_shape{{4, 33, 34}, 16, 5, 3, 0}, 2>();
  check.template operator()<conv_shape{{8, 20, 129}, 16, 3, 1, 1}, 2>();
}
