// ATLAS: the two grids of the simplified detector of the flavour and lepton studies, and the strips of the
// liquid-argon barrel as they are.
#pragma once

#include <string_view>

#include <calotype/detector/segmentation.hpp>

namespace calotype::atlas {

// A cell of a plain grid, counted from eta = -2.5 and phi = -pi.
struct grid_cell {
  int ieta, iphi;
};

// An ATLAS-like detector as the Delphes studies describe it: d eta x d phi = 0.025 x pi/126 (ECal) and 0.1 x
// pi/31 (HCal) up to |eta| = 2.5, 200 x 252 and 50 x 62 cells. The two do not nest: 252 is no multiple of 62.
struct delphes_ecal {
  using cell_type = grid_cell;
  static constexpr std::string_view name() { return "atlas::delphes_ecal"; }
  static constexpr int collection = 0;
  static constexpr auto cells() {
    return grid{.u = regular{.bins = 200, .low = -2.5, .high = 2.5}, .v = periodic{.bins = 252, .offset = 126}};
  }
};
struct delphes_hcal {
  using cell_type = grid_cell;
  static constexpr std::string_view name() { return "atlas::delphes_hcal"; }
  static constexpr int collection = 1;
  static constexpr auto cells() {
    return grid{.u = regular{.bins = 50, .low = -2.5, .high = 2.5}, .v = periodic{.bins = 62, .offset = 31}};
  }
};

// A strip of the electromagnetic barrel: region 0 (|eta| < 1.4) or 1, ieta and iphi within it, side -1 or +1.
struct strip {
  int ieta, iphi, region, side;
};

// The first sampling of the liquid-argon barrel: 447 strips of 0.003125, the first of 448 missing, in 64 cells
// of phi, then 3 of 0.025 in 256. Source: ATLAS IdDictParser/data/IdDictLArCalorimeter.xml.
struct lar_barrel_strips {
  using cell_type = strip;
  static constexpr std::string_view name() { return "atlas::lar_barrel_strips"; }
  static constexpr auto cells() {
    return two_sided{unite(
        layer{.number = 0,
              .cells = grid{.u = regular{.bins = 447, .low = 0.003125, .high = 1.4, .labels = {.first = 1}},
                            .v = periodic{.bins = 64}}},
        layer{.number = 1,
              .cells = grid{.u = regular{.bins = 3, .low = 1.4, .high = 1.475}, .v = periodic{.bins = 256}}})};
  }
};

}  // namespace calotype::atlas
