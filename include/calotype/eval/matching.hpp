// Samples of several classes made alike in some quantities, such as the photons' momenta, as far as the number
// of events allows: what is still told apart was mostly not told by these.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/eval/roc.hpp>

namespace calotype::eval {

namespace detail {

// The space of the quantities, cut into cells where no class is rare.
class matching_cells {
 public:
  // `place` is the class of an event among those that occur, `x` has `dimensions` numbers of every event.
  matching_cells(std::vector<std::size_t> const& place, std::size_t classes, std::span<double const> x,
                 std::size_t dimensions, std::size_t least)
      : place_(place), classes_(classes), x_(x), dimensions_(dimensions), least_(least) {
    std::vector<std::size_t> all(place.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::vector<std::vector<std::size_t>> open{std::move(all)};
    while (!open.empty()) {
      auto cell = std::move(open.back());
      open.pop_back();
      cut const best = best_cut(cell);
      if (best.gain < 0) {
        cells_.push_back(std::move(cell));
        continue;
      }
      std::vector<std::size_t> below, above;
      for (std::size_t i : cell) (at(i, best.dimension) < best.where ? below : above).push_back(i);
      open.push_back(std::move(below));
      open.push_back(std::move(above));
    }
  }

  std::vector<std::vector<std::size_t>> const& cells() const noexcept { return cells_; }

 private:
  struct cut {
    double gain = -1;
    std::size_t dimension = 0;
    double where = 0;
  };

  double at(std::size_t event, std::size_t dimension) const { return x_[event * dimensions_ + dimension]; }

  // Of cuts at the eighths of the cell's events in each quantity that leave `least` events of every class on
  // both sides, the one whose sides differ most in their mix of classes (in numbers of events, whatever their
  // weights); without any its gain stays negative. Precondition: the cell is not empty.
  cut best_cut(std::vector<std::size_t> order) const {
    cut best;
    for (std::size_t d = 0; d < dimensions_; ++d) {
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return at(a, d) < at(b, d) || (at(a, d) == at(b, d) && a < b);
      });
      std::vector<double> below(classes_), all(classes_);
      for (std::size_t i : order) ++all[place_[i]];
      std::size_t next = 0;
      for (std::size_t eighth = 1; eighth < 8; ++eighth) {
        double const where = at(order[order.size() * eighth / 8], d);
        for (; next < order.size() && at(order[next], d) < where; ++next) ++below[place_[order[next]]];
        double const share = static_cast<double>(next) / static_cast<double>(order.size());
        double gain = 0;
        for (std::size_t k = 0; k < classes_ && gain >= 0; ++k) {
          auto const enough = static_cast<double>(least_);
          double const off = below[k] / all[k] - share;
          gain = below[k] < enough || all[k] - below[k] < enough ? -1 : gain + all[k] * off * off;
        }
        if (gain > best.gain) best = {gain, d, where};
      }
    }
    return best;
  }

  std::vector<std::size_t> const& place_;
  std::size_t classes_;
  std::span<double const> x_;
  std::size_t dimensions_, least_;
  std::vector<std::vector<std::size_t>> cells_{};
};

}  // namespace detail

// Factors from 0 to 1 for the events' weights (none: 1 each) that give all classes the same distribution of the
// quantities, of which every event has `dimensions` in a row. In cells of this space, cut as finely as `least`
// events of every class in each allow, a class gets the harmonic mean of all classes' densities over their
// number, so that an event counts most where all classes are common. A density is the share of a class's
// weight; where one of them is 0 nobody counts, and a single class keeps its weights. Differences within a cell
// remain: the areas under the ROC curves of the quantities themselves say how large. Classes are matched in
// their chance differences too, so that errors which take the factors as given (roc_curve::auc_error,
// bootstraps) come out too large for scores that follow the quantities, and much too large for these areas.
//
// Fails without events, where a class has fewer than `least` events or no weight, and for weights and
// quantities that cannot be used.
inline result<std::vector<double>> matching_factors(std::span<int const> labels,
                                                    std::span<double const> weights,
                                                    std::span<double const> quantities, std::size_t dimensions,
                                                    std::size_t least = 20) {
  std::size_t const n = labels.size();
  if (!weights.empty() && weights.size() != n) return detail::unequal_lengths("weights", weights.size(), n);
  if (n == 0) return error{"there are no events to be matched", "matching", "give events of all classes"};
  if (quantities.size() != n * dimensions || dimensions == 0) {
    return error{"there are " + std::to_string(quantities.size()) + " numbers for " + std::to_string(n) +
                     " events of " + std::to_string(dimensions) + " quantities",
                 "matching", "give one of each quantity per event, and one quantity at least"};
  }
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    if (!std::isfinite(quantities[i])) {
      return error{"a quantity is not a finite number", "event " + std::to_string(i / dimensions),
                   "leave the event out"};
    }
  }
  auto const weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isfinite(weight(i)) && weight(i) >= 0) continue;
    return error{"the weight is negative or not a finite number", "event " + std::to_string(i),
                 "leave the event out"};
  }
  std::map<int, std::size_t> events, place_of;
  for (int label : labels) ++events[label];
  for (auto const& [label, count] : events) {
    if (count < std::max<std::size_t>(least, 1)) {
      return error{"there are " + std::to_string(count) + " events of class " + std::to_string(label) +
                       ", fewer than the " + std::to_string(least) + " that samples are matched by",
                   "matching", "give more events"};
    }
    place_of.emplace(label, place_of.size());
  }
  std::vector<std::size_t> place;
  std::vector<double> total(place_of.size());
  for (std::size_t i = 0; i < n; ++i) {
    place.push_back(place_of[labels[i]]);
    total[place[i]] += weight(i);
  }
  for (auto const& [label, at] : place_of) {
    if (total[at] > 0) continue;
    return error{"the events of class " + std::to_string(label) + " have no weight", "matching",
                 "give events of all classes"};
  }
  std::vector<double> factors(n);
  detail::matching_cells const space(place, total.size(), quantities, dimensions,
                                     std::max<std::size_t>(least, 1));
  for (auto const& cell : space.cells()) {
    std::vector<double> density(total.size());
    for (std::size_t i : cell) density[place[i]] += weight(i) / total[place[i]];
    double inverse = 0;
    for (double d : density) inverse += 1 / d;  // infinite where a class has no weight: nobody counts there
    for (std::size_t i : cell) {
      double const part = 1 / density[place[i]] / inverse;  // so that no rounding lifts it above 1
      factors[i] = std::isfinite(part) ? part : 0;
    }
  }
  return factors;
}

}  // namespace calotype::eval
