// Events to measure with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "../../recorded_events.hpp"

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>

namespace peers {

inline constexpr std::size_t events_of_a_set = 32;

// Recorded events, evenly from all that there are; none without the files.
inline std::vector<calotype::event> const& recorded_events() {
  static std::vector<calotype::event> const chosen = [] {
    auto const& all = recorded_2012::recorded();
    std::size_t const n = std::min(all.size(), events_of_a_set);
    std::vector<calotype::event> some;
    for (std::size_t i = 0; i < n; ++i) some.push_back(all[i * all.size() / n]);
    return some;
  }();
  return chosen;
}

// 2000 ECAL hits, 800 HCAL hits and 300 tracks, each anywhere with the same chance.
inline calotype::event uniform_event(std::uint64_t index) {
  using namespace calotype;
  event e;
  stream draw(1, index, 0);
  auto const scatter = [&]<class First, class Second>(segmentation<First>, segmentation<Second>,
                                                      std::size_t n) {
    using first = segmentation<First>;
    using second = segmentation<Second>;
    std::set<int> cells;
    while (cells.size() < n) {
      cells.insert(static_cast<int>(draw.below(static_cast<std::uint32_t>(first::size() + second::size()))));
    }
    for (int cell : cells) {
      bool const in_first = cell < first::size();
      auto& list = e.hit_lists[static_cast<std::size_t>(in_first ? first::collection : second::collection)];
      list.push_back({in_first ? first::pack(cell) : second::pack(cell - first::size()), 10 * draw.uniform()});
    }
  };
  scatter(segmentation<cms::eb>{}, segmentation<cms::ee>{}, 2000);
  scatter(segmentation<cms::hb>{}, segmentation<cms::he>{}, 800);
  for (auto& list : e.hit_lists) {
    std::sort(list.begin(), list.end(), [](hit const& a, hit const& b) { return a.id < b.id; });
  }
  for (int i = 0; i < 300; ++i) {
    track t;
    t.pt = 10 * draw.uniform();
    t.eta = draw.uniform(-2.5F, 2.5F);
    t.phi = draw.uniform(-3.14159F, 3.14159F);
    e.track_list.push_back(t);
  }
  return e;
}

}  // namespace peers
