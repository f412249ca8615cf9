// How much a figure would change with another sample of events: the Poisson bootstrap.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
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

inline constexpr std::uint32_t bootstrap_purpose = 0x65760001;

// Repeats statistic(weights) with every event counted k times, k Poisson distributed with mean 1 and times the
// event's own weight (no weights: 1). Event i of repetition r depends on (seed, r, i) alone. Repetitions whose
// figure is not finite are left out; without any, all is NaN. Precondition: repetitions > 0.
template <class Statistic>
spread bootstrap(std::size_t events, std::span<double const> weights, int repetitions, std::uint64_t seed,
                 Statistic&& statistic) {
  std::vector<double> figures;
  std::vector<double> drawn(events);
  for (int r = 0; r < repetitions; ++r) {
    stream random(seed, static_cast<std::uint64_t>(r), bootstrap_purpose);
    for (std::size_t i = 0; i < events; ++i) {
      // Inversion: the number of terms of e^-1 / k! that a uniform number exceeds.
      double const u = random.uniform<double>();
      double term = 0.36787944117144233;
      double sum = term;
      int k = 0;
      while (u > sum && k < 20) {
        term /= ++k;
        sum += term;
      }
      drawn[i] = k * (weights.empty() ? 1.0 : weights[i]);
    }
    double const figure = statistic(std::span<double const>(drawn));
    if (std::isfinite(figure)) figures.push_back(figure);
  }
  auto const n = static_cast<double>(figures.size());
  double sum = 0;
  for (double f : figures) sum += f;
  double const mean = sum / n;
  double squares = 0;
  for (double f : figures) squares += (f - mean) * (f - mean);
  std::sort(figures.begin(), figures.end());
  auto const quantile = [&](double part) {
    return figures.empty() ? mean : figures[static_cast<std::size_t>(std::lround(part * (n - 1)))];
  };
  return {mean, figures.size() > 1 ? std::sqrt(squares / (n - 1)) : 0 * mean, quantile(0.16), quantile(0.84)};
}

}  // namespace calotype::eval
