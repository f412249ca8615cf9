// The networks that are measured: resnet15 on images of three layouts, and on plain maps. Images hold GeV, so
// that an event needs no pair of photons.
#pragma once

#include <array>

#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/layers.hpp>

namespace measured {

namespace ct = calotype;

struct ecal_barrel_image {
  static constexpr auto image() { return ct::cms::central({ct::ecal_energy()}); }
};
struct barrel_image {
  static constexpr auto image() {
    return ct::cms::central({ct::track_pt(), ct::ecal_energy(), ct::hcal_energy()});
  }
};
struct hcal_centric_image {
  static constexpr auto image() {
    return ct::cms::hcal_centric({ct::track_pt(), ct::ecal_energy(), ct::hcal_energy()});
  }
};
template <int Channels, int Rows, int Cols>
struct plain_image {
  static constexpr auto tensor() { return std::array{ct::kernel::map_shape{Channels, Rows, Cols}}; }
};

template <class Input>
struct resnet15_on {
  using input = Input;
  static constexpr auto classes() { return ct::models::event_classes(); }
  static constexpr auto layers() { return ct::nn::resnet15(); }
};

}  // namespace measured
