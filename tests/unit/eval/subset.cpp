#include <vector>

#include <doctest/doctest.h>

#include <calotype/eval/subset.hpp>

namespace {

namespace eval = calotype::eval;

TEST_CASE("some of the events keep their order and all that is known of them") {
  eval::predictions p{
      3, {0.7F, 0.2F, 0.1F, 0.2F, 0.5F, 0.3F, 0.3F, 0.3F, 0.4F, 0.4F, 0.5F, 0.1F}, {0, 1, 2, 0}, {}};
  p.weights = {1, 2, 3, 4};
  p.masses = {91, 92, 93, 94};
  auto const some = eval::chosen(p, std::vector<char>{0, 1, 0, 1});
  CHECK(some.classes == 3);
  CHECK(some.scores == std::vector{0.2F, 0.5F, 0.3F, 0.4F, 0.5F, 0.1F});
  CHECK(some.labels == std::vector{1, 0});
  CHECK(some.weights == std::vector{2.0, 4.0});
  CHECK(some.masses == std::vector{92.0, 94.0});
  CHECK(some.log_odds.empty());
  CHECK(eval::check(some));
}

}  // namespace
