// Points: in the two coordinates of a segmentation, and in space.
#pragma once

#include <calotype/core/math.hpp>

namespace calotype {

// A point in the two coordinates of a segmentation: (eta, phi) or local (x, y), as its description says.
struct position {
  double u, v;
};

// The cell u_low <= u < u_high, v_low <= v < v_high.
struct box {
  double u_low, u_high, v_low, v_high;
};

// A point (or a direction) in space, in metres.
struct point {
  double x, y, z;
};

// (eta, phi) of a point as seen from the origin, -pi < phi <= pi. On the beam line eta is infinite, at the
// origin NaN.
constexpr position seen_from_origin(point p) {
  return {math::asinh(p.z / math::sqrt(math::fma(p.x, p.x, p.y * p.y))), math::atan2(p.y, p.x)};
}

// Whether an azimuth may be one: beyond 16 turns it is its source's mistake, and lies in no cell. Wrapping
// counts the turns, and sine and cosine end at 2^20.
constexpr bool is_azimuth(double phi) { return phi > -100 && phi < 100; }

// An azimuth, or a difference of two, in [-pi, pi); meant for a few turns more at most.
constexpr math::strict<double> wrap_azimuth(math::strict<double> phi) {
  while (phi >= math::pi) phi -= 2 * math::pi;
  while (phi < -math::pi) phi += 2 * math::pi;
  return phi;
}

// A vector of length cosh(eta) in the direction (eta, phi).
constexpr point direction(double eta, double phi) {
  auto const [sine, cosine] = math::sincos(phi);
  return {cosine, sine, math::sinh(eta)};
}

}  // namespace calotype
