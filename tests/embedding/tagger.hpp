// A small network on real detector images, and events that follow from a number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <calotype/calotype.hpp>
#include <calotype/core/random.hpp>

namespace user {

namespace ct = calotype;

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

inline ct::event some_event(std::uint64_t number) {
  ct::stream draw(11, number, 77);
  ct::event e;
  using eb = ct::segmentation<ct::cms::eb>;
  std::vector<std::uint32_t> cells;
  for (int i = 0; i < 300; ++i) cells.push_back(draw.below(static_cast<std::uint32_t>(eb::size())));
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  for (auto c : cells)
    e.hit_lists[eb::collection].push_back({eb::pack(static_cast<int>(c)), 5 * draw.uniform()});
  for (int i = 0; i < 50; ++i)
    e.track_list.push_back({3 * draw.uniform(), draw.uniform(-1.4f, 1.4f), draw.uniform(-3.f, 3.f)});
  return e;
}

}  // namespace user
