// Every kernel's gradient against central differences in double. Each operation is multilinear or piecewise
// linear in its inputs, so a step of 1e-5 (never across a kink: values are spread further apart than that)
// leaves rounding alone.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/conv_lstm.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/kernel/scalar.hpp>

namespace {

namespace kernel = calotype::kernel;
using policy = calotype::exec::scalar_of<double>;
using ops = kernel::ops<policy>;
using numbers = std::vector<double>;

constexpr policy p{};

std::size_t count(int n) { return static_cast<std::size_t>(n); }

// Numbers in (-1, 1) from a linear congruence, all different by far more than the step of the differences.
numbers draw(std::size_t n, std::uint64_t seed) {
  numbers v(n);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (double& x : v) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    x = static_cast<double>(state >> 11) * 0x1p-52 - 1;
  }
  return v;
}

double dot(numbers const& a, numbers const& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}

// Checks `gradient` of loss() with respect to `x`, coordinate by coordinate.
void check_gradient(std::function<double()> const& loss, numbers& x, numbers const& gradient) {
  REQUIRE(x.size() == gradient.size());
  double const step = 1e-5;
  double largest = 0;
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const kept = x[i];
    x[i] = kept + step;
    double const above = loss();
    x[i] = kept - step;
    double const below = loss();
    x[i] = kept;
    worst = std::max(worst, std::abs((above - below) / (2 * step) - gradient[i]));
    largest = std::max(largest, std::abs(gradient[i]));
  }
  REQUIRE(largest > 0);
  CHECK(worst / largest < 1e-8);
}

template <kernel::conv_shape S, bool Relu, bool Shortcut>
void check_conv() {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.rows);
  CAPTURE(S.in.cols);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  CAPTURE(S.padding);
  using conv = ops::conv<S, false>;
  constexpr auto outputs = static_cast<std::size_t>(S.out().size());
  auto in = draw(count(S.in.size()), 1);
  auto weights = draw(count(S.weights()), 2);
  auto bias = draw(count(S.filters), 3);
  auto shortcut = draw(outputs, 4);
  auto const seen = draw(outputs, 5);  // loss = seen . out
  numbers out(outputs);
  auto loss = [&] {
    numbers packed(conv::packed_size);
    conv::pack(weights.data(), bias.data(), packed.data());
    conv::template forward<Relu, Shortcut>(p, in.data(), packed.data(), shortcut.data(), out.data());
    return dot(out, seen);
  };
  loss();
  auto dout = seen;
  if (Relu) ops::relu_gradient<S.out()>(p, out.data(), dout.data());
  numbers din(in.size());
  numbers dweights(weights.size());
  numbers dbias(bias.size());
  numbers packed(conv::gradient_packed_size);
  conv::pack_gradient(weights.data(), packed.data());
  conv::input_gradient(p, dout.data(), packed.data(), nullptr, din.data());
  conv::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
  check_gradient(loss, in, din);
  check_gradient(loss, weights, dweights);
  check_gradient(loss, bias, dbias);
  if (Shortcut) check_gradient(loss, shortcut, dout);

  auto const added = draw(in.size(), 6);
  numbers sum(in.size());
  conv::input_gradient(p, dout.data(), packed.data(), added.data(), sum.data());
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(sum[i] == din[i] + added[i]);
}

}  // namespace

TEST_CASE("convolution") {
  check_conv<kernel::conv_shape{{2, 5, 6}, 3, 3, 1, 1}, false, false>();
  check_conv<kernel::conv_shape{{2, 5, 6}, 3, 3, 1, 1}, true, true>();
  check_conv<kernel::conv_shape{{3, 9, 11}, 2, 7, 2, 1}, true, false>();
  check_conv<kernel::conv_shape{{2, 8, 7}, 2, 3, 2, 1}, false, false>();
  check_conv<kernel::conv_shape{{3, 6, 7}, 4, 1, 2, 0}, false, true>();
  check_conv<kernel::conv_shape{{1, 10, 9}, 2, 5, 3, 2}, true, false>();
  check_conv<kernel::conv_shape{{1, 4, 4}, 2, 2, 3, 0}, false, false>();  // pixels that no window sees
}

