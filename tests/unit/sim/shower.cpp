#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

#include <calotype/sim/shower.hpp>

namespace {

namespace sim = calotype::sim;

// The profile integrated over a cell by the midpoint rule: nothing in common with the closed form.
double midpoint(sim::lateral_shape const& s, double x1, double x2, double y1, double y2) {
  int const n = 400;
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      double const x = x1 + (x2 - x1) * (i + 0.5) / n, y = y1 + (y2 - y1) * (j + 0.5) / n;
      auto const part = [&](double share, double r) {
        return share * r * r / (3.14159265358979 * std::pow(x * x + y * y + r * r, 2));
      };
      auto const core_share = static_cast<double>(s.core_share);
      sum += part(core_share, static_cast<double>(s.core)) + part(1 - core_share, static_cast<double>(s.tail));
    }
  }
  return sum * (x2 - x1) * (y2 - y1) / (n * n);
}

double within(std::array<float, 49> const& f, int n) {
  double sum = 0;
  for (int i = 3 - n; i <= 3 + n; ++i)
    for (int j = 3 - n; j <= 3 + n; ++j) sum += static_cast<double>(f[static_cast<std::size_t>(i * 7 + j)]);
  return sum;
}

}  // namespace

TEST_CASE("crystal fractions are the integrals of the profile") {
  auto const shape = sim::barrel_shape(50);
  float const u = 0.3F, v = 0.85F;
  auto const f = sim::crystal_fractions<5>(shape, u, v);
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) {
      double const x = i - 2 - 0.3, y = j - 2 - 0.85;
      CHECK(static_cast<double>(f[static_cast<std::size_t>(5 * i + j)]) ==
            doctest::Approx(midpoint(shape, x, x + 1, y, y + 1)).epsilon(2e-3));
    }
  }
}

TEST_CASE("fractions add up: windows nest, and nothing is lost but the tail") {
  for (float u : {0.0F, 0.5F, 0.99F}) {
    for (float v : {0.01F, 0.4F}) {
      auto const shape = sim::barrel_shape(20);
      auto const f3 = sim::crystal_fractions<3>(shape, u, v);
      auto const f7 = sim::crystal_fractions<7>(shape, u, v);
      double const sum3 = std::accumulate(f3.begin(), f3.end(), 0.0);
      CHECK(sum3 == doctest::Approx(within(f7, 1)).epsilon(1e-5));
      CHECK(within(f7, 3) < 1);
      CHECK(within(f7, 3) > 0.98);
    }
  }
  // all space: corners far out on both sides
  float const r = 0.77F, far = 1e4F, a = std::sqrt(far * far + r * r);
  CHECK(static_cast<double>(4 * sim::detail::corner_integral(far, far, a, a)) ==
        doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("containment of barrel showers as a full integration over depth gives it") {
  for (float energy : {20.0F, 50.0F, 100.0F}) {
    auto const f = sim::crystal_fractions<7>(sim::barrel_shape(energy), 0.5F, 0.5F);
    CHECK(within(f, 0) == doctest::Approx(0.785).epsilon(0.015));
    CHECK(within(f, 1) == doctest::Approx(0.942).epsilon(0.01));
    CHECK(within(f, 2) == doctest::Approx(0.975).epsilon(0.008));
  }
  double sums[3] = {};
  int const n = 20;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      auto const f = sim::crystal_fractions<7>(sim::barrel_shape(50), (static_cast<float>(i) + 0.5F) / n,
                                               (static_cast<float>(j) + 0.5F) / n);
      for (int k = 0; k < 3; ++k) sums[k] += within(f, k) / (n * n);
    }
  }
  CHECK(sums[0] == doctest::Approx(0.64).epsilon(0.02));
  CHECK(sums[1] == doctest::Approx(0.937).epsilon(0.01));
  CHECK(sums[2] == doctest::Approx(0.974).epsilon(0.008));
}

TEST_CASE("shapes interpolate between their energies and stay constant outside") {
  CHECK(sim::barrel_shape(0.1F).core_share == sim::barrel_shape(1).core_share);
  CHECK(sim::barrel_shape(500).tail == sim::barrel_shape(100).tail);
  CHECK(sim::barrel_shape(20).core == doctest::Approx(0.126));
  CHECK(sim::barrel_shape(10).core_share > 0.705F);
  CHECK(sim::barrel_shape(10).core_share < 0.722F);
  CHECK(sim::endcap_shape(20).tail == doctest::Approx(0.88 * 0.772));
}

