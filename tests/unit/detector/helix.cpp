#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include <calotype/detector/helix.hpp>
#include <calotype/detector/presets/cms_run1.hpp>

using namespace calotype;

namespace {

constexpr calorimeter_face drum{.radius = 1.29, .half_length = 2.7, .endcap_z = 3.2, .endcap_radius = 1.5};

// The equation of motion in small steps of the turning angle, fourth order: knows nothing of circles.
impact integrate(trajectory t, calorimeter_face const& front, double field) {
  double const k = -0.299792458 * t.charge * field / t.pt, slope = std::sinh(t.eta);
  double x = t.origin.x, y = t.origin.y, z = t.origin.z, s = 0;
  double const h = 1e-4;
  while (s < 100) {
    // p' = (cos(phi + k s), sin(phi + k s), slope): Simpson's rule over one step.
    auto const simpson = [&](auto f) { return h / 6 * (f(s) + 4 * f(s + h / 2) + f(s + h)); };
    double const dx = simpson([&](double u) { return std::cos(t.phi + k * u); });
    double const dy = simpson([&](double u) { return std::sin(t.phi + k * u); });
    double const r = std::hypot(x, y), r_next = std::hypot(x + dx, y + dy);
    if (r < front.radius && r_next >= front.radius) {
      double const part = (front.radius - r) / (r_next - r);
      double const z_at = z + part * slope * h;
      if (std::abs(z_at) <= front.half_length)
        return {face::barrel, {x + part * dx, y + part * dy, z_at}, k * (s + part * h)};
    }
    double const z_next = z + slope * h;
    if (std::abs(z) < front.endcap_z && std::abs(z_next) >= front.endcap_z) {
      double const part = (front.endcap_z - std::abs(z)) / std::abs(slope * h);
      point const p{x + part * dx, y + part * dy, z + part * slope * h};
      return {std::hypot(p.x, p.y) <= front.endcap_radius ? face::endcap : face::none, p, k * (s + part * h)};
    }
    x += dx, y += dy, z = z_next, s += h;
  }
  return {};
}

}  // namespace

TEST_CASE("helix: a straight line without charge or field") {
  for (double const charge : {0.0, 1.0}) {
    auto const hit =
        propagate({.pt = 2, .eta = 0.5, .phi = 0.3, .charge = charge}, drum, charge == 0 ? 3.8 : 0.0);
    REQUIRE(hit.on == face::barrel);
    auto const seen = seen_from_origin(hit.at);
    CHECK(seen.u == doctest::Approx(0.5).epsilon(1e-14));
    CHECK(seen.v == doctest::Approx(0.3).epsilon(1e-14));
    CHECK(hit.turn == 0);
  }
}

TEST_CASE("helix: bends as the textbook says") {
  // From the axis: sin(phi - phi at rho) = q rho 0.2998 B / (2 pT), z = sinh(eta) 2 R asin(rho / 2 R).
  for (double const pt : {0.9, 1.1, 5., 40., 3000.})
    for (double const charge : {-1., 1.}) {
      auto const hit = propagate({.pt = pt, .eta = 0.4, .phi = 3.0, .charge = charge}, drum, 3.8);
      REQUIRE(hit.on == face::barrel);
      double const radius = pt / (0.299792458 * 3.8), angle = std::asin(1.29 / (2 * radius));
      CHECK(std::remainder(std::atan2(hit.at.y, hit.at.x) - (3.0 - charge * angle), 2 * math::pi) ==
            doctest::Approx(0).epsilon(1e-12));
      CHECK(hit.at.z == doctest::Approx(std::sinh(0.4) * 2 * radius * angle).epsilon(1e-12));
      CHECK(hit.turn == doctest::Approx(-2 * charge * angle).epsilon(1e-12));
      CHECK(std::hypot(hit.at.x, hit.at.y) == doctest::Approx(1.29).epsilon(1e-12));
    }
}

