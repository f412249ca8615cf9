#include <array>
#include <cmath>
#include <vector>

#include "../../shapes.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;

struct small {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 14, 12}}; }
  };
  static constexpr auto classes() { return ct::labels("spread", "point", "pair"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .padding = 1}, relu{}, max_pool{}, residual{.filters = 8},
                          global_max_pool{}, dropout{.rate = 0.1}, logits{});
  }
};

struct yes_or_no {
  struct input {
    static constexpr auto features() { return ct::labels("x", "y"); }
  };
  static constexpr auto classes() { return ct::labels("inside"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{.units = 16}, relu{}, logits{});
  }
};

struct disc {
  std::vector<std::array<float, 2>> points;
  explicit disc(std::size_t n) {
    ct::stream draw(5, 0, 9);
    for (std::size_t i = 0; i < n; ++i)
      points.push_back({draw.uniform(-1.0f, 1.0f), draw.uniform(-1.0f, 1.0f)});
  }
  std::size_t size() const { return points.size(); }
  std::span<float const> sample(std::size_t i) const { return points[i]; }
  int label(std::size_t i) const {
    return points[i][0] * points[i][0] + points[i][1] * points[i][1] < 0.5f ? 0 : 1;
  }
  float weight(std::size_t) const { return 1; }
};

using cpu = ct::exec::cpu<>;

template <class Policy>
std::vector<float> trained(int threads, int epochs, shapes const& data) {
  ct::train::trainer<small, Policy> t(ct::nn::model<small>::random(1),
                                      {.batch_size = 10, .epochs = epochs, .threads = threads});
  for (int e = 0; e < epochs; ++e) t.epoch(data, [](auto...) {});
  return t.save().parameters;
}

TEST_CASE("training gives the same bits for any number of threads and for the scalar reference") {
  shapes const data(47);  // the last batch is incomplete
  auto const one = trained<cpu>(1, 2, data);
  CHECK(one == trained<cpu>(2, 2, data));
  CHECK(one == trained<cpu>(5, 2, data));
  CHECK(one == trained<ct::exec::scalar>(1, 2, data));
}

TEST_CASE("a resumed run continues exactly") {
  shapes const data(40);
  ct::train::options const o{.batch_size = 8, .epochs = 3, .threads = 2};
  ct::train::trainer<small, cpu> whole(ct::nn::model<small>::random(1), o);
  for (int e = 0; e < 3; ++e) whole.epoch(data, [](auto...) {});
  ct::train::trainer<small, cpu> first(ct::nn::model<small>::random(1), o);
  first.epoch(data, [](auto...) {});
  ct::train::trainer<small, cpu> second(ct::nn::model<small>::random(99), o);
  second.restore(first.save());
  for (int e = 0; e < 2; ++e) second.epoch(data, [](auto...) {});
  CHECK(whole.save().parameters == second.save().parameters);
  CHECK(whole.save().first_moment == second.save().first_moment);
  CHECK(whole.done().steps == second.done().steps);
}

TEST_CASE("the gradient of a batch is the weighted mean of its events' gradients, and Adam is PyTorch's") {
  shapes const data(6);
  using trainer = ct::train::trainer<small, cpu>;
  auto const start = ct::nn::model<small>::random(4);
  trainer all(start, {});
  std::vector<std::size_t> const batch{0, 1, 2, 3, 4, 5};
  double const loss = all.gradient(data, batch);
  std::vector<double> mean(trainer::size);
  double mean_loss = 0, weights = 0;
  for (std::size_t i : batch) weights += static_cast<double>(data.weight(i));
  for (std::size_t i : batch) {
    trainer one(start, {});
    double const share = static_cast<double>(data.weight(i)) / weights;
    mean_loss += share * one.gradient(data, std::span(&i, 1));
    auto const g = one.gradients();
    for (std::size_t k = 0; k < g.size(); ++k) mean[k] += share * static_cast<double>(g[k]);
  }
  CHECK(loss == doctest::Approx(mean_loss).epsilon(1e-6));
  auto const g = all.gradients();
  double worst = 0, largest = 0;
  for (std::size_t k = 0; k < g.size(); ++k) {
    worst = std::max(worst, std::abs(static_cast<double>(g[k]) - mean[k]));
    largest = std::max(largest, std::abs(mean[k]));
  }
  CHECK(worst < 1e-6 * largest);
  // The first step of Adam moves every parameter by the learning rate, against the sign of its gradient.
  all.step(data, batch);
  auto const after = all.save().parameters;
  for (std::size_t k = 0; k < g.size(); ++k) {
    if (std::abs(g[k]) < 1e-4f) continue;
    double const moved = static_cast<double>(after[k]) - static_cast<double>(start.parameters()[k]);
    CHECK(moved == doctest::Approx(g[k] > 0 ? -5e-4 : 5e-4).epsilon(1e-3).scale(0));
  }
}

