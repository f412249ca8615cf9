// Whole networks trained and run under every strict policy: the same bits.
#include <array>
#include <vector>

#include "../full_event.hpp"
#include "../mixed_network.hpp"
#include "policies.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/session.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;

using calotype_test::mixed;

struct samples {
  std::vector<std::vector<float>> numbers;
  explicit samples(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      ct::stream draw(21, i, 5);
      std::vector<float> x(ct::nn::input_size<mixed>());
      for (float& v : x) v = draw.uniform() < 0.1f ? draw.uniform() : 0.0f;
      numbers.push_back(x);
    }
  }
  std::size_t size() const { return numbers.size(); }
  std::span<float const> sample(std::size_t i) const { return numbers[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t i) const { return 1.0f + static_cast<float>(i % 4); }
};

template <class Policy>
std::vector<float> trained(samples const& data) {
  ct::train::trainer<mixed, Policy> t(ct::nn::model<mixed>::random(3),
                                      {.optimiser = {.learning_rate = 2e-3}, .batch_size = 6});
  for (int e = 0; e < 2; ++e) t.epoch(data, [](auto...) {});
  return t.save().parameters;
}

TEST_CASE_TEMPLATE_DEFINE("training", Policy, training_under) {
  samples const data(13);
  static std::vector<float> const reference = trained<ct::exec::scalar>(data);
  CHECK(trained<Policy>(data) == reference);
}
TEST_CASE_TEMPLATE_APPLY(training_under, strict_policies);

// From the hits of an event to its scores, image building included, on both ECAL-centric endcaps and the
// barrel.
struct event_net {
  using input = ct::models::ecal_centric_image;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr auto trunk = [] {
      return ct::nn::layers(conv{.filters = 4, .kernel = 7, .stride = 4, .padding = 1}, relu{}, max_pool{},
                            global_max_pool{});
    };
    return ct::nn::layers(
        branches(branch("barrel", trunk()), branch("minus", trunk()), branch("plus", trunk())), logits{});
  }
};

TEST_CASE_TEMPLATE_DEFINE("from hits to logits", Policy, events_under) {
  auto const model = ct::nn::model<event_net>::random(3);
  ct::session<event_net, ct::exec::scalar> reference(model);
  ct::session<event_net, Policy> score(model);
  for (std::uint64_t i = 0; i < 4; ++i) {
    auto const e = calotype_test::full_event(i);
    CHECK(score(e) == reference(e));
    CHECK(score.logits() == reference.logits());
  }
}
TEST_CASE_TEMPLATE_APPLY(events_under, strict_policies);

}  // namespace
