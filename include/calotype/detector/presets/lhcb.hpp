// LHCb's electromagnetic calorimeter: three nested rectangles with cells of three sizes.
#pragma once

#include <string_view>

#include <calotype/detector/segmentation.hpp>

namespace calotype::lhcb {

// A cell: column and row counted from the corner of its area at negative x and y; area 0 outer, 1 middle, 2
// inner.
struct ecal_cell {
  int column, row, area;
};

namespace detail {

// columns x rows cells around a hole in the middle; half sizes in metres.
template <std::size_t Columns>
constexpr auto frame(int rows, double half_x, double half_y, int hole_columns, int hole_rows) {
  return grid{.u = regular{.bins = static_cast<int>(Columns), .low = -half_x, .high = half_x},
              .v = regular{.bins = rows, .low = -half_y, .high = half_y},
              .cells = mask_with_hole<Columns>(rows, hole_columns, hole_rows)};
}

}  // namespace detail

// 6016 cells of 40.4, 60.6 and 121.2 mm in the plane z = 12.49 m; local coordinates x, y in metres. Source: the
// LHCb calorimeter group's geometry page; the hole of the inner area is 16 x 12 cells, which makes its 1536
// channels.
struct ecal {
  using cell_type = ecal_cell;
  static constexpr std::string_view name() { return "lhcb::ecal"; }
  static constexpr auto cells() {
    using detail::frame;
    return unite(layer{.number = 2, .cells = frame<48>(36, 0.9696, 0.7272, 16, 12)},
                 layer{.number = 1, .cells = frame<64>(40, 1.9392, 1.2120, 32, 24)},
                 layer{.number = 0, .cells = frame<64>(52, 3.8784, 3.1512, 32, 20)});
  }
};

}  // namespace calotype::lhcb
