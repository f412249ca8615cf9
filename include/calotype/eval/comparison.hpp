// Which of two classifiers is better, from the same events: differences of their figures with intervals.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/eval/bootstrap.hpp>
#include <calotype/eval/cvm.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/separation.hpp>

namespace calotype::eval {

// First minus second, of the figures of one row of the papers' tables.
struct comparison {
  difference auc;
  difference background;  // kept at the efficiency: less is better
};

namespace detail {

inline result<void> check_pair(predictions const& first, predictions const& second, resampling const& how) {
  if (auto const good = check(first); !good) return good;
  if (auto const good = check(second); !good) return good;
  if (first.labels != second.labels) {
    return error{"the two were not scored on the same events", "comparison", "give the same labels to both"};
  }
  return check_blocks(how, first.size());
}

}  // namespace detail

// Compares how well the scores of class `signal` separate it from class `background`, or all_others. Weights
// are those of the first predictions; how.blocks, if any, has one entry per event.
inline result<comparison> compare(predictions const& first, predictions const& second, int signal,
                                  int background, double efficiency, resampling how = {}) {
  if (auto const good = detail::check_pair(first, second, how); !good) return *good.error();
  for (predictions const* p : {&first, &second}) {
    if (auto const good = detail::check_score(*p, signal, "comparison"); !good) return *good.error();
  }
  detail::contest const a(first, signal, background);
  detail::contest const b(second, signal, background);
  if (auto const curve = a.curve(a.weights()); !curve) return *curve.error();
  auto const blocks = detail::blocks_of(a.events(), how.blocks);
  how.blocks = blocks;
  auto const area = [](detail::contest const& c) {
    return [&c](std::span<double const> w) {
      auto const curve = c.curve(w);
      return curve ? curve->auc() : std::nan("");
    };
  };
  auto const kept = [efficiency](detail::contest const& c) {
    return [&c, efficiency](std::span<double const> w) {
      auto const curve = c.curve(w);
      return curve ? curve->false_positive_rate_at(efficiency) : std::nan("");
    };
  };
  auto const n = a.events().size();
  return comparison{paired_difference(n, a.weights(), how, area(a), area(b)),
                    paired_difference(n, a.weights(), how, kept(a), kept(b))};
}

// The same for the CvM of the events of one class that have a mass. A resampled CvM is too large, since events
// that are drawn twice are neighbours of equal score; both figures are so to the same extent.
inline result<difference> compare_cvm(predictions const& first, predictions const& second, int label,
                                      resampling how = {}, cvm_options const& options = {}) {
  if (auto const good = detail::check_pair(first, second, how); !good) return *good.error();
  for (predictions const* p : {&first, &second}) {
    if (auto const figure = cvm(*p, label, options); !figure) return *figure.error();
  }
  std::vector<std::size_t> events;
  std::vector<double> masses, weights, score, other;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first.labels[i] != label || first.masses[i] <= 0) continue;
    events.push_back(i);
    masses.push_back(first.masses[i]);
    weights.push_back(first.weight(i));
    score.push_back(first.log_odds[i]);
    other.push_back(second.log_odds[i]);
  }
  auto const blocks = detail::blocks_of(events, how.blocks);
  how.blocks = blocks;
  auto const figure_of = [&](std::vector<double> const& scores) {
    return [&](std::span<double const> w) {
      auto const figure = cvm(scores, masses, w, options);
      return figure ? figure->value : std::nan("");
    };
  };
  return paired_difference(events.size(), weights, how, figure_of(score), figure_of(other));
}

}  // namespace calotype::eval
