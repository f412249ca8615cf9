// ROC curves, areas, working points, accuracy and cross-entropy against scikit-learn (roc.py).
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

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
  auto const folder =
      std::filesystem::temp_directory_path() / ("calotype_roc_" + std::to_string(std::random_device{}()));
  std::filesystem::create_directories(folder);
  {
    std::ofstream out(folder / "samples");
    out.precision(17);
    for (std::size_t s = 0; s < samples.size(); ++s) {
      for (std::size_t i = 0; i < samples[s].size(); ++i) {
        out << s << ' ' << samples[s].labels[i] << ' ' << samples[s].weight(i);
        for (float score : samples[s].row(i)) out << ' ' << score;
        out << '\n';
      }
    }
  }
  std::string const script = std::string(CALOTYPE_SOURCE_DIR) + "/tests/reference/eval/roc.py";
  std::string const command = "/usr/bin/python3 '" + script + "' '" + (folder / "samples").string() + "' > '" +
                              (folder / "figures").string() + "'";
  if (std::system("/usr/bin/python3 -c 'import sklearn' 2>/dev/null") != 0) {
    std::filesystem::remove_all(folder);
    MESSAGE("SKIPPED: scikit-learn is not installed (Debian: python3-sklearn)");
    return;
  }
  REQUIRE(std::system(command.c_str()) == 0);

  std::map<std::pair<std::size_t, std::string>, double> ours;
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
      for (int j = 0; j < 3; ++j) {
        if (j != k) ours[{s, "auc" + name + std::to_string(j)}] = eval::one_versus_one(p, k, j)->auc();
      }
    }
  }
  std::ifstream figures(folder / "figures");
  std::size_t set = 0;
  std::string name;
  std::string value;
  int compared = 0;
  while (figures >> set >> name >> value) {
    CAPTURE(set);
    CAPTURE(name);
    REQUIRE(ours.count({set, name}) == 1);
    CHECK(std::abs(ours[{set, name}] - std::stod(value)) < 1e-6);
    ++compared;
  }
  CHECK(compared == 5 * (2 + 3 * 6) + 3 * 3);
  std::filesystem::remove_all(folder);
}

}  // namespace
