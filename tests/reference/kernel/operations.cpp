// Single operations of the reference kernels against PyTorch in float64: float within the rounding of its sums,
// double to its last digits. Everything is exchanged through files in the build folder.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/kernel/scalar.hpp>

namespace {

namespace kernel = calotype::kernel;

struct tensor {
  std::string name;
  bool gradient;
  std::vector<double> values;
};

std::size_t count(int n) { return static_cast<std::size_t>(n); }

// Runs every case under one real type and keeps what went in and came out, in the order that operations.py
// expects.
template <class Real>
class battery {
 public:
  using policy = calotype::exec::scalar_of<Real>;
  using ops = kernel::ops<policy>;
  using numbers = std::vector<Real>;

  std::string cases;
  std::vector<double> inputs;
  std::vector<tensor> outputs;

  void run() {
    convolution<kernel::conv_shape{{3, 45, 61}, 16, 7, 2, 1}, true, false>();
    convolution<kernel::conv_shape{{16, 21, 23}, 16, 3, 1, 1}, true, true>();
    convolution<kernel::conv_shape{{16, 21, 24}, 32, 3, 2, 1}, true, false>();
    convolution<kernel::conv_shape{{16, 21, 24}, 32, 1, 2, 0}, false, false>();
    convolution<kernel::conv_shape{{64, 9, 10}, 64, 3, 1, 1}, true, true>();
    convolution<kernel::conv_shape{{4, 17, 14}, 5, 5, 3, 2}, false, true>();
    max_pool<kernel::pool_shape{{8, 20, 26}, 2, 2}>();
    max_pool<kernel::pool_shape{{3, 21, 27}, 2, 2}>();
    max_pool<kernel::pool_shape{{3, 21, 27}, 3, 2}>();
    global_max_pool<kernel::map_shape{64, 9, 11}>();
    avg_pool<kernel::pool_shape{{8, 20, 26}, 2, 2}>();
    avg_pool<kernel::pool_shape{{3, 21, 27}, 3, 2}>();
    global_avg_pool<kernel::map_shape{64, 9, 11}>();
    dense<kernel::dense_shape{64, 3}, false>();
    dense<kernel::dense_shape{256, 128}, true>();
    for (int label = 0; label < 5; ++label) softmax_cross_entropy<5>(label);
    for (int i = 0; i < 10; ++i) binary_cross_entropy(i % 2);
    adam(200, 30);
  }

 private:
  numbers draw(int n, float scale = 1) {
    numbers v(count(n));
    for (Real& x : v) {
      float const z = scale * stream_.normal();
      x = static_cast<Real>(z);
      inputs.push_back(static_cast<double>(z));
    }
    return v;
  }
  void put(std::string const& name, bool gradient, numbers const& v) {
    outputs.push_back({name, gradient, {v.begin(), v.end()}});
  }
  void begin(std::string const& kind, std::initializer_list<int> integers) {
    cases += kind;
    for (int i : integers) cases += " " + std::to_string(i);
    cases += "\n";
  }

  template <kernel::conv_shape S, bool Relu, bool Shortcut>
  void convolution() {
    using conv = typename ops::template conv<S, false>;
    constexpr kernel::map_shape shape = S.out();
    begin("convolution",
          {S.in.channels, S.in.rows, S.in.cols, S.filters, S.kernel, S.stride, S.padding, Relu, Shortcut});
    auto const in = draw(S.in.size());
    auto const weights = draw(S.weights(), 1 / std::sqrt(static_cast<float>(S.weights() / S.filters)));
    auto const bias = draw(S.filters, 0.1F);
    auto const shortcut = draw(shape.size());
    auto dout = draw(shape.size());
    numbers packed(conv::packed_size), out(count(shape.size())), din(in.size()), dweights(weights.size()),
        dbias(bias.size());
    conv::pack(weights.data(), bias.data(), packed.data());
    conv::template forward<Relu, Shortcut>(p_, in.data(), packed.data(), shortcut.data(), out.data());
    if (Relu) ops::template relu_gradient<shape>(p_, out.data(), dout.data());
    conv::pack_gradient(weights.data(), packed.data());
    conv::input_gradient(p_, dout.data(), packed.data(), nullptr, din.data());
    conv::weight_gradient(p_, in.data(), dout.data(), dweights.data(), dbias.data());
    put("convolution", false, out);
    put("convolution, input", true, din);
    put("convolution, weights", true, dweights);
    put("convolution, bias", true, dbias);
    if (Shortcut) put("convolution, shortcut", true, dout);
  }

  template <kernel::pool_shape S>
  void max_pool() {
    begin("max_pool", {S.in.channels, S.in.rows, S.in.cols, S.size, S.stride});
    auto const in = draw(S.in.size());
    auto const dout = draw(S.out().size());
    numbers out(dout.size()), din(in.size());
    ops::template max_pool<S>::forward(p_, in.data(), out.data());
    ops::template max_pool<S>::gradient(p_, in.data(), out.data(), dout.data(), din.data());
    put("max pool", false, out);
    put("max pool, input", true, din);
  }

  template <kernel::map_shape S>
  void global_max_pool() {
    begin("global_max_pool", {S.channels, S.rows, S.cols});
    auto const in = draw(S.size());
    auto const dout = draw(S.channels);
    numbers out(dout.size()), din(in.size());
    ops::template global_max_pool<S>::forward(p_, in.data(), out.data());
    ops::template global_max_pool<S>::gradient(p_, in.data(), out.data(), dout.data(), din.data());
    put("global max pool", false, out);
    put("global max pool, input", true, din);
  }

