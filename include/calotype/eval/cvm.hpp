// Whether a score knows the mass: the Cramer-von Mises (CvM) distance between the scores of events of similar
// mass and those of all events. Where it is large, a cut on the score carves a peak out of a smooth spectrum.
//
// Two figures of one idea (Rogozhnikov et al., JINST 10 (2015) T03002): `cvm` is the one that the event paper
// (5.2, its reference 27) quotes, of windows that slide over the events by mass; `cvm_of_neighbours` is
// hep_ml's KnnBasedCvM. Both are for the events of one class.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/core/result.hpp>
#include <calotype/eval/neighbours.hpp>
#include <calotype/eval/predictions.hpp>

namespace calotype::eval {

// The order of events with equal scores.
enum class tied_scores {
  shuffled,      // by random numbers that seed and place of the event decide
  in_mass_order  // by mass, as published: a constant score then counts as a copy of the mass
};

// The published figure has windows of 200 events, 50 apart.
struct cvm_options {
  std::size_t window = 200;
  std::size_t step = 50;
  tied_scores ties = tied_scores::shuffled;
  std::uint64_t seed = 1;
};

// What random scores would give is not 0, but floor +- floor_error (one standard deviation).
struct cvm_figure {
  double value = 0;
  double floor = 0;
  double floor_error = 0;
  std::size_t events = 0;
  std::size_t windows = 0;
};

inline constexpr std::uint32_t tie_purpose = 0x65760002;

namespace detail {

// The distribution of all scores over their levels (ranks, or distinct values), and its distance from that of a
// group of events.
class score_levels {
 public:
  // Weights of the levels, lowest score first. `at_step` is the part of a level's own weight that its
  // distribution function holds there: 1 continues from the right, 1/2 is the middle.
  score_levels(std::vector<double> weights, double at_step) : weights_(std::move(weights)), at_step_(at_step) {
    double total = 0;
    for (double w : weights_) total += w;
    double below = 0;
    for (double& w : weights_) {
      w /= total;
      double const f = below + at_step_ * w;
      below += w;
      function_.push_back(f);
      sums_.push_back({sums_.back()[0] + w, sums_.back()[1] + w * f, sums_.back()[2] + w * f * f});
    }
  }

  struct member {
    std::size_t level;
    double weight;
  };

  // The mean of (F_all - F_group)^2 over all events. The group's total weight must be positive.
  double distance(std::vector<member>& group) const {
    std::sort(group.begin(), group.end(), [](member a, member b) { return a.level < b.level; });
    double total = 0;
    for (member m : group) total += m.weight;
    double sum = 0;
    double below = 0;
    std::size_t next = 0;  // the first level not yet counted
    for (std::size_t i = 0; i < group.size();) {
      std::size_t const level = group[i].level;
      double own = 0;
      for (; i < group.size() && group[i].level == level; ++i) own += group[i].weight / total;
      sum += between(next, level, below);
      double const difference = function_[level] - (below + at_step_ * own);
      sum += weights_[level] * difference * difference;
      below += own;
      next = level + 1;
    }
    return sum + between(next, weights_.size(), below);
  }

 private:
  // The sum over levels where the group's function is constant.
  double between(std::size_t from, std::size_t to, double constant) const {
    auto const& a = sums_[from];
    auto const& b = sums_[to];
    return (b[2] - a[2]) - constant * (2 * (b[1] - a[1]) - constant * (b[0] - a[0]));
  }

