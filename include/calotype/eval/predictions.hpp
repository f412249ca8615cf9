// The scores of a classifier with several classes beside the truth, and what the papers quote of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/eval/roc.hpp>

namespace calotype::eval {

// One row of `classes` probabilities per event, the true class (with a single score, 0 is that class and any
// label above is not), and optionally a weight; no weights mean 1 each. Optionally also the log-odds of class
// 0, which separates events where probabilities round to the same number, and the mass in GeV.
struct predictions {
  int classes = 0;
  std::vector<float> scores{};
  std::vector<int> labels{};
  std::vector<double> weights{};
  std::vector<double> log_odds{};
  std::vector<double> masses{};

  std::size_t size() const noexcept { return labels.size(); }
  double weight(std::size_t event) const noexcept { return weights.empty() ? 1.0 : weights[event]; }
  std::span<float const> row(std::size_t event) const noexcept {
    auto const n = static_cast<std::size_t>(classes);
    return std::span(scores).subspan(event * n, n);
  }
};

// Fails, and says where, if the lists do not fit together, a score is no number, a label is no class or a
// weight is negative or no number.
inline result<void> check(predictions const& p) {
  std::size_t const n = p.size();
  if (n == 0) return error{"there are no events", "predictions", "give at least one"};
  if (p.classes < 1) return error{"there are no classes", "predictions", "give at least one"};
  if (p.scores.size() != n * static_cast<std::size_t>(p.classes)) {
    return detail::unequal_lengths("scores", p.scores.size(), n * static_cast<std::size_t>(p.classes));
  }
  if (!p.weights.empty() && p.weights.size() != n)
    return detail::unequal_lengths("weights", p.weights.size(), n);
  for (std::size_t i = 0; i < n; ++i) {
    if (p.labels[i] < 0 || (p.classes > 1 && p.labels[i] >= p.classes)) {
      return error{"label " + std::to_string(p.labels[i]) + " is none of the classes",
                   "event " + std::to_string(i), "labels count from 0"};
    }
    if (double const w = p.weight(i); !(w >= 0 && std::isfinite(w))) {
      return error{"the weight is not a finite number from 0 on", "event " + std::to_string(i),
                   "leave the event out"};
    }
    for (float score : p.row(i)) {
      if (std::isfinite(score)) continue;
      return error{"the score is not a finite number", "event " + std::to_string(i), "leave the event out"};
    }
  }
  return {};
}

namespace detail {

// The same, and for a class that has no score; `what` is to be judged by it.
inline result<void> check_score(predictions const& p, int k, char const* what) {
  if (auto good = check(p); !good) return good;
  if (k < 0 || k >= p.classes) return error{"there is no such score", what, "name one of the classes"};
  return {};
}

}  // namespace detail

// The score of class `signal` for events of that class against those of class `background`, all others left out
// (event paper 5.4).
inline result<roc_curve> one_versus_one(predictions const& p, int signal, int background) {
  if (auto const good = detail::check_score(p, signal, "ROC curve"); !good) return *good.error();
  std::vector<float> scores;
  std::vector<char> is_signal;
  std::vector<double> weights;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p.labels[i] != signal && p.labels[i] != background) continue;
    scores.push_back(p.row(i)[static_cast<std::size_t>(signal)]);
    is_signal.push_back(p.labels[i] == signal);
    weights.push_back(p.weight(i));
  }
  return roc_curve::make(std::span<float const>(scores), std::span<char const>(is_signal),
                         std::span<double const>(weights));
}

// The score of class `signal` for events of that class against all others.
inline result<roc_curve> one_versus_rest(predictions const& p, int signal) {
  if (auto const good = detail::check_score(p, signal, "ROC curve"); !good) return *good.error();
  std::vector<float> scores;
  std::vector<char> is_signal;
  for (std::size_t i = 0; i < p.size(); ++i) {
    scores.push_back(p.row(i)[static_cast<std::size_t>(signal)]);
    is_signal.push_back(p.labels[i] == signal);
  }
  return roc_curve::make(std::span<float const>(scores), std::span<char const>(is_signal),
                         std::span<double const>(p.weights));
}

// The same predictions with weights scaled so that every class that occurs has the same total weight, and all
// events together weigh what they did: the balanced mix of the papers from samples of any size. With a single
// score, class 0 and the rest have the same total weight, and so have the classes that are the rest.
inline predictions balanced(predictions p) {
  std::vector<double> total;
  for (std::size_t i = 0; i < p.size(); ++i) {
    auto const label = static_cast<std::size_t>(p.labels[i]);
    if (label >= total.size()) total.resize(label + 1);
    total[label] += p.weight(i);
  }
  // Classes that the scores do not tell apart are one side.
  auto const side = [&p](std::size_t label) { return p.classes == 1 && label > 0 ? std::size_t{1} : label; };
  std::vector<double> present(total.size());  // classes of a side
  double sum = 0;
  double sides = 0;
  for (std::size_t label = 0; label < total.size(); ++label) {
    if (!(total[label] > 0)) continue;
    sum += total[label];
    if (present[side(label)]++ == 0) ++sides;
  }
  std::vector<double> weights(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    auto const label = static_cast<std::size_t>(p.labels[i]);
    double const own = total[label];
    weights[i] = own > 0 ? p.weight(i) * sum / (sides * present[side(label)] * own) : 0;
  }
  p.weights = std::move(weights);
  return p;
}

// The weighted share of events whose true class has the highest score, the first of equals; a single score
// means class 0 from 1/2 on, and the rest below.
inline double accuracy(predictions const& p) {
  double right = 0;
  double all = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    auto const row = p.row(i);
    bool const chosen = row.size() == 1 ? (row[0] >= 0.5F) == (p.labels[i] == 0)
                                        : std::max_element(row.begin(), row.end()) - row.begin() == p.labels[i];
    if (chosen) right += p.weight(i);
    all += p.weight(i);
  }
  return right / all;
}

// The weighted mean of -log(probability of the true class), in nats; probabilities below the smallest normal
// float count as that. A single score is the probability of class 0.
inline double cross_entropy(predictions const& p) {
  double sum = 0;
  double all = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    auto const row = p.row(i);
    double const probability = row.size() == 1 && p.labels[i] != 0
                                   ? 1.0 - row[0]
                                   : row[row.size() == 1 ? 0 : static_cast<std::size_t>(p.labels[i])];
    sum -= p.weight(i) * std::log(std::max(probability, double{std::numeric_limits<float>::min()}));
    all += p.weight(i);
  }
  return sum / all;
}

}  // namespace calotype::eval
