// Invented events for the image tests: random cells, awkward energies, tracks everywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>

namespace image_tests {

template <class D>
void add_hits(calotype::event& e, int count, std::mt19937& random) {
  using cells = calotype::segmentation<D>;
  std::uniform_int_distribution<int> cell(0, cells::size() - 1), kind(0, 99);
  std::exponential_distribution<float> energy(1.f);
  auto& list = e.hit_lists[static_cast<std::size_t>(cells::collection)];
  for (int i = 0; i < count; ++i) {
    float x = energy(random);
    switch (kind(random)) {
      case 0:
        x = 0;
        break;
      case 1:
        x = std::numeric_limits<float>::quiet_NaN();
        break;
      case 2:
        x = std::numeric_limits<float>::infinity();
        break;
      case 3:
        x = -std::numeric_limits<float>::infinity();
        break;
      case 4:
        x = 300 * x;
        break;
      case 5:
        x = 1e-42f;
        break;
      default:
        if (kind(random) < 15) x = -0.1f * x;
    }
    list.push_back({cells::pack(cell(random), kind(random) % cells::layouts()), x});
  }
  if (kind(random) < 10) list.push_back({0x12345678u, 1.f});  // an id of nothing
  std::sort(list.begin(), list.end(), [](auto a, auto b) { return a.id < b.id; });
  // One hit per cell.
  std::vector<bool> seen(static_cast<std::size_t>(cells::size()));
  std::erase_if(list, [&](calotype::hit h) {
    int const c = cells::unpack(h.id);
    if (c < 0) return false;
    bool const again = seen[static_cast<std::size_t>(c)];
    seen[static_cast<std::size_t>(c)] = true;
    return again;
  });
}

// fill = 1: about as many hits as a recorded event; much larger values fill every cell.
inline calotype::event random_event(unsigned seed, double fill = 1) {
  namespace cms = calotype::cms;
  std::mt19937 random(seed);
  calotype::event e;
  e.number = seed;
  auto const n = [&](double mean) { return static_cast<int>(fill * mean); };
  add_hits<cms::eb>(e, n(400), random);
  add_hits<cms::ee>(e, n(300), random);
  add_hits<cms::hb>(e, n(200), random);
  add_hits<cms::he>(e, n(150), random);
  add_hits<cms::ho>(e, n(20), random);
  add_hits<cms::hf>(e, n(20), random);
  add_hits<cms::towers>(e, n(250), random);
  std::uniform_real_distribution<float> eta(-3.2f, 3.2f), phi(-3.5f, 3.5f);
  std::uniform_int_distribution<int> kind(0, 59);
  std::exponential_distribution<float> pt(0.5f);
  float const nan = std::numeric_limits<float>::quiet_NaN();
  for (int i = 0; i < n(150); ++i) {
    calotype::track t{pt(random), eta(random), phi(random)};
    t.quality = kind(random) < 30 ? calotype::track_quality::high_purity : calotype::track_quality::loose;
    switch (kind(random)) {
      case 0:
        t.pt = nan;
        break;
      case 1:
        t.eta = nan;
        break;
      case 2:
        t.phi = nan;
        break;
      case 3:
        t.phi = std::numeric_limits<float>::infinity();
        break;
      case 4:
        t.pt = -t.pt;
        break;
      case 5:
        t.eta = 1.479f;
        break;
      case 6:
        t.eta = -2.0946f;
        break;
      case 7:
      case 8:
      case 9:
        t = e.track_list.empty() ? t : e.track_list.back();
        break;  // several in one pixel
      default:
        break;
    }
    e.track_list.push_back(t);
  }
  float const m = 40.f + static_cast<float>(seed % 17);
  e.photon_list = {{m, 0.3f, 1.f, m, 0, 0}, {0.8f * m, -0.9f, -2.f, m, 0, 0}};
  return e;
}

}  // namespace image_tests
