// A small network on real detector images, and events for it.
#pragma once

#include "../sample_event.hpp"

#include <calotype/calotype.hpp>

namespace user {

namespace ct = calotype;
using calotype_test::sample_event;

struct barrel {
  static constexpr auto image() {
    return ct::cms::central({ct::track_pt(), ct::ecal_energy(), ct::hcal_energy()});
  }
};
struct tagger {
  using input = barrel;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 7, .stride = 4, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 8}, global_max_pool{}, logits{});
  }
};

}  // namespace user
