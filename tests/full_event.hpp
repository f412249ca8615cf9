// An event with hits in all calorimeters, tracks and two photons, for tests of whole networks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>

namespace calotype_test {

namespace ct = calotype;

inline ct::event full_event(std::uint64_t number) {
  ct::event e;
  ct::stream draw(31, number, 6);
  auto hits = [&]<class D>(std::type_identity<D>, int n) {
    using cells = ct::segmentation<D>;
    for (int cell = 0; cell < cells::size(); ++cell) {
      if (draw.below(static_cast<std::uint32_t>(cells::size())) < static_cast<std::uint32_t>(n)) {
        e.hit_lists[cells::collection].push_back({cells::pack(cell), draw.uniform(-0.5f, 8.0f)});
      }
    }
    auto& list = e.hit_lists[cells::collection];
    std::sort(list.begin(), list.end(), [](ct::hit a, ct::hit b) { return a.id < b.id; });
  };
  hits(std::type_identity<ct::cms::eb>{}, 300);
  hits(std::type_identity<ct::cms::ee>{}, 200);
  hits(std::type_identity<ct::cms::hb>{}, 60);
  hits(std::type_identity<ct::cms::he>{}, 40);
  for (int i = 0; i < 100; ++i) {
    e.track_list.push_back(
        {5 * draw.uniform(), draw.uniform(-3.0f, 3.0f), draw.uniform(-3.1415926f, 3.1415926f)});
  }
  e.photon_list = {{60, 0.3f, 0.1f, 62}, {50, -0.5f, 2.9f, 56}};
  return e;
}

}  // namespace calotype_test