TEST_CASE("helix: below 0.735 GeV a particle curls up before the barrel") {
  CHECK(propagate({.pt = 0.73, .eta = 0, .phi = 0, .charge = 1}, drum, 3.8).on == face::none);
  CHECK(propagate({.pt = 0.74, .eta = 0, .phi = 0, .charge = 1}, drum, 3.8).on == face::barrel);
  CHECK(propagate({.pt = 0.5, .eta = 2, .phi = 0, .charge = 1}, drum, 3.8).on == face::endcap);
}

TEST_CASE("helix: agrees with the integrated equation of motion") {
  std::uint32_t state = 1;
  auto const uniform = [&](double low, double high) {
    state = state * 1664525u + 1013904223u;
    return low + (high - low) * (state >> 8) / 16777216.0;
  };
  int barrel = 0, endcap = 0;
  for (int i = 0; i < 150; ++i) {
    trajectory const t{.pt = 0.5 + uniform(0, 2) * uniform(0, 3),
                       .eta = (i % 3 == 0 ? -1 : 1) * uniform(0.05, 2.5),
                       .phi = uniform(-3.1, 3.1),
                       .charge = i % 2 ? 1. : -1.,
                       .origin = {uniform(-0.2, 0.2), uniform(-0.2, 0.2), uniform(-0.2, 0.2)}};
    auto const exact = propagate(t, drum, 3.8), steps = integrate(t, drum, 3.8);
    CAPTURE(t.pt);
    CAPTURE(t.eta);
    REQUIRE(exact.on == steps.on);
    if (exact.on == face::none) continue;
    CHECK(std::abs(exact.at.x - steps.at.x) < 1e-6);
    CHECK(std::abs(exact.at.y - steps.at.y) < 1e-6);
    CHECK(std::abs(exact.at.z - steps.at.z) < 1e-5);
    CHECK(std::abs(exact.turn - steps.turn) < 1e-5);
    ++(exact.on == face::barrel ? barrel : endcap);
  }
  CHECK(barrel > 20);
  CHECK(endcap > 20);
}

TEST_CASE("helix: what meets no face") {
  CHECK(propagate({.pt = 0, .eta = 0, .phi = 0, .charge = 1}, drum, 3.8).on == face::none);
  CHECK(propagate({.pt = std::nan(""), .eta = 0, .phi = 0, .charge = 1}, drum, 3.8).on == face::none);
  CHECK(propagate({.pt = 10, .eta = std::nan(""), .phi = 0, .charge = 1}, drum, 3.8).on == face::none);
  // Between the end of the barrel and the rim of the endcap.
  CHECK(propagate({.pt = 100, .eta = 1.48, .phi = 0, .charge = 0}, {1.29, 2.5, 3.2, 1.4}, 3.8).on ==
        face::none);
  // From outside the drum.
  CHECK(propagate({.pt = 10, .eta = 0, .phi = 0, .charge = 1, .origin = {2, 0, 0}}, drum, 3.8).on ==
        face::none);
}

TEST_CASE("helix: a track's cell in the ECAL of CMS, at compile time") {
  constexpr auto hit = propagate({.pt = 5, .eta = 0.2, .phi = 0, .charge = 1}, cms::ecal_face(), cms::field);
  static_assert(hit.on == face::barrel);
  constexpr auto seen = seen_from_origin(hit.at);
  constexpr auto cell = segmentation<cms::eb>::cell(segmentation<cms::eb>::find(seen.u, seen.v));
  CHECK(cell.ieta == 12);  // 0.2004 as the arc is longer than the chord
  CHECK(cell.iphi == 2);   // 8.5 degrees back from the border of 10 and 11
  auto const at_run_time =
      propagate({.pt = 5, .eta = 0.2, .phi = 0, .charge = 1}, cms::ecal_face(), cms::field);
  CHECK(at_run_time.at.x == hit.at.x);
  CHECK(at_run_time.at.y == hit.at.y);
  CHECK(at_run_time.at.z == hit.at.z);
}
