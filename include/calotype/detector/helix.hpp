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

constexpr double asin(double x) { return math::atan2(x, math::sqrt((1 - x) * (1 + x))); }

// The helix after the transverse path s.
constexpr point along(trajectory const& t, double curvature, double s) {
  double const half = 0.5 * curvature * s;
  auto const [sine, cosine] = math::sincos(t.phi + half);
  double const chord = half == 0 ? s : s * math::sin(half) / half;
  return {math::fma(chord, cosine, t.origin.x), math::fma(chord, sine, t.origin.y),
          math::fma(s, math::sinh(t.eta), t.origin.z)};
}

// The transverse path to the cylinder of radius `radius` from inside it; -1 if the particle curls up before.
// The chord c to a point of the circle obeys c^2 + 2 c b + |origin|^2 = radius^2, where b depends on the
// direction of the chord only through origin.u: a correction of order |origin| * curvature, found by iterating.
constexpr double path_to_cylinder(trajectory const& t, double curvature, double radius) {
  double const x = t.origin.x, y = t.origin.y;
  double const rest = math::fma(radius, radius, -math::fma(x, x, y * y));
  if (!(rest > 0)) return -1;
  double half = 0, chord = 0;
  for (int step = 0; step < 40; ++step) {
    auto const [sine, cosine] = math::sincos(t.phi + half);
    double const b = math::fma(x, cosine, y * sine);
    double const before = chord;
    chord = math::sqrt(math::fma(b, b, rest)) - b;
    double const sin_half = 0.5 * curvature * chord;
    if (!(sin_half >= -1 && sin_half <= 1)) return -1;
    half = asin(sin_half);
    if (chord == before) break;
  }
  return curvature == 0 ? chord : 2 * half / curvature;
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
