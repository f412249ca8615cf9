#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/eval/bootstrap.hpp>

namespace {

namespace eval = calotype::eval;

double sum(std::span<double const> weights) {
  double s = 0;
  for (double w : weights) s += w;
  return s;
}

TEST_CASE("the number of events fluctuates like a Poisson variable") {
  auto const s = eval::bootstrap(2500, {}, 400, 7, sum);
  CHECK(s.mean == doctest::Approx(2500).epsilon(0.004));  // 4 sigma are 0.4 %
  CHECK(s.error == doctest::Approx(50).epsilon(0.15));
  CHECK(s.low == doctest::Approx(2450).epsilon(0.01));
  CHECK(s.high == doctest::Approx(2550).epsilon(0.01));
}

TEST_CASE("weights multiply") {
  std::vector<double> const weights(100, 3.0);
  CHECK(eval::bootstrap(100, weights, 50, 1, sum).mean ==
        doctest::Approx(3 * eval::bootstrap(100, {}, 50, 1, sum).mean));
}

TEST_CASE("the same seed gives the same figures, another seed others") {
  auto const a = eval::bootstrap(50, {}, 20, 1, sum);
  CHECK(a.mean == eval::bootstrap(50, {}, 20, 1, sum).mean);
  CHECK(a.mean != eval::bootstrap(50, {}, 20, 2, sum).mean);
}

TEST_CASE("repetitions without a figure are left out") {
  int calls = 0;
  auto const every_other = [&](std::span<double const>) {
    return ++calls % 2 == 0 ? 1.0 : std::numeric_limits<double>::quiet_NaN();
  };
  auto const s = eval::bootstrap(5, {}, 10, 1, every_other);
  CHECK(s.mean == 1);
  CHECK(s.error == 0);
  CHECK(std::isnan(eval::bootstrap(5, {}, 10, 1, [](std::span<double const>) {
                     return std::numeric_limits<double>::infinity();
                   }).mean));
}

}  // namespace
