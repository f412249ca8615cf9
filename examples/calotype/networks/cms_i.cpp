#include "../network_of.hpp"

namespace program {

network const& cms_i_network() {
  static network_of<ct::models::cms_i> const network(
      "cms-i", "Tracks, ECAL and HCAL in ECAL-centric geometry, three trunks");
  return network;
}

}  // namespace program
