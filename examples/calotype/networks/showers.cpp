#include "../network_of.hpp"

#include <calotype/models/shower_paper.hpp>

namespace program {

network const& shower_cnn_network() {
  static network_of<ct::models::shower_cnn> const network(
      "shower-cnn", "Electron or photon: 32 x 32 crystals around the hottest one, four convolutions");
  return network;
}

network const& shower_fcn_network() {
  static network_of<ct::models::shower_fcn> const network("shower-fcn",
                                                          "The same with three hidden layers alone");
  return network;
}

network const& shower_cnn_digis_network() {
  static network_of<ct::models::shower_cnn_digis> const network(
      "shower-cnn-digis", "The four convolutions on ten samples of each of these crystals");
  return network;
}

network const& shower_conv_lstm_network() {
  static network_of<ct::models::shower_conv_lstm> const network(
      "shower-conv-lstm", "A convolutional LSTM over these samples, one after the other");
  return network;
}

network const& shower_fcn_digis_network() {
  static network_of<ct::models::shower_fcn_digis> const network("shower-fcn-digis",
                                                                "Three hidden layers on these samples");
  return network;
}

network const& shower_resnet_network() {
  static network_of<ct::models::shower_resnet> const network(
      "shower-resnet", "Electron or photon, or pairs of them: the barrel's crystals");
  return network;
}

}  // namespace program
