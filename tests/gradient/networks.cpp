// Whole networks: the gradient of every parameter against central differences, in double.
#include <array>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/nn/engine.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;
using policy = ct::exec::scalar_of<double>;

// A stream of numbers that looks random enough and needs nothing of the library under test.
class numbers {
 public:
  double operator()() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) * 0x1p-53 * 2 - 1;
  }

 private:
  std::uint64_t state_ = 12345;
};

template <class... L>
struct residual_net {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 11, 9}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 3, .kernel = 5, .stride = 2, .padding = 2}, relu{},
                          residual{.filters = 3}, residual{.filters = 4, .stride = 2}, max_pool{.size = 2},
                          dense{.units = 6}, relu{}, logits{});
  }
};

struct branched_net {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 8, 9}, map_shape{2, 6, 7}}; }
  };
  static constexpr auto classes() { return ct::labels("a"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("a", conv{.filters = 3}, relu{}, residual{.filters = 3}, global_max_pool{}),
                 branch("b", max_pool{}, conv{.filters = 4, .kernel = 2}, relu{}, dense{.units = 5}, relu{})),
        dropout{.rate = 0.3}, dense{.units = 7}, relu{}, logits{});
  }
};

struct averaging_net {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 12, 11}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(avg_pool{.size = 3, .stride = 1}, conv{.filters = 3}, relu{}, avg_pool{},
                          residual{.filters = 3}, global_avg_pool{}, dense{.units = 5}, relu{}, logits{});
  }
};

struct recurrent_net {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{6, 7, 6}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv_lstm{.filters = 4, .steps = 3}, max_pool{}, conv_lstm{.filters = 3, .steps = 2},
                          conv{.filters = 3, .padding = 1}, relu{}, dense{.units = 5}, relu{}, logits{});
  }
};

template <class Net>
void check_all_parameters() {
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  constexpr auto size = static_cast<std::size_t>(plan.total_parameters());
  using engine_type = ct::nn::training_engine<Net, policy>;
  numbers draw;
  std::vector<double> parameters(size), gradient(size), slope(engine_type::outputs);
  for (double& p : parameters) p = 0.4 * draw();
  for (double& s : slope) s = draw();

  engine_type engine;
  ct::nn::detail::for_each_index<ct::nn::input_traits<typename Net::input>::planes()>([&](auto plane) {
    double* image = engine.template input<plane>();
    for (int i = 0; i < plan.shape(plane).size(); ++i) image[i] = draw();
  });
  ct::nn::packed_parameters<Net, policy> packed(true);
  auto loss = [&] {
    packed.pack(parameters.data());
    double const* logits = engine.forward(packed, 7);
    double sum = 0;
    for (std::size_t i = 0; i < slope.size(); ++i) sum += logits[i] * slope[i];
    return sum;
  };
  loss();
  for (std::size_t i = 0; i < slope.size(); ++i) engine.logit_gradient()[i] = slope[i];
  engine.backward(packed, parameters.data(), gradient.data());

  double largest = 0, worst = 0;
  int moved = 0;
  for (std::size_t i = 0; i < size; ++i) {
    double const keep = parameters[i], h = 1e-5;
    parameters[i] = keep + h;
    double const up = loss();
    parameters[i] = keep - h;
    double const down = loss();
    parameters[i] = keep;
    double const numeric = (up - down) / (2 * h);
    largest = std::max(largest, std::abs(numeric));
    worst = std::max(worst, std::abs(numeric - gradient[i]));
    moved += numeric != 0;
  }
  INFO("largest slope ", largest, ", worst difference ", worst, ", parameters that matter ", moved, " of ",
       size);
  CHECK(worst < 1e-7 * std::max(1.0, largest));
  CHECK(moved > static_cast<int>(size) / 4);
}

TEST_CASE("gradients of a residual network with a projection, pooling and hidden layers") {
  check_all_parameters<residual_net<>>();
}
TEST_CASE("gradients of a network with average pools") { check_all_parameters<averaging_net>(); }
TEST_CASE("gradients of a network with convolutional LSTMs") { check_all_parameters<recurrent_net>(); }
TEST_CASE("gradients of branches that are joined, with dropout") { check_all_parameters<branched_net>(); }

// Dropout that does nothing, at every place where it changes how buffers are shared.
struct quiet_dropout {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 8, 9}, map_shape{6, 1, 1}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("map", conv{.filters = 3}, relu{}, dropout{.rate = 0}, residual{.filters = 3},
                        global_max_pool{}, dropout{.rate = 0}, dropout{.rate = 0}),
                 branch("features", dropout{.rate = 0}, dense{.units = 4}, relu{}, dropout{.rate = 0})),
        dropout{.rate = 0}, dense{.units = 5}, relu{}, dropout{.rate = 0}, logits{});
  }
};

template <class Net>
void inference_equals_training() {
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  numbers draw;
  std::vector<double> parameters(static_cast<std::size_t>(plan.total_parameters()));
  for (double& p : parameters) p = 0.4 * draw();
  ct::nn::packed_parameters<Net, policy> packed;
  packed.pack(parameters.data());
  ct::nn::training_engine<Net, policy> training;
  ct::nn::inference_engine<Net, policy> inference;
  for (int repeat = 0; repeat < 3; ++repeat) {  // from the second time on with used buffers
    ct::nn::detail::for_each_index<ct::nn::input_traits<typename Net::input>::planes()>([&](auto plane) {
      for (int i = 0; i < plan.shape(plane).size(); ++i) {
        training.template input<plane>()[i] = inference.template input<plane>()[i] = draw();
      }
    });
    double const* a = training.forward(packed);
    double const* b = inference.run(packed);
    for (int i = 0; i < Net::classes().size(); ++i) CHECK(a[i] == b[i]);
  }
}

TEST_CASE("inference gives the logits of training, with and without dropout layers that do nothing") {
  inference_equals_training<residual_net<>>();
  inference_equals_training<quiet_dropout>();
  inference_equals_training<recurrent_net>();
}

}  // namespace
