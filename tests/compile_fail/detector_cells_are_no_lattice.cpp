// expect: calotype::segmentation: cells\(\) must return a lattice
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta;
};
struct tower_row {  // an axis is not a lattice
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_row"; }
  static constexpr auto cells() { return ct::regular{.bins = 10, .low = -1, .high = 1}; }
};

int main() { return ct::segmentation<tower_row>::find(0.1, 0.2); }
