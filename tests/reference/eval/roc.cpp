// ROC curves, areas, working points, accuracy, cross-entropy and calibration against scikit-learn (roc.py).
#include <cmath>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "../python_oracle.hpp"
#include <doctest/doctest.h>

#include <calotype/eval/calibration.hpp>
#include <calotype/eval/predictions.hpp>

namespace {

namespace eval = calotype::eval;

// Softmax scores of three overlapping classes; `levels` > 0 rounds them to that many steps, which makes ties.
eval::predictions sample(int events, int levels, bool weighted, unsigned seed) {
  std::mt19937_64 generator(seed);
  auto const uniform = [&] { return static_cast<double>(generator() >> 11) * 0x1p-53; };
  eval::predictions p{3, {}, {}, {}};
  for (int i = 0; i < events; ++i) {
    int const label = static_cast<int>(uniform() * 3);
    double logit[3];
    for (int k = 0; k < 3; ++k) logit[k] = 3 * uniform() + (k == label ? 0.8 : 0);
    if (levels > 0) {
      for (double& l : logit) l = std::round(l * levels) / levels;
    }
    double const sum = std::exp(logit[0]) + std::exp(logit[1]) + std::exp(logit[2]);
    for (double l : logit) p.scores.push_back(static_cast<float>(std::exp(l) / sum));
    p.labels.push_back(label);
    if (weighted) p.weights.push_back(0.1 + 3 * uniform());
  }
  return p;
}

TEST_CASE("scikit-learn agrees to 1e-6") {
  std::vector<eval::predictions> const samples = {sample(1000, 0, false, 1), sample(3000, 2, false, 2),
                                                  sample(2000, 0, true, 3), sample(2000, 3, true, 4),
                                                  sample(40, 1, false, 5)};
  auto const python = python_with("sklearn", "Debian: python3-sklearn");
  if (!python) return;
  auto const theirs = ask_oracle(*python, "eval/roc.py", "", [&](std::ostream& out) {
    for (std::size_t s = 0; s < samples.size(); ++s) {
      for (std::size_t i = 0; i < samples[s].size(); ++i) {
        out << s << ' ' << samples[s].labels[i] << ' ' << samples[s].weight(i);
        for (float score : samples[s].row(i)) out << ' ' << score;
        out << '\n';
      }
    }
  });

  oracle_figures ours;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    auto const& p = samples[s];
    REQUIRE(eval::check(p));
    ours[{s, "accuracy"}] = eval::accuracy(p);
    ours[{s, "cross_entropy"}] = eval::cross_entropy(p);
    for (int k = 0; k < 3; ++k) {
      auto const curve = eval::one_versus_rest(p, k);
      REQUIRE(curve);
      auto const name = std::to_string(k);
      ours[{s, "auc" + name}] = curve->auc();
      ours[{s, "trapezoid" + name}] = curve->auc();
      ours[{s, "first" + name}] = curve->false_positive_rate_at(0.7, eval::reading::first_point);
      ours[{s, "interpolated" + name}] = curve->false_positive_rate_at(0.7);
      ours[{s, "error" + name}] = curve->auc_error();
      auto const calibration = eval::calibrate(p, k);
      REQUIRE(calibration);
      int filled = 0;  // scikit-learn leaves empty bins out, and knows no weights
      for (auto const& bin : calibration->bins) {
        if (bin.events == 0) continue;
        auto const place = name + "_" + std::to_string(filled++);
        ours[{s, "observed" + place}] = bin.observed;
        ours[{s, "predicted" + place}] = bin.score;
      }
      for (int j = 0; j < 3; ++j) {
        if (j != k) ours[{s, "auc" + name + std::to_string(j)}] = eval::one_versus_one(p, k, j)->auc();
      }
    }
  }
  for (auto const& [key, value] : theirs) {
    CAPTURE(key.first);
    CAPTURE(key.second);
    REQUIRE(ours.count(key) == 1);
    CHECK(std::abs(ours[key] - value) < 1e-6);
  }
  CHECK(theirs.size() > 5 * (2 + 3 * 6) + 3 * 3 + 2 * 3 * 2 * 8);
}

}  // namespace
