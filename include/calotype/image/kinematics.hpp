// Kinematics of an event's photon candidates, with the same bits on every machine.
#pragma once

#include <span>

#include <calotype/core/math.hpp>
#include <calotype/image/event.hpp>

namespace calotype {

// m_gg of the two leading photons, sqrt(2 ET1 ET2 (cosh deta - cos dphi)); 0 with fewer than two, or without
// energy. GeV.
inline double diphoton_mass(std::span<photon const> photons) noexcept {
  if (photons.size() < 2) return 0;
  photon const &a = photons[0], &b = photons[1];
  if (!(a.et > 0 && b.et > 0)) return 0;
  double const angle = math::cosh(static_cast<double>(a.eta) - static_cast<double>(b.eta)) -
                       math::cos(static_cast<double>(a.phi) - static_cast<double>(b.phi));
  double const square = 2 * static_cast<double>(a.et) * static_cast<double>(b.et) * angle;
  return square > 0 ? math::sqrt(square) : 0;
}

}  // namespace calotype
