#include <cmath>

#include <doctest/doctest.h>

#include <calotype/eval/predictions.hpp>

namespace {

namespace eval = calotype::eval;

eval::predictions three_classes() {
  return {3,
          {0.7F, 0.2F, 0.1F,  //
           0.2F, 0.5F, 0.3F,  //
           0.3F, 0.3F, 0.4F,  //
           0.4F, 0.5F, 0.1F},
          {0, 1, 2, 0},
          {}};
}

TEST_CASE("one class against the rest and against one other") {
  auto const p = three_classes();
  // H scores: signal .7 .4, background .2 .3 -> 1; class 1: signal .5, others .2 .3 .5 -> (1 + 1 + 1/2) / 3.
  CHECK(eval::one_versus_rest(p, 0)->auc() == 1);
  CHECK(eval::one_versus_rest(p, 1)->auc() == doctest::Approx(2.5 / 3));
  CHECK(eval::one_versus_one(p, 1, 0)->auc() == doctest::Approx(1.5 / 2));
  CHECK(eval::one_versus_one(p, 2, 2).error() != nullptr);
}

TEST_CASE("accuracy and cross-entropy") {
  auto p = three_classes();
  CHECK(eval::accuracy(p) == doctest::Approx(0.75));
  CHECK(eval::cross_entropy(p) == doctest::Approx(-(std::log(0.7) + std::log(0.5) + 2 * std::log(0.4)) / 4));
  p.weights = {1, 1, 1, 1};
  p.weights.back() = 0;  // g++ 12 stores {1, 1, 1, 0} as four ones (docs/compilers.md)
  CHECK(eval::accuracy(p) == 1);
  p.scores[0] = 0;
  CHECK(std::isfinite(eval::cross_entropy(p)));
}

TEST_CASE("a single score is the probability of class 0") {
  eval::predictions const p{1, {0.9F, 0.2F, 0.6F}, {0, 1, 1}, {}};
  CHECK(eval::check(p));
  CHECK(eval::accuracy(p) == doctest::Approx(2.0 / 3));
  CHECK(eval::cross_entropy(p) == doctest::Approx(-(std::log(0.9) + std::log(0.8) + std::log(0.4)) / 3));
  CHECK(eval::one_versus_rest(p, 0)->auc() == 1);
}

TEST_CASE("balanced classes weigh the same and sum to the same") {
  auto const p = eval::balanced(three_classes());
  CHECK(p.weights[0] + p.weights[3] == doctest::Approx(4.0 / 3));
  CHECK(p.weights[1] == doctest::Approx(4.0 / 3));
  CHECK(p.weights[0] + p.weights[1] + p.weights[2] + p.weights[3] == doctest::Approx(4));
}

TEST_CASE("lists that do not fit are refused") {
  auto p = three_classes();
  p.labels[2] = 3;
  CHECK(eval::check(p).error()->message() == "event 2: label 3 is none of the classes; labels count from 0");
  CHECK(eval::one_versus_rest(p, 0).error() != nullptr);
  p = three_classes();
  p.scores.pop_back();
  CHECK(eval::check(p).error() != nullptr);
  CHECK(eval::check({}).error() != nullptr);
}

}  // namespace
