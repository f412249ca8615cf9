// expect: calotype::segmentation: a description needs a type cell_type
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta, iphi;
};
struct tower_grid {
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_grid"; }
  static constexpr auto axes() { return ct::regular{.bins = 10, .low = -1, .high = 1}; }
};

int main() { return ct::segmentation<tower_grid>::find(0.1, 0.2); }
