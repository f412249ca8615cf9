// What a score does to a mass spectrum, and whether it can be read as a probability, as plots.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <calotype/eval/calibration.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/report/plot.hpp>

namespace calotype::report {

// The masses that are shown, in GeV.
struct mass_range {
  double low = 90;
  double high = 190;
};

namespace detail {

// Calls f(event, place in the range from 0 to 1) for the events of a class that lie in it.
template <class Function>
void for_each_mass(eval::predictions const& p, int label, mass_range range, Function f) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    double const place = (p.masses[i] - range.low) / (range.high - range.low);
    if (p.labels[i] == label && place >= 0 && place < 1) f(i, place);
  }
}

}  // namespace detail

// The score of class 0 against m_gg for the true events of a class, as in the event paper's Figure 5. The
// predictions must hold masses.
inline std::string score_against_mass(eval::predictions const& p, int label, std::string const& title,
                                      mass_range range = {}) {
  constexpr int columns = 50;
  constexpr int rows = 40;
  std::vector<double> counts(columns * rows);
  detail::for_each_mass(p, label, range, [&](std::size_t i, double place) {
    int const row = std::clamp(static_cast<int>(static_cast<double>(p.row(i)[0]) * rows), 0, rows - 1);
    counts[static_cast<std::size_t>(row * columns + static_cast<int>(place * columns))] += p.weight(i);
  });
  plot plot({"m_gg (GeV)", range.low, range.high}, {title, 0, 1}, 360, 260);
  plot.density(columns, rows, counts);
  return plot.svg();
}

// The spectrum of the true events of a class, and of those whose score of class 0 reaches `threshold`, each as
// parts of itself: a cut that knows the mass bends it.
inline std::string spectrum_before_and_after(eval::predictions const& p, int label, double threshold,
                                             mass_range range = {}) {
  constexpr std::size_t bins = 25;
  std::vector<double> before(bins), after(bins), error(bins), centers, edges;
  for (std::size_t i = 0; i <= bins; ++i) {
    edges.push_back(range.low + (range.high - range.low) * static_cast<double>(i) / bins);
    if (i > 0) centers.push_back((edges[i - 1] + edges[i]) / 2);
  }
  double all = 0;
  double kept = 0;
  detail::for_each_mass(p, label, range, [&](std::size_t i, double place) {
    auto const bin = static_cast<std::size_t>(place * bins);
    before[bin] += p.weight(i);
    all += p.weight(i);
    if (static_cast<double>(p.row(i)[0]) < threshold) return;
    after[bin] += p.weight(i);
    error[bin] += p.weight(i) * p.weight(i);
    kept += p.weight(i);
  });
  double most = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    if (all > 0) before[b] /= all;
    if (kept > 0) after[b] /= kept;
    if (kept > 0) error[b] = std::sqrt(error[b]) / kept;
    most = std::max({most, before[b], after[b] + error[b]});
  }
  plot plot({"m_gg (GeV)", range.low, range.high}, {"part of the events", 0, most > 0 ? 1.1 * most : 1}, 360,
            260);
  plot.histogram(edges, before, "all");
  plot.points(centers, after, error, "after the cut");
  return plot.svg();
}

// The part of events that are of a class against the score that says so, with binomial errors; the broken line
// is a score that is a probability.
inline std::string calibration_plot(std::span<eval::calibration_curve const> curves,
                                    std::span<std::string const> names) {
  plot plot({"score", 0, 1}, {"part of the events that are of the class", 0, 1}, 320, 320);
  plot.guide(std::vector<double>{0, 1}, std::vector<double>{0, 1});
  plot.legend_at(legend_place::top_left);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    std::vector<double> score, observed, error;
    for (auto const& bin : curves[c].bins) {
      if (bin.events == 0) continue;
      score.push_back(bin.score);
      observed.push_back(bin.observed);
      error.push_back(bin.error);
    }
    plot.points(score, observed, error, names[c]);
  }
  return plot.svg();
}

}  // namespace calotype::report
