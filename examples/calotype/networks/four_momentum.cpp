#include "../network_of.hpp"

namespace program {

network const& four_momentum_network() {
  static network_of<ct::models::four_momentum> const network(
      "four-momentum",
      "The two photons' pT / m_gg, eta and opening in phi; one output, H->gg against the rest");
  return network;
}

network const& four_momentum_3_network() {
  static network_of<ct::models::four_momentum_3> const network("four-momentum-3",
                                                               "The same with three outputs");
  return network;
}

}  // namespace program