TEST_CASE_TEMPLATE_DEFINE("max pool", Shape, max_pool_gradient) {
  constexpr kernel::pool_shape s = Shape::value;
  using pool = ops::max_pool<s>;
  auto in = draw(count(s.in.size()), 1);
  auto const seen = draw(count(s.out().size()), 2);
  numbers out(seen.size());
  auto loss = [&] {
    pool::forward(p, in.data(), out.data());
    return dot(out, seen);
  };
  loss();
  numbers din(in.size());
  pool::gradient(p, in.data(), out.data(), seen.data(), din.data());
  check_gradient(loss, in, din);
}
template <kernel::pool_shape S>
struct pool_case {
  static constexpr kernel::pool_shape value = S;
};
TEST_CASE_TEMPLATE_INVOKE(max_pool_gradient, pool_case<kernel::pool_shape{{2, 6, 8}, 2, 2}>,
                          pool_case<kernel::pool_shape{{2, 7, 5}, 2, 2}>,
                          pool_case<kernel::pool_shape{{2, 7, 9}, 3, 2}>,
                          pool_case<kernel::pool_shape{{1, 5, 6}, 2, 3}>);

TEST_CASE("global max pool") {
  constexpr kernel::map_shape s{4, 3, 5};
  auto in = draw(count(s.size()), 1);
  auto const seen = draw(4, 2);
  numbers out(4);
  auto loss = [&] {
    ops::global_max_pool<s>::forward(p, in.data(), out.data());
    return dot(out, seen);
  };
  loss();
  numbers din(in.size());
  ops::global_max_pool<s>::gradient(p, in.data(), out.data(), seen.data(), din.data());
  check_gradient(loss, in, din);
}

TEST_CASE_TEMPLATE_DEFINE("average pool", Shape, avg_pool_gradient) {
  constexpr kernel::pool_shape s = Shape::value;
  using pool = ops::avg_pool<s>;
  auto in = draw(count(s.in.size()), 1);
  auto const seen = draw(count(s.out().size()), 2);
  numbers out(seen.size());
  auto loss = [&] {
    pool::forward(p, in.data(), out.data());
    return dot(out, seen);
  };
  numbers din(in.size());
  pool::gradient(p, seen.data(), din.data());
  check_gradient(loss, in, din);
}
TEST_CASE_TEMPLATE_INVOKE(avg_pool_gradient, pool_case<kernel::pool_shape{{2, 6, 8}, 2, 2}>,
                          pool_case<kernel::pool_shape{{2, 7, 9}, 3, 2}>,
                          pool_case<kernel::pool_shape{{1, 5, 6}, 2, 3}>);

TEST_CASE("global average pool") {
  constexpr kernel::map_shape s{4, 3, 5};
  auto in = draw(count(s.size()), 1);
  auto const seen = draw(4, 2);
  numbers out(4);
  auto loss = [&] {
    ops::global_avg_pool<s>::forward(p, in.data(), out.data());
    return dot(out, seen);
  };
  numbers din(in.size());
  ops::global_avg_pool<s>::gradient(p, seen.data(), din.data());
  check_gradient(loss, in, din);
}

