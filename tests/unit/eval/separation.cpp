#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/separation.hpp>

namespace {

namespace eval = calotype::eval;

// Three classes whose scores are normal round (label == 0 ? 1 : 0).
eval::predictions sample(int events) {
  eval::predictions p;
  p.classes = 3;
  calotype::stream random(7, 1, 1);
  for (int i = 0; i < events; ++i) {
    int const label = i % 3;
    float const s =
        1 / (1 + std::exp(-(static_cast<float>(random.normal<double>()) + (label == 0 ? 1.0F : 0.0F))));
    p.scores.insert(p.scores.end(), {s, (1 - s) / 2, (1 - s) / 2});
    p.labels.push_back(label);
  }
  return p;
}

TEST_CASE("the curve is that of the same events, and the background's error is binomial") {
  auto const p = sample(6000);
  auto const pair = eval::separate(p, 0, 1, 0.7);
  REQUIRE(pair);
  CHECK(pair->curve.auc() == eval::one_versus_one(p, 0, 1)->auc());
  CHECK(pair->background == eval::one_versus_one(p, 0, 1)->false_positive_rate_at(0.7));
  auto const rest = eval::separate(p, 0, eval::all_others, 0.7);
  REQUIRE(rest);
  CHECK(rest->curve.auc() == eval::one_versus_rest(p, 0)->auc());
  // normal scores one standard deviation apart: 1 - Phi(1 + Phi^-1(0.3)) of the background stays
  CHECK(rest->background == doctest::Approx(0.317).epsilon(0.05).scale(0));
  // the background's own fluctuation, and that of the cut that keeps 70 % of the signal
  double const slope = 1.026;  // of background by signal efficiency there
  double const expected =
      std::sqrt(rest->background * (1 - rest->background) / 4000 + slope * slope * 0.7 * 0.3 / 2000);
  CHECK(rest->background_error == doctest::Approx(expected).epsilon(0.2).scale(0));
}

TEST_CASE("blocks of equal events make the error larger") {
  auto const p = sample(3000);
  eval::predictions many = p;
  std::vector<std::uint64_t> blocks;
  for (int copy = 0; copy < 4; ++copy) {
    if (copy > 0) {
      many.scores.insert(many.scores.end(), p.scores.begin(), p.scores.end());
      many.labels.insert(many.labels.end(), p.labels.begin(), p.labels.end());
    }
    for (std::uint64_t i = 0; i < p.size(); ++i) blocks.push_back(i);
  }
  double const once = eval::separate(p, 0, 1, 0.7)->background_error;
  CHECK(eval::separate(many, 0, 1, 0.7, {.blocks = blocks})->background_error ==
        doctest::Approx(once).epsilon(0.01).scale(0));
  CHECK(eval::separate(many, 0, 1, 0.7)->background_error == doctest::Approx(once / 2).epsilon(0.25).scale(0));
  blocks.pop_back();
  CHECK_FALSE(eval::separate(many, 0, 1, 0.7, {.blocks = blocks}));
}

TEST_CASE("what cannot be separated is refused") {
  auto p = sample(30);
  for (int& label : p.labels) label = 0;
  CHECK_FALSE(eval::separate(p, 0, eval::all_others, 0.7));
  p.labels[0] = 1;
  CHECK(eval::separate(p, 0, 1, 0.7));
  for (int signal : {eval::all_others, 3}) {
    CHECK(eval::separate(p, signal, 1, 0.7).error()->message() ==
          "separation: there is no such score; name one of the classes");
  }
  // Before anything is sorted by it; of a class that does not take part too.
  p.scores[3 * 7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(eval::separate(p, 0, 1, 0.7).error()->message() ==
        "event 7: the score is not a finite number; leave the event out");
  p.scores[3 * 7] = 0.5F;
  p.scores.pop_back();
  CHECK_FALSE(eval::separate(p, 0, 1, 0.7));
}

}  // namespace
