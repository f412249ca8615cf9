// How well the scores of a classifier separate one class from others, with errors: a row of the papers' tables.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
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

namespace detail {

// The blocks of some of the events, if there are any.
inline std::vector<std::uint64_t> blocks_of(std::span<std::size_t const> events,
                                            std::span<std::uint64_t const> blocks) {
  std::vector<std::uint64_t> chosen;
  for (std::size_t i : events) {
    if (!blocks.empty()) chosen.push_back(blocks[i]);
  }
  return chosen;
}

inline result<void> check_blocks(resampling const& how, std::size_t events) {
  if (how.blocks.empty() || how.blocks.size() == events) return {};
  return unequal_lengths("blocks", how.blocks.size(), events);
}

// The events of two sets and their scores of class `signal`, ready to be weighted in many ways.
class contest {
 public:
  contest(predictions const& p, int signal, int background) {
    std::vector<float> scores;
    for (std::size_t i = 0; i < p.size(); ++i) {
      bool const is_signal = p.labels[i] == signal;
      if (!is_signal && background != all_others && p.labels[i] != background) continue;
      events_.push_back(i);
      weights_.push_back(p.weight(i));
      scores.push_back(p.row(i)[static_cast<std::size_t>(signal)]);
    }
    // By falling score, so that every curve finds them sorted.
    order_.resize(events_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
    });
    for (std::size_t k : order_) {
      scores_.push_back(scores[k]);
      is_signal_.push_back(p.labels[events_[k]] == signal);
    }
  }

  // Their places among the predictions, and their weights there.
  std::vector<std::size_t> const& events() const noexcept { return events_; }
  std::vector<double> const& weights() const noexcept { return weights_; }

  // With other weights, in the order of events().
  result<roc_curve> curve(std::span<double const> weights) const {
    std::vector<double> sorted;
    sorted.reserve(order_.size());
    for (std::size_t k : order_) sorted.push_back(weights[k]);
    return roc_curve::make(std::span<float const>(scores_), std::span<char const>(is_signal_),
                           std::span<double const>(sorted));
  }

 private:
  std::vector<std::size_t> events_{}, order_{};
  std::vector<double> weights_{};
  std::vector<float> scores_{};  // these two in the order of order_
  std::vector<char> is_signal_{};
};

}  // namespace detail

// The ROC curve of class `signal` against class `background`, or all_others.
inline result<roc_curve> one_versus(predictions const& p, int signal, int background) {
  return background == all_others ? one_versus_rest(p, signal) : one_versus_one(p, signal, background);
}

// The score of class `signal` for events of that class against those of class `background`, or all_others.
// how.blocks, if any, has one entry per event.
inline result<separation> separate(predictions const& p, int signal, int background, double efficiency,
                                   resampling how = {}) {
  if (auto const good = detail::check_score(p, signal, "separation"); !good) return *good.error();
  if (auto const good = detail::check_blocks(how, p.size()); !good) return *good.error();
  detail::contest const c(p, signal, background);
  auto const blocks = detail::blocks_of(c.events(), how.blocks);
  how.blocks = blocks;
  auto curve = c.curve(c.weights());
  if (!curve) return *curve.error();
  auto const spread = bootstrap(c.events().size(), c.weights(), how, [&](std::span<double const> w) {
    auto const resampled = c.curve(w);
    return resampled ? resampled->false_positive_rate_at(efficiency) : std::nan("");
  });
  double const kept = curve->false_positive_rate_at(efficiency);
  return separation{std::move(*curve), kept, spread.error};
}

}  // namespace calotype::eval
