// How well single photons and neutral pions can be told apart, judged by scikit-learn (photon_pion.py): a
// simulation whose showers do not fluctuate makes this too easy.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/sim/simulate.hpp>

namespace {

namespace ct = calotype;
namespace sim = calotype::sim;
namespace cms = calotype::cms;

struct range {
  double low, high, auc;
};
// Of pT in GeV, with what an independent toy of showers with spot fluctuations and 45 % conversions has; smooth
// showers have 0.98, 0.92, 0.82.
constexpr std::array ranges{range{20, 30, 0.88}, range{30, 45, 0.81}, range{45, 60, 0.76}};
constexpr double tolerance = 0.04;
// Of either kind. The tree needs many: below 30 GeV half of them cost it 0.01, a fifth 0.03.
constexpr std::uint64_t shots = 21'000;

// One shot, of the ranges in turn: class, pT, then the 5 x 5 crystals around the hottest; false where the
// window leaves the barrel.
bool write_shot(std::ostream& out, sim::endcap_map const& endcap, bool pion, std::uint64_t i) {
  ct::stream random(99, i, pion ? 1 : 0);
  sim::response detector(endcap, random);
  auto const& r = ranges[i % ranges.size()];
  sim::real const pt = random.uniform<double>(r.low, r.high), eta = random.uniform<double>(-1.3, 1.3);
  sim::real const phi = random.uniform<double>(-3.1, 3.1);
  std::vector<sim::particle> particles;
  if (pion) {
    sim::decay_pion_0(particles, sim::from_pt_eta_phi_mass(pt, eta, phi, sim::mass_pion_0), random);
  } else {
    particles.push_back({sim::species::photon, pt, eta, phi, 0});
  }
  for (auto const& p : particles) detector.add(p, 0);
  sim::readout reader(endcap, detector.energies, 7, i, pion ? 1000 : 0);
  reader.digitise();
  ct::event event;
  reader.write(event, {}, sim::collections::full);
  std::vector<double> energies(static_cast<std::size_t>(ct::segmentation<cms::eb>::size()));
  int seed = 0;
  for (auto const& h : event.hits(cms::collection::eb)) {
    int const cell = ct::segmentation<cms::eb>::unpack(h.id);
    energies[static_cast<std::size_t>(cell)] = static_cast<double>(h.energy);
    if (energies[static_cast<std::size_t>(cell)] > energies[static_cast<std::size_t>(seed)]) seed = cell;
  }
  int const row = seed / 360, column = seed % 360;
  if (row < 2 || row > 167) return false;
  out << (pion ? 1 : 0) << ' ' << pt.value;
  for (int k = 0; k < 25; ++k) {
    out << ' '
        << energies[static_cast<std::size_t>((row + k / 5 - 2) * 360 + (column + k % 5 - 2 + 360) % 360)];
  }
  out << '\n';
  return true;
}

TEST_CASE("photons and pions separate as well as fluctuating showers and conversions allow") {
  if (std::system("/usr/bin/python3 -c 'import sklearn' 2>/dev/null") != 0) {
    MESSAGE("SKIPPED: no scikit-learn for /usr/bin/python3 (Debian: python3-sklearn)");
    return;
  }
  std::array<std::ostringstream, 2> parts;
  {
    sim::endcap_map const endcap;
    std::vector<std::jthread> workers;
    for (std::size_t w = 0; w < parts.size(); ++w) {
      workers.emplace_back([&, w] {
        for (std::uint64_t i = w * shots / parts.size(); i < (w + 1) * shots / parts.size(); ++i) {
          write_shot(parts[w], endcap, false, i);
          write_shot(parts[w], endcap, true, i);
        }
      });
    }
  }
  auto const stem =
      std::filesystem::temp_directory_path() / ("calotype_photon_pion_" + std::to_string(::getpid()));
  auto const windows = stem.string() + ".txt", scores = stem.string() + ".auc";
  {
    std::ofstream out(windows);
    for (auto const& part : parts) out << part.view();
  }
  std::string const script = std::string(CALOTYPE_SOURCE_DIR) + "/tests/reference/sim/photon_pion.py";
  REQUIRE(std::system(("/usr/bin/python3 '" + script + "' '" + windows + "' > '" + scores + "'").c_str()) == 0);
  double auc[ranges.size()] = {};
  std::ifstream(scores) >> auc[0] >> auc[1] >> auc[2];
  std::filesystem::remove(windows);
  std::filesystem::remove(scores);
  MESSAGE("AUC 20-30 GeV " << auc[0] << ", 30-45 GeV " << auc[1] << ", 45-60 GeV " << auc[2]);
  for (std::size_t k = 0; k < ranges.size(); ++k) CHECK(std::fabs(auc[k] - ranges[k].auc) < tolerance);
}

}  // namespace
