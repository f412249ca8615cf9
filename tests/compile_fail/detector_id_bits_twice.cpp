// expect: calotype::segmentation: the fields of an id layout must name each label once
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta, iphi;
};
struct tower_grid {  // iphi takes bits 0 to 6, ieta starts at bit 6
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_grid"; }
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = 10, .low = -1, .high = 1}, .v = ct::periodic{.bins = 72}};
  }
  static constexpr auto ids() {
    return ct::id_layout<2>{.prefix = 0x52000000,
                            .fields = {{{.label = 0, .shift = 6, .bits = 6}, {.label = 1, .bits = 7}}}};
  }
};

int main() { return ct::segmentation<tower_grid>::unpack(0x52000000); }