TEST_CASE(
    "showers develop as Grindhammer and Peters say: depth grows with ln E and fluctuates, what is behind is "
    "lost") {
  double before = 0;
  for (float energy : {5.0F, 50.0F}) {
    double mean = 0, square = 0, lost = 0;
    int const n = 4000;
    for (int i = 0; i < n; ++i) {
      calotype::stream random(3, static_cast<std::uint64_t>(i), 0);
      auto const slices = sim::develop(energy, 0, sim::barrel_crystal, 1, random);
      double share = 0, depth = 0, radius = 0;
      for (auto const& s : slices) {
        share += static_cast<double>(s.share);
        depth += static_cast<double>(s.share) * static_cast<double>(s.depth);
        CHECK(static_cast<double>(s.shape.core) > radius);  // the core widens with depth
        radius = static_cast<double>(s.shape.core);
      }
      REQUIRE(share > 0.5);
      REQUIRE(share <= 1.0001);
      lost += 1 - share;
      mean += depth / share;
      square += depth * depth / (share * share);
    }
    mean /= n;
    double const spread = std::sqrt(square / n - mean * mean);
    // published for electrons: <t> = alpha T / (alpha - 1), T = ln y - 0.858, alpha = 0.21 + (0.492 + 2.38 / Z)
    // ln y
    double const ln_y = std::log(static_cast<double>(energy) / 0.00874);
    double const peak = ln_y - 0.858, alpha = 0.21 + (0.492 + 2.38 / 68.36) * ln_y;
    CHECK(mean == doctest::Approx(0.89 * alpha / (alpha - 1) * peak).epsilon(0.04));
    CHECK(spread > 0.5);
    CHECK(spread < 2.5);
    CHECK(lost / n < 0.02);
    CHECK(lost / n > before);
    before = lost / n;
  }
}

TEST_CASE(
    "showers end where the crystals do, at 24.7 radiation lengths in the endcaps and 25.8 in the barrel") {
  // late ones, so that much is lost
  auto const lost = [](double length) {
    double sum = 0;
    for (int i = 0; i < 500; ++i) {
      calotype::stream random(3, static_cast<std::uint64_t>(i), 0);
      for (auto const& s : sim::develop(100, 8, {.length = length}, 1, random)) {
        sum += static_cast<double>(s.share) / 500;
        CHECK(static_cast<double>(s.depth) < length);
      }
    }
    return 1 - sum;
  };
  double const whole = lost(0.89 * 25), more = lost(0.89 * 25.5), next = lost(0.89 * 26);
  CHECK(more == doctest::Approx((whole + next) / 2).epsilon(1e-4).scale(0));
  CHECK(whole > 1.1 * next);
  CHECK(lost(sim::endcap_crystal.length) > 1.1 * lost(sim::barrel_crystal.length));
}

TEST_CASE("a gap takes what falls into it and leaves the rest to the crystals on its sides") {
  sim::lateral_shape const shape{};
  auto const whole = sim::crystal_fractions<7>(shape, 0.97F, 0.5F);
  auto const none = sim::crystal_fractions<7, true>(shape, 0.97F, 0.5F);
  auto const cut = sim::crystal_fractions<7, true>(shape, 0.97F, 0.5F, {4, 0.1F}, {});
  double all = 0, left = 0;
  for (std::size_t k = 0; k < whole.size(); ++k) {
    CHECK(none[k] == whole[k]);
    all += static_cast<double>(whole[k]);
    left += static_cast<double>(cut[k]);
    if (k / 7 < 3 || k / 7 > 4) CHECK(cut[k] == doctest::Approx(whole[k]).epsilon(1e-4));
    CHECK(cut[k] <= whole[k] + 1e-6F);
  }
  CHECK(left < all - 0.2);
  // far from the shower it takes little
  auto const far = sim::crystal_fractions<7, true>(shape, 0.5F, 0.5F, {7, 0.1F}, {0, 0.1F});
  double rest = 0;
  for (float f : far) rest += static_cast<double>(f);
  CHECK(rest > 0.95);
}
