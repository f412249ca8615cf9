// Photon candidates in the order that events promise.
#pragma once

#include <algorithm>
#include <vector>

#include <calotype/image/event.hpp>

namespace calotype::io::detail {

// By falling transverse energy; equal ones keep their order. An insertion sort: there are few, often sorted
// already.
inline void order_by_et(std::vector<photon>& photons) noexcept {
  for (auto at = photons.begin(); at != photons.end(); ++at) {
    auto const place = std::upper_bound(photons.begin(), at, *at,
                                        [](photon const& a, photon const& b) { return a.et > b.et; });
    std::rotate(place, at, at + 1);
  }
}

}  // namespace calotype::io::detail
