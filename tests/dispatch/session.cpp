// A dispatched session does what a session of exec::cpu does, bit for bit, under every instruction set.
#include <array>
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
  auto const model = ct::nn::model<Net>::initial(11);
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
      CHECK(score.report() == ct::image_report{});
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

TEST_CASE("the widest instruction set that the machine has is chosen") {
  ct::session<map, direct> score(ct::nn::model<map>::initial(1));
  auto const widest = ct::exec::supports(instruction_set::avx512) ? instruction_set::avx512
                      : ct::exec::supports(instruction_set::avx2) ? instruction_set::avx2
                                                                  : instruction_set::baseline;
  CHECK(score.instruction_set() == widest);
}

TEST_CASE("sessions outlive their model, move, and score spans of events") {
  auto make = [] {
    auto const model = ct::nn::model<barrel>::initial(2);
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
