// The nearest neighbours of events in one quantity, such as m_gg.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace calotype::eval {

// Places of the events by rising value; equal values stay in the order of the events.
inline std::vector<std::size_t> rising_order(std::span<double const> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] < values[b] || (values[a] == values[b] && a < b);
  });
  return order;
}

// For every one of the values, which must rise: where its k nearest begin, itself among them. They are the k
// from there on; of two that are equally far the lower one is taken. Precondition: 0 < k <= number of values.
inline std::vector<std::size_t> nearest_begin(std::span<double const> rising, std::size_t k) {
  std::vector<std::size_t> begin(rising.size());
  std::size_t first = 0;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    while (first + k < rising.size() &&
           (i >= first + k || rising[i] - rising[first] > rising[first + k] - rising[i])) {
      ++first;
    }
    begin[i] = first;
  }
  return begin;
}

}  // namespace calotype::eval
