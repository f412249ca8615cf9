// Events that follow from a number, for programs that need some: as many crystals as in a recorded one, a few
// tracks, two photons, and a hit of no detector.
#pragma once

#include <cstdint>

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>

namespace calotype_test {

inline calotype::event sample_event(std::uint64_t number) {
  namespace ct = calotype;
  ct::stream draw(5, number, 1);
  ct::event e;
  e.number = number;
  using eb = ct::segmentation<ct::cms::eb>;
  for (int cell = static_cast<int>(draw.below(40)); cell < eb::size();
       cell += 1 + static_cast<int>(draw.below(80))) {
    e.hit_lists[ct::cms::collection::eb].push_back({eb::pack(cell), draw.exponential()});
  }
  e.hit_lists[ct::cms::collection::eb].push_back({0xffffffffu, 1.f});
  for (int i = 0; i < 30; ++i) {
    e.track_list.push_back(
        {.pt = 1 + draw.exponential(), .eta = draw.uniform(-2.f, 2.f), .phi = draw.uniform(-3.f, 3.f)});
  }
  e.photon_list = {{.et = 60, .eta = 0.5f, .phi = 1, .energy = 67.66f},
                   {.et = 40, .eta = -0.25f, .phi = -1.5f, .energy = 41.3f}};
  return e;
}

}  // namespace calotype_test
