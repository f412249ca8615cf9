#include "../network_of.hpp"

namespace program {

network const& ecal_network() {
  static network_of<ct::models::ecal> const network("ecal",
                                                    "Crystals of barrel and both endcaps, three trunks");
  return network;
}

}  // namespace program
