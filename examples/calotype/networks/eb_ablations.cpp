#include "../network_of.hpp"

namespace program {

network const& eb_deeper_network() {
  static network_of<ct::models::eb_deeper> const network("eb-deeper", "eb with 23 convolutions instead of 15");
  return network;
}

network const& eb_average_pooling_network() {
  static network_of<ct::models::eb_average_pooling> const network(
      "eb-average-pooling", "eb with means in place of largest values in both pools");
  return network;
}

network const& eb_batch_norm_network() {
  static network_of<ct::models::eb_batch_norm> const network(
      "eb-batch-norm", "eb with batch normalisation behind every convolution");
  return network;
}

network const& eb_fcn_head_network() {
  static network_of<ct::models::eb_fcn_head> const network("eb-fcn-head",
                                                           "eb with two hidden layers behind the convolutions");
  return network;
}

}  // namespace program
