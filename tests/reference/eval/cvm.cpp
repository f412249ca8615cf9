// CvM against the published algorithm run in Python, and against hep_ml (cvm.py).
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "../python_oracle.hpp"
#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/cvm.hpp>

namespace {

namespace ct = calotype;
namespace eval = calotype::eval;

struct sample {
  std::vector<double> masses, weights, scores;
};

// A falling spectrum and scores with a bump in it; `levels` > 0 makes ties.
sample make(std::size_t events, int levels, bool weighted, std::uint64_t seed) {
  ct::stream draw(seed, 0, 1);
  sample s;
  for (std::size_t i = 0; i < events; ++i) {
    s.masses.push_back(90 + 40 * draw.exponential<double>());
    s.weights.push_back(weighted ? 0.1 + 3 * draw.uniform<double>() : 1.0);
    double const score = draw.uniform<double>() + 0.3 * std::exp(-0.1 * std::pow(s.masses.back() - 125, 2));
    s.scores.push_back(levels > 0 ? std::round(score * levels) / levels : score);
  }
  return s;
}

void write(std::ostream& out, std::vector<sample> const& samples) {
  for (std::size_t k = 0; k < samples.size(); ++k) {
    for (std::size_t i = 0; i < samples[k].masses.size(); ++i) {
      out << k << ' ' << samples[k].masses[i] << ' ' << samples[k].weights[i] << ' ' << samples[k].scores[i]
          << '\n';
    }
  }
}

TEST_CASE("the published algorithm gives the same figures, ties included") {
  std::vector<sample> const samples = {make(200, 0, false, 1), make(1000, 0, false, 2), make(3333, 0, false, 3),
                                       make(1000, 10, false, 4)};
  auto const python = python_with("numpy", "Debian: python3-numpy");
  if (!python) return;
  auto const theirs =
      ask_oracle(*python, "eval/cvm.py", "published", [&](std::ostream& out) { write(out, samples); });
  REQUIRE(theirs.size() == samples.size());
  for (std::size_t k = 0; k < samples.size(); ++k) {
    CAPTURE(k);
    auto const ours =
        eval::cvm(samples[k].scores, samples[k].masses, {}, {.ties = eval::tied_scores::in_mass_order});
    REQUIRE(ours);
    CHECK(std::abs(ours->value - theirs.at({k, "cvm"})) < 1e-10);
  }
}

TEST_CASE("hep_ml agrees to 1e-6 on the figure of neighbours, with weights and with ties") {
  std::vector<sample> const samples = {make(300, 0, false, 1), make(1500, 0, false, 2), make(1200, 0, true, 3),
                                       make(800, 10, true, 4)};
  auto const python =
      python_with("hep_ml", "python3 -m venv build/peers-venv; build/peers-venv/bin/pip install hep_ml");
  if (!python) return;
  auto const theirs =
      ask_oracle(*python, "eval/cvm.py", "hep_ml", [&](std::ostream& out) { write(out, samples); });
  for (std::size_t k = 0; k < samples.size(); ++k) {
    CAPTURE(k);
    auto const ours = eval::cvm_of_neighbours(samples[k].scores, samples[k].masses, samples[k].weights);
    REQUIRE(ours);
    CHECK(std::abs(*ours - theirs.at({k, "neighbours"})) < 1e-6);
  }
}

}  // namespace
