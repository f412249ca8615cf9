// What images that must not compile are of: four by eight pads, without ids.
#pragma once

#include <string_view>

#include <calotype/detector/segmentation.hpp>

namespace ct = calotype;

struct pad {
  int ieta, iphi;
};
struct ecal {
  using cell_type = pad;
  static constexpr std::string_view name() { return "ecal"; }
  static constexpr auto cells() { return ct::grid{.u = ct::regular{4, -1, 1}, .v = ct::periodic{8}}; }
  static constexpr int collection = 0;
};
