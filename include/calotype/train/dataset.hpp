// Samples to learn from, and in which order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>

namespace calotype::concepts {

// size(), and for every i < size(): sample(i) (an event or a span of numbers, whatever the network's input
// takes; may be made on the fly), label(i) (index in classes(); with one class, 0 is that class and anything
// else is not), weight(i) > 0. Callable from any thread.
template <class D>
concept dataset = requires(D const& d, std::size_t i) {
  { d.size() } -> std::convertible_to<std::size_t>;
  d.sample(i);
  { d.label(i) } -> std::convertible_to<int>;
  { d.weight(i) } -> std::convertible_to<float>;
};

}  // namespace calotype::concepts

namespace calotype::train {

// Purposes of the random streams (core/random.hpp) of training.
inline constexpr std::uint32_t shuffle_purpose = 0x74720001;
inline constexpr std::uint32_t dropout_purpose = 0x74720002;

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

// Names the dropout masks of one sample in one epoch.
inline std::uint64_t dropout_key(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample) {
  stream words(seed ^ (epoch << 32), sample, dropout_purpose);
  std::uint64_t const high = words();
  return (high << 32) | words();
}

}  // namespace calotype::train
