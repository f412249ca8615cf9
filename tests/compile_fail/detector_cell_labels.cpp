// expect: calotype::segmentation: cell_type must be a struct with one int for every label
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta, iphi, depth;
};
struct tower_grid {  // two axes, three labels
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_grid"; }
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = 10, .low = -1, .high = 1}, .v = ct::periodic{.bins = 72}};
  }
};

int main() { return ct::segmentation<tower_grid>::find(0.1, 0.2); }
