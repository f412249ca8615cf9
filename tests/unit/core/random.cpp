#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>

namespace {

using calotype::philox;
using calotype::stream;
using block = std::array<std::uint32_t, 4>;

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
static_assert(philox({0, 0, 0, 0}, {0, 0}) == block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) ==
              block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
static_assert(std::uniform_random_bit_generator<stream>);

struct moments {
  double mean = 0, variance = 0, third = 0, fourth = 0;  // the last two standardised
};

template <class Draw>
moments sample(int n, Draw draw) {
  std::vector<double> x(static_cast<std::size_t>(n));
  moments m;
  for (double& v : x) m.mean += (v = draw()) / n;
  for (double v : x) m.variance += (v - m.mean) * (v - m.mean) / n;
  for (double v : x) {
    double const z = (v - m.mean) / std::sqrt(m.variance);
    m.third += z * z * z / n;
    m.fourth += z * z * z * z / n;
  }
  return m;
}

}  // namespace

TEST_CASE("streams are named, not shared") {
  stream a(1, 2, 3), b(1, 2, 3);
  for (int i = 0; i < 1000; ++i) CHECK_EQ(a(), b());
  CHECK(stream(1, 2, 3)() != stream(1, 2, 4)());
  CHECK(stream(1, 2, 3)() != stream(1, 3, 3)());
  CHECK(stream(1, 2, 3)() != stream(2, 2, 3)());
  CHECK(stream(1, std::uint64_t{2} << 32, 3)() != stream(1, 2, 3)());
  CHECK(stream(std::uint64_t{1} << 32, 2, 3)() != stream(1, 2, 3)());
}

TEST_CASE("streams of neighbouring names are uncorrelated") {
  int const n = 20000;
  double xy = 0;
  for (int i = 0; i < n; ++i) {
    auto const event = static_cast<std::uint64_t>(i);
    xy += (stream(1, event, 0).uniform<double>() - 0.5) * (stream(1, event + 1, 0).uniform<double>() - 0.5);
  }
  CHECK(std::fabs(xy / n) * 12 < 4 / std::sqrt(n));
}

TEST_CASE_TEMPLATE("uniform and normal numbers", T, float, double) {
  stream s(7, 0, 0);
  int const n = 200000;
  auto const u = sample(n, [&] {
    T const x = s.uniform<T>();
    REQUIRE(x > 0);
    REQUIRE(x < 1);
    return x;
  });
  CHECK(u.mean == doctest::Approx(0.5).epsilon(0.006));
  CHECK(u.variance == doctest::Approx(1.0 / 12).epsilon(0.01));
  auto const z = sample(n, [&] { return s.normal<T>(); });
  CHECK(std::fabs(z.mean) < 0.01);
  CHECK(z.variance == doctest::Approx(1).epsilon(0.015));
  CHECK(std::fabs(z.third) < 0.025);
  CHECK(z.fourth == doctest::Approx(3).epsilon(0.03));
  auto const e = sample(n, [&] { return s.exponential<T>(); });
  CHECK(e.mean == doctest::Approx(1).epsilon(0.01));
  CHECK(e.variance == doctest::Approx(1).epsilon(0.04));
}

TEST_CASE("the ends of the uniform interval stay open") {
  // the largest and the smallest values the formula can give
  CHECK((static_cast<float>(0xffffffffU >> 9) + 0.5F) * 0x1p-23F < 1.0F);
  CHECK((static_cast<double>(~std::uint64_t{0} >> 12) + 0.5) * 0x1p-52 < 1.0);
}

TEST_CASE("poisson and gamma numbers have their moments") {
  stream s(8, 0, 0);
  for (double mean : {0.1, 3.0, 21.7, 100.0}) {
    auto const m = sample(60000, [&] { return s.poisson(mean); });
    CHECK(m.mean == doctest::Approx(mean).epsilon(0.05));
    CHECK(m.variance == doctest::Approx(mean).epsilon(0.05));
  }
  CHECK(s.poisson(0) == 0);
  for (double shape : {0.3, 1.0, 8.0}) {
    auto const m = sample(60000, [&] { return s.gamma(shape); });
    CHECK(m.mean == doctest::Approx(shape).epsilon(0.03));
    CHECK(m.variance == doctest::Approx(shape).epsilon(0.06));
    CHECK(m.third == doctest::Approx(2 / std::sqrt(shape)).epsilon(0.12));
  }
  int count[5] = {};
  for (int i = 0; i < 50000; ++i) ++count[s.below(5)];
  for (int c : count) CHECK(c == doctest::Approx(10000).epsilon(0.05));
}

TEST_CASE("normal quantiles invert the cumulative distribution") {
  for (double p : {1e-6, 1e-4, 0.003, 0.1, 0.31, 0.5, 0.77, 0.99, 0.9999}) {
    auto const z = static_cast<double>(calotype::normal_quantile(static_cast<float>(p)));
    double const back = 0.5 * std::erfc(-z / std::sqrt(2.0));
    CHECK(back == doctest::Approx(static_cast<double>(static_cast<float>(p))).epsilon(2e-4));
  }
}
