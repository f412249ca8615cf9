// expect: calotype::image: a region of a tabulated projection has at most 2048 rows and columns of blocks
#include "one_detector.hpp"

#include <calotype/image/table.hpp>

struct pads {
  static constexpr std::uint64_t signature() { return 1; }
  static constexpr ct::quantity fills = ct::quantity::ecal_energy;
  using source = ecal;
  static constexpr bool tabulated = true;
  static constexpr std::array<ct::region, 1> regions(ct::image_options) {
    return {{{.rows = 2049, .cols = 8}}};
  }
  static constexpr ct::block at(ct::image_options, int cell) { return {.row = cell / 8, .col = cell % 8}; }
};

ct::hit_table<pads> const refused(ct::image_options{});
