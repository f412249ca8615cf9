// Samples to learn from, and in which order.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>

namespace calotype::concepts {

// size(), and for every i < size(): sample(i) (an event or a span of numbers, whatever the network's input
// takes; may be made on the fly), label(i) (index in classes(); with one class, 0 is that class and any label
// above is not), weight(i) > 0. Callable from any thread. What one throws ends the training and reaches its
// caller (in a team of processes the others then wait for this one: end them all).
template <class D>
concept dataset = requires(D const& d, std::size_t i) {
  { d.size() } -> std::convertible_to<std::size_t>;
  d.sample(i);
  { d.label(i) } -> std::convertible_to<int>;
  { d.weight(i) } -> std::convertible_to<float>;
};

// One that knows the mass, in GeV, that scores shall not know; <= 0 where an event has none.
template <class D>
concept massive_dataset = dataset<D> && requires(D const& d, std::size_t i) {
  { d.mass(i) } -> std::convertible_to<float>;
};

}  // namespace calotype::concepts

namespace calotype::train {

// Purposes of the random streams (core/random.hpp) of training.
inline constexpr std::uint32_t shuffle_purpose = 0x74720001;
inline constexpr std::uint32_t dropout_purpose = 0x74720002;

// Whether an event is of the class and has a mass that its score shall not know.
template <concepts::massive_dataset Data>
bool is_decorrelated(Data const& data, std::size_t i, int label) {
  return data.label(i) == label && !(data.mass(i) <= 0);
}

// The order in which an epoch visits n samples: a Fisher-Yates shuffle from a counter-based stream, so that it
// depends on seed and epoch alone and a resumed run continues exactly.
inline std::vector<std::size_t> epoch_order(std::size_t n, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  stream numbers(seed, epoch, shuffle_purpose);
  for (std::size_t i = n; i > 1; --i)
    std::swap(order[i - 1], order[numbers.below(static_cast<std::uint32_t>(i))]);
  return order;
}

// The same with every class spread evenly, so that any stretch of the order holds its share of each to within
// one sample: sample j of the n of a class, in their shuffled order, stands at (j + 1/2) / n.
template <concepts::dataset Data>
std::vector<std::size_t> stratified_order(Data const& data, std::uint64_t seed, std::uint64_t epoch) {
  struct placed {
    std::uint64_t numerator;  // 2 j + 1
    std::uint64_t denominator;
    int label;
    std::size_t sample;
  };
  auto const shuffled = epoch_order(data.size(), seed, epoch);
  std::map<int, std::uint64_t> count;
  std::vector<placed> places;
  for (std::size_t i : shuffled) places.push_back({2 * count[data.label(i)]++ + 1, 0, data.label(i), i});
  for (placed& p : places) p.denominator = 2 * count[p.label];
  std::sort(places.begin(), places.end(), [](placed const& a, placed const& b) {
    std::uint64_t const left = a.numerator * b.denominator;
    std::uint64_t const right = b.numerator * a.denominator;
    return left != right ? left < right : a.label < b.label;
  });
  std::vector<std::size_t> order;
  for (placed const& p : places) order.push_back(p.sample);
  return order;
}

// Names the dropout masks of one sample in one epoch.
inline std::uint64_t dropout_key(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample) {
  stream words(seed ^ (epoch << 32), sample, dropout_purpose);
  std::uint64_t const high = words();
  return (high << 32) | words();
}

}  // namespace calotype::train
