#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/comparison.hpp>

namespace {

namespace eval = calotype::eval;

// Events of three classes with a hidden quality, and masses; a classifier that sees the quality through `noise`
// and the distance from 125 GeV with `peak`.
eval::predictions scored(double noise, double peak = 0, std::uint64_t seed = 1) {
  eval::predictions p{3, {}, {}, {}, {}, {}};
  for (int i = 0; i < 6000; ++i) {
    calotype::stream event(7, static_cast<std::uint64_t>(i), 1);
    calotype::stream machine(7 + seed, static_cast<std::uint64_t>(i), 2);
    int const label = i % 3;
    double const quality = event.normal<double>() + (label == 0 ? 1 : 0);
    double const mass = label == 0 ? 125 + event.normal<double>() : 90 + 40 * event.exponential<double>();
    double const s = quality + noise * machine.normal<double>() + (std::abs(mass - 125) < 4 ? peak : 0);
    auto const score = static_cast<float>(1 / (1 + std::exp(-s)));
    p.scores.insert(p.scores.end(), {score, (1 - score) / 2, (1 - score) / 2});
    p.labels.push_back(label);
    p.log_odds.push_back(s);
    p.masses.push_back(mass);
  }
  return p;
}

TEST_CASE("the better of two classifiers is found, with a smaller error than that of either") {
  auto const good = scored(0.2);
  auto const poor = scored(0.5, 0, 2);
  auto const c = eval::compare(good, poor, 0, eval::all_others, 0.7);
  REQUIRE(c);
  CHECK(c->auc.value == eval::one_versus_rest(good, 0)->auc() - eval::one_versus_rest(poor, 0)->auc());
  CHECK(c->auc.exceeds());
  CHECK(c->auc.error < 0.7 * eval::one_versus_rest(good, 0)->auc_error());
  CHECK(c->auc.lower < c->auc.value);
  CHECK(c->auc.value < c->auc.upper);
  CHECK(c->background.value < 0);
  auto const back = eval::compare(poor, good, 0, 1, 0.7);
  CHECK(!back->auc.is_non_inferior(0.01));
  CHECK(eval::compare(scored(0.2, 0, 2), good, 0, 1, 0.7)->auc.is_non_inferior(0.01));
}

TEST_CASE("the one that knows the mass has the larger CvM") {
  auto const d = eval::compare_cvm(scored(0.2, 2), scored(0.2), 1);
  REQUIRE(d);
  CHECK(d->exceeds());
  CHECK(d->value > 0.003);
  CHECK(!eval::compare_cvm(scored(0.2), scored(0.2, 0, 2), 1)->exceeds());
}

TEST_CASE("events without a mass do not count") {
  auto with = scored(0.2), without = scored(0.2);
  for (std::size_t i = 1; i < with.size(); i += 30) {
    with.masses[i] = 0;
    without.masses[i] = -1;
  }
  CHECK(eval::cvm(without, 1)->events == 1800);
  CHECK(eval::cvm(without, 1)->value == eval::cvm(with, 1)->value);
  CHECK(eval::compare_cvm(without, scored(0.5), 1)->value == eval::compare_cvm(with, scored(0.5), 1)->value);
}

TEST_CASE("blocks move together in both") {
  auto const good = scored(0.2);
  auto const poor = scored(0.5, 0, 2);
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t i = 0; i < good.size(); ++i) blocks.push_back(i / 60);
  auto const whole = eval::compare(good, poor, 0, 1, 0.7, {.blocks = blocks});
  auto const single = eval::compare(good, poor, 0, 1, 0.7);
  CHECK(whole->auc.value == single->auc.value);
  CHECK(whole->auc.lower != single->auc.lower);
  CHECK(eval::compare_cvm(good, poor, 1, {.repetitions = 20, .blocks = blocks}));
}

TEST_CASE("two that were not scored on the same events are refused") {
  auto const good = scored(0.2);
  auto other = good;
  other.labels[5] = 0;
  CHECK(eval::compare(good, other, 0, 1, 0.7).error()->message() ==
        "comparison: the two were not scored on the same events; give the same labels to both");
  std::vector<std::uint64_t> const few(3);
  CHECK(eval::compare(good, good, 0, 1, 0.7, {.blocks = few}).error() != nullptr);
  CHECK(eval::compare_cvm(good, other, 1).error() != nullptr);
  CHECK(eval::compare(good, good, 3, 1, 0.7).error()->message() ==
        "comparison: there is no such score; name one of the classes");
  CHECK(eval::compare(good, good, eval::all_others, 1, 0.7).error() != nullptr);
  eval::predictions single{1, {}, good.labels, {}, good.log_odds, good.masses};
  for (std::size_t i = 0; i < good.size(); ++i) single.scores.push_back(good.row(i)[0]);
  CHECK(eval::compare(good, single, 0, 1, 0.7));
  CHECK(eval::compare(good, single, 1, 2, 0.7).error() != nullptr);
  other = good;
  other.masses.clear();
  CHECK(eval::compare_cvm(good, other, 1).error() != nullptr);
}

}  // namespace
