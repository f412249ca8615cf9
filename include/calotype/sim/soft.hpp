// Soft particles: pile-up interactions, the underlying event, and jets broken into hadrons.
#pragma once

#include <vector>

#include <calotype/sim/particle.hpp>

namespace calotype::sim {

// Of the collisions along the beam, cm (2012 data).
inline constexpr double vertex_spread = 4.8;

// One soft interaction, particles uniform in |eta| < 3.2 and azimuth.
struct soft_interaction {
  double charged_per_eta = 5.4;  // mean dN/deta: 5.78 at 7 TeV, non-single-diffractive (CMS, PRL 105 022002),
                                 // times 1.03 for 8 TeV and about 0.9 for all inelastic collisions
  double shape = 1.8;            // of the gamma distribution of the activity: variance / mean^2 = 1 / shape
  double power = 6.7;            // Tsallis: (1 + (mT - m) / (power * temperature))^-power
  double temperature = 0.165;  // GeV; charged mean pT 0.57 GeV, and the pT spectrum of tracks recorded in 2012

  static constexpr double eta_max = 3.2;
  static constexpr double neutral_pions = 0.5, neutral_hadrons = 0.12;  // per charged particle
};

// Transverse momentum with density pT (1 + (mT - m)/(n T))^-n, exactly. With v = 1 + (mT - m)/(n T) the density
// in v is a mixture of v^-n, from the mass, and (v - 1) v^-n, and 1/v of the latter is a product of two powers
// of uniform numbers.
inline real tsallis_pt(double mass, double n, double temperature, stream& random) {
  double const heavy = mass * (n - 2), light = n * temperature;
  bool const from_mass = random.uniform<double>() * (heavy + light) < heavy;
  real log_v = -math::log(real(random.uniform<double>())) / (n - 1);
  if (!from_mass) log_v -= math::log(real(random.uniform<double>())) / (n - 2);
  real const kinetic = light * (math::exp(log_v) - 1);
  return math::sqrt(kinetic * (kinetic + 2 * mass));
}

// Appends the particles of one interaction.
inline void add_soft(std::vector<particle>& out, soft_interaction const& s, stream& random) {
  double const mean = 2 * soft_interaction::eta_max * s.charged_per_eta;
  double const activity = random.gamma(s.shape) / s.shape;
  int const charged = random.poisson(mean * activity);
  auto const eta = [&] {
    return real(random.uniform<double>(-soft_interaction::eta_max, soft_interaction::eta_max));
  };
  auto const phi = [&] { return real(random.uniform<double>(-math::pi, math::pi)); };
  for (int i = 0; i < charged; ++i) {
    double const mass = random.below(8) == 0 ? mass_kaon : mass_pion;
    real const pt = tsallis_pt(mass, s.power, s.temperature, random);
    real const e = eta(), f = phi();
    out.push_back({species::charged_hadron, pt, e, f, random.below(2) == 0 ? 1 : -1});
  }
  int const pions = random.poisson(soft_interaction::neutral_pions * mean * activity);
  for (int i = 0; i < pions; ++i) {
    real const pt = tsallis_pt(mass_pion_0, s.power, s.temperature, random);
    real const e = eta(), f = phi();
    decay_pion_0(out, from_pt_eta_phi_mass(pt, e, f, mass_pion_0), random);
  }
  int const neutrals = random.poisson(soft_interaction::neutral_hadrons * mean * activity);
  for (int i = 0; i < neutrals; ++i) {
    real const pt = tsallis_pt(mass_kaon, s.power, s.temperature, random);
    real const e = eta(), f = phi();
    out.push_back({species::neutral_hadron, pt, e, f, 0});
  }
}

// Splits 1 into `n` positive shares, each a uniform part of what is left, between `low` and `high`, but the
// last.
inline std::vector<real> split(int n, stream& random, double low = 0.2, double high = 0.7) {
  std::vector<real> shares;
  real left = 1;
  for (int i = 0; i + 1 < n; ++i) {
    real const part = left * random.uniform<double>(low, high);
    shares.push_back(part);
    left -= part;
  }
  shares.push_back(left);
  return shares;
}

// A direction near (eta, phi), with a transverse momentum of about `kick` GeV per component against the axis
// (0.45 are the Lund string's 0.3 and soft emission) and `width` of harder emission.
struct direction_near {
  real eta, phi;
};
inline direction_near scatter(real eta, real phi, real pt, double width, stream& random, double kick = 0.45) {
  auto const z = random.normal_pair<double>();
  auto const w = random.normal_pair<double>();
  real const angle = kick / pt;
  real const size = angle < 0.5 ? angle : real(0.5);
  return {eta + size * z[0] + width * real(w[0]), wrap_azimuth(phi + size * z[1] + width * real(w[1]))};
}

// Appends a jet: 65 % charged, 25 % photons, 10 % neutral hadrons of its momentum on average, each varying by
// about 10 % (CMS, JINST 12 P10003). How many particles these are, which grows with ln(pt), and how they share
// the momentum is tuned to Pythia.
inline void add_jet(std::vector<particle>& out, real pt, real eta, real phi, stream& random) {
  if (!(pt > 1)) return;
  auto const clamp = [](real x) { return x < 0.02 ? real(0.02) : x > 0.9 ? real(0.9) : x; };
  auto const z = random.normal_pair<double>();
  real const photons = clamp(0.25 + 0.1 * real(z[0]));
  real const neutral = clamp(0.10 + 0.07 * real(z[1]));
  real const charged = clamp(1 - photons - neutral);
  real const size = math::log(1 + pt);
  auto const broken = [&](double multiplicity) {
    return split(1 + random.poisson(static_cast<double>(multiplicity * size)), random, 0.05, 0.45);
  };
  for (real share : broken(2.6)) {
    real const p = pt * charged * share;
    if (p < 0.15) continue;
    auto const d = scatter(eta, phi, p, 0.06, random);
    out.push_back({species::charged_hadron, p, d.eta, d.phi, random.below(2) == 0 ? 1 : -1});
  }
  for (real share : broken(1.1)) {
    real const p = pt * photons * share;
    if (p < 0.15) continue;
    auto const d = scatter(eta, phi, p, 0.06, random);
    decay_pion_0(out, from_pt_eta_phi_mass(p, d.eta, d.phi, mass_pion_0), random);
  }
  auto const d = scatter(eta, phi, pt * neutral, 0.06, random);
  out.push_back({species::neutral_hadron, pt * neutral, d.eta, d.phi, 0});
}

}  // namespace calotype::sim
