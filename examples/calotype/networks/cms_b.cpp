#include "../network_of.hpp"

namespace program {

network const& cms_b_network() {
  static network_of<ct::models::cms_b> const network("cms-b", "Tracks, ECAL and HCAL of the barrel");
  return network;
}

}  // namespace program
