// Some of the events that were scored.
#pragma once

#include <cstddef>
#include <span>

#include <calotype/eval/predictions.hpp>

namespace calotype::eval {

// The predictions of some of the events, in their order. Precondition: `kept` has one entry per event.
inline predictions chosen(predictions const& p, std::span<char const> kept) {
  predictions some;
  some.classes = p.classes;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!kept[i]) continue;
    auto const row = p.row(i);
    some.scores.insert(some.scores.end(), row.begin(), row.end());
    some.labels.push_back(p.labels[i]);
    if (!p.weights.empty()) some.weights.push_back(p.weights[i]);
    if (!p.log_odds.empty()) some.log_odds.push_back(p.log_odds[i]);
    if (!p.masses.empty()) some.masses.push_back(p.masses[i]);
  }
  return some;
}

}  // namespace calotype::eval
