// The network of any_machine, in a header of its own: the program and each unit of the network read it.
#pragma once

#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/layers.hpp>

namespace mine {

namespace ct = calotype;

struct barrel {
  static constexpr auto image() {
    constexpr ct::channel_options s{.scale = 50}, h{.scale = 90};
    return ct::cms::central({ct::track_pt(s), ct::ecal_energy(s), ct::hcal_energy(h)},
                            {.divide_by = ct::divisor::m_gg});
  }
};
struct higgs {
  using input = barrel;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return ct::nn::resnet15(); }
};

}  // namespace mine
