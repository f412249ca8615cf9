// Simulated hit lists against the recorded diphoton-trigger events of 2012 (CMS Open Data record 7105).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/sim/simulate.hpp>

namespace {

namespace ct = calotype;
namespace sim = calotype::sim;
namespace cms = calotype::cms;

std::filesystem::path data_folder() {
  char const* const named = std::getenv("CALOTYPE_DATA");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

// Means per event of what an image is made of.
struct occupancy {
  double events = 0;
  double eb_all = 0, eb_100 = 0, eb_200 = 0, eb_500 = 0;
  double ee_all = 0, ee_300 = 0, ee_600 = 0, ee_1000 = 0, ee_2000 = 0;
  double hb_all = 0, hb_700 = 0, tracks = 0, hard_tracks = 0;
  double halo = 0,
         far = 0;  // EB hits of 0.1 .. 0.5 GeV at dR 0.15 .. 0.58 of a candidate, and beyond 0.65 of all

  void add(ct::event const& e) {
    ++events;
    for (auto const& h : e.hits(cms::collection::eb)) {
      ++eb_all;
      eb_100 += h.energy > 0.1F;
      eb_200 += h.energy > 0.2F;
      eb_500 += h.energy > 0.5F;
      if (!(h.energy > 0.1F && h.energy < 0.5F)) continue;
      auto const at = ct::segmentation<cms::eb>::center(ct::segmentation<cms::eb>::unpack(h.id));
      double nearest = 10;
      for (auto const& p : e.photons()) {
        double const de = at.u - static_cast<double>(p.eta);
        double const df = std::remainder(at.v - static_cast<double>(p.phi), 2 * ct::math::pi);
        nearest = std::min(nearest, std::hypot(de, df));
      }
      halo += nearest > 0.15 && nearest < 0.58;
      far += nearest > 0.65;
    }
    for (auto const& h : e.hits(cms::collection::ee)) {
      ++ee_all;
      ee_300 += h.energy > 0.3F;
      ee_600 += h.energy > 0.6F;
      ee_1000 += h.energy > 1;
      ee_2000 += h.energy > 2;
    }
    for (auto const& h : e.hits(cms::collection::hb)) {
      ++hb_all;
      hb_700 += h.energy > 0.7F;
    }
    for (auto const& t : e.tracks()) {
      tracks += t.pt > 0.75F;
      hard_tracks += t.pt > 1;
    }
  }
};

TEST_CASE("simulated lists are as full as recorded ones, within a factor 1.5") {
  auto const path = data_folder() / "ispy-webgl" / "DoublePhoton_Run2012B_0.ig";
  if (!std::filesystem::exists(path)) {
    MESSAGE("SKIPPED: no " << path.string());
    return;
  }
  auto file = ct::io::open_ig(path.string());
  REQUIRE(file);
  occupancy recorded;
  for (auto const& event : *file) recorded.add(event);
  REQUIRE(file->error() == nullptr);
  REQUIRE(recorded.events == 25);

  // 11.0 vertices were recorded; about 0.7 of the interactions give one
  occupancy simulated;
  for (auto const process : {sim::process::born, sim::process::gamma_jet}) {
    sim::simulator const make(
        {.process = process, .seed = 17, .pile_up = 16, .selection = sim::selection::forward});
    for (std::uint64_t i = 0; i < 50; ++i) simulated.add(make(i).event);
  }

  auto const compare = [&](std::string const& what, double occupancy::*member) {
    double const want = recorded.*member / recorded.events, got = simulated.*member / simulated.events;
    MESSAGE(what << ": recorded " << want << ", simulated " << got << ", ratio " << got / want);
    CHECK(got < 1.5 * want);
    CHECK(got > want / 1.5);
  };
  compare("EB hits", &occupancy::eb_all);
  compare("EB hits > 0.1 GeV", &occupancy::eb_100);
  compare("EB hits > 0.2 GeV", &occupancy::eb_200);
  compare("EB hits > 0.5 GeV", &occupancy::eb_500);
  compare("EB hits near candidates", &occupancy::halo);
  compare("EB hits far from candidates", &occupancy::far);
  compare("EE hits", &occupancy::ee_all);
  compare("EE hits > 0.3 GeV", &occupancy::ee_300);
  compare("EE hits > 0.6 GeV", &occupancy::ee_600);
  compare("EE hits > 1 GeV", &occupancy::ee_1000);
  compare("EE hits > 2 GeV", &occupancy::ee_2000);
  compare("HB hits", &occupancy::hb_all);
  compare("HB hits > 0.7 GeV", &occupancy::hb_700);
  compare("tracks > 0.75 GeV", &occupancy::tracks);
  compare("tracks > 1 GeV", &occupancy::hard_tracks);
}

}  // namespace
