#include <cmath>
#include <limits>
#include <string>

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

TEST_CASE("with a single score the classes behind the rest weigh the same, and the rest as much as class 0") {
  // Of the rest, two events of class 1 beat the signal's only one and one of class 2 does not.
  eval::predictions const p{1, {0.6F, 0.7F, 0.8F, 0.1F}, {0, 1, 1, 2}, {}};
  auto const b = eval::balanced(p);
  CHECK(b.weights[0] == doctest::Approx(2));
  CHECK(b.weights[1] == doctest::Approx(0.5));
  CHECK(b.weights[2] == doctest::Approx(0.5));
  CHECK(b.weights[3] == doctest::Approx(1));
  CHECK(eval::one_versus_rest(b, 0)->auc() == doctest::Approx(0.5));
  // So do three scores, where the classes weigh the same.
  eval::predictions const three{3, {0.6F, 0, 0, 0.7F, 0, 0, 0.8F, 0, 0, 0.1F, 0, 0}, {0, 1, 1, 2}, {}};
  CHECK(eval::one_versus_rest(eval::balanced(three), 0)->auc() == doctest::Approx(0.5));
  // Without class 2, and without class 0.
  CHECK(eval::balanced({1, {0.6F, 0.7F, 0.8F}, {0, 1, 1}, {}}).weights[0] == doctest::Approx(1.5));
  CHECK(eval::balanced({1, {0.6F, 0.7F, 0.8F}, {1, 1, 2}, {}}).weights[2] == doctest::Approx(1.5));
}

TEST_CASE("a single score is right of every class of the rest") {
  eval::predictions const p{1, {0.9F, 0.2F, 0.1F, 0.7F}, {0, 1, 2, 2}, {}};
  CHECK(eval::accuracy(p) == doctest::Approx(0.75));
}

TEST_CASE("what is no score is refused") {
  auto p = three_classes();
  for (int signal : {-1, 3}) {
    CHECK(eval::one_versus_rest(p, signal).error()->message() ==
          "ROC curve: there is no such score; name one of the classes");
    CHECK(eval::one_versus_one(p, signal, 0).error()->message() ==
          "ROC curve: there is no such score; name one of the classes");
  }
  p.scores[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK(eval::check(p).error()->message() == "event 1: the score is not a finite number; leave the event out");
  p.scores[4] = std::numeric_limits<float>::infinity();
  CHECK(eval::check(p).error() != nullptr);
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
