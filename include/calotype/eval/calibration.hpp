// Whether a score can be read as a probability: how often it comes true.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/eval/predictions.hpp>

namespace calotype::eval {

// Events with scores in (low, high], the first bin with its lower edge.
struct calibration_bin {
  double low = 0;
  double high = 0;
  std::size_t events = 0;
  double weight = 0;
  double score = 0;     // weighted mean; 0 in an empty bin, like the next two
  double observed = 0;  // the weighted part that is of the class
  // Of `observed`: the standard deviation of a part of which nothing was known before, after the effective
  // number of events, so that a bin in which all events are alike is not exact.
  double error = 0;
};

struct calibration_curve {
  std::vector<calibration_bin> bins{};
  double expected_error = 0;  // the mean of |observed - score| over bins, by their weight
};

// The score of class `k` against the part of events that are of class k, in bins of equal width. It depends on
// the mix of classes: scores learned on a balanced one are to be judged on a balanced one (`balanced`).
inline result<calibration_curve> calibrate(predictions const& p, int k, int bins = 10) {
  if (auto const good = detail::check_score(p, k, "calibration"); !good) return *good.error();
  if (bins < 1) return error{"there are no bins", "calibration", "ask for at least one"};
  calibration_curve curve;
  curve.bins.resize(static_cast<std::size_t>(bins));
  for (std::size_t b = 0; b < curve.bins.size(); ++b) {
    curve.bins[b].low = static_cast<double>(b) / bins;
    curve.bins[b].high = static_cast<double>(b + 1) / bins;
  }
  std::vector<double> squares(curve.bins.size());
  double total = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    double const score = static_cast<double>(p.row(i)[static_cast<std::size_t>(k)]);
    auto const bin = std::find_if(curve.bins.begin(), curve.bins.end() - 1,
                                  [score](calibration_bin const& b) { return score <= b.high; });
    double const w = p.weight(i);
    ++bin->events;
    bin->weight += w;
    bin->score += w * score;
    bin->observed += p.labels[i] == k ? w : 0;
    squares[static_cast<std::size_t>(bin - curve.bins.begin())] += w * w;
    total += w;
  }
  for (std::size_t b = 0; b < curve.bins.size(); ++b) {
    auto& bin = curve.bins[b];
    if (!(bin.weight > 0)) continue;
    bin.score /= bin.weight;
    bin.observed /= bin.weight;
    double const n = bin.weight * bin.weight / squares[b], middle = (bin.observed * n + 1) / (n + 2);
    bin.error = std::sqrt(middle * (1 - middle) / (n + 3));
    curve.expected_error += bin.weight / total * std::abs(bin.observed - bin.score);
  }
  return curve;
}

}  // namespace calotype::eval
