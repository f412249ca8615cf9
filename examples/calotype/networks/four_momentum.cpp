#include "../network_of.hpp"

#include <calotype/observables/identified_photons.hpp>

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

network const& four_momentum_shallow_network() {
  static network_of<ct::models::four_momentum_of<2, 128>> const network(
      "four-momentum-shallow", "four-momentum-3 with two hidden layers instead of four");
  return network;
}

network const& four_momentum_narrow_network() {
  static network_of<ct::models::four_momentum_of<4, 32>> const network(
      "four-momentum-narrow", "four-momentum-3 with hidden layers of 32 instead of 128");
  return network;
}

network const& reference_network() {
  static network_of<ct::models::reference> const network(
      "reference", "four-momentum-3 with r9, sigmaIetaIeta and isolation of both photons");
  return network;
}

}  // namespace program
