// The loss that keeps a score from knowing the mass: Cramer-von Mises distances between the scores of
// neighbours in mass and those of all events of a class.
//
// The event paper (5.3) adds "the k-Nearest Neighbors version of the CvM gradient with k = 12" of Rogozhnikov
// et al., JINST 10 (2015) T03002, to the cross-entropy, with a strength of 0.15 (central) or 0.2 (central +
// forward); which score it means is not said: here it is the log-odds of the signal. The gradient here is that
// of hep_ml's KnnFlatnessLossFunction of power 2; the value is that of the first author's public prototype
// (github.com/mbandrews/CVM_Tester), with positions at the middle of their steps.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/math.hpp>
#include <calotype/core/result.hpp>
#include <calotype/eval/neighbours.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/train/options.hpp>

namespace calotype::train {

// What the loss knows of an event. The score is the log-odds of class 0.
struct scored_mass {
  float mass = 0;
  float score = 0;
  float weight = 1;
};

// The pairs of the last batches, oldest first, whose scores are taken as they were.
using score_ring = std::vector<scored_mass>;

namespace detail {

using real = math::strict<double>;

// Every event's position among the given ones: the weight of those with lower scores and half of that of its
// equals, itself among them, in parts of all. `rising` lists them by score, with the level of each score.
struct leveled {
  std::size_t level;
  std::size_t event;
};

inline void positions(std::span<leveled const> rising, std::span<scored_mass const> events,
                      std::span<real> into) {
  auto const weight = [&](std::size_t i) { return real(static_cast<double>(events[rising[i].event].weight)); };
  real total;
  for (std::size_t i = 0; i < rising.size(); ++i) total += weight(i);
  real below;
  for (std::size_t i = 0; i < rising.size();) {
    std::size_t const first = i;
    real own;
    for (; i < rising.size() && rising[i].level == rising[first].level; ++i) own += weight(i);
    real const middle = (below + own / 2.0) / total;
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(first), into.begin() + static_cast<std::ptrdiff_t>(i),
              middle);
    below += own;
  }
}

}  // namespace detail