  std::vector<double> weights_;
  double at_step_;
  std::vector<double> function_{};
  std::vector<std::array<double, 3>> sums_{{0, 0, 0}};  // of weight, weight F, weight F^2 over lower levels
};

// Fails where there are too few events for groups of `least`, or numbers that cannot be used.
inline result<void> check_cvm(std::span<double const> scores, std::span<double const> masses,
                              std::span<double const> weights, std::size_t least) {
  std::size_t const n = scores.size();
  if (masses.size() != n) return unequal_lengths("masses", masses.size(), n);
  if (!weights.empty() && weights.size() != n) return unequal_lengths("weights", weights.size(), n);
  if (least == 0) return error{"a group of no events has no distribution", "CvM", "ask for larger groups"};
  if (n < least) {
    return error{
        "there are " + std::to_string(n) + " events, fewer than the " + std::to_string(least) + " of one group",
        "CvM", "give more events of the class"};
  }
  for (std::size_t i = 0; i < n; ++i) {
    char const* const wrong = !std::isfinite(scores[i])   ? "the score is not a finite number"
                              : !std::isfinite(masses[i]) ? "the mass is not a finite number"
                              : !weights.empty() && !(std::isfinite(weights[i]) && weights[i] >= 0)
                                  ? "the weight is negative or not a finite number"
                                  : nullptr;
    if (wrong != nullptr) return error{wrong, "event " + std::to_string(i), "leave the event out"};
  }
  return {};
}

inline error group_without_weight() {
  return {"a group of neighbouring events has no weight", "CvM", "leave events of weight 0 out"};
}

// Mean and standard deviation of the figure for random scores: with v_a the weights of window a as parts of its
// sum, u those of all events, F_a - F_all is a Brownian bridge of variance c_aa and covariance c_ab =
// sum (v_a - u)(v_b - u), so that the mean is c_aa / 6 and the covariance of two windows c_ab^2 / 45. Without
// weights c_aa = 1/window - 1/n, and the mean is exact to a part in n.
inline void set_floor(std::span<double const> by_mass, cvm_options const& o, cvm_figure& f) {
  std::size_t const m = f.windows;
  double total = 0;
  for (double w : by_mass) total += w;
  double all_squares = 0;
  for (double w : by_mass) all_squares += w / total * (w / total);
  std::vector<double> window_weight(m);
  std::vector<double> rest(m);  // of c_ab, the part that is no overlap, as a sum of a term of a and one of b
  double sum_rest = 0;
  double squares_rest = 0;
  for (std::size_t a = 0; a < m; ++a) {
    double squares = 0;
    for (double w : by_mass.subspan(a * o.step, o.window)) {
      window_weight[a] += w;
      squares += w * w;
    }
    rest[a] = all_squares / 2 - squares / (window_weight[a] * total);
    sum_rest += rest[a];
    squares_rest += rest[a] * rest[a];
  }
  double sum = 0;
  double squares = 2 * static_cast<double>(m) * squares_rest + 2 * sum_rest * sum_rest;  // over all pairs
  for (std::size_t a = 0; a < m; ++a) {
    for (std::size_t b = a; b < m && (b - a) * o.step < o.window; ++b) {
      double overlap = 0;
      for (std::size_t i = b * o.step; i < a * o.step + o.window; ++i) overlap += by_mass[i] * by_mass[i];
      double const apart = rest[a] + rest[b];
      double const c = overlap / (window_weight[a] * window_weight[b]) + apart;
      squares += (a == b ? 1 : 2) * (c * c - apart * apart);
      if (a == b) sum += c;
    }
  }
  f.floor = sum / (6 * static_cast<double>(m));
  f.floor_error = std::sqrt(std::max(squares, 0.0) / 45) / static_cast<double>(m);
}

}  // namespace detail

// The figure of the "Flavours of Physics" challenge: events in the order of their mass, scores replaced by
// their rank among all events; in every window of consecutive events the mean over all ranks of the squared
// difference between the window's distribution of ranks and that of all events; the mean over the windows.
// Windows that do not fit at the end are left out. From 0 to about 1/9; the score may be any monotonous
// function of the probability. Weights >= 0 (none: 1 each) enter both distributions; the windows count events.
// O(n log n) + O(windows x window log window).
inline result<cvm_figure> cvm(std::span<double const> scores, std::span<double const> masses,
                              std::span<double const> weights = {}, cvm_options const& o = {}) {
  if (auto good = detail::check_cvm(scores, masses, weights, o.window); !good) return *good.error();
  if (o.step == 0) return error{"windows that do not move never end", "CvM", "make the step at least 1"};
  std::size_t const n = scores.size();
  auto const weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  auto const by_mass = rising_order(masses);

  std::vector<std::uint64_t> tie(n);  // decides between equal scores, by place in the order of mass
  for (std::size_t i = 0; i < n; ++i) {
    if (o.ties == tied_scores::in_mass_order) {
      tie[i] = i;
    } else {
      stream random(o.seed, by_mass[i], tie_purpose);
      std::uint64_t const high = random();
      tie[i] = high << 32 | random();
    }
  }
  std::vector<std::size_t> by_score(n);
  std::iota(by_score.begin(), by_score.end(), std::size_t{0});
  std::sort(by_score.begin(), by_score.end(), [&](std::size_t a, std::size_t b) {
    double const sa = scores[by_mass[a]];
    double const sb = scores[by_mass[b]];
    return sa != sb ? sa < sb : std::pair(tie[a], a) < std::pair(tie[b], b);
  });
  std::vector<std::size_t> rank(n);
  std::vector<double> by_rank(n);
  std::vector<double> mass_weights(n);
  for (std::size_t r = 0; r < n; ++r) {
    rank[by_score[r]] = r;
    by_rank[r] = weight(by_mass[by_score[r]]);
    mass_weights[r] = weight(by_mass[r]);
  }
  detail::score_levels const all(std::move(by_rank), 1);

  cvm_figure f;
  f.events = n;
  double sum = 0;
  std::vector<detail::score_levels::member> group;
  for (std::size_t first = 0; first + o.window <= n; first += o.step) {
    group.clear();
    double total = 0;
    for (std::size_t i = first; i < first + o.window; ++i) {
      group.push_back({rank[i], mass_weights[i]});
      total += mass_weights[i];
    }
    if (!(total > 0)) return detail::group_without_weight();
    sum += all.distance(group);
    ++f.windows;
  }
  f.value = sum / static_cast<double>(f.windows);
  detail::set_floor(mass_weights, o, f);
  return f;
}

// The same for the events of one class that have a mass (> 0): their log-odds of class 0 against it; the
// predictions must hold both.
inline result<cvm_figure> cvm(predictions const& p, int label, cvm_options const& o = {}) {
  if (auto const good = check(p); !good) return *good.error();
  if (p.log_odds.size() != p.size()) {
    return detail::unequal_lengths("log-odds", p.log_odds.size(), p.size());
  }
  if (p.masses.size() != p.size()) return detail::unequal_lengths("masses", p.masses.size(), p.size());
  std::vector<double> scores;
  std::vector<double> masses;
  std::vector<double> weights;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p.labels[i] != label || p.masses[i] <= 0) continue;
    scores.push_back(p.log_odds[i]);
    masses.push_back(p.masses[i]);
    if (!p.weights.empty()) weights.push_back(p.weights[i]);
  }
  return cvm(scores, masses, weights, o);
}

