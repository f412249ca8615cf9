// Where a charged particle meets a calorimeter: a helix in a solenoid's field, a cylinder and two planes.
#pragma once

#include <calotype/core/math.hpp>
#include <calotype/detector/point.hpp>

namespace calotype {

// A particle at `origin` (metres): transverse momentum in GeV, direction of the momentum there, charge in units
// of e.
struct trajectory {
  double pt, eta, phi, charge;
  point origin{0, 0, 0};
};

// The front of a calorimeter, in metres: a cylinder of this radius up to |z| = half_length, and planes at |z| =
// endcap_z up to the radius endcap_radius.
struct calorimeter_face {
  double radius, half_length;
  double endcap_z, endcap_radius;
};

enum class face { none, barrel, endcap };

// Where a trajectory meets a face; `turn` is the angle in radians by which its momentum turned in azimuth on
// the way, negative for positive charges in a field along +z. `at` is meaningful only if `on` is not none.
struct impact {
  face on = face::none;
  point at{0, 0, 0};
  double turn = 0;
};

namespace detail {

// 1 / radius of the circle, signed: the azimuth of the momentum grows by curvature * s over a transverse path
// s. Momentum in GeV, field in tesla along +z, metres.
constexpr double curvature(double pt, double charge, double field) {
  return -0.299792458 * charge * field / pt;
}

// The helix after the transverse path s.
constexpr point along(trajectory const& t, double curvature, double s) {
  double const half = 0.5 * curvature * s;
  auto const [sine, cosine] = math::sincos(t.phi + half);
  double const chord = half == 0 ? s : s * math::sin(half) / half;
  return {math::fma(chord, cosine, t.origin.x), math::fma(chord, sine, t.origin.y),
          math::fma(s, math::sinh(t.eta), t.origin.z)};
}

// The transverse path to the first meeting with the cylinder of radius `radius` from inside it; -1 if the
// particle curls up before. With a and b the components of the origin along and across the momentum, D =
// radius^2 - origin^2 and the turning angle k s, w = tan(k s / 2) / (k / 2) obeys (1 + k b - k^2 D / 4) w^2 + 2
// a w - D = 0, for any curvature k.
constexpr double path_to_cylinder(trajectory const& t, double curvature, double radius) {
  double const x = t.origin.x, y = t.origin.y;
  double const d = math::fma(radius, radius, -math::fma(x, x, y * y));
  if (!(d > 0)) return -1;
  auto const [sine, cosine] = math::sincos(t.phi);
  double const a = math::fma(x, cosine, y * sine), b = math::fma(y, cosine, -x * sine);
  double const square = math::fma(curvature, math::fma(-0.25 * curvature, d, b), 1.0);
  double const discriminant = math::fma(a, a, square * d);
  if (!(discriminant >= 0)) return -1;
  double const divisor = a + math::sqrt(discriminant);
  return curvature == 0 ? d / divisor : 2 * math::atan2(0.5 * curvature * d, divisor) / curvature;
}

}  // namespace detail

// The first point at which a trajectory that starts inside meets the cylinder or one of the planes, in a
// uniform field (tesla) along +z. None if it curls up in the field without moving along z, leaves between
// barrel and endcap, starts outside, or has no positive pt.
constexpr impact propagate(trajectory const& t, calorimeter_face const& front, double field) {
  if (!(t.pt > 0)) return {};
  double const curvature = detail::curvature(t.pt, t.charge, field);
  if (double const s = detail::path_to_cylinder(t, curvature, front.radius); s > 0) {
    point const p = detail::along(t, curvature, s);
    if (math::abs(p.z) <= front.half_length) return {face::barrel, p, curvature * s};
  }
  double const slope = math::sinh(t.eta);
  double const plane = slope < 0 ? -front.endcap_z : front.endcap_z;
  double const s = (plane - t.origin.z) / slope;
  if (!(s > 0 && s < 1e6 * front.endcap_z)) return {};
  point p = detail::along(t, curvature, s);
  p.z = plane;
  if (!(math::fma(p.x, p.x, p.y * p.y) <= front.endcap_radius * front.endcap_radius)) return {};
  return {face::endcap, p, curvature * s};
}

}  // namespace calotype
