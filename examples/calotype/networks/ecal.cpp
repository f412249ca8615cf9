#include "../network_of.hpp"

namespace program {

network const& ecal_network() {
  static network_of<ct::models::ecal> const network("ecal",
                                                    "Crystals of barrel and both endcaps, three trunks");
  return network;
}

network const& ecal_mass_aware_network() {
  static network_of<ct::models::ecal_mass_aware> const network(
      "ecal-mass-aware", "ecal on images that are not divided by m_gg: it may learn the mass");
  return network;
}

}  // namespace program