// hep_ml's KnnBasedCvM: every event and its k - 1 nearest in mass are a group; distribution functions stand at
// the middle of their steps, and equal scores are one step. A group counts with the weight that its events give
// it, each its own divided by the number of groups it is in.
inline result<double> cvm_of_neighbours(std::span<double const> scores, std::span<double const> masses,
                                        std::span<double const> weights = {}, std::size_t k = 50) {
  if (auto good = detail::check_cvm(scores, masses, weights, k); !good) return *good.error();
  std::size_t const n = scores.size();
  auto const weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  auto const by_score = rising_order(scores);
  std::vector<std::size_t> level(n);
  std::vector<double> level_weights;
  for (std::size_t r = 0; r < n; ++r) {
    if (r == 0 || scores[by_score[r]] != scores[by_score[r - 1]]) level_weights.push_back(0);
    level[by_score[r]] = level_weights.size() - 1;
    level_weights.back() += weight(by_score[r]);
  }
  detail::score_levels const all(std::move(level_weights), 0.5);

  auto const by_mass = rising_order(masses);
  std::vector<double> rising(n);
  for (std::size_t i = 0; i < n; ++i) rising[i] = masses[by_mass[i]];
  auto const begin = nearest_begin(rising, k);
  std::vector<double> share(n);  // of an event in each of its groups
  for (std::size_t first : begin) {
    for (std::size_t i = first; i < first + k; ++i) ++share[i];
  }
  for (std::size_t i = 0; i < n; ++i) share[i] = share[i] > 0 ? weight(by_mass[i]) / share[i] : 0;

  double sum = 0;
  double all_shares = 0;
  std::vector<detail::score_levels::member> group;
  for (std::size_t first : begin) {
    group.clear();
    double total = 0;
    double shares = 0;
    for (std::size_t i = first; i < first + k; ++i) {
      group.push_back({level[by_mass[i]], weight(by_mass[i])});
      total += group.back().weight;
      shares += share[i];
    }
    if (!(total > 0)) return detail::group_without_weight();
    sum += shares * all.distance(group);
    all_shares += shares;
  }
  return sum / all_shares;
}

}  // namespace calotype::eval
