// A dispatched session does what a session of exec::cpu does, bit for bit, under every instruction set.
#include <array>
#include <concepts>
#include <utility>

#include "sample.hpp"
#include <doctest/doctest.h>

using namespace dispatch_test;
using ct::exec::instruction_set;

namespace {

constexpr std::array sets{instruction_set::baseline, instruction_set::avx2, instruction_set::avx512};

template <class Policy>
using plain =
    ct::exec::cpu<ct::exec::best_arch, typename Policy::threads_type, typename Policy::arithmetic_type>;

template <class Scores>
void check_same(Scores const& a, Scores const& b) {
  ct::hasher x, y;
  for (float s : a) x.add(s);
  for (float s : b) y.add(s);
  CHECK(x.value() == y.value());
}

template <class Net, class Policy>
void check_against_cpu(Policy policy) {
  auto const model = ct::nn::model<Net>::random(11);
  ct::session<Net, plain<Policy>> expected(model, {.threads = policy.threads});
  for (auto set : sets) {
    policy.widest = set;
    ct::session<Net, Policy> score(model, policy);
    CHECK(score.instruction_set() <= set);
    CHECK(ct::exec::supports(score.instruction_set()));
    if (ct::exec::supports(set)) CHECK(score.instruction_set() == set);
    for (std::uint64_t i = 0; i < 2; ++i) {
      if constexpr (ct::nn::detail::reads_events<Net>()) {
        auto const e = sample_event(i);
        check_same(score(e), expected(e));
        CHECK(score.report() == expected.report());
      }
      auto const numbers = numbers_for<Net>(i);
      check_same(score(std::span<float const>(numbers)), expected(std::span<float const>(numbers)));
      check_same(score.logits(), expected.logits());
      CHECK(score.log_odds() == expected.log_odds());
      CHECK(score.report() == ct::image_report{});
    }
  }
}

// Inputs that go in together, as events and as numbers.
template <class Net, class Policy>
void check_batches(Policy policy) {
  using session = ct::session<Net, Policy>;
  constexpr std::size_t count = 7;
  auto const model = ct::nn::model<Net>::random(11);
  std::vector<ct::event> events;
  std::vector<float> numbers;
  for (std::uint64_t i = 0; i < count; ++i) {
    events.push_back(sample_event(i));
    auto const more = numbers_for<Net>(i);
    numbers.insert(numbers.end(), more.begin(), more.end());
  }
  ct::session<Net, plain<Policy>> expected(model, {.threads = policy.threads});
  auto const check_all = [&]<class Input>(session& score, std::span<Input const> inputs, std::size_t one) {
    std::vector<typename session::scores> got(count);
    score(inputs, std::span(got));
    for (std::size_t i = 0; i < count; ++i) {
      if constexpr (std::same_as<Input, float>) {
        check_same(got[i], expected(inputs.subspan(i * one, one)));
      } else {
        check_same(got[i], expected(inputs[i]));
      }
    }
    check_same(score.logits(), expected.logits());
    CHECK(score.report() == expected.report());
  };
  for (auto set : sets) {
    policy.widest = set;
    for (int batch : {0, 1, 3, 16}) {
      CAPTURE(batch);
      session score(model, policy, batch);
      check_all(score, std::span<float const>(numbers), ct::nn::input_size<Net>());
      if constexpr (ct::nn::detail::reads_events<Net>())
        check_all(score, std::span<ct::event const>(events), 1);
      auto const last = score.logits();
      score(std::span<float const>(), std::span<typename session::scores>());
      check_same(score.logits(), last);
    }
  }
}

}  // namespace

TEST_CASE("every kind of input, arithmetic and thread policy") {
  check_against_cpu<barrel>(direct{});
  check_against_cpu<barrel>(winograd{});
  check_against_cpu<barrel>(threads{.threads = {.count = 2}});
  check_against_cpu<photons>(direct{});
  check_against_cpu<map>(direct{});
}

TEST_CASE("many inputs in one call, some of them through the network together") {
  check_batches<small_maps>(winograd{});
  check_batches<barrel>(threads{.threads = {.count = 2}});
  check_batches<photons>(direct{});
  check_batches<map>(direct{});
}

TEST_CASE("the widest instruction set that the machine has is chosen") {
  ct::session<map, direct> score(ct::nn::model<map>::random(1));
  auto const widest = ct::exec::supports(instruction_set::avx512) ? instruction_set::avx512
                      : ct::exec::supports(instruction_set::avx2) ? instruction_set::avx2
                                                                  : instruction_set::baseline;
  CHECK(score.instruction_set() == widest);
}

TEST_CASE("sessions outlive their model, move, and score spans of events") {
  auto make = [] {
    auto const model = ct::nn::model<barrel>::random(2);
    return ct::session<barrel, direct>(model);
  };
  auto first = make();
  auto const e = sample_event(4);
  auto const wanted = first(e);
  ct::session<barrel, direct> second = std::move(first);
  check_same(second(e), wanted);
  first = std::move(second);
  check_same(first(e), wanted);

  std::vector<ct::event> const events{e, ct::event{}, e};
  std::vector<ct::session<barrel, direct>::scores> out(events.size());
  first(std::span<ct::event const>(events), std::span(out));
  check_same(out[0], wanted);
  check_same(out[2], wanted);
  CHECK(out[1] != wanted);
  CHECK(first(ct::event{}) == out[1]);
  CHECK(!first.report().scaled);  // no photons to divide by
}
