// Networks of every kind of input, small enough for an emulated machine.
#pragma once

#include <array>

#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/layers.hpp>

namespace dispatch_test {

namespace ct = calotype;

// An image of the event.
struct barrel {
  struct input {
    static constexpr auto image() {
      return ct::cms::central({ct::track_pt(), ct::ecal_energy()}, {.divide_by = ct::divisor::m_gg});
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 7, .stride = 5}, relu{}, max_pool{},
                          residual{.filters = 8}, residual{.filters = 24, .stride = 2}, global_max_pool{},
                          logits{});
  }
};

// The same image; the last maps are so small that wide registers take those of several inputs together.
struct small_maps {
  using input = barrel::input;
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 7, .stride = 5}, relu{}, max_pool{},
                          residual{.filters = 16, .stride = 4}, residual{.filters = 16}, global_max_pool{},
                          logits{});
  }
};

// Features that the description computes from the event; one logit.
struct photons {
  using input = ct::models::photon_pair;
  static constexpr auto classes() { return ct::labels("a"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{20}, relu{}, logits{});
  }
};

// Numbers alone.
struct map {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{2, 21, 19}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .kernel = 3, .padding = 1}, relu{}, residual{.filters = 16},
                          global_max_pool{}, logits{});
  }
};

}  // namespace dispatch_test
