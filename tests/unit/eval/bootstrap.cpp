#include <cmath>
#include <cstdint>
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
  auto const s = eval::bootstrap(2500, {}, {.repetitions = 400, .seed = 7}, sum);
  CHECK(s.mean == doctest::Approx(2500).epsilon(0.004));  // 4 sigma are 0.4 %
  CHECK(s.error == doctest::Approx(50).epsilon(0.15));
  CHECK(s.low == doctest::Approx(2450).epsilon(0.01));
  CHECK(s.high == doctest::Approx(2550).epsilon(0.01));
}

TEST_CASE("weights multiply") {
  std::vector<double> const weights(100, 3.0);
  CHECK(eval::bootstrap(100, weights, {.repetitions = 50}, sum).mean ==
        doctest::Approx(3 * eval::bootstrap(100, {}, {.repetitions = 50}, sum).mean));
}

TEST_CASE("the same seed gives the same figures, another seed others") {
  auto const a = eval::bootstrap(50, {}, {.repetitions = 20, .seed = 1}, sum);
  CHECK(a.mean == eval::bootstrap(50, {}, {.repetitions = 20, .seed = 1}, sum).mean);
  CHECK(a.mean != eval::bootstrap(50, {}, {.repetitions = 20, .seed = 2}, sum).mean);
}

TEST_CASE("repetitions without a figure are left out") {
  int calls = 0;
  auto const every_other = [&](std::span<double const>) {
    return ++calls % 2 == 0 ? 1.0 : std::numeric_limits<double>::quiet_NaN();
  };
  auto const s = eval::bootstrap(5, {}, {.repetitions = 10}, every_other);
  CHECK(s.mean == 1);
  CHECK(s.error == 0);
  CHECK(std::isnan(eval::bootstrap(5, {}, {.repetitions = 10}, [](std::span<double const>) {
                     return std::numeric_limits<double>::infinity();
                   }).mean));
}

TEST_CASE("events of one block move together") {
  // 50 blocks of 50 events: the sum fluctuates like 50 times a Poisson variable of mean 50.
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t i = 0; i < 2500; ++i) blocks.push_back(1000 - i % 50);
  auto const s = eval::bootstrap(2500, {}, {.repetitions = 400, .seed = 7, .blocks = blocks}, sum);
  CHECK(s.mean == doctest::Approx(2500).epsilon(0.03));
  CHECK(s.error == doctest::Approx(50 * std::sqrt(50.0)).epsilon(0.15));
  eval::bootstrap(2500, {}, {.repetitions = 3, .blocks = blocks}, [&](std::span<double const> w) {
    for (std::size_t i = 50; i < w.size(); ++i) CHECK(w[i] == w[i - 50]);
    return 0.0;
  });
  // A block for every event is no block.
  for (std::uint64_t i = 0; i < 2500; ++i) blocks[i] = i * i;
  CHECK(eval::bootstrap(2500, {}, {.repetitions = 3, .blocks = blocks}, sum).mean ==
        eval::bootstrap(2500, {}, {.repetitions = 3}, sum).mean);
}

TEST_CASE("what two figures have in common drops out of their difference") {
  std::vector<double> a(400);
  std::vector<double> b(400);
  calotype::stream draw(1, 0, 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = draw.normal<double>();
    b[i] = a[i] + 0.1 * draw.normal<double>() - 0.05;
  }
  auto const mean_of = [](std::vector<double> const& x) {
    return [&x](std::span<double const> w) {
      double all = 0;
      for (std::size_t i = 0; i < x.size(); ++i) all += w[i] * x[i];
      return all / sum(w);
    };
  };
  auto const d = eval::paired_difference(400, {}, {.repetitions = 400}, mean_of(a), mean_of(b));
  std::vector<double> const once(400, 1.0);
  CHECK(d.value == doctest::Approx(mean_of(a)(once) - mean_of(b)(once)).scale(0));
  CHECK(d.error == doctest::Approx(0.1 / std::sqrt(400.0)).epsilon(0.2).scale(0));
  CHECK(d.lower == doctest::Approx(d.value - 1.96 * d.error).epsilon(0.1).scale(0));
  CHECK(d.upper == doctest::Approx(d.value + 1.96 * d.error).epsilon(0.1).scale(0));
  CHECK(d.exceeds());
  auto const back = eval::paired_difference(400, {}, {.repetitions = 400}, mean_of(b), mean_of(a));
  CHECK(back.lower == doctest::Approx(-d.upper).scale(0));
  CHECK(!back.exceeds());
  CHECK(!back.is_non_inferior(0.05));
  CHECK(back.is_non_inferior(0.08));
  auto const same = eval::paired_difference(400, {}, {}, mean_of(a), mean_of(a));
  CHECK(same.lower == 0);
  CHECK(!same.exceeds());
  CHECK(same.is_non_inferior(1e-9));
}

}  // namespace
