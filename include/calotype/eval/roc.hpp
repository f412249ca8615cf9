// How well scores separate signal from background: the ROC curve, its area with a statistical error, and the
// background that remains at a chosen signal efficiency.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <calotype/core/result.hpp>

namespace calotype::eval {

// The rates of events with score >= threshold: signal kept and background kept, each from 0 to 1.
struct roc_point {
  double threshold = 0;
  double true_positive_rate = 0;
  double false_positive_rate = 0;
};

// How the false positive rate at a given true positive rate is read off.
enum class reading {
  interpolated,  // on the straight line between the two points that bracket it
  first_point    // at the loosest cut that is tight enough: the first point that reaches it
};

// The curve of one signal against one background. Events of equal score move together, so that the area equals
// the Mann-Whitney statistic with ties counted 1/2; every distinct score is a point, none is dropped.
class roc_curve {
 public:
  // One score and one truth per event (true: signal), and optionally weights >= 0; none means 1 each. Fails for
  // lists of unequal length, scores or weights that are not finite, and where signal or background is missing.
  template <class Score>
  static result<roc_curve> make(std::span<Score const> scores, std::span<char const> is_signal,
                                std::span<double const> weights = {});

  // From (0, 0) to (1, 1), by falling threshold.
  std::vector<roc_point> const& points() const noexcept { return points_; }

  // The area under the curve: the probability that a signal event scores above a background event.
  double auc() const noexcept { return auc_; }

  // Its standard error after DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; with weights each
  // event enters the two variances by its squared weight, and n - 1 becomes n (1 - sum w^2 / (sum w)^2).
  double auc_error() const noexcept { return auc_error_; }

  // The background kept where the fraction `true_positive_rate` of the signal is kept; the smallest such rate
  // where the curve is flat there.
  double false_positive_rate_at(double true_positive_rate, reading how = reading::interpolated) const noexcept;

  // The tightest cut on the score that keeps at least the fraction `true_positive_rate` of the signal.
  double threshold_at(double true_positive_rate) const noexcept;

  double signal_weight() const noexcept { return signal_weight_; }
  double background_weight() const noexcept { return background_weight_; }

 private:
  std::vector<roc_point> points_{};
  double auc_ = 0;
  double auc_error_ = 0;
  double signal_weight_ = 0;
  double background_weight_ = 0;
};

namespace detail {

// Variance of a weighted mean from the events' scatter round it.
struct scatter {
  double weight = 0;
  double squares = 0;
  double sum = 0;

  void add(double w, double deviation) {
    weight += w;
    squares += w * w;
    sum += w * w * deviation * deviation;
  }
  // Infinite for a single event, which says nothing about its own scatter.
  double variance() const {
    double const freedom = weight * weight - squares;
    return freedom > 0 ? sum / freedom : std::numeric_limits<double>::infinity();
  }
};

inline error unequal_lengths(std::string const& what, std::size_t got, std::size_t want) {
  return {"there are " + std::to_string(got) + " " + what + " for " + std::to_string(want) + " events",
          {},
          "give one per event"};
}

}  // namespace detail

template <class Score>
result<roc_curve> roc_curve::make(std::span<Score const> scores, std::span<char const> is_signal,
                                  std::span<double const> weights) {
  std::size_t const n = scores.size();
  if (is_signal.size() != n) return detail::unequal_lengths("truths", is_signal.size(), n);
  if (!weights.empty() && weights.size() != n) return detail::unequal_lengths("weights", weights.size(), n);
  auto const weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };

  roc_curve curve;
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(scores[i])) {
      return error{"the score is not a finite number", "event " + std::to_string(i), "leave the event out"};
    }
    if (!std::isfinite(weight(i)) || weight(i) < 0) {
      return error{"the weight is negative or not a finite number", "event " + std::to_string(i),
                   "leave the event out"};
    }
    (is_signal[i] ? curve.signal_weight_ : curve.background_weight_) += weight(i);
  }
  if (!(curve.signal_weight_ > 0)) return error{"no signal event", "ROC curve", "give events of both kinds"};
  if (!(curve.background_weight_ > 0))
    return error{"no background event", "ROC curve", "give events of both kinds"};

  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });

  double signal = 0;  // weight above the present score
  double background = 0;
  double area = 0;
  std::vector<double> component(n);  // the share of the other kind that the event beats, or is beaten by
  curve.points_.push_back({std::numeric_limits<double>::infinity(), 0, 0});
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first;
    double tied_signal = 0;
    double tied_background = 0;
    for (; last < n && scores[order[last]] == scores[order[first]]; ++last) {
      (is_signal[order[last]] ? tied_signal : tied_background) += weight(order[last]);
    }
    for (std::size_t k = first; k < last; ++k) {
      component[order[k]] =
          is_signal[order[k]]
              ? (curve.background_weight_ - background - tied_background / 2) / curve.background_weight_
              : (signal + tied_signal / 2) / curve.signal_weight_;
    }
    area += tied_background * (signal + tied_signal / 2);
    signal += tied_signal;
    background += tied_background;
    curve.points_.push_back({static_cast<double>(scores[order[first]]), signal / curve.signal_weight_,
                             background / curve.background_weight_});
    first = last;
  }
  curve.points_.back().true_positive_rate = 1;
  curve.points_.back().false_positive_rate = 1;
  curve.auc_ = area / (curve.signal_weight_ * curve.background_weight_);

  detail::scatter of_signal;
  detail::scatter of_background;
  for (std::size_t i = 0; i < n; ++i) {
    (is_signal[i] ? of_signal : of_background).add(weight(i), component[i] - curve.auc_);
  }
  curve.auc_error_ = std::sqrt(of_signal.variance() + of_background.variance());
  return curve;
}

inline double roc_curve::threshold_at(double true_positive_rate) const noexcept {
  auto const reached = std::find_if(points_.begin(), points_.end(), [&](roc_point const& p) {
    return p.true_positive_rate >= true_positive_rate;
  });
  return reached == points_.end() ? points_.back().threshold : reached->threshold;
}

inline double roc_curve::false_positive_rate_at(double true_positive_rate, reading how) const noexcept {
  auto const reached = std::find_if(points_.begin(), points_.end(), [&](roc_point const& p) {
    return p.true_positive_rate >= true_positive_rate;
  });
  if (reached == points_.end()) return 1;
  if (reached == points_.begin() || how == reading::first_point) return reached->false_positive_rate;
  auto const& before = *(reached - 1);
  double const part = (true_positive_rate - before.true_positive_rate) /
                      (reached->true_positive_rate - before.true_positive_rate);
  return before.false_positive_rate + part * (reached->false_positive_rate - before.false_positive_rate);
}

}  // namespace calotype::eval
