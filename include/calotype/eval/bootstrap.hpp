// How much a figure would change with another sample of events: the Poisson bootstrap.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>

namespace calotype::eval {

// What repetitions of a figure look like.
struct spread {
  double mean = 0;
  double error = 0;  // standard deviation
  double low = 0;    // 16 % and 84 % quantiles, the nearest repetition
  double high = 0;
};

// How often, and what moves together: events of one block, such as the hadronisations of one parton event, are
// counted equally often. No blocks: every event is its own; else one per event.
struct resampling {
  int repetitions = 200;
  std::uint64_t seed = 1;
  std::span<std::uint64_t const> blocks{};
};

inline constexpr std::uint32_t bootstrap_purpose = 0x65760001;

namespace detail {

// Poisson distributed with mean 1, by inversion: the number of terms of e^-1 / k! that a uniform number
// exceeds.
inline int poisson_of_one(stream& random) {
  double const u = random.uniform<double>();
  double term = 0.36787944117144233;
  double sum = term;
  int k = 0;
  while (u > sum && k < 20) {
    term /= ++k;
    sum += term;
  }
  return k;
}

// The places of the blocks, counted in the order in which they first occur, and their number.
inline std::pair<std::vector<std::size_t>, std::size_t> places_of(std::span<std::uint64_t const> blocks) {
  std::unordered_map<std::uint64_t, std::size_t> known;
  std::vector<std::size_t> places;
  for (std::uint64_t b : blocks) places.push_back(known.emplace(b, known.size()).first->second);
  return {std::move(places), known.size()};
}

// The repetitions' figures, sorted, without those that are not finite.
template <class Statistic>
std::vector<double> repeat(std::size_t events, std::span<double const> weights, resampling const& how,
                           Statistic&& statistic) {
  auto const [place, blocks] = places_of(how.blocks);
  std::vector<int> times(how.blocks.empty() ? events : blocks);
  std::vector<double> drawn(events);
  std::vector<double> figures;
  for (int r = 0; r < how.repetitions; ++r) {
    stream random(how.seed, static_cast<std::uint64_t>(r), bootstrap_purpose);
    for (int& t : times) t = poisson_of_one(random);
    for (std::size_t i = 0; i < events; ++i) {
      drawn[i] = times[place.empty() ? i : place[i]] * (weights.empty() ? 1.0 : weights[i]);
    }
    double const figure = statistic(std::span<double const>(drawn));
    if (std::isfinite(figure)) figures.push_back(figure);
  }
  std::sort(figures.begin(), figures.end());
  return figures;
}

// The nearest of sorted figures; not a number without any.
inline double quantile(std::vector<double> const& sorted, double part) {
  if (sorted.empty()) return std::nan("");
  return sorted[static_cast<std::size_t>(std::lround(part * static_cast<double>(sorted.size() - 1)))];
}

// Mean and standard deviation; not numbers without any.
inline std::pair<double, double> moments(std::vector<double> const& figures) {
  auto const n = static_cast<double>(figures.size());
  double sum = 0;
  for (double f : figures) sum += f;
  double const mean = sum / n;
  double squares = 0;
  for (double f : figures) squares += (f - mean) * (f - mean);
  return {mean, figures.size() > 1 ? std::sqrt(squares / (n - 1)) : 0 * mean};
}

}  // namespace detail

// Repeats statistic(weights) with every event counted k times, k Poisson distributed with mean 1 and times the
// event's own weight (no weights: 1). Event (or block) i of repetition r depends on (seed, r, i) alone.
// Repetitions whose figure is not finite are left out; without any, all is NaN. Precondition: repetitions > 0.
template <class Statistic>
spread bootstrap(std::size_t events, std::span<double const> weights, resampling const& how,
                 Statistic&& statistic) {
  auto const figures = detail::repeat(events, weights, how, statistic);
  auto const [mean, error] = detail::moments(figures);
  return {mean, error, detail::quantile(figures, 0.16), detail::quantile(figures, 0.84)};
}

// By how much one figure exceeds another one of the same events, with a confidence interval.
struct difference {
  double value = 0;
  double error = 0;  // standard deviation
  double lower = 0;
  double upper = 0;

  bool exceeds() const noexcept { return lower > 0; }
  // Whether it is not worse by more than `margin`, a figure where more is better.
  bool is_non_inferior(double margin) const noexcept { return lower > -margin; }
};

// first(weights) - second(weights), both from the same resampled events in every repetition, so that what the
// two have in common drops out. The interval holds the middle `level` of the repetitions.
template <class First, class Second>
difference paired_difference(std::size_t events, std::span<double const> weights, resampling const& how,
                             First&& first, Second&& second, double level = 0.95) {
  auto const of = [&](std::span<double const> w) { return first(w) - second(w); };
  std::vector<double> const once(weights.empty() ? events : 0, 1.0);
  auto const figures = detail::repeat(events, weights, how, of);
  return {of(weights.empty() ? std::span<double const>(once) : weights), detail::moments(figures).second,
          detail::quantile(figures, (1 - level) / 2), detail::quantile(figures, (1 + level) / 2)};
}

}  // namespace calotype::eval