// The loss of events of one class, k of which are neighbours: every event and its k - 1 nearest in mass form a
// group; F_g is the weighted distribution of scores in it, F that of all. The value is the weighted mean, over
// the groups, of the mean of (F_g - F)^2 over the group's events. For scores that do not know the mass, without
// equals and weights, it is d/6 - d^2/12 with d = 1/k - 1/n, not 0: sampling k of n without replacement moves
// the ranks' positions, and their middles do not lie on F.
//
// That value only counts ranks; what is descended is the integral of (F_g - F)^2 over the score. slopes[i], for
// the first slopes.size() events, becomes -2 w_i / W times the mean of F_g - F at the event's score over the
// groups that it is in, W the sum of w over those first events: the derivative by the score, F held fixed, so
// that a strength that multiplies it is that of the batch's mean whatever its size. The events after them (a
// ring) only help to know the distributions.
//
// 0, and slopes of 0, where there are fewer than k events; not a number, and slopes of 0, where a score or a
// mass is none. Weights must be positive. Bits depend on the events and their order alone.
inline double cvm_loss(std::span<scored_mass const> events, std::size_t k, std::span<double> slopes) {
  using detail::leveled;
  using detail::real;
  std::size_t const n = events.size();
  std::fill(slopes.begin(), slopes.end(), 0.0);
  if (k == 0 || n < k) return 0;
  for (scored_mass const& e : events) {
    if (!std::isfinite(e.score) || !std::isfinite(e.mass)) return std::numeric_limits<double>::quiet_NaN();
  }

  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(events[i].score);
  auto const by_score = eval::rising_order(values);
  std::vector<std::size_t> level(n);
  std::vector<leveled> rising(n);
  for (std::size_t r = 0; r < n; ++r) {
    bool const same = r > 0 && values[by_score[r]] == values[by_score[r - 1]];
    level[by_score[r]] = same ? level[by_score[r - 1]] : r;
    rising[r] = {level[by_score[r]], by_score[r]};
  }
  std::vector<real> sorted(n);
  detail::positions(rising, events, sorted);
  std::vector<real> global(n);
  for (std::size_t r = 0; r < n; ++r) global[by_score[r]] = sorted[r];

  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(events[i].mass);
  auto const by_mass = eval::rising_order(values);
  std::sort(values.begin(), values.end());
  auto const begin = eval::nearest_begin(values, k);

  std::vector<real> differences(n);  // F_g - F of an event, summed over its groups
  std::vector<double> groups(n);     // how many they are
  std::vector<leveled> group(k);
  std::vector<real> local(k);
  real value;
  real all;
  for (std::size_t g = 0; g < n; ++g) {
    for (std::size_t j = 0; j < k; ++j) {
      std::size_t const event = by_mass[begin[g] + j];
      group[j] = {level[event], event};
    }
    std::sort(group.begin(), group.end(), [](leveled const& a, leveled const& b) {
      return a.level < b.level || (a.level == b.level && a.event < b.event);
    });
    detail::positions(group, events, local);
    real sum;
    real total;
    for (std::size_t j = 0; j < k; ++j) {
      std::size_t const event = group[j].event;
      real const w = static_cast<double>(events[event].weight);
      real const d = local[j] - global[event];
      differences[event] += d;
      groups[event] += 1;
      sum += w * d * d;
      total += w;
    }
    real const w = static_cast<double>(events[by_mass[g]].weight);
    value += w * (sum / total);
    all += w;
  }

  real fresh;
  for (std::size_t i = 0; i < slopes.size(); ++i) fresh += static_cast<double>(events[i].weight);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    if (!(groups[i] > 0)) continue;
    real const w = static_cast<double>(events[i].weight);
    slopes[i] = static_cast<double>(real(-2.0) * (w / fresh) * (differences[i] / groups[i]));
  }
  return static_cast<double>(value / all);
}

// Adds slope x ds/dlogits to `dlogits`, s the log-odds of class 0: unlike a probability it never saturates, so
// that events which are classified with confidence are still reached.
template <int Classes, class Real>
void add_log_odds_slope(Real const* logits, double slope, Real* dlogits) {
  using detail::real;
  std::array<Real, static_cast<std::size_t>(Classes)> by_logit{1};
  if constexpr (Classes > 1) {
    kernel::element::softmax<Classes - 1>(logits + 1, by_logit.data() + 1);
    for (std::size_t c = 1; c < by_logit.size(); ++c) by_logit[c] = -by_logit[c];
  }
  for (std::size_t c = 0; c < by_logit.size(); ++c) {
    real const step = real(slope) * static_cast<double>(by_logit[c]);
    dlogits[c] = static_cast<Real>(static_cast<double>(real(static_cast<double>(dlogits[c])) + step));
  }
}

// Events among which neighbours are near each other: 12 of 20 are not, 12 of 120 are.
inline std::size_t least_events(decorrelation const& d) {
  return 10 * static_cast<std::size_t>(std::max(d.neighbours, 0));
}

// Fails, and says what to do, where the neighbours would be no neighbourhood. `events` is how many of the class
// a batch holds.
inline result<void> check_neighbourhood(decorrelation const& d, std::size_t events) {
  if (d.neighbours < 1) return error{"there are no neighbours", "decorrelation", "ask for at least one"};
  std::size_t const known = events + static_cast<std::size_t>(std::max(d.ring, 0));
  std::size_t const least = least_events(d);
  if (known >= least) return {};
  return error{std::to_string(d.neighbours) + " neighbours are to be found among " + std::to_string(known) +
                   " events, which is no neighbourhood",
               "decorrelation",
               "make batches larger, or keep a ring, so that there are " + std::to_string(least)};
}

}  // namespace calotype::train
