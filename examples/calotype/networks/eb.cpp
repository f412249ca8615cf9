#include "../network_of.hpp"

namespace program {

network const& eb_network() {
  static network_of<ct::models::eb> const network("eb", "The barrel's crystals alone");
  return network;
}

network const& eb_mass_aware_network() {
  static network_of<ct::models::eb_mass_aware> const network(
      "eb-mass-aware", "eb on images that are not divided by m_gg: it may learn the mass");
  return network;
}

network const& eb_sum_pt_network() {
  static network_of<ct::models::eb_sum_pt> const network(
      "eb-sum-pt", "eb on images divided by the sum of the two photons' pT");
  return network;
}

}  // namespace program
