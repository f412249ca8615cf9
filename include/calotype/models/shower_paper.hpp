// Electron or photon? The classifiers of section 6 of "End-to-End Physics Event Classification with CMS Open
// Data" (Andrews, Paulini, Gleyzer, Poczos 2020), on the barrel's crystals alone: no track tells them apart.
#pragma once

#include <array>
#include <string_view>

#include <calotype/image/crop_layout.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/layers.hpp>

namespace calotype::models {

constexpr auto shower_classes() { return labels("electron", "photon"); }

// Pixels are energies in GeV. In the authors' public files they are E / 50 GeV, at which these networks learn
// much more slowly. 32 x 32 crystals around the most energetic one of the barrel, which lies at (16, 16) as in
// the authors' public files; zero beyond the barrel's ends, where they cut no crop. Those files count photons
// as 0, electrons as 1.
struct shower_crop {
  static constexpr auto image() {
    return crop(cms::central({ecal_energy()}), {.rows = 32, .cols = 32, .center_row = 16, .center_col = 16});
  }
  template <concepts::event E>
  static auto compute(E const& e) noexcept {
    return cms::crystals_around<shower_crop>(e, cms::hottest_crystal(e));
  }
};

// The same window with the ten samples of every crystal's pulse, a plane for each (3.2), in GeV. Of events that
// offer pulses().
struct shower_digis {
  static constexpr bool reads_pulses = true;
  static constexpr auto tensor() { return std::array{kernel::map_shape{pulse_samples, 32, 32}}; }
  static constexpr std::string_view meaning() {
    return "ten samples of each EB crystal around the most energetic one at (16, 16) [GeV]";
  }
  template <concepts::event E>
  static auto compute(E const& e) noexcept {
    return cms::pulses_around<32, 32>(e, cms::hottest_crystal(e), {16, 16});
  }
};

struct shower_barrel {  // 1 x 170 x 360
  static constexpr auto image() { return cms::central({ecal_energy()}); }
};

// Four convolutions in the manner of VGG (public trainer mbandrews/EBcrops_pho_ele).
constexpr auto shower_vgg(double dropout_rate) {
  using namespace nn;
  return layers(conv{.filters = 16, .padding = 1}, relu{}, conv{.filters = 16, .padding = 1}, relu{},
                max_pool{}, conv{.filters = 32, .padding = 1}, relu{}, conv{.filters = 32, .padding = 1},
                relu{}, max_pool{}, dense{.units = 256}, relu{}, dropout{.rate = dropout_rate},
                dense{.units = 128}, relu{}, dropout{.rate = dropout_rate}, logits{});
}

// Table 4, CNN.
struct shower_cnn {
  using input = shower_crop;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return shower_vgg(0.2); }
};

// Table 4, FCN: three layers, whose widths the paper does not give.
constexpr auto shower_dense(int first) {
  using namespace nn;
  return layers(dense{.units = first}, relu{}, dense{.units = 128}, relu{}, dense{.units = 64}, relu{},
                logits{});
}

// On energies, which the paper does not quote.
struct shower_fcn {
  using input = shower_crop;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return shower_dense(256); }
};

// On digis: the paper's FCN; and the CNN, with the samples as channels.
struct shower_fcn_digis {
  using input = shower_digis;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return shower_dense(128); }
};
struct shower_cnn_digis {
  using input = shower_digis;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return shower_vgg(0.2); }
};

// Table 4, LSTM: a convolutional LSTM over the ten samples, whose size the paper does not give, and what it
// shows after the last one, pooled and fully connected.
constexpr auto shower_recurrent(double dropout_rate) {
  using namespace nn;
  return layers(conv_lstm{.filters = 8, .steps = pulse_samples}, max_pool{}, dense{.units = 128}, relu{},
                dropout{.rate = dropout_rate}, logits{});
}
struct shower_conv_lstm {
  using input = shower_digis;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return shower_recurrent(0.2); }
};

// Table 5: the whole barrel, for one shower or for pairs of one kind.
struct shower_resnet {
  using input = shower_barrel;
  static constexpr auto classes() { return shower_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};

}  // namespace calotype::models
