#include "../network_of.hpp"

namespace program {

network const& cms_ii_network() {
  static network_of<ct::models::cms_ii> const network(
      "cms-ii", "Tracks, ECAL and HCAL stitched together in HCAL-centric geometry");
  return network;
}

}  // namespace program
