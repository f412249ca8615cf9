#include "../network_of.hpp"

namespace program {

network const& eb_network() {
  static network_of<ct::models::eb> const network("eb", "The barrel's crystals alone");
  return network;
}

}  // namespace program
