// Superclusters from recorded hits against those that CMS recorded with them (CMS Open Data records 300, 7105
// and others of the event display).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/observables/superclusters.hpp>

namespace {

namespace ct = calotype;
namespace cms = calotype::cms;

std::filesystem::path data_folder() {
  char const* const named = std::getenv("CALOTYPE_DATA");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

double quantile(std::vector<double> x, double share) {
  std::sort(x.begin(), x.end());
  return x.empty() ? 0 : x[static_cast<std::size_t>(share * static_cast<double>(x.size() - 1))];
}

TEST_CASE("raw energies, places and energies of recorded barrel superclusters") {
  std::vector<double> raw_ratio, eta_shift, phi_shift, energy_ratio;
  int without = 0;
  for (auto const* name : {"diphoton_7of10.ig", "DoublePhoton_Run2012B_0.ig", "DoubleElectron_Run2012C_0.ig"}) {
    auto const path = data_folder() / "ispy-webgl" / name;
    if (!std::filesystem::exists(path)) {
      MESSAGE("SKIPPED: no " << path.string());
      return;
    }
    auto file = ct::io::open_ig(path.string());
    REQUIRE(file);
    ct::supercluster_finder find;
    for (std::size_t i = 0; i < file->size(); ++i) {
      auto const event = file->read(i);
      REQUIRE(event);
      std::string_view const names[] = {"SuperClusters_V1"};
      auto const contents = file->contents(i, names);
      REQUIRE(contents);
      auto const* const theirs = contents->find("SuperClusters_V1");
      if (theirs == nullptr) continue;
      auto const& ours = find(event->hits(cms::collection::eb), event->hits(cms::collection::ee), 10);
      auto const eta = theirs->numbers("eta"), phi = theirs->numbers("phi"), raw = theirs->numbers("rawEnergy"),
                 energy = theirs->numbers("energy");
      for (std::size_t k = 0; k < theirs->rows; ++k) {
        if (std::fabs(eta[k]) > 1.44 || raw[k] < 15 * std::cosh(eta[k])) continue;
        ct::supercluster const* nearest = nullptr;
        double best = 0.1;
        for (auto const& c : ours) {
          auto const at = c.direction();
          double const away = std::hypot(at.u - eta[k], std::remainder(at.v - phi[k], 2 * ct::math::pi));
          if (away < best) {
            best = away;
            nearest = &c;
          }
        }
        if (nearest == nullptr) {
          ++without;
          continue;
        }
        raw_ratio.push_back(static_cast<double>(nearest->raw_energy) / raw[k]);
        eta_shift.push_back(nearest->direction().u - eta[k]);
        phi_shift.push_back(std::remainder(nearest->direction().v - phi[k], 2 * ct::math::pi));
        energy_ratio.push_back(nearest->energy() / energy[k]);
      }
    }
  }
  MESSAGE(raw_ratio.size() << " superclusters, raw energy ours / CMS's at 5, 50, 95 %: "
                           << quantile(raw_ratio, 0.05) << ", " << quantile(raw_ratio, 0.5) << ", "
                           << quantile(raw_ratio, 0.95)
                           << "; energy at 16, 50, 84 %: " << quantile(energy_ratio, 0.16) << ", "
                           << quantile(energy_ratio, 0.5) << ", " << quantile(energy_ratio, 0.84));
  CHECK(raw_ratio.size() > 60);
  CHECK(without == 0);
  CHECK(quantile(raw_ratio, 0.5) == doctest::Approx(1).epsilon(0.001));
  CHECK(quantile(raw_ratio, 0.05) > 0.98);
  CHECK(quantile(raw_ratio, 0.95) < 1.05);
  CHECK(quantile(energy_ratio, 0.5) == doctest::Approx(1).epsilon(0.005));
  CHECK(quantile(energy_ratio, 0.84) - quantile(energy_ratio, 0.16) < 0.04);
  CHECK(std::fabs(quantile(eta_shift, 0.5)) < 0.002);
  CHECK(std::fabs(quantile(phi_shift, 0.5)) < 0.002);
  CHECK(quantile(phi_shift, 0.84) - quantile(phi_shift, 0.16) < 0.015);
}

TEST_CASE("m_gg of the seven recorded H -> gamma gamma candidates, from their hits and primary vertex") {
  auto const path = data_folder() / "ispy-webgl" / "diphoton_7of10.ig";
  if (!std::filesystem::exists(path)) {
    MESSAGE("SKIPPED: no " << path.string());
    return;
  }
  auto file = ct::io::open_ig(path.string());
  REQUIRE(file);
  REQUIRE(file->size() == 7);
  ct::photon_finder find;
  std::vector<double> off;
  for (std::size_t i = 0; i < file->size(); ++i) {
    auto const event = file->read(i);
    REQUIRE(event);
    std::string_view const names[] = {"Vertices_V1"};
    auto const contents = file->contents(i, names);
    REQUIRE(contents);
    auto const* const vertices = contents->find("Vertices_V1");
    REQUIRE(vertices != nullptr);
    double const vertex_z = 100 * vertices->numbers("pos")[2];  // of the first, in cm
    std::vector<ct::photon> photons;
    for (auto const& c : find(*event, vertex_z, 20)) {
      if (c.seen.h_over_e < 0.5F) photons.push_back(c.seen);
    }
    REQUIRE(photons.size() >= 2);  // one event holds a third cluster above 20 GeV
    double const ours = ct::diphoton_mass(photons), theirs = ct::diphoton_mass(event->photons());
    MESSAGE("m_gg " << ours << ", CMS " << theirs);
    CHECK(ours == doctest::Approx(theirs).epsilon(0.03));
    off.push_back(std::fabs(ours / theirs - 1));
  }
  CHECK(quantile(off, 0.5) < 0.015);
}

}  // namespace
