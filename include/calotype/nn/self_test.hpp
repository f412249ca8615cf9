// The proof that weights, compiler and machine compute what the weights' author saw: the logits of an input
// that follows from a seed, bit for bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/nn/constant_weights.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/session.hpp>

namespace calotype::nn {

namespace detail {
inline constexpr std::uint32_t self_test_purpose = 0x696f0001;
}  // namespace detail

// A sparse input: 2000 numbers in (0, 1) at random places, the rest zero.
template <class Net, std::uint64_t Signature = signature<Net>>
std::vector<float> self_test_input(std::uint64_t seed) {
  std::vector<float> input(input_size<Net>());
  stream numbers(seed, 0, detail::self_test_purpose);
  for (int i = 0; i < 2000; ++i) {
    std::uint32_t const place = numbers.below(static_cast<std::uint32_t>(input.size()));
    input[place] = numbers.uniform();
  }
  return input;
}

// The logits of that input under the strict policy.
template <class Net, std::uint64_t Signature = signature<Net>>
typename session<Net>::scores self_test_logits(model<Net> const& m, std::uint64_t seed) {
  session<Net> score(m);
  score(std::span<float const>(self_test_input<Net>(seed)));
  return score.logits();
}

// How far the logits of a session are from those stored with its model's constant weights, as a share of the
// largest of these: 0 under a strict policy, some millionths under exec::winograd. What the session does not
// compute with (other instruction sets, threads) is not tested.
template <class Net, class Policy, std::uint64_t Layout, std::uint64_t Network, int Size, int Outputs>
[[nodiscard]] double self_test_error(session<Net, Policy>& score,
                                     constant_weights<Layout, Network, Size, Outputs> const& weights) {
  detail::check_weights<Net, Layout, Network>();
  score(std::span<float const>(self_test_input<Net>(weights.self_test_seed)));
  double largest = 0, off = 0;
  for (std::size_t i = 0; i < score.logits().size(); ++i) {
    double const wanted = weights.self_test_logits[i], away = std::abs(score.logits()[i] - wanted);
    if (!std::isfinite(away)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(wanted));
    off = std::max(off, away);
  }
  return off > 0 ? off / largest : off;
}

// Whether a model gives the logits that are stored with its constant weights, under exec::cpu<>.
template <class Net, std::uint64_t Layout, std::uint64_t Network, int Size, int Outputs>
[[nodiscard]] bool passes_self_test(model<Net> const& m,
                                    constant_weights<Layout, Network, Size, Outputs> const& weights) {
  session<Net> score(m);
  return self_test_error(score, weights) == 0;
}

}  // namespace calotype::nn