  template <kernel::pool_shape S>
  void avg_pool() {
    begin("avg_pool", {S.in.channels, S.in.rows, S.in.cols, S.size, S.stride});
    auto const in = draw(S.in.size());
    auto const dout = draw(S.out().size());
    numbers out(dout.size()), din(in.size());
    ops::template avg_pool<S>::forward(p_, in.data(), out.data());
    ops::template avg_pool<S>::gradient(p_, dout.data(), din.data());
    put("average pool", false, out);
    put("average pool, input", true, din);
  }

  template <kernel::map_shape S>
  void global_avg_pool() {
    begin("global_avg_pool", {S.channels, S.rows, S.cols});
    auto const in = draw(S.size());
    auto const dout = draw(S.channels);
    numbers out(dout.size()), din(in.size());
    ops::template global_avg_pool<S>::forward(p_, in.data(), out.data());
    ops::template global_avg_pool<S>::gradient(p_, dout.data(), din.data());
    put("global average pool", false, out);
    put("global average pool, input", true, din);
  }

  template <kernel::dense_shape S, bool Relu>
  void dense() {
    using layer = typename ops::template dense<S>;
    begin("dense", {S.inputs, S.outputs, Relu});
    auto const in = draw(S.inputs);
    auto const weights = draw(S.weights(), 1 / std::sqrt(static_cast<float>(S.inputs)));
    auto const bias = draw(S.outputs, 0.1F);
    auto dout = draw(S.outputs);
    numbers packed(layer::packed_size), out(dout.size()), din(in.size()), dweights(weights.size()),
        dbias(bias.size());
    layer::pack(weights.data(), bias.data(), packed.data());
    layer::template forward<Relu>(p_, in.data(), packed.data(), out.data());
    if (Relu) ops::template relu_gradient<kernel::map_shape{S.outputs}>(p_, out.data(), dout.data());
    layer::input_gradient(p_, dout.data(), weights.data(), din.data());
    layer::weight_gradient(p_, in.data(), dout.data(), dweights.data(), dbias.data());
    put("dense", false, out);
    put("dense, input", true, din);
    put("dense, weights", true, dweights);
    put("dense, bias", true, dbias);
  }

  template <int Classes>
  void softmax_cross_entropy(int label) {
    begin("softmax_cross_entropy", {Classes, label});
    auto const logits = draw(Classes, 2);
    numbers slope(Classes), p(Classes);
    Real const loss =
        kernel::element::softmax_cross_entropy<Classes>(logits.data(), label, Real{1}, slope.data());
    kernel::element::softmax<Classes>(logits.data(), p.data());
    put("softmax cross-entropy", false, {loss});
    put("softmax cross-entropy, logits", true, slope);
    put("softmax", false, p);
  }

  void binary_cross_entropy(int label) {
    begin("binary_cross_entropy", {label});
    Real const logit = draw(1, 3)[0];
    Real slope = 0;
    Real const loss = kernel::element::binary_cross_entropy(logit, label, Real{1}, slope);
    put("binary cross-entropy", false, {loss});
    put("binary cross-entropy, logit", true, {slope});
    put("sigmoid", false, {kernel::element::sigmoid(logit)});
  }

  // The step's constants are floats under every policy, hence the looser class.
  void adam(int n, int steps) {
    begin("adam", {n, steps});
    auto parameters = draw(n);
    numbers first(parameters.size()), second(parameters.size());
    for (int t = 1; t <= steps; ++t) {
      auto const gradient = draw(n, 0.01F);
      ops::adam(p_, parameters.size(), kernel::adam_step_at(1e-3, 0.9, 0.999, 1e-8, t), gradient.data(),
                first.data(), second.data(), parameters.data());
    }
    put("Adam", true, parameters);
  }

  policy p_{};
  calotype::stream stream_{20261124, 0, 0};
};

template <class Number>
void write(std::filesystem::path const& path, std::vector<Number> const& v) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<char const*>(v.data()), static_cast<std::streamsize>(v.size() * sizeof(Number)));
}

}  // namespace

TEST_CASE_TEMPLATE("PyTorch computes the same in float64", Real, float, double) {
  if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) {
    MESSAGE("SKIPPED: PyTorch is not installed (Debian: python3-torch)");
    return;
  }
  battery<Real> ours;
  ours.run();
  auto const folder = std::filesystem::path(CALOTYPE_BINARY_DIR) / "reference_kernel" /
                      (sizeof(Real) == 4 ? "float" : "double");
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "cases") << ours.cases;
  write(folder / "inputs", ours.inputs);
  std::string const command = "/usr/bin/python3 '" CALOTYPE_SOURCE_DIR
                              "/tests/reference/kernel/operations.py' '" +
                              (folder / "cases").string() + "' '" + (folder / "inputs").string() + "' '" +
                              (folder / "outputs").string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);

  std::ifstream answers(folder / "outputs", std::ios::binary);
  double worst_forward = 0, worst_gradient = 0;
  for (auto const& t : ours.outputs) {
    CAPTURE(t.name);
    std::vector<double> theirs(t.values.size());
    answers.read(reinterpret_cast<char*>(theirs.data()),
                 static_cast<std::streamsize>(theirs.size() * sizeof(double)));
    REQUIRE(answers);
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      difference = std::max(difference, std::abs(t.values[i] - theirs[i]));
      largest = std::max(largest, std::abs(theirs[i]));
    }
    REQUIRE(largest > 0);
    if (std::is_same_v<Real, double> && t.name != "Adam") {
      CHECK(difference / largest < 1e-13);
    } else {
      CHECK(difference / largest < (t.gradient ? 1e-5 : 1e-6));
    }
    double& worst = t.gradient ? worst_gradient : worst_forward;
    worst = std::max(worst, difference / largest);
  }
  CHECK(answers.peek() == std::ifstream::traits_type::eof());
  MESSAGE("largest relative difference: forward ", worst_forward, ", gradients ", worst_gradient);
}