TEST_CASE("the learning rate falls from epoch to epoch") {
  shapes const data(40);
  auto const start = ct::nn::model<small>::random(1);
  ct::train::trainer<small, cpu> falling(start, {.optimiser = {.learning_rate = 1e-2, .rate_decay = 0.5}});
  CHECK(falling.learning_rate() == 1e-2);
  for (int e = 0; e < 3; ++e) falling.epoch(data, [](auto...) {});
  CHECK(falling.learning_rate() == 1e-2 / 8);
  // From the same state a step is that of a trainer whose constant rate is an eighth.
  ct::train::trainer<small, cpu> constant(start, {.optimiser = {.learning_rate = 1e-2 / 8}});
  constant.restore(falling.save());
  std::vector<std::size_t> const batch{3, 1, 4, 15, 9, 2, 6, 5};
  falling.step(data, batch);
  constant.step(data, batch);
  CHECK(falling.save().parameters == constant.save().parameters);
}

TEST_CASE("a network learns to tell shapes apart, and the best epoch is kept") {
  shapes const data(600), validation(150, 4);
  ct::train::trainer<small, cpu> t(
      ct::nn::model<small>::random(1),
      {.optimiser = {.learning_rate = 5e-3}, .batch_size = 20, .epochs = 12, .threads = 2});
  ct::train::run_state<small> state;
  std::size_t steps = 0;
  double last_left = 1e9;
  REQUIRE(ct::train::fit(
      t, data, validation, state,
      [&](ct::train::step_report const& r) {
        ++steps;
        last_left = r.seconds_left;
      },
      [](ct::train::epoch_report const&) { return true; }));
  CHECK(steps == 12 * 30);
  CHECK(last_left == 0);
  REQUIRE(state.history.size() == 12);
  CHECK(state.history.back().loss < 0.5 * state.history.front().loss);
  CHECK(state.best_auc > 0.95);
  double best = 0;
  for (auto const& h : state.history) best = std::max(best, h.validation_auc);
  CHECK(best == state.best_auc);
  auto const p = ct::train::predict<small, cpu>(ct::nn::model<small>(state.best_parameters), validation, 2);
  CHECK(ct::eval::one_versus_rest(p, 0)->auc() == state.best_auc);
}

TEST_CASE("one logit is trained with the binary cross-entropy") {
  disc const data(400);
  ct::train::trainer<yes_or_no, cpu> t(ct::nn::model<yes_or_no>::random(1),
                                       {.optimiser = {.learning_rate = 2e-2}, .batch_size = 20, .epochs = 30});
  double first = 0, last = 0;
  for (int e = 0; e < 30; ++e) {
    last = t.epoch(data, [](auto...) {});
    if (e == 0) first = last;
  }
  CHECK(first > 0.6);
  CHECK(last < 0.25);
  auto const p = ct::train::predict<yes_or_no, cpu>(t.model(), data, 1);
  CHECK(ct::eval::one_versus_rest(p, 0)->auc() > 0.95);
}

TEST_CASE("every sample is visited once per epoch, in an order that seed and epoch decide") {
  auto const a = ct::train::epoch_order(1000, 1, 0), b = ct::train::epoch_order(1000, 1, 1);
  CHECK(a != b);
  CHECK(a == ct::train::epoch_order(1000, 1, 0));
  std::vector<int> seen(1000);
  for (std::size_t i : a) ++seen[i];
  CHECK(*std::min_element(seen.begin(), seen.end()) == 1);
  // Far from sorted: a random permutation has about n/2 descents.
  int descents = 0;
  for (std::size_t i = 1; i < a.size(); ++i) descents += a[i] < a[i - 1];
  CHECK(descents > 420);
  CHECK(descents < 580);
}

}  // namespace
