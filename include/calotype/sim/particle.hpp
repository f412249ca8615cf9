// Particles on their way from the collision to the detector, four-momenta and isotropic decays.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <calotype/core/math.hpp>
#include <calotype/core/random.hpp>
#include <calotype/detector/point.hpp>

namespace calotype::sim {

// Formulas of the simulation give the same bits under every contraction mode. GeV, radians, centimetres.
using real = math::strict<double>;
using real32 = math::strict<float>;

inline constexpr double two_pi = 2 * math::pi;

inline constexpr double mass_pion_0 = 0.1350, mass_pion = 0.1396, mass_kaon = 0.4937, mass_eta = 0.5479,
                        mass_omega = 0.7827, mass_neutron = 0.9396;

enum class species : std::uint8_t { photon, charged_hadron, neutral_hadron, electron, muon };

// A stable particle, massless as far as the detector is concerned.
struct particle {
  species kind = species::photon;
  real pt, eta, phi;  // GeV, direction of the momentum where it was made
  int charge = 0;
  real x = 0, y = 0, z = 0;  // cm, where it was made as seen from the vertex of its collision
};

struct four_momentum {
  real px, py, pz, e;

  friend constexpr four_momentum operator+(four_momentum const& a, four_momentum const& b) {
    return {a.px + b.px, a.py + b.py, a.pz + b.pz, a.e + b.e};
  }
  constexpr real pt() const { return math::sqrt(px * px + py * py); }
  constexpr real phi() const { return math::atan2(py, px); }
  // +-20 along the beam.
  constexpr real eta() const {
    real const t = pt();
    if (t > 1e-9) return math::asinh(pz / t);
    return pz < 0 ? -20 : 20;
  }
  constexpr real mass() const {
    real const m2 = e * e - px * px - py * py - pz * pz;
    return m2 > 0 ? math::sqrt(m2) : real(0);
  }
};

constexpr four_momentum from_pt_eta_phi_mass(real pt, real eta, real phi, real mass) {
  auto const [s, c] = math::sincos(phi);
  real const pz = pt * math::sinh(eta);
  return {pt * c, pt * s, pz, math::sqrt(pt * pt + pz * pz + mass * mass)};
}

// A system of transverse momentum pt, rapidity y and the given mass.
constexpr four_momentum from_pt_rapidity(real pt, real y, real phi, real mass) {
  real const mt = math::sqrt(pt * pt + mass * mass);
  auto const [s, c] = math::sincos(phi);
  return {pt * c, pt * s, mt * math::sinh(y), mt * math::cosh(y)};
}

// p, given in the rest frame of `frame` (of mass m > 0), as seen in the frame where `frame` is written.
constexpr four_momentum boosted(four_momentum const& p, four_momentum const& frame, real m) {
  real const dot = p.px * frame.px + p.py * frame.py + p.pz * frame.pz;
  real const factor = (p.e + dot / (frame.e + m)) / m;
  return {p.px + factor * frame.px, p.py + factor * frame.py, p.pz + factor * frame.pz,
          (frame.e * p.e + dot) / m};
}

// The two products, of masses m1 and m2, of a decay along (cos_theta, phi) in the rest frame of a parent of
// mass m.
constexpr std::array<four_momentum, 2> decay(four_momentum const& parent, real m, real m1, real m2,
                                             real cos_theta, real phi) {
  real const sum = m1 + m2, difference = m1 - m2;
  real const k2 = (m * m - sum * sum) * (m * m - difference * difference);
  real const p = k2 > 0 ? math::sqrt(k2) / (2 * m) : real(0);
  real const sin_theta = math::sqrt((1 - cos_theta) * (1 + cos_theta));
  auto const [s, c] = math::sincos(phi);
  real const x = p * sin_theta * c, y = p * sin_theta * s, z = p * cos_theta;
  return {boosted({x, y, z, math::sqrt(p * p + m1 * m1)}, parent, m),
          boosted({-x, -y, -z, math::sqrt(p * p + m2 * m2)}, parent, m)};
}

constexpr std::array<four_momentum, 2> decay_isotropic(four_momentum const& parent, real m, real m1, real m2,
                                                       stream& random) {
  real const cos_theta = random.uniform<double>(-1, 1);
  return decay(parent, m, m1, m2, cos_theta, random.uniform<double>(0, two_pi));
}

enum class meson : std::uint8_t { pion_0, eta, omega };

constexpr double mass_of(meson m) {
  return m == meson::pion_0 ? mass_pion_0 : m == meson::eta ? mass_eta : mass_omega;
}

constexpr void add_photon(std::vector<particle>& out, four_momentum const& p) {
  out.push_back({species::photon, p.pt(), p.eta(), p.phi(), 0});
}

constexpr void decay_pion_0(std::vector<particle>& out, four_momentum const& p, stream& random) {
  auto const [a, b] = decay_isotropic(p, mass_pion_0, 0, 0, random);
  add_photon(out, a);
  add_photon(out, b);
}

// Appends the photons of a meson that decays without charged products: pi0 -> 2 photons; eta -> 2 photons or 3
// pi0 (39.4 : 32.7, PDG; three pi0 as two sequential two-body decays); omega -> pi0 photon.
inline void decay_to_photons(std::vector<particle>& out, meson kind, four_momentum const& p, stream& random) {
  switch (kind) {
    case meson::pion_0:
      decay_pion_0(out, p, random);
      return;
    case meson::omega: {
      auto const [pion, photon] = decay_isotropic(p, mass_omega, mass_pion_0, 0, random);
      add_photon(out, photon);
      decay_pion_0(out, pion, random);
      return;
    }
    case meson::eta:
      if (random.uniform<double>() < 0.546) {
        auto const [a, b] = decay_isotropic(p, mass_eta, 0, 0, random);
        add_photon(out, a);
        add_photon(out, b);
        return;
      }
      real const pair = random.uniform<double>(2 * mass_pion_0, mass_eta - mass_pion_0);
      auto const [two, third] = decay_isotropic(p, mass_eta, pair, mass_pion_0, random);
      auto const [first, second] = decay_isotropic(two, pair, mass_pion_0, mass_pion_0, random);
      decay_pion_0(out, first, random);
      decay_pion_0(out, second, random);
      decay_pion_0(out, third, random);
      return;
  }
}

}  // namespace calotype::sim
