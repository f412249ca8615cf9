#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/calibration.hpp>

namespace {

namespace eval = calotype::eval;

TEST_CASE("bins hold their upper edges; empty ones stay 0") {
  eval::predictions const p{1, {0.F, 0.5F, 0.25F, 0.75F, 1.F}, {1, 0, 1, 0, 0}, {}};
  auto const curve = eval::calibrate(p, 0, 4);
  REQUIRE(curve);
  CHECK(curve->bins[0].events == 2);
  CHECK(curve->bins[1].events == 1);
  CHECK(curve->bins[3].events == 1);
  CHECK(curve->bins[0].score == doctest::Approx(0.125).scale(0));
  CHECK(curve->bins[0].observed == 0);
  CHECK(curve->bins[1].observed == 1);
  // (2 x .125 + .5 + .25 + 0) / 5
  CHECK(curve->expected_error == doctest::Approx(0.2).scale(0));
  CHECK(curve->bins[1].error == doctest::Approx(std::sqrt(1.0 / 18)).scale(0));  // 1 of 1
  auto const fine = eval::calibrate(p, 0, 10);
  CHECK(fine->bins[5].events == 0);
  CHECK(fine->bins[5].observed == 0);
}

TEST_CASE("scores that come true as often as they say are calibrated, others not") {
  calotype::stream draw(1, 0, 1);
  eval::predictions p{1, {}, {}, {}};
  eval::predictions bold = p;
  for (int i = 0; i < 20'000; ++i) {
    double const score = draw.uniform<double>();
    p.scores.push_back(static_cast<float>(score));
    p.labels.push_back(draw.uniform<double>() < score ? 0 : 1);
    bold.scores.push_back(score > 0.5 ? 1.F : 0.F);
  }
  bold.labels = p.labels;
  auto const honest = eval::calibrate(p, 0);
  CHECK(honest->expected_error < 0.015);
  for (auto const& bin : honest->bins) CHECK(std::abs(bin.observed - bin.score) < 4 * bin.error);
  CHECK(eval::calibrate(bold, 0)->expected_error == doctest::Approx(0.25).epsilon(0.05).scale(0));
}

TEST_CASE("weights count events several times") {
  eval::predictions const weighted{1, {0.3F, 0.35F, 0.9F}, {0, 1, 0}, {2, 1, 1}};
  eval::predictions const repeated{1, {0.3F, 0.3F, 0.35F, 0.9F}, {0, 0, 1, 0}, {}};
  auto const a = eval::calibrate(weighted, 0, 2);
  auto const b = eval::calibrate(repeated, 0, 2);
  CHECK(a->expected_error == doctest::Approx(b->expected_error).scale(0));
  CHECK(a->bins[0].observed == doctest::Approx(2.0 / 3));
}

TEST_CASE("what cannot be judged is refused") {
  eval::predictions const p{1, {0.3F}, {0}, {}};
  CHECK(eval::calibrate(p, 1).error()->message() ==
        "calibration: there is no such score; name one of the classes");
  CHECK(eval::calibrate(p, 0, 0).error() != nullptr);
  CHECK(eval::calibrate({}, 0).error() != nullptr);
}

}  // namespace
