#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/hash.hpp>
#include <calotype/kernel/scalar.hpp>

namespace {

namespace kernel = calotype::kernel;
using calotype::exec::scalar;
using ops = kernel::ops<scalar>;
using numbers = std::vector<float>;

static_assert(std::is_same_v<ops::real_type, float>);
static_assert(std::is_same_v<kernel::ops<calotype::exec::scalar_of<double>>::real_type, double>);
static_assert(std::is_nothrow_move_constructible_v<ops::buffer>);
static_assert(ops::map_size<kernel::map_shape{3, 5, 7}> == 105);

constexpr scalar p{};

numbers draw(int n, std::uint64_t seed) {
  numbers v(static_cast<std::size_t>(n));
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (float& x : v) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    x = static_cast<float>(state >> 40) * 0x1p-23F - 1;
  }
  return v;
}

bool same_bits(numbers const& a, numbers const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The order of kernel/ops.hpp, spelled out with every tap of the window and a test for the padding.
template <kernel::conv_shape S>
struct literal {
  static constexpr int k = S.kernel;
  static float x(numbers const& in, int c, int row, int col) {
    bool const inside = row >= 0 && row < S.in.rows && col >= 0 && col < S.in.cols;
    return inside ? in[static_cast<std::size_t>((c * S.in.rows + row) * S.in.cols + col)] : 0;
  }
  static float w(numbers const& weights, int f, int c, int ky, int kx) {
    return weights[static_cast<std::size_t>(((f * S.in.channels + c) * k + ky) * k + kx)];
  }
  static float d(numbers const& dout, int f, int row, int col) {
    return dout[static_cast<std::size_t>((f * S.out().rows + row) * S.out().cols + col)];
  }

  static numbers forward(numbers const& in, numbers const& weights, numbers const& bias) {
    numbers out;
    for (int f = 0; f < S.filters; ++f) {
      for (int row = 0; row < S.out().rows; ++row) {
        for (int col = 0; col < S.out().cols; ++col) {
          float sum = bias[static_cast<std::size_t>(f)];
          for (int ky = 0; ky < k; ++ky) {
            for (int kx = 0; kx < k; ++kx) {
              for (int c = 0; c < S.in.channels; ++c) {
                float const pixel = x(in, c, row * S.stride + ky - S.padding, col * S.stride + kx - S.padding);
                sum = std::fma(pixel, w(weights, f, c, ky, kx), sum);
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
    return out;
  }

  static numbers input_gradient(numbers const& dout, numbers const& weights) {
    numbers din;
    for (int c = 0; c < S.in.channels; ++c) {
      for (int y = 0; y < S.in.rows; ++y) {
        for (int x_ = 0; x_ < S.in.cols; ++x_) {
          float sum = 0;
          for (int ky = 0; ky < k; ++ky) {
            for (int kx = 0; kx < k; ++kx) {
              for (int f = 0; f < S.filters; ++f) {
                for (int row = 0; row < S.out().rows; ++row) {
                  for (int col = 0; col < S.out().cols; ++col) {
                    if (row * S.stride + ky - S.padding != y || col * S.stride + kx - S.padding != x_) continue;
                    sum = std::fma(d(dout, f, row, col), w(weights, f, c, ky, kx), sum);
                  }
                }
              }
            }
          }
          din.push_back(sum);
        }
      }
    }
    return din;
  }

  static numbers weight_gradient(numbers const& in, numbers const& dout) {
    numbers dweights;
    for (int f = 0; f < S.filters; ++f) {
      for (int c = 0; c < S.in.channels; ++c) {
        for (int ky = 0; ky < k; ++ky) {
          for (int kx = 0; kx < k; ++kx) {
            float sum = 0;
            for (int row = 0; row < S.out().rows; ++row) {
              for (int col = 0; col < S.out().cols; ++col) {
                sum = std::fma(x(in, c, row * S.stride + ky - S.padding, col * S.stride + kx - S.padding),
                               d(dout, f, row, col), sum);
              }
            }
            dweights.push_back(sum);
          }
        }
      }
    }
    return dweights;
  }
};

template <kernel::conv_shape S>
void check_conv() {
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  using conv = ops::conv<S, false>;
  auto const in = draw(S.in.size(), 1);
  auto const weights = draw(S.weights(), 2);
  auto const bias = draw(S.filters, 3);
  auto const dout = draw(S.out().size(), 4);
  numbers packed(conv::packed_size);
  numbers gradient_packed(conv::gradient_packed_size);
  numbers out(dout.size());
  numbers din(in.size());
  numbers dweights(weights.size());
  numbers dbias(bias.size());
  conv::pack(weights.data(), bias.data(), packed.data());
  conv::pack_gradient(weights.data(), gradient_packed.data());
  conv::template forward<false, false>(p, in.data(), packed.data(), nullptr, out.data());
  conv::input_gradient(p, dout.data(), gradient_packed.data(), nullptr, din.data());
  conv::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
  CHECK(same_bits(out, literal<S>::forward(in, weights, bias)));
  CHECK(same_bits(din, literal<S>::input_gradient(dout, weights)));
  CHECK(same_bits(dweights, literal<S>::weight_gradient(in, dout)));
  for (int f = 0; f < S.filters; ++f) {
    float sum = 0;
    for (int row = 0; row < S.out().rows; ++row) {
      for (int col = 0; col < S.out().cols; ++col) sum += literal<S>::d(dout, f, row, col);
    }
    CHECK(dbias[static_cast<std::size_t>(f)] == sum);
  }

  numbers after(dout.size());
  conv::template forward<true, true>(p, in.data(), packed.data(), dout.data(), after.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    float const sum = out[i] + dout[i];
    CHECK(after[i] == (sum > 0 ? sum : 0.0F));
  }
}

}  // namespace

TEST_CASE("convolutions follow the published order of sums, with every window, stride and padding") {
  check_conv<kernel::conv_shape{{3, 11, 13}, 4, 7, 2, 1}>();
  check_conv<kernel::conv_shape{{5, 6, 7}, 3, 3, 1, 1}>();
  check_conv<kernel::conv_shape{{4, 8, 9}, 5, 3, 2, 1}>();
  check_conv<kernel::conv_shape{{4, 8, 9}, 5, 1, 2, 0}>();
  check_conv<kernel::conv_shape{{2, 7, 7}, 2, 5, 3, 4}>();
  check_conv<kernel::conv_shape{{2, 9, 5}, 2, 2, 3, 0}>();
  check_conv<kernel::conv_shape{{2, 3, 3}, 2, 3, 1, 0}>();  // one output
}

TEST_CASE("a convolution by hand") {
  constexpr kernel::conv_shape s{{1, 3, 3}, 1, 3, 1, 1};
  using conv = ops::conv<s, true>;
  numbers const in{1, 2, 3, 4, 5, 6, 7, 8, 9};
  numbers const weights{0, 1, 0, 0, 10, 0, 0, 0, 100};
  numbers const bias{0.5F};
  numbers packed(conv::packed_size);
  conv::pack(weights.data(), bias.data(), packed.data());
  numbers out(9);
  conv::forward<false, false>(p, in.data(), packed.data(), nullptr, out.data());
  numbers const expected{510.5F, 620.5F, 30.5F, 841.5F, 952.5F, 63.5F, 74.5F, 85.5F, 96.5F};
  CHECK(out == expected);
}

TEST_CASE("pools take the first maximum in raster order and drop incomplete windows") {
  constexpr kernel::pool_shape s{{1, 3, 5}, 2, 2};
  numbers const in{1, 7, 2, 2, 9,  //
                   7, 0, 2, 2, 9,  //
                   9, 9, 9, 9, 9};
  numbers out(2);
  ops::max_pool<s>::forward(p, in.data(), out.data());
  CHECK(out == numbers{7, 2});
  numbers const dout{3, 5};
  numbers din(15, -1);
  ops::max_pool<s>::gradient(p, in.data(), out.data(), dout.data(), din.data());
  CHECK(din == numbers{0, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("overlapping pools sum the gradients of their windows") {
  constexpr kernel::pool_shape s{{1, 3, 3}, 2, 1};
  numbers const in{0, 0, 0, 0, 8, 0, 0, 0, 0};
  numbers out(4);
  ops::max_pool<s>::forward(p, in.data(), out.data());
  numbers const dout{1, 2, 4, 8};
  numbers din(9);
  ops::max_pool<s>::gradient(p, in.data(), out.data(), dout.data(), din.data());
  CHECK(din == numbers{0, 0, 0, 0, 15, 0, 0, 0, 0});
}

TEST_CASE("the global pool sends its gradient to one pixel per channel") {
  constexpr kernel::map_shape s{3, 2, 2};
  numbers const in{1, 3, 3, 2, -4, -4, -5, -6, 0, 0, 0, 1};
  numbers top(3);
  ops::global_max_pool<s>::forward(p, in.data(), top.data());
  CHECK(top == numbers{3, -4, 1});
  numbers const dtop{2, 5, 7};
  numbers din(12, -1);
  ops::global_max_pool<s>::gradient(p, in.data(), top.data(), dtop.data(), din.data());
  CHECK(din == numbers{0, 2, 0, 0, 5, 0, 0, 0, 0, 0, 0, 7});
}

TEST_CASE("average pools share the gradient of a window among its pixels") {
  constexpr kernel::pool_shape s{{1, 3, 5}, 2, 2};
  numbers const in{1, 7, 2, 2, 9,  //
                   7, 1, 2, 4, 9,  //
                   9, 9, 9, 9, 9};
  numbers out(2);
  ops::avg_pool<s>::forward(p, in.data(), out.data());
  CHECK(out == numbers{4, 2.5F});
  numbers const dout{4, 8};
  numbers din(15, -1);
  ops::avg_pool<s>::gradient(p, dout.data(), din.data());
  CHECK(din == numbers{1, 1, 2, 2, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0});

  constexpr kernel::pool_shape overlapping{{1, 3, 3}, 2, 1};
  numbers const many{4, 8, 16, 32};
  numbers sum(9);
  ops::avg_pool<overlapping>::gradient(p, many.data(), sum.data());
  CHECK(sum == numbers{1, 3, 2, 5, 15, 10, 4, 12, 8});

  constexpr kernel::map_shape whole{2, 2, 3};
  numbers const map{1, 2, 3, 4, 5, 9, -1, 0, 0, 0, 0, 1};
  numbers top(2);
  ops::global_avg_pool<whole>::forward(p, map.data(), top.data());
  CHECK(top[0] == 24 * (1 / 6.0F));
  CHECK(top[1] == 0);
  numbers const dtop{6, -12};
  numbers dmap(12);
  ops::global_avg_pool<whole>::gradient(p, dtop.data(), dmap.data());
  for (std::size_t i = 0; i < 12; ++i) CHECK(dmap[i] == dtop[i / 6] * (1 / 6.0F));
}

TEST_CASE("the ReLU's gradient passes where the output is positive") {
  numbers const out{0, 2, -0.0F, 1};
  numbers dout{1, 2, 3, -4};
  ops::relu_gradient<kernel::map_shape{4}>(p, out.data(), dout.data());
  CHECK(dout == numbers{0, 2, 0, -4});
}

TEST_CASE("a dense layer by hand") {
  using dense = ops::dense<kernel::dense_shape{3, 2}>;
  numbers const in{1, 2, 3};
  numbers const weights{1, 10, 100, -1, -1, -1};
  numbers const bias{0.5F, 1};
  numbers packed(dense::packed_size);
  dense::pack(weights.data(), bias.data(), packed.data());
  numbers out(2);
  dense::forward<false>(p, in.data(), packed.data(), out.data());
  CHECK(out == numbers{321.5F, -5});
  dense::forward<true>(p, in.data(), packed.data(), out.data());
  CHECK(out == numbers{321.5F, 0});
  numbers const dout{2, 3};
  numbers din(3);
  numbers dweights(6);
  numbers dbias(2);
  dense::input_gradient(p, dout.data(), weights.data(), din.data());
  dense::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
  CHECK(din == numbers{-1, 17, 197});
  CHECK(dweights == numbers{2, 4, 6, 3, 6, 9});
  CHECK(dbias == dout);
}

TEST_CASE("buffers start at zero and images are addressed channel, row, column") {
  ops::buffer image(ops::image_size<kernel::map_shape{2, 3, 4}>);
  CHECK(image.size() == 24);
  for (std::size_t i = 0; i < image.size(); ++i) CHECK(image.data()[i] == 0);
  auto const target = ops::image_target<kernel::map_shape{2, 3, 4}>(image.data());
  CHECK(target.data == image.data());
  CHECK(target.channel_stride == 12);
  CHECK(target.row_stride == 4);
}

TEST_CASE("an input is set from host floats, or to zero") {
  constexpr kernel::map_shape s{2, 2, 2};
  numbers const host{1, 2, 3, 4, 5, 6, 7, 8};
  numbers image(8);
  numbers map(8);
  ops::set_input<s>(p, host.data(), image.data());
  ops::import_image<s>(p, image.data(), map.data());
  CHECK(map == host);
  ops::set_input<s>(p, nullptr, image.data());
  CHECK(image == numbers(8));
}

TEST_CASE("adding accumulates") {
  numbers const from{1, 2, 3};
  numbers into{10, 20, 30};
  ops::add(p, 3, from.data(), into.data());
  CHECK(into == numbers{11, 22, 33});
}

TEST_CASE("the bits are the same with every compiler, instruction set and -ffp-contract") {
  constexpr kernel::conv_shape s{{3, 11, 13}, 4, 7, 2, 1};
  using conv = ops::conv<s, false>;
  auto const in = draw(s.in.size(), 11);
  auto const weights = draw(s.weights(), 12);
  auto const bias = draw(s.filters, 13);
  auto const dout = draw(s.out().size(), 14);
  numbers packed(conv::packed_size);
  numbers out(dout.size());
  numbers din(in.size());
  numbers dweights(weights.size());
  numbers dbias(bias.size());
  conv::pack(weights.data(), bias.data(), packed.data());
  conv::forward<true, true>(p, in.data(), packed.data(), dout.data(), out.data());
  conv::input_gradient(p, dout.data(), packed.data(), in.data(), din.data());
  conv::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
  numbers first(weights.size());
  numbers second(weights.size());
  auto stepped = weights;
  for (int t = 1; t < 5; ++t) {
    ops::adam(p, stepped.size(), kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, t), dweights.data(), first.data(),
              second.data(), stepped.data());
  }
  ops::add(p, first.size(), stepped.data(), first.data());
  calotype::hasher hash;
  for (auto const* v : {&out, &din, &dweights, &dbias, &first, &second, &stepped}) {
    for (float x : *v) hash.add(x);
  }
  CHECK(hash.value() == 16339258374201506374ULL);
}

TEST_CASE("buffers of the reference are owned, zero and movable") {
  using buffer = ops::buffer;
  buffer a(1000);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a.data()[i] == 0);
  a.data()[999] = 7;
  float const* const place = a.data();
  buffer const b(std::move(a));
  CHECK(b.data() == place);
  CHECK(b.size() == 1000);
  CHECK(b.data()[999] == 7);
  CHECK(buffer().size() == 0);
}
