// The networks that are measured, by the names that performance tables use.
#pragma once

#include "../../networks.hpp"

namespace peers {

namespace ct = calotype;

using namespace measured;

struct eb : resnet15_on<ecal_barrel_image> {
  static constexpr auto name = "EB";
};
struct cms_b : resnet15_on<barrel_image> {
  static constexpr auto name = "CMSB";
};
struct cms_ii : resnet15_on<hcal_centric_image> {
  static constexpr auto name = "CMSII";
};
struct jet : resnet15_on<plain_image<3, 125, 125>> {
  static constexpr auto name = "JET";
};
struct tiny : resnet15_on<plain_image<1, 32, 32>> {
  static constexpr auto name = "TINY";
};

}  // namespace peers
