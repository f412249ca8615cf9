// Training under exec::cuda, thread by thread on the host: the bits of the scalar reference.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../full_event.hpp"
#include "../../mixed_network.hpp"
#include "../../odd_networks.hpp"
#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/train/cuda.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;
using cuda = ct::exec::cuda<ct::exec::fp32, ct::exec::emulated>;
using ct::kernel::map_shape;

// Numbers that are drawn, in turns of the classes; the class of a mass is the second one.
template <class Net>
struct drawn {
  static constexpr int classes = ct::nn::plan_of<Net>.shape(ct::nn::plan_of<Net>.result).channels;
  std::vector<float> inputs;
  std::size_t n;
  explicit drawn(std::size_t count) : inputs(calotype_test::some_inputs<Net>(count)), n(count) {}
  std::size_t size() const { return n; }
  std::span<float const> sample(std::size_t i) const {
    constexpr std::size_t each = ct::nn::input_size<Net>();
    return std::span(inputs).subspan(i * each, each);
  }
  int label(std::size_t i) const { return static_cast<int>(i % static_cast<std::size_t>(classes)); }
  float weight(std::size_t i) const { return i % 3 == 0 ? 2.0F : 1.0F; }
  float mass(std::size_t i) const { return label(i) == 1 ? 90 + static_cast<float>(i * 7 % 40) : 0; }
};

// Of all barrel channels, and small soon.
struct small_image {
  using input = ct::models::barrel_image;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(avg_pool{.size = 10, .stride = 10}, conv{.filters = 8, .kernel = 3, .padding = 1},
                          relu{}, residual{.filters = 12, .stride = 2}, global_max_pool{}, logits{});
  }
};
struct events {
  std::vector<ct::event> all;
  explicit events(std::size_t n) {
    for (std::uint64_t i = 0; i < n; ++i) all.push_back(calotype_test::full_event(i));
  }
  std::size_t size() const { return all.size(); }
  ct::event const& sample(std::size_t i) const { return all[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
};

template <class Net, class Policy, class Data>
auto trained(Data const& data, ct::train::options const& o, int epochs, std::vector<double>& losses) {
  ct::train::trainer<Net, Policy> t(ct::nn::model<Net>::random(3), o);
  for (int e = 0; e < epochs; ++e) losses.push_back(t.epoch(data, [](auto...) {}));
  return t.save();
}

template <class Net, class Data>
void check(Data const& data, ct::train::options o, int epochs = 1) {
  std::vector<double> losses, expected_losses;
  auto const expected = trained<Net, ct::exec::scalar>(data, o, epochs, expected_losses);
  for (int threads : {1, 3}) {
    CAPTURE(threads);
    losses.clear();
    o.threads = threads;
    auto const got = trained<Net, cuda>(data, o, epochs, losses);
    CHECK(got.parameters == expected.parameters);
    CHECK(got.first_moment == expected.first_moment);
    CHECK(got.second_moment == expected.second_moment);
    CHECK(losses == expected_losses);
    CHECK(got.ring.size() == expected.ring.size());
  }
}

TEST_CASE_TEMPLATE("a step on numbers, whole leaves and others", Net, calotype_test::mixed,
                   calotype_test::wide_windows, calotype_test::odd_stride, calotype_test::to_one_pixel,
                   calotype_test::shrinks_to_a_pixel, calotype_test::far_apart, calotype_test::many_rows,
                   ct::models::shower_cnn) {
  check<Net>(drawn<Net>(10), {.optimiser = {.learning_rate = 1e-2}, .batch_size = 7});
}

TEST_CASE("a batch that goes to the device in parts") {
  using net = ct::models::eb_mass_aware;
  using training = ct::nn::device_forward<net, cuda, ct::nn::dense_inputs>::training;
  static_assert(12 * training::event_size * sizeof(float) > (50U << 20));  // half of the memory that there is
  check<net>(drawn<net>(14), {.batch_size = 14});
}

TEST_CASE("decorrelated, with a ring and without") {
  using net = ct::models::four_momentum_3;
  drawn<net> const data(300);
  for (int ring : {0, 40}) {
    check<net>(data, {.batch_size = ring > 0 ? 45 : 150, .decorrelation = {.strength = 0.7, .ring = ring}}, 2);
  }
}

TEST_CASE("events, and the images that they leave behind") {
  check<small_image>(events(9), {.optimiser = {.learning_rate = 1e-2}, .batch_size = 6}, 2);
}

// Of the class that is decorrelated logits are wanted first.
struct massive_events : events {
  using events::events;
  float mass(std::size_t i) const { return 100 + static_cast<float>(i); }
};
TEST_CASE("events, decorrelated") {
  check<small_image>(massive_events(36),
                     {.batch_size = 36, .decorrelation = {.strength = 0.5, .neighbours = 1, .ring = 0}});
}

// Every crystal of the barrel: a list has room for some.
TEST_CASE("events that fill the list before the batch") {
  events full(6);
  for (ct::event& e : full.all) {
    auto& hits = e.hit_lists[ct::cms::collection::eb];
    hits.clear();
    for (int cell = 0; cell < ct::segmentation<ct::cms::eb>::size(); ++cell) {
      hits.push_back({ct::segmentation<ct::cms::eb>::pack(cell), 0.1F + 1e-5F * static_cast<float>(cell)});
    }
  }
  check<small_image>(full, {.batch_size = 6});
}

TEST_CASE("a run with validation") {
  using net = ct::models::four_momentum_3;
  drawn<net> const data(60);
  auto const run = [&]<class Policy>(Policy) {
    ct::train::trainer<net, Policy> t(ct::nn::model<net>::random(1), {.batch_size = 8, .epochs = 2});
    ct::train::run_state<net> state;
    std::vector<double> history;
    REQUIRE(ct::train::fit(
        t, data, data, state, [](ct::train::step_report const&) {},
        [&](ct::train::epoch_report const& r) {
          history.insert(history.end(), {r.loss, r.validation_loss, r.validation_auc});
          return true;
        }));
    return std::pair(history, state.best_parameters);
  };
  CHECK(run(cuda{}) == run(ct::exec::scalar{}));
}

}  // namespace
