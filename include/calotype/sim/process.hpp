// The hard collision: H -> two photons, the Born diphoton continuum, photon + jet.
//
// Parametrisations of Pythia 8 (tune 18) at 8 TeV, not an event generator: see docs/simulation.md for each
// number.
#pragma once

#include <cstdint>
#include <vector>

#include <calotype/sim/particle.hpp>
#include <calotype/sim/soft.hpp>

namespace calotype::sim {

// gamma_jet: the jets that pass a double-electromagnetic enrichment filter. gamma_pi0: a lone neutral pion
// carrying most of the jet, a different and easier task. electron ... photon_pair: no collision but particle
// guns, one or two particles of 50 GeV transverse momentum, evenly spread over the barrel (event paper, 6).
enum class process : std::uint8_t {
  higgs,
  born,
  gamma_jet,
  gamma_pi0,
  electron,
  photon,
  electron_pair,
  photon_pair
};

constexpr bool is_gun(process p) { return p >= process::electron; }

// The class index of the event paper: H -> gamma gamma, gamma gamma, gamma + jet; electron, photon.
constexpr int label_of(process p) {
  if (is_gun(p)) return p == process::electron || p == process::electron_pair ? 0 : 1;
  return p == process::higgs ? 0 : p == process::born ? 1 : 2;
}

// What the two photon candidates are in truth, by the order of generation (for photon + jet the photon is
// first).
struct candidate_truth {
  real pt, eta, phi;  // GeV; of the photon, or of what the enrichment filter counts of the fake
  bool prompt = true;
  meson seed = meson::pion_0;  // of a fake
  real seed_share = 1;         // of the fake's pt carried by its hardest meson
  real charged_pt = 0;         // GeV, scalar sum of the fake jet's charged hadrons within dR 0.3
};

struct hard_event {
  candidate_truth candidates[2];
  four_momentum system;  // of the two partons, or the Higgs boson
  std::vector<particle> particles;
};

namespace detail {

// pT of a system, density ~ pT (1 + pT^2/p0^2)^-n up to 400 GeV.
inline real system_pt(double n, double p0, stream& random) {
  while (true) {
    real const u = random.uniform<double>();
    real const pt = p0 * math::sqrt(math::exp(-math::log(u) / (n - 1)) - 1);
    if (pt < 400) return pt;
  }
}

// Rapidity, density ~ [(1 - s e^y)(1 - s e^-y)]^power with s = mass / 8 TeV.
inline real system_rapidity(real mass, double power, stream& random) {
  real const s = mass / 8000, limit = -math::log(s);
  real const peak = 2 * math::log(1 - s);
  while (true) {
    real const y = limit * random.uniform<double>(-1, 1);
    real const e = math::exp(y);
    real const a = 1 - s * e, b = 1 - s / e;
    if (!(a > 0 && b > 0)) continue;
    if (math::log(real(random.uniform<double>())) < power * (math::log(a * b) - peak)) return y;
  }
}

// Mass, density ~ m^-power on [low, high].
inline real power_law(double low, double high, double power, stream& random) {
  double const k = 1 - power;
  real const a = math::exp(k * math::log(real(low))), b = math::exp(k * math::log(real(high)));
  return math::exp(math::log(a + (b - a) * random.uniform<double>()) / k);
}

// cos(theta*) of q qbar -> gamma gamma, (1 + c^2)/(1 - c^2) for |c| < limit.
inline real annihilation_angle(real limit, stream& random) {
  real const span = math::log((1 + limit) / (1 - limit)) / 2;  // atanh
  while (true) {
    real const e = math::exp(2 * span * random.uniform<double>(-1, 1));
    real const c = (e - 1) / (e + 1);
    if (2 * real(random.uniform<double>()) < 1 + c * c) return c;
  }
}

// cos(theta*) of the photon of q g -> q gamma, (1 - c)/2 + 2/(1 - c) along the quark. Quarks carry more of the
// proton than gluons do, so that the pair of rapidity y moves the quark's way more often than not.
inline real compton_angle(real limit, real y, stream& random) {
  auto const density = [](real c) { return (1 - c) / 2 + 2 / (1 - c); };
  real const peak = density(limit);
  bool const forward = random.uniform<double>() * (1 + math::exp(-1.8 * y)) < 1;
  while (true) {
    real const c = limit * random.uniform<double>(-1, 1);
    if (random.uniform<double>() * peak < density(c)) return forward ? c : -c;
  }
}

// Share of the candidate that its seed meson carries; 10/50/90 % = 0.20/0.60/1.0. `hardness` > 1 moves it
// up.
inline real seed_share(double hardness, stream& random) {
  constexpr double quantile[][2] = {{0, 0.12},    {0.10, 0.20}, {0.50, 0.60}, {0.72, 0.88},
                                    {0.82, 0.92}, {0.93, 1.0},  {1.0, 1.0}};
  real const u = random.uniform<double>();
  real share = 1;
  for (int i = 0; i < 6; ++i) {
    auto const [u0, s0] = quantile[i];
    auto const [u1, s1] = quantile[i + 1];
    if (u >= u0 && u < u1) share = s0 + (u - u0) * (s1 - s0) / (u1 - u0);
  }
  return math::exp(math::log(share) / hardness);
}

// A parton's jet radiates a second one, which takes up to 65 % of its pT, 0.4 to 1 from its axis, and turns
// what is left the other way; momentum is balanced to first order, and the result is tuned as a whole.
struct jet_axis {
  real pt, eta, phi;
};
inline jet_axis radiate(std::vector<particle>& out, jet_axis const& jet, stream& random) {
  real const part = 0.65 * math::exp(2.0 * math::log(real(random.uniform<double>())));
  real const distance = random.uniform<double>(0.4, 1.0);
  auto const [s, c] = math::sincos(real(random.uniform<double>(0, two_pi)));
  add_jet(out, part * jet.pt, jet.eta + distance * c, wrap_azimuth(jet.phi + distance * s), random);
  real const turn = distance * part / (1 - part);
  return {(1 - part) * jet.pt, jet.eta - turn * c, wrap_azimuth(jet.phi - turn * s)};
}

// Shares pT among neutral pions, one and a mean of `more`, at place(pT of one).
template <class Place>
void add_pions(std::vector<particle>& out, real pt, real more, stream& random, Place place) {
  if (!(pt > 0.3)) return;
  for (real share : split(1 + random.poisson(static_cast<double>(more)), random)) {
    real const p = pt * share;
    if (p < 0.2) continue;
    auto const d = place(p);
    decay_pion_0(out, from_pt_eta_phi_mass(p, d.eta, d.phi, mass_pion_0), random);
  }
}

// A jet that passes for a photon: false where its photons hold too little.
inline bool add_fake(hard_event& out, jet_axis const& parton, double hardness, stream& random) {
  auto const [jet_pt, eta, phi] = radiate(out.particles, parton, random);
  real const other = 0.042 * math::exp(0.8 * real(random.normal<double>()));
  real const neutral = jet_pt * (other < 0.5 ? other : real(0.5));
  real const hadrons = random.gamma(1.55), photons = random.gamma(0.8);
  real const charged = (jet_pt - neutral) * hadrons / (hadrons + photons);
  real const pt = jet_pt - neutral - charged;
  if (!(pt > 15)) return false;
  candidate_truth& fake = out.candidates[1];
  real const species = random.uniform<double>();
  fake = {pt, eta, phi, false, species < 0.72 ? meson::pion_0 : species < 0.95 ? meson::eta : meson::omega,
          1,  0};
  fake.seed_share = seed_share(hardness, random);
  if (fake.seed_share * pt < 5) fake.seed_share = 5 / pt;  // the filter's threshold of a seed
  auto const seed = scatter(eta, phi, fake.seed_share * pt, 0, random);
  decay_to_photons(out.particles, fake.seed,
                   from_pt_eta_phi_mass(fake.seed_share * pt, seed.eta, seed.phi, mass_of(fake.seed)), random);
  // the rest of the candidate: neutral pions next to the seed, in the filter's |deta| < 0.12, |dphi| < 0.2
  real const rest = (1 - fake.seed_share) * pt;
  add_pions(out.particles, rest, 0.5 + 0.08 * rest, random, [&](real p) {
    direction_near d;
    for (int tries = 0; tries < 20; ++tries) {
      d = scatter(seed.eta, seed.phi, p, 0.008, random, 0.12);
      if (math::abs(d.eta - seed.eta) < 0.12 && math::abs(wrap_azimuth(d.phi - seed.phi)) < 0.2) break;
    }
    return d;
  });
  // of what is charged a part is soft and far from the axis, with neutral pions among it
  constexpr double wide = 0.22, soft_pt = 1.2;  // GeV
  real const part = 0.18 * real(random.exponential<double>());
  real const soft = charged * (part < 0.8 ? part : real(0.8));
  add_pions(out.particles, 0.35 * soft, 0.35 * soft / soft_pt, random,
            [&](real p) { return scatter(eta, phi, p, wide, random, 0); });
  // charged hadrons: at most two above 1.6 GeV within dR 0.2, the others in a ring around
  int close = 0;
  auto const add_hadrons = [&](real sum, real more, double width, double kick) {
    for (real share : split(1 + random.poisson(static_cast<double>(more)), random)) {
      real const p = sum * share;
      if (p < 0.15) continue;
      auto d = scatter(eta, phi, p, width, random, kick);
      real const de = d.eta - seed.eta, df = wrap_azimuth(d.phi - seed.phi);
      real distance = math::sqrt(de * de + df * df);
      if (p > 1.6 && distance < 0.2 && ++close > 2) {
        auto const [s, c] = math::sincos(real(random.uniform<double>(0, two_pi)));
        distance = random.uniform<double>(0.2, 0.42);
        d = {seed.eta + distance * c, wrap_azimuth(seed.phi + distance * s)};
      }
      if (distance < 0.3) fake.charged_pt += p;
      out.particles.push_back({species::charged_hadron, p, d.eta, d.phi, random.below(2) == 0 ? 1 : -1});
    }
  };
  add_hadrons(charged - soft, 1 + (charged - soft) / 40, 0.02, 0.3);
  add_hadrons(0.65 * soft, 0.65 * soft / soft_pt, wide, 0);
  auto const d = scatter(eta, phi, neutral, 0.03, random, 0.3);
  out.particles.push_back({species::neutral_hadron, neutral, d.eta, d.phi, 0});
  return true;
}

// A lone pion with z of the jet, uniform in (0.8, 1) at hardness 1, and up to three soft neighbours with the
// rest.
inline void add_lone_pion(hard_event& out, real jet_pt, real eta, real phi, double hardness, stream& random) {
  real const z = math::exp(math::log(real(random.uniform<double>(0.8, 1.0))) / hardness);
  out.candidates[1] = {z * jet_pt, eta, phi, false, meson::pion_0, 1, 0};
  decay_pion_0(out.particles, from_pt_eta_phi_mass(z * jet_pt, eta, phi, mass_pion_0), random);
  for (real share : split(1 + static_cast<int>(random.below(3)), random)) {
    real const p = (1 - z) * jet_pt * share;
    if (p < 0.15) continue;
    auto const d = scatter(eta, phi, p, 0.06, random);
    if (random.below(3) == 0) {
      decay_pion_0(out.particles, from_pt_eta_phi_mass(p, d.eta, d.phi, mass_pion_0), random);
    } else {
      out.particles.push_back({species::charged_hadron, p, d.eta, d.phi, random.below(2) == 0 ? 1 : -1});
      real const de = d.eta - eta, df = wrap_azimuth(d.phi - phi);
      if (de * de + df * df < 0.09) out.candidates[1].charged_pt += p;
    }
  }
}

// Radiation of the incoming partons: jets above 3 GeV, `rate` of them per unit of ln pT below `top` times
// hypot(system's pT, 10 GeV), spread by one radian (rms) round the direction opposite to the system.
struct radiation {
  double rate, top, rapidity_width;  // rms from the system's rapidity
};

// What balances a system: its radiation, and a jet that takes what is left.
inline void add_recoil(std::vector<particle>& out, real pt, real y, real phi, radiation const& r,
                       stream& random) {
  constexpr double lowest = 3;  // GeV; softer ones belong to the underlying event
  constexpr double last_width = 1.7;
  real const opposite = wrap_azimuth(phi + math::pi);
  auto const [s, c] = math::sincos(opposite);
  real px = pt * c, py = pt * s;  // left to balance
  real jet_pt = r.top * math::sqrt(pt * pt + 10 * 10);
  while ((jet_pt *= math::exp(math::log(real(random.uniform<double>())) / r.rate)) > lowest) {
    auto const n = random.normal_pair<double>();
    real const azimuth = wrap_azimuth(opposite + real(n[0]));
    auto const [js, jc] = math::sincos(azimuth);
    add_jet(out, jet_pt, y + r.rapidity_width * real(n[1]), azimuth, random);
    px -= jet_pt * jc;
    py -= jet_pt * js;
  }
  add_jet(out, math::sqrt(px * px + py * py), y + last_width * real(random.normal<double>()),
          math::atan2(py, px), random);
}

inline void add_prompt(hard_event& out, int which, four_momentum const& p) {
  out.candidates[which] = {p.pt(), p.eta(), p.phi(), true, meson::pion_0, 1, 0};
  add_photon(out.particles, p);
}

// Pairs are independent of each other but for their kind and, of electrons, their charge. (The names follow the
// paper's e- and e+e-.)
inline void shoot(hard_event& out, process which, stream& random) {
  bool const photons = which == process::photon || which == process::photon_pair;
  bool const pair = which == process::electron_pair || which == process::photon_pair;
  for (int k = 0; k < (pair ? 2 : 1); ++k) {
    real const pt = 50, eta = random.uniform<double>(-1.479, 1.479),
               phi = random.uniform<double>(-math::pi, math::pi);
    out.candidates[k] = {pt, eta, phi, true, meson::pion_0, 1, 0};
    out.particles.push_back({photons ? species::photon : species::electron, pt, eta, phi,
                             photons  ? 0
                             : k == 0 ? -1
                                      : 1});
  }
}

}  // namespace detail

// One hard collision without its underlying event; false where the generator's own cuts fail (draw again).
// `hardness` varies the fragmentation of the fake: momentum shares become share^(1/hardness).
inline bool generate(hard_event& out, process which, double hardness, stream& random) {
  out.particles.clear();
  if (is_gun(which)) {
    detail::shoot(out, which, random);
    return true;
  }
  real const phi = random.uniform<double>(0, two_pi);
  real recoil = 0, y = 0;
  if (which == process::higgs) {
    real const mass = 125;
    recoil = detail::system_pt(1.63, 21, random);
    y = detail::system_rapidity(mass, 7.5, random);
    out.system = from_pt_rapidity(recoil, y, phi, mass);
    auto const [a, b] = decay_isotropic(out.system, mass, 0, 0, random);
    detail::add_prompt(out, 0, a);
    detail::add_prompt(out, 1, b);
  } else {
    bool const born = which == process::born;
    double const pt_min = born ? 28 : 40;
    real const mass = detail::power_law(80, 1000, born ? 3.25 : 4.65, random);
    real const sine = 2 * pt_min / mass;
    if (!(sine < 1)) return false;
    real const limit = math::sqrt((1 - sine) * (1 + sine));
    y = detail::system_rapidity(mass, born ? 1.0 : 1.6, random);
    real const cos_theta = born || random.below(2) == 0 ? detail::annihilation_angle(limit, random)
                                                        : detail::compton_angle(limit, y, random);
    recoil = born ? detail::system_pt(2.15, 12, random) : detail::system_pt(2.6, 23.5, random);
    out.system = from_pt_rapidity(recoil, y, phi, mass);
    auto const [a, b] = decay(out.system, mass, 0, 0, cos_theta, random.uniform<double>(0, two_pi));
    detail::add_prompt(out, 0, a);
    if (born) {
      detail::add_prompt(out, 1, b);
    } else if (which == process::gamma_jet) {
      // radiated photons pass the cuts more often than fakes: in the end 7 % of the sample
      if (random.uniform<double>() < 0.0145) {
        // what is left of the quark goes to two jets: the photon's pT is that of Pythia's, below that of the
        // quark
        auto axis = detail::radiate(out.particles, {b.pt(), b.eta(), b.phi()}, random);
        axis = detail::radiate(out.particles, axis, random);
        detail::add_prompt(out, 1, from_pt_eta_phi_mass(axis.pt, axis.eta, axis.phi, 0));
      } else if (!detail::add_fake(out, {b.pt(), b.eta(), b.phi()}, hardness, random)) {
        return false;
      }
    } else {
      detail::add_lone_pion(out, b.pt(), b.eta(), b.phi(), hardness, random);
    }
  }
  // tuned to tracks and jets of each of Pythia's processes
  detail::radiation const incoming =
      which == process::higgs  ? detail::radiation{.rate = 0.95, .top = 1.0, .rapidity_width = 2.0}
      : which == process::born ? detail::radiation{.rate = 1.2, .top = 0.9, .rapidity_width = 1.8}
                               : detail::radiation{.rate = 1.1, .top = 1.0, .rapidity_width = 1.9};
  detail::add_recoil(out.particles, recoil, y, phi, incoming, random);
  return true;
}

}  // namespace calotype::sim
