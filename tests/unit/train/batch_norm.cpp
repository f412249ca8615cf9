#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "../../shapes.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <calotype/core/hash.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/train/checkpoint.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;
using cpu = ct::exec::cpu<>;

// More channels than a register has lanes, then fewer; a convolution without ReLU, one that is not normalised,
// and dropout.
template <bool BatchNorm>
struct net_of {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{1, 14, 12}}; }
  };
  static constexpr auto classes() { return ct::labels("spread", "point", "pair"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr conv first{.filters = 20, .kernel = 7, .stride = 2, .padding = 1},
        second{.filters = 9, .padding = 1};
    constexpr residual same{.filters = 20, .batch_norm = BatchNorm};
    constexpr residual half{.filters = 6, .stride = 2, .batch_norm = BatchNorm};
    if constexpr (BatchNorm) {
      return ct::nn::layers(first, batch_norm{}, relu{}, max_pool{.size = 2, .stride = 1}, same, second,
                            batch_norm{}, conv{.filters = 9, .kernel = 1}, relu{}, half, global_max_pool{},
                            dropout{.rate = 0.1}, logits{});
    } else {
      return ct::nn::layers(first, relu{}, max_pool{.size = 2, .stride = 1}, same, second,
                            conv{.filters = 9, .kernel = 1}, relu{}, half, global_max_pool{},
                            dropout{.rate = 0.1}, logits{});
    }
  }
};
using net = net_of<true>;

// Two planes, one of them behind a first convolution whose pool leaves out what is empty; a sequence; a
// normalised map of one pixel.
struct branched {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{1, 30, 29}, ct::kernel::map_shape{6, 7, 6}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("image", conv{.filters = 16, .kernel = 7, .stride = 2, .padding = 1}, relu{},
                        max_pool{}, residual{.filters = 16, .batch_norm = true},
                        conv{.filters = 5, .kernel = 6}, batch_norm{}, relu{}, dense{.units = 4}),
                 branch("sequence", conv_lstm{.filters = 4, .steps = 3}, conv{.filters = 18, .padding = 1},
                        batch_norm{}, relu{}, avg_pool{}, global_avg_pool{}, dropout{.rate = 0.2})),
        dense{.units = 7}, relu{}, logits{});
  }
};

// Numbers of both planes, few of them not zero.
struct points {
  std::vector<std::vector<float>> all;
  explicit points(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      ct::stream draw(4, i, 9);
      all.emplace_back(ct::nn::input_size<branched>());
      for (int k = 0; k < 60; ++k)
        all.back()[draw.below(static_cast<std::uint32_t>(all.back().size()))] = draw.normal();
    }
  }
  std::size_t size() const { return all.size(); }
  std::span<float const> sample(std::size_t i) const { return all[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t i) const { return 1.0F + static_cast<float>(i % 2); }
};

std::vector<std::size_t> numbers_to(std::size_t n) {
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

template <class Net, class Policy, class Data>
auto trained(int threads, Data const& data) {
  ct::train::trainer<Net, Policy> t(ct::nn::model<Net>::random(1), {.batch_size = 8, .threads = threads});
  for (int i = 0; i < 3; ++i) t.step(data, numbers_to(data.size()));
  return t.save();
}

template <class Net, class Data>
void check_bits() {
  for (std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{16}}) {
    CAPTURE(batch);
    Data const data(batch);
    auto const one = trained<Net, ct::exec::scalar>(1, data), many = trained<Net, ct::exec::scalar>(3, data);
    CHECK(one.parameters == many.parameters);
    auto const fast = trained<Net, cpu>(2, data);
    CHECK(one.parameters == fast.parameters);
    CHECK(one.first_moment == fast.first_moment);
    CHECK(one.second_moment == fast.second_moment);
  }
}

TEST_CASE("a step has the same bits under every policy and with any number of threads") {
  check_bits<net, shapes>();
  check_bits<branched, points>();
}

// Written down, for compilers and machines that never meet.
TEST_CASE("the bits of a training, and of the model that comes out") {
  points const data(16);
  ct::train::trainer<branched, cpu> t(ct::nn::model<branched>::random(1), {.threads = 2});
  for (int i = 0; i < 3; ++i) t.step(data, numbers_to(16));
  ct::hasher trained, folded;
  for (float x : t.save().parameters) trained.add(x);
  auto const model = t.model();
  for (float x : model.parameters()) folded.add(x);
  CHECK(trained.value() == 13110727222707257164U);
  CHECK(folded.value() == 4471911333840486996U);
}

TEST_CASE("with the Winograd arithmetic gradients are within 1e-5 of those of the direct one") {
  points const data(12);
  using winograd = ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>;
  auto const start = ct::nn::model<branched>::random(3);
  ct::train::trainer<branched, cpu> direct(start, {});
  ct::train::trainer<branched, winograd> other(start, {});
  direct.gradient(data, numbers_to(12));
  other.gradient(data, numbers_to(12));
  auto const a = direct.gradients(), b = other.gradients();
  float largest = 0, worst = 0;
  int differ = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    worst = std::max(worst, std::abs(a[i] - b[i]));
    differ += a[i] != b[i];
  }
  CHECK(worst < 1e-5F * largest);
  CHECK(differ > 100);
}

TEST_CASE("a batch knows nothing of the ones before it") {
  shapes const data(20);
  ct::train::trainer<net, cpu> fresh(ct::nn::model<net>::random(1), {}),
      used(ct::nn::model<net>::random(1), {});
  auto const start = used.save();
  used.step(data, numbers_to(20));
  used.step(data, numbers_to(20));
  used.restore(start);
  fresh.step(data, numbers_to(5));
  used.step(data, numbers_to(5));
  CHECK(fresh.save().parameters == used.save().parameters);
  CHECK(fresh.save().second_moment == used.save().second_moment);
}

