#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/matching.hpp>
#include <calotype/eval/roc.hpp>

namespace {

namespace ct = calotype;
namespace eval = calotype::eval;

// Two quantities of three classes: class k is shifted by 0.7 k in the first and correlated with it in the
// second.
struct samples {
  std::vector<int> labels{};
  std::vector<double> x{};

  explicit samples(std::size_t per_class) {
    for (std::size_t i = 0; i < 3 * per_class; ++i) {
      int const k = static_cast<int>(i % 3);
      ct::stream random(7, i, 1);
      double const first = random.normal<double>() + 0.7 * k;
      labels.push_back(k);
      x.push_back(first);
      x.push_back(0.5 * first + random.normal<double>());
    }
  }
};

double area(samples const& s, std::vector<double> const& weights, std::size_t quantity, int a, int b) {
  std::vector<float> values;
  std::vector<char> is_first;
  std::vector<double> of;
  for (std::size_t i = 0; i < s.labels.size(); ++i) {
    if (s.labels[i] != a && s.labels[i] != b) continue;
    values.push_back(static_cast<float>(s.x[2 * i + quantity]));
    is_first.push_back(s.labels[i] == a);
    of.push_back(weights[i]);
  }
  return eval::roc_curve::make(std::span<float const>(values), std::span<char const>(is_first),
                               std::span<double const>(of))
      ->auc();
}

TEST_CASE("matched classes cannot be told apart by what they were matched in") {
  samples const s(4000);
  std::vector<double> const one(s.labels.size(), 1);
  auto const factors = eval::matching_factors(s.labels, {}, s.x, 2);
  REQUIRE(factors);
  std::vector<double> sum(3);
  bool inside = true;
  for (std::size_t i = 0; i < s.labels.size(); ++i) {
    inside = inside && (*factors)[i] >= 0 && (*factors)[i] <= 1;
    sum[static_cast<std::size_t>(s.labels[i])] += (*factors)[i];
  }
  CHECK(inside);
  CHECK(sum[1] == doctest::Approx(sum[0]));
  CHECK(sum[2] == doctest::Approx(sum[0]));
  CHECK(sum[0] > 500);
  CHECK(area(s, one, 0, 2, 0) > 0.8);
  for (std::size_t quantity : {std::size_t{0}, std::size_t{1}}) {
    for (int k : {1, 2})
      CHECK(area(s, *factors, quantity, k, 0) == doctest::Approx(0.5).epsilon(0.015).scale(1));
  }
}

TEST_CASE("weights are part of what is matched") {
  samples const s(1000);
  std::vector<double> weights(s.labels.size());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = s.labels[i] == 0 && s.x[2 * i] > 0 ? 3 : 1;
  auto const factors = eval::matching_factors(s.labels, weights, s.x, 2);
  REQUIRE(factors);
  std::vector<double> matched;
  for (std::size_t i = 0; i < weights.size(); ++i) matched.push_back(weights[i] * (*factors)[i]);
  CHECK(area(s, matched, 0, 1, 0) == doctest::Approx(0.5).epsilon(0.03).scale(1));
}

TEST_CASE("factors by hand: two cells of one quantity") {
  std::vector<int> labels;
  std::vector<double> x;
  auto const add = [&](int label, double at, int events) {
    labels.insert(labels.end(), static_cast<std::size_t>(events), label);
    x.insert(x.end(), static_cast<std::size_t>(events), at);
  };
  add(0, 0, 4);  // 4/6 of class 0, 2/8 of class 1
  add(0, 1, 2);
  add(1, 0, 2);
  add(1, 1, 6);
  auto const check = [&](std::vector<double> const& weights, std::size_t least,
                         std::vector<double> const& expected) {
    auto const factors = eval::matching_factors(labels, weights, x, 1, least);
    REQUIRE(factors);
    std::size_t const first[] = {0, 4, 6, 8};
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::size_t const group = i < first[1] ? 0 : i < first[2] ? 1 : i < first[3] ? 2 : 3;
      CHECK((*factors)[i] == doctest::Approx(expected[group]));
    }
  };
  check({}, 2, {3. / 11, 9. / 13, 8. / 11, 4. / 13});
  check({}, 3, {0.5, 0.5, 0.5, 0.5});  // too few events for a cut
  // a class without weight in a cell: nobody counts there
  std::vector<double> weights(x.size(), 1);
  for (std::size_t i = 8; i < weights.size(); ++i) weights[i] = 0;
  check(weights, 2, {0.6, 0, 0.4, 0});
  // the same sum in other weights gives the same densities
  weights.assign(x.size(), 1);
  weights[0] = 2.5;
  weights[1] = weights[2] = weights[3] = 0.5;
  check(weights, 2, {3. / 11, 9. / 13, 8. / 11, 4. / 13});
}

TEST_CASE("one class alone keeps its weights exactly") {
  std::vector<int> const labels(500, 2);
  std::vector<double> x, weights;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ct::stream random(3, i, 1);
    x.push_back(random.uniform<double>(0, 1));
    weights.push_back(random.uniform<double>(0, 1));
  }
  auto const factors = eval::matching_factors(labels, weights, x, 1);
  REQUIRE(factors);
  CHECK(*factors == std::vector<double>(labels.size(), 1));
}

TEST_CASE("what cannot be matched is told") {
  CHECK(eval::matching_factors({}, {}, {}, 4).error()->message().find("no events") != std::string::npos);
  samples const s(15);
  auto const few = eval::matching_factors(s.labels, {}, s.x, 2);
  REQUIRE(few.error() != nullptr);
  CHECK(few.error()->message().find("15 events of class 0") != std::string::npos);
  CHECK(eval::matching_factors(s.labels, {}, s.x, 3)
            .error()
            ->message()
            .find("90 numbers for 45 events of 3 quantities") != std::string::npos);
  auto x = s.x;
  x[5] = 1 / (x[5] * 0);
  CHECK(eval::matching_factors(s.labels, {}, x, 2, 5).error()->message().find("event 2") != std::string::npos);
  std::vector<double> weights(s.labels.size(), 1);
  weights[4] = -1;
  CHECK(eval::matching_factors(s.labels, weights, s.x, 2, 5).error()->message().find("event 4") !=
        std::string::npos);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = s.labels[i] == 1 ? 0 : 1;
  CHECK(
      eval::matching_factors(s.labels, weights, s.x, 2, 5).error()->message().find("class 1 have no weight") !=
      std::string::npos);
  auto const one_cell = eval::matching_factors(s.labels, {}, s.x, 2, 15);
  REQUIRE(one_cell);
  CHECK(one_cell->front() == doctest::Approx(1.0 / 3));  // nothing can be changed
}

}  // namespace
