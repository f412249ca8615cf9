// Kinematics of an event's photon candidates, with the same bits on every machine.
#pragma once

#include <array>
#include <span>
#include <utility>

#include <calotype/core/math.hpp>
#include <calotype/image/event.hpp>

namespace calotype {

// The two photons of largest ET, the larger first, of equal ones the earlier; null where there are fewer. An
// event need not order them (concepts::event).
inline std::array<photon const*, 2> leading_photons(std::span<photon const> photons) noexcept {
  std::array<photon const*, 2> best{};
  for (photon const& p : photons) {
    if (best[0] == nullptr || p.et > best[0]->et) {
      best[1] = std::exchange(best[0], &p);
    } else if (best[1] == nullptr || p.et > best[1]->et) {
      best[1] = &p;
    }
  }
  return best;
}

// m_gg of the two leading photons, sqrt(2 ET1 ET2 (cosh deta - cos dphi)); 0 with fewer than two, or without
// energy. GeV.
inline double diphoton_mass(std::span<photon const> photons) noexcept {
  auto const [first, second] = leading_photons(photons);
  if (second == nullptr) return 0;
  photon const &a = *first, &b = *second;
  if (!(a.et > 0 && b.et > 0)) return 0;
  double const angle = math::cosh(static_cast<double>(a.eta) - static_cast<double>(b.eta)) -
                       math::cos(static_cast<double>(a.phi) - static_cast<double>(b.phi));
  double const square = 2 * static_cast<double>(a.et) * static_cast<double>(b.et) * angle;
  return square > 0 ? math::sqrt(square) : 0;
}

}  // namespace calotype