TEST_CASE("a network with batch_norm has the parameters of one without, and another signature") {
  using plain = net_of<false>;
  CHECK(ct::nn::model<net>::size == ct::nn::model<plain>::size);
  CHECK(ct::nn::signature<net> != ct::nn::signature<plain>);
  auto const a = ct::nn::model<net>::random(1);
  CHECK(ct::nn::trained_numbers<net>::channels == 20 + 2 * 20 + 9 + 3 * 6);
  CHECK(ct::nn::trained_numbers<plain>::size == ct::nn::model<plain>::size);
  // The same numbers give the same scores: the type of the network that was trained can be left behind.
  std::vector<float> const numbers(a.parameters().begin(), a.parameters().end());
  ct::session<net, cpu> with(a);
  ct::session<plain, cpu> without{ct::nn::model<plain>(numbers)};
  shapes const data(3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(with(data.sample(i)) == without(data.sample(i)));
}

TEST_CASE("it learns, and the scores of the last model separate the classes") {
  shapes const data(300), others(150, 4);
  ct::train::trainer<net, cpu> t(
      ct::nn::model<net>::random(2),
      {.optimiser = {.learning_rate = 5e-3}, .batch_size = 30, .epochs = 8, .threads = 2});
  ct::train::run_state<net> state;
  auto const done = ct::train::fit(
      t, data, others, state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(done);
  CHECK(state.history.back().loss < 0.5 * state.history.front().loss);
  auto const p = ct::train::predict<net, cpu>(ct::nn::model<net>(state.best_parameters), others, 2);
  CHECK(ct::eval::one_versus_rest(p, 0)->auc() > 0.97);
  // Means and variances have moved, and are those of the trainer's own list.
  auto const now = t.save();
  REQUIRE(now.parameters.size() == ct::nn::trained_numbers<net>::size);
  CHECK(now.parameters[ct::nn::trained_numbers<net>::variance(0)] != 1);
  CHECK(now.second_moment[ct::nn::trained_numbers<net>::variance(0)] == 0);
}

// With a mass, for the loss against learning it.
struct massive : shapes {
  using shapes::shapes;
  float mass(std::size_t i) const { return 90.0F + static_cast<float>(i * 37 % 101); }
};

TEST_CASE("the loss against learning the mass takes the scores of the whole batch") {
  massive const data(60);
  ct::train::options const o{.decorrelation = {.strength = 2, .ring = 0}};
  ct::train::trainer<net, ct::exec::scalar> slow(ct::nn::model<net>::random(1), o);
  ct::train::trainer<net, cpu> fast(ct::nn::model<net>::random(1), o);
  double const loss = slow.gradient(data, numbers_to(60));
  CHECK(loss == fast.gradient(data, numbers_to(60)));
  CHECK(slow.gradients() == fast.gradients());
  ct::train::trainer<net, cpu> without(ct::nn::model<net>::random(1), {});
  CHECK(loss > without.gradient(data, numbers_to(60)));
}

TEST_CASE("a checkpoint goes on with the same bits") {
  shapes const data(60), none(0);
  ct::train::options const o{.batch_size = 16, .epochs = 2, .threads = 2};
  std::string const path =
      (std::filesystem::temp_directory_path() / ("calotype_batch_norm_" + std::to_string(getpid()))).string();
  std::vector<float> whole, best;
  for (bool interrupted : {false, true}) {
    ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(1), o);
    ct::train::run_state<net> state;
    REQUIRE(ct::train::fit(
        t, data, none, state, [](auto const&) {},
        [&](auto const&) {
          REQUIRE(ct::train::save_checkpoint(path, t, state));
          return !interrupted;
        }));
    if (!interrupted) {
      whole = t.save().parameters;
      best = state.best_parameters;
      continue;
    }
    auto const saved = ct::train::load_checkpoint<net>(path);
    REQUIRE(saved);
    CHECK(saved->done.epochs == 1);
    ct::train::trainer<net, cpu> again(ct::nn::model<net>::random(9), o);
    ct::train::run_state<net> rest;
    REQUIRE(ct::train::resume(again, rest, *saved));
    REQUIRE(ct::train::fit(
        again, data, none, rest, [](auto const&) {}, [](auto const&) { return true; }));
    CHECK(again.save().parameters == whole);
    CHECK(rest.best_parameters == best);
    CHECK(best.size() == static_cast<std::size_t>(ct::nn::model<net>::size));
  }
  std::filesystem::remove(path);
}

// A team of two in which nobody answers: enough to be refused.
struct two final : ct::train::team {
  int rank() const noexcept override { return 0; }
  int size() const noexcept override { return 2; }
  void send(std::span<std::byte const>, int) noexcept override {}
  void receive(std::span<std::byte>, int) noexcept override {}
  void broadcast(std::span<std::byte>, int) noexcept override {}
  void share(std::span<std::byte>, std::span<std::size_t const>) noexcept override {}
};

TEST_CASE("several processes are refused with a sentence") {
  shapes const data(6);
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(1), {.epochs = 1}, {}, std::make_shared<two>());
  ct::train::run_state<net> state;
  auto const done = ct::train::fit(
      t, data, data, state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(!done);
  CHECK(done.error()->what.find("whole batch in one process") != std::string::npos);
}

}  // namespace
