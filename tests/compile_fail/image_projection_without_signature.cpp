// expect: calotype::image: a projection of your own needs static constexpr std::uint64_t signature..
#include "one_detector.hpp"

#include <calotype/image/layout.hpp>

struct pads {
  static constexpr ct::quantity fills = ct::quantity::ecal_energy;
  using source = ecal;
  static constexpr std::array<ct::region, 1> regions(ct::image_options) { return {{{.rows = 4, .cols = 8}}}; }
  static constexpr ct::block at(ct::image_options, int cell) { return {.row = cell / 8, .col = cell % 8}; }
};
struct barrel {
  using projections_type = ct::projections<pads>;
  static constexpr std::string_view name() { return "barrel"; }
  static constexpr std::array<ct::image_plane, 1> planes() { return {{{"barrel", 4, 8}}}; }
};
struct wrong {
  static constexpr auto image() { return ct::image_description<barrel>{{ct::ecal_energy()}}; }
};

int main() { return ct::image_traits<wrong>::planes; }
