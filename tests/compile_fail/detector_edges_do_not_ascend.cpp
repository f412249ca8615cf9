// expect: calotype::defect::edges_do_not_ascend, 2
#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct cell {
  int ieta, iphi;
};
struct tower_grid {  // the third edge is below the second
  using cell_type = cell;
  static constexpr std::string_view name() { return "tower_grid"; }
  static constexpr auto cells() {
    return ct::grid{.u = ct::edges<4>{.at = {0, 0.174, 0.087, 0.261}}, .v = ct::periodic{.bins = 72}};
  }
};

int main() { return ct::segmentation<tower_grid>::find(0.1, 0.2); }
