// A detector of your own, without touching the library: the long barrel of a scintillating-tile calorimeter.
#include <cstdio>

#include <calotype/detector/helix.hpp>
#include <calotype/detector/segmentation.hpp>
namespace ct = calotype;

// [description]
struct tile_cell {
  int tower, module, sampling, side;
};

struct tile_barrel {
  using cell_type = tile_cell;
  static constexpr std::string_view name() { return "tile_barrel"; }
  static constexpr int collection = 0;  // the first hit list of an event

  static constexpr auto
  cells() {  // three samplings, one behind the other; the towers of the last are twice as wide
    constexpr ct::periodic module{.bins = 64, .labels = {.first = 1}};
    constexpr ct::regular tower_a{.bins = 10, .low = 0, .high = 1.0};
    constexpr ct::regular tower_bc{.bins = 9, .low = 0, .high = 0.9};
    constexpr ct::regular tower_d{.bins = 4, .low = 0, .high = 0.8, .labels = {.first = 0, .step = 2}};
    return ct::two_sided{ct::unite(ct::layer{.number = 0, .cells = ct::grid{.u = tower_a, .v = module}},
                                   ct::layer{.number = 1, .cells = ct::grid{.u = tower_bc, .v = module}},
                                   ct::layer{.number = 2, .cells = ct::grid{.u = tower_d, .v = module}})};
  }

  static constexpr auto ids() {  // how the experiment packs a cell into 32 bits
    return ct::id_layout<4>{.prefix = 0x50000000,
                            .fields = {{{.label = 0, .shift = 7, .bits = 4},
                                        {.label = 1, .shift = 0, .bits = 7},
                                        {.label = 2, .shift = 11, .bits = 2},
                                        {.label = 3, .sign_bit = 13, .offset = 1}}}};
  }
};

using tiles = ct::segmentation<tile_barrel>;
static_assert(tiles::size() == 2 * 64 * (10 + 9 + 4));
static_assert(tiles::cell(tiles::find(-0.75, 0.1, 2)).tower == 6);
// [/description]

int main() {
  // Where a positive pion of 3 GeV enters, 2.28 m from the beam in a field of 2 T.
  constexpr ct::calorimeter_face front{
      .radius = 2.28, .half_length = 2.8, .endcap_z = 3.5, .endcap_radius = 2.2};
  auto const hit = ct::propagate({.pt = 3, .eta = 0.42, .phi = 1.0, .charge = 1}, front, 2.0);
  auto const [eta, phi] = ct::seen_from_origin(hit.at);
  for (int sampling = 0; sampling < 3; ++sampling) {
    int const index = tiles::find(eta, phi, sampling);
    auto const cell = tiles::cell(index);
    std::printf("sampling %d: tower %d, module %d, side %+d, id 0x%08x\n", sampling, cell.tower, cell.module,
                cell.side, static_cast<unsigned>(tiles::pack(index)));
    if (tiles::unpack(tiles::pack(index)) != index) return 1;
  }
}
