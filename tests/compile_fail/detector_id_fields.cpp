// expect: calotype::segmentation: an id layout needs one field for every label of the cell
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta, iphi;
};
struct tower_grid {  // no field for iphi
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_grid"; }
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = 10, .low = -1, .high = 1}, .v = ct::periodic{.bins = 72}};
  }
  static constexpr auto ids() {
    return ct::id_layout<1>{.prefix = 0x52000000, .fields = {{{.label = 0, .shift = 6, .bits = 6}}}};
  }
};

int main() { return ct::segmentation<tower_grid>::unpack(0x52000000); }