TEST_CASE_TEMPLATE_DEFINE("convolutional LSTM, through time", Shape, conv_lstm_gradient) {
  constexpr kernel::lstm_shape s = Shape::value;
  using layer = kernel::conv_lstm<policy, s>;
  auto in = draw(count(s.in.size()), 1);
  auto weights = draw(count(s.gates().weights()), 2);
  auto bias = draw(count(s.gates().filters), 3);
  auto const seen = draw(count(s.out().size()), 4);
  numbers out(seen.size());
  numbers kept(layer::kept_size);
  numbers scratch(std::max(layer::scratch_size, layer::gradient_scratch_size));
  numbers packed(layer::packed_size);
  auto loss = [&] {
    layer::pack(weights.data(), bias.data(), packed.data());
    layer::forward(p, in.data(), packed.data(), out.data(), kept.data(), scratch.data());
    return dot(out, seen);
  };
  loss();
  numbers din(in.size());
  numbers dweights(weights.size());
  numbers dbias(bias.size());
  numbers gradient_packed(layer::gradient_packed_size);
  layer::pack_gradient(weights.data(), gradient_packed.data());
  layer::gradient(p, seen.data(), gradient_packed.data(), kept.data(), dweights.data(), dbias.data(),
                  din.data(), scratch.data());
  check_gradient(loss, in, din);
  check_gradient(loss, weights, dweights);
  check_gradient(loss, bias, dbias);
}
template <kernel::lstm_shape S>
struct lstm_case {
  static constexpr kernel::lstm_shape value = S;
};
TEST_CASE_TEMPLATE_INVOKE(conv_lstm_gradient, lstm_case<kernel::lstm_shape{{8, 4, 5}, 2, 3, 4}>,
                          lstm_case<kernel::lstm_shape{{3, 3, 2}, 3, 5, 1}>,
                          lstm_case<kernel::lstm_shape{{3, 2, 4}, 1, 1, 3}>);

TEST_CASE("dense") {
  constexpr kernel::dense_shape s{7, 5};
  using dense = ops::dense<s>;
  auto in = draw(7, 1);
  auto weights = draw(35, 2);
  auto bias = draw(5, 3);
  auto const seen = draw(5, 4);
  numbers out(5);
  auto loss = [&] {
    numbers packed(dense::packed_size);
    dense::pack(weights.data(), bias.data(), packed.data());
    dense::forward<true>(p, in.data(), packed.data(), out.data());
    return dot(out, seen);
  };
  loss();
  auto dout = seen;
  ops::relu_gradient<kernel::map_shape{5}>(p, out.data(), dout.data());
  numbers din(7);
  numbers dweights(35);
  numbers dbias(5);
  dense::input_gradient(p, dout.data(), weights.data(), din.data());
  dense::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
  check_gradient(loss, in, din);
  check_gradient(loss, weights, dweights);
  check_gradient(loss, bias, dbias);
}

TEST_CASE("flatten") {
  constexpr kernel::map_shape s{2, 3, 4};
  auto in = draw(24, 1);
  auto const seen = draw(24, 2);
  numbers out(24);
  auto loss = [&] {
    ops::flatten<s>::forward(p, in.data(), out.data());
    return dot(out, seen);
  };
  numbers din(24);
  ops::flatten<s>::gradient(p, seen.data(), din.data());
  check_gradient(loss, in, din);
}

TEST_CASE("dropout") {
  constexpr kernel::map_shape s{40};
  auto in = draw(40, 1);
  auto const seen = draw(40, 2);
  numbers out(40);
  auto loss = [&] {
    ops::dropout<s>::forward(p, 0.4, 99, in.data(), out.data());
    return dot(out, seen);
  };
  numbers din(40);
  ops::dropout<s>::gradient(p, 0.4, 99, seen.data(), din.data());
  check_gradient(loss, in, din);
}

TEST_CASE("softmax cross-entropy") {
  auto logits = draw(5, 1);
  for (int label = 0; label < 5; ++label) {
    numbers slope(5);
    numbers unused(5);
    kernel::element::softmax_cross_entropy<5>(logits.data(), label, 0.7, slope.data());
    check_gradient(
        [&] { return kernel::element::softmax_cross_entropy<5>(logits.data(), label, 0.7, unused.data()); },
        logits, slope);
  }
}

TEST_CASE("binary cross-entropy") {
  for (double x : {-2.0, -0.3, 0.4, 3.0}) {
    for (int label : {0, 1}) {
      numbers logit{x};
      numbers slope(1);
      double unused = 0;
      kernel::element::binary_cross_entropy(x, label, 0.7, slope[0]);
      check_gradient([&] { return kernel::element::binary_cross_entropy(logit[0], label, 0.7, unused); }, logit,
                     slope);
    }
  }
}
