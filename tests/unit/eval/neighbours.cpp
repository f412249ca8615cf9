#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/neighbours.hpp>

namespace {

namespace eval = calotype::eval;
using places = std::vector<std::size_t>;

TEST_CASE("equal values stay in the order of the events") {
  CHECK(eval::rising_order(std::vector<double>{3, 1, 2, 1, 3}) == places{1, 3, 2, 0, 4});
}

TEST_CASE("the nearest at the edges and in the middle, the lower of two that are equally far") {
  std::vector<double> const values{0, 1, 2, 10, 11, 12};
  CHECK(eval::nearest_begin(values, 3) == places{0, 0, 0, 3, 3, 3});
  CHECK(eval::nearest_begin(values, 1) == places{0, 1, 2, 3, 4, 5});
  CHECK(eval::nearest_begin(values, 6) == places(6, 0));
  CHECK(eval::nearest_begin(std::vector<double>{0, 1, 2}, 2) == places{0, 0, 1});
  // Of more equal values than are asked for, every event is among its own.
  auto const equal = eval::nearest_begin(std::vector<double>(5, 7.0), 2);
  for (std::size_t i = 0; i < 5; ++i) CHECK((equal[i] <= i && i < equal[i] + 2));
}

TEST_CASE("no event outside is nearer than one inside") {
  calotype::stream draw(3, 0, 1);
  std::vector<double> values(300);
  for (double& v : values) v = draw.exponential<double>();
  std::sort(values.begin(), values.end());
  std::size_t const k = 12;
  auto const begin = eval::nearest_begin(values, k);
  for (std::size_t i = 0; i < values.size(); ++i) {
    double farthest = 0;
    for (std::size_t j = begin[i]; j < begin[i] + k; ++j)
      farthest = std::max(farthest, std::abs(values[j] - values[i]));
    std::size_t nearer = 0;
    for (double v : values) nearer += std::abs(v - values[i]) < farthest;
    CHECK(nearer == k - 1);
  }
}

}  // namespace
