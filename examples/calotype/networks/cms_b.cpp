#include "../network_of.hpp"

namespace program {

network const& cms_b_network() {
  static network_of<ct::models::cms_b> const network("cms-b", "Tracks, ECAL and HCAL of the barrel");
  return network;
}

network const& cms_b_mass_aware_network() {
  static network_of<ct::models::cms_b_mass_aware> const network(
      "cms-b-mass-aware", "cms-b on images that are not divided by m_gg: it may learn the mass");
  return network;
}

}  // namespace program
