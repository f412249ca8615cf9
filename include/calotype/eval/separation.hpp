// How well the scores of a classifier separate one class from others, with errors: a row of the papers' tables.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/eval/bootstrap.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/roc.hpp>

namespace calotype::eval {

inline constexpr int all_others = -1;

struct separation {
  roc_curve curve;              // with the area and DeLong's error
  double background = 0;        // the part kept where `efficiency` of the signal is kept
  double background_error = 0;  // standard deviation over the bootstrap's repetitions
};

// The score of class `signal` for events of that class against those of class `background`, or all_others.
// Blocks of events cannot be resampled here.
inline result<separation> separate(predictions const& p, int signal, int background, double efficiency,
                                   resampling const& how = {}) {
  if (auto const good = check(p); !good) return *good.error();
  struct entry {
    float score;
    char is_signal;
    double weight;
    std::size_t event;
  };
  // by falling score, so that each repetition finds them sorted
  std::vector<entry> entries;
  for (std::size_t i = 0; i < p.size(); ++i) {
    bool const is_signal = p.labels[i] == signal;
    if (!is_signal && background != all_others && p.labels[i] != background) continue;
    entries.push_back({p.row(i)[static_cast<std::size_t>(signal)], is_signal, p.weight(i), i});
  }
  std::sort(entries.begin(), entries.end(), [](entry const& a, entry const& b) {
    return a.score > b.score || (a.score == b.score && a.event < b.event);
  });
  std::vector<float> scores;
  std::vector<char> is_signal;
  std::vector<double> weights;
  for (entry const& e : entries) {
    scores.push_back(e.score);
    is_signal.push_back(e.is_signal);
    weights.push_back(e.weight);
  }
  auto const curve_of = [&](std::span<double const> w) {
    return roc_curve::make(std::span<float const>(scores), std::span<char const>(is_signal), w);
  };
  auto curve = curve_of(weights);
  if (!curve) return *curve.error();
  auto const spread = bootstrap(scores.size(), weights, how, [&](std::span<double const> w) {
    auto const c = curve_of(w);
    return c ? c->false_positive_rate_at(efficiency) : std::nan("");
  });
  double const kept = curve->false_positive_rate_at(efficiency);
  return separation{std::move(*curve), kept, spread.error};
}

}  // namespace calotype::eval
