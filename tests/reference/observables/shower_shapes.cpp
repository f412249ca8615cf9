// CMS's own shower shapes, as recorded with every photon, from the recorded hits.
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/observables/energy_map.hpp>
#include <calotype/observables/shower_shapes.hpp>

namespace {

namespace ct = calotype;
namespace cms = calotype::cms;

std::filesystem::path data_folder() {
  char const* const named = std::getenv("CALOTYPE_DATA");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

// One photon of derived/photon_shower_shapes.csv by column name.
struct photon_row {
  std::map<std::string, std::string> text;
  double operator()(std::string const& column) const { return std::stod(text.at(column)); }
};

std::vector<photon_row> read_photons(std::filesystem::path const& file) {
  std::ifstream in(file);
  std::vector<std::string> names;
  std::vector<photon_row> rows;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::vector<std::string> values;
    for (std::string value; std::getline(fields, value, ',');) values.push_back(value);
    if (names.empty()) {
      names = values;
      continue;
    }
    photon_row row;
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) row.text[names[i]] = values[i];
    rows.push_back(row);
  }
  return rows;
}

// How many of the compared values agree within a relative 1e-4.
struct tally {
  int agree = 0, all = 0;
  void add(double ours, double theirs) {
    ++all;
    agree += std::abs(ours - theirs) <= 1e-4 * std::abs(theirs);
  }
  double fraction() const { return all > 0 ? static_cast<double>(agree) / all : 0; }
};

struct tallies {
  tally e3x3, e5x5, e1x5, e2x5, sigma, max_energy, sigma_given_e5x5, seed;
};

template <class D>
void add_photon(ct::event const& event, photon_row const& row, int seed, tallies& t) {
  static ct::energy_map<D> energies;
  energies.fill(event.hits(ct::segmentation<D>::collection));
  REQUIRE(seed >= 0);
  auto const s = ct::shapes_around(energies, seed);
  auto const ours = [](float x) { return static_cast<double>(x); };
  t.e3x3.add(ours(s.e3x3), row("e3x3"));
  t.e5x5.add(ours(s.e5x5), row("e5x5"));
  t.e1x5.add(ours(s.e1x5), row("e1x5"));
  t.e2x5.add(ours(s.e2x5), row("e2x5"));
  t.sigma.add(ours(s.sigma_ieta_ieta), row("sigmaIetaIeta"));
  t.max_energy.add(ours(s.max_energy), row("e_seed"));
  if (std::abs(ours(s.e5x5) - row("e5x5")) <= 1e-5 * row("e5x5"))
    t.sigma_given_e5x5.add(ours(s.sigma_ieta_ieta), row("sigmaIetaIeta"));
  t.seed.add(ct::seed_near(energies, static_cast<float>(row("eta")), static_cast<float>(row("phi"))), seed);
}

// The raw energy of the supercluster that a photon sits on: the nearest in angle, within half a crystal or so
// of its energy.
double raw_energy(ct::io::ig_file& file, std::size_t entry, photon_row const& row) {
  std::string_view const names[] = {"SuperClusters_V1"};
  auto const contents = file.contents(entry, names);
  if (!contents) return 0;
  double best = 0.1, raw = 0;
  for (auto const& table : contents->tables) {
    auto const eta = table.numbers("eta"), phi = table.numbers("phi"), energy = table.numbers("rawEnergy");
    for (std::size_t i = 0; i < energy.size(); ++i) {
      double const distance =
          std::hypot(eta[i] - row("eta"), std::remainder(phi[i] - row("phi"), 2 * ct::math::pi));
      if (distance < best) {
        best = distance;
        raw = energy[i];
      }
    }
  }
  return raw;
}

TEST_CASE("e3x3, e5x5, e1x5, e2x5 and sigmaIetaIeta of recorded photons are CMS's own") {
  auto const table = data_folder() / "derived" / "photon_shower_shapes.csv";
  if (!std::filesystem::exists(table)) {
    MESSAGE("SKIPPED: no " << table.string());
    return;
  }
  tallies barrel, endcap;
  tally r9;
  std::map<std::string, std::unique_ptr<ct::io::ig_file>> files;
  std::map<std::string, std::map<std::string, std::size_t>> members;
  for (photon_row const& row : read_photons(table)) {
    auto const& name = row.text.at("file");
    auto& file = files[name];
    if (!file) {
      auto opened = ct::io::open_ig((data_folder() / name).string());
      REQUIRE(opened);
      file = std::make_unique<ct::io::ig_file>(std::move(*opened));
      for (std::size_t i = 0; i < file->size(); ++i) members[name][file->member(i)] = i;
    }
    std::size_t const entry = members[name].at(row.text.at("entry"));
    auto const event = file->read(entry);
    REQUIRE(event);
    int const a = static_cast<int>(row("a")), b = static_cast<int>(row("b"));
    if (row.text.at("det") == "EB") {
      int const seed = ct::segmentation<cms::eb>::index({a, b});
      add_photon<cms::eb>(*event, row, seed, barrel);
      if (double const raw = raw_energy(*file, entry, row); raw > 0 && row("r9") > 0) {
        ct::energy_map<cms::eb> energies;
        energies.fill(event->hits(cms::collection::eb));
        r9.add(static_cast<double>(ct::shapes_around(energies, seed).r9(static_cast<float>(raw))), row("r9"));
      }
    } else {
      add_photon<cms::ee>(*event, row, ct::segmentation<cms::ee>::index({a, b, static_cast<int>(row("zside"))}),
                          endcap);
    }
  }
  auto const report = [](std::string const& what, tally const& t, double wanted) {
    MESSAGE(what << ": " << t.agree << " of " << t.all << " (" << 100 * t.fraction() << " %)");
    CHECK(t.fraction() >= wanted);
  };
  CHECK(barrel.e3x3.all > 200);
  report("EB e3x3", barrel.e3x3, 0.97);
  report("EB e5x5", barrel.e5x5, 0.97);
  report("EB e1x5", barrel.e1x5, 0.97);
  report("EB e2x5", barrel.e2x5, 0.97);
  report("EB sigmaIetaIeta", barrel.sigma, 0.97);
  report("EB sigmaIetaIeta where e5x5 agrees", barrel.sigma_given_e5x5, 1.0);
  report("EB maxEnergyXtal", barrel.max_energy, 0.99);
  report("EB seed found from the photon's direction", barrel.seed, 0.96);
  report("EB r9", r9, 0.97);
  report("EE e3x3", endcap.e3x3, 0.95);
  report("EE e5x5", endcap.e5x5, 0.90);  // the others have flagged or thinned crystals
  report("EE e1x5", endcap.e1x5, 0.95);
  report("EE e2x5", endcap.e2x5, 0.95);
  report("EE sigmaIetaIeta where e5x5 agrees", endcap.sigma_given_e5x5, 1.0);
  report("EE maxEnergyXtal", endcap.max_energy, 0.99);
}

}  // namespace
