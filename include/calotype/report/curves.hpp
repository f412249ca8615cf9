// ROC curves as a figure in SVG, to be looked at or put into a page.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include <calotype/eval/roc.hpp>
#include <calotype/report/format.hpp>
#include <calotype/report/plot.hpp>

namespace calotype::report {

// A curve and its name in the legend.
struct named_curve {
  std::string name;
  eval::roc_curve const* curve = nullptr;
};

// Signal efficiency to the right, background rejection (1 - false positive rate) upwards, as the event paper's
// Figure 4 has them; the broken line is a blind classifier.
inline std::string roc_figure(std::span<named_curve const> curves) {
  plot figure({"signal efficiency"}, {"background rejection"}, 400, 400);
  figure.legend_at(legend_place::bottom_left);
  figure.guide(std::array{0.0, 1.0}, std::array{1.0, 0.0});
  for (named_curve const& c : curves) {
    std::vector<double> efficiency, rejection;
    for (eval::roc_point const& p : c.curve->points()) {
      efficiency.push_back(p.true_positive_rate);
      rejection.push_back(1 - p.false_positive_rate);
    }
    figure.line(efficiency, rejection, c.name + formatted(" (AUC %.3f)", c.curve->auc()));
  }
  return figure.svg();
}

}  // namespace calotype::report
