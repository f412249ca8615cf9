#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/sim/particle.hpp>
#include <calotype/sim/soft.hpp>

namespace {

namespace sim = calotype::sim;
using sim::real;

sim::four_momentum sum_of(std::vector<sim::particle> const& particles) {
  sim::four_momentum sum;
  for (auto const& p : particles) sum = sum + sim::from_pt_eta_phi_mass(p.pt, p.eta, p.phi, 0);
  return sum;
}

}  // namespace

TEST_CASE("decays conserve momentum and the parent's mass") {
  calotype::stream random(1, 0, 0);
  for (auto kind : {sim::meson::pion_0, sim::meson::eta, sim::meson::omega}) {
    for (int i = 0; i < 200; ++i) {
      auto const parent = sim::from_pt_eta_phi_mass(30, 0.7, -2, sim::mass_of(kind));
      std::vector<sim::particle> photons;
      sim::decay_to_photons(photons, kind, parent, random);
      auto const total = sum_of(photons);
      CHECK(total.px.value == doctest::Approx(parent.px.value));
      CHECK(total.py.value == doctest::Approx(parent.py.value));
      CHECK(total.pz.value == doctest::Approx(parent.pz.value));
      CHECK(total.mass().value == doctest::Approx(sim::mass_of(kind)).epsilon(1e-4));
    }
  }
}

TEST_CASE("the photons of a pion open by at least 2 m / E") {
  calotype::stream random(2, 0, 0);
  double smallest = 10;
  std::vector<double> share;
  for (int i = 0; i < 4000; ++i) {
    std::vector<sim::particle> p;
    sim::decay_pion_0(p, sim::from_pt_eta_phi_mass(30, 0, 0.3, sim::mass_pion_0), random);
    double const angle =
        std::hypot((p[0].eta - p[1].eta).value, calotype::wrap_azimuth(p[0].phi - p[1].phi).value);
    smallest = std::min(smallest, angle);
    share.push_back((p[0].pt / 30).value);
  }
  CHECK(smallest == doctest::Approx(0.270 / 30).epsilon(0.01));
  // energy shares are uniform
  std::sort(share.begin(), share.end());
  for (std::size_t k = 1; k < 10; ++k)
    CHECK(share[share.size() * k / 10] == doctest::Approx(0.1 * static_cast<double>(k)).epsilon(0.12));
}

TEST_CASE("soft transverse momenta follow their density") {
  double const n = 6.7, t = 0.165, m = sim::mass_pion;
  calotype::stream random(3, 0, 0);
  std::vector<double> pt;
  for (int i = 0; i < 40000; ++i) pt.push_back(sim::tsallis_pt(m, n, t, random).value);
  std::sort(pt.begin(), pt.end());
  // numerical quantiles
  double total = 0, below = 0;
  auto const density = [&](double x) { return x * std::pow(1 + (std::hypot(x, m) - m) / (n * t), -n); };
  double const step = 1e-3;
  for (double x = step / 2; x < 60; x += step) total += density(x) * step;
  std::size_t quantile = 1;
  for (double x = step / 2; x < 60 && quantile < 10; x += step) {
    below += density(x) * step;
    if (below < total * static_cast<double>(quantile) / 10) continue;
    CHECK(pt[pt.size() * quantile / 10] == doctest::Approx(x).epsilon(0.03));
    ++quantile;
  }
}

TEST_CASE("one interaction has its multiplicities") {
  sim::soft_interaction const s;
  double charged = 0, photons = 0, central = 0;
  int const n = 3000;
  for (int i = 0; i < n; ++i) {
    calotype::stream random(4, static_cast<std::uint64_t>(i), 0);
    std::vector<sim::particle> p;
    sim::add_soft(p, s, random);
    for (auto const& x : p) {
      charged += x.kind == sim::species::charged_hadron;
      photons += x.kind == sim::species::photon;
      central += x.charge != 0 && std::fabs(x.eta.value) < 0.5;
    }
  }
  CHECK(central / n == doctest::Approx(5.4).epsilon(0.06));
  CHECK(photons / charged == doctest::Approx(1).epsilon(0.03));
}

TEST_CASE("jets keep their transverse momentum and shares") {
  double charged = 0, neutral = 0, total = 0;
  for (int i = 0; i < 2000; ++i) {
    calotype::stream random(5, static_cast<std::uint64_t>(i), 0);
    std::vector<sim::particle> p;
    sim::add_jet(p, 60, 0.5, 1, random);
    for (auto const& x : p) {
      total += x.pt.value;
      if (x.kind == sim::species::charged_hadron) charged += x.pt.value;
      if (x.kind == sim::species::neutral_hadron) neutral += x.pt.value;
    }
  }
  CHECK(total / (2000 * 60) == doctest::Approx(1).epsilon(0.04));
  CHECK(charged / total == doctest::Approx(0.65).epsilon(0.04));
  CHECK(neutral / total == doctest::Approx(0.10).epsilon(0.15));
}
