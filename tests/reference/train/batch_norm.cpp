// Training a network with batch normalisation, against PyTorch in double (batch_norm.py).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "../../shapes.hpp"
#include "../python_oracle.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;
using policy = ct::exec::scalar_of<double>;

struct net {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{1, 14, 12}}; }
  };
  static constexpr auto classes() { return ct::labels("spread", "point", "pair"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .kernel = 5, .padding = 2}, batch_norm{}, relu{}, max_pool{},
                          residual{.filters = 4, .idle_projection = false, .batch_norm = true},
                          residual{.filters = 6, .stride = 2, .batch_norm = true}, global_max_pool{}, logits{});
  }
};

// Numbers of one kind that PyTorch has, and ours; the largest difference by the largest of them.
double off(oracle_figures const& theirs, std::string const& name, std::span<float const> ours) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    double const want = theirs.at({0, name + std::to_string(i)});
    largest = std::max(largest, std::abs(want));
    worst = std::max(worst, std::abs(double{ours[i]} - want));
  }
  REQUIRE(theirs.find({0, name + std::to_string(ours.size())}) == theirs.end());
  REQUIRE(largest > 0);
  return worst / largest;
}

TEST_CASE("PyTorch finds the same gradients, running means and variances, and scores") {
  auto const python = python_with("torch", "Debian: python3-torch");
  if (!python) return;
  shapes const data(60);
  auto const start = ct::nn::model<net>::random(3);
  ct::train::trainer<net, policy> t(start, {.threads = 2});
  std::vector<std::vector<std::size_t>> batches(3);
  for (std::size_t i = 0; i < data.size(); ++i) batches[i / 24].push_back(i);

  auto const theirs = ask_oracle(*python, "train/batch_norm.py", "", [&](std::ostream& out) {
    for (float p : start.parameters()) out << "parameter " << p << '\n';
    for (auto const& batch : batches) {
      for (std::size_t i : batch) {
        out << "event " << data.label(i) << ' ' << data.weight(i);
        for (float x : data.sample(i)) out << ' ' << x;
        out << '\n';
      }
      out << "batch\n";
    }
  });

  for (std::size_t n = 0; n < batches.size(); ++n) {
    CHECK(t.step(data, batches[n]) == doctest::Approx(theirs.at({n, "loss"})).epsilon(1e-6));
    if (n > 0) continue;
    // Those of the means and variances, which are no parameters, are 0.
    auto const gradients = t.gradients();
    std::size_t const counted = gradients.size() - 2 * ct::nn::trained_numbers<net>::channels;
    CHECK(off(theirs, "gradient", std::span(gradients).first(counted)) < 1e-6);
    CHECK(std::all_of(gradients.begin() + static_cast<std::ptrdiff_t>(counted), gradients.end(),
                      [](float g) { return g == 0; }));
  }
  CHECK(off(theirs, "trained", t.save().parameters) < 1e-6);

  std::vector<float> scores;
  ct::session<net, policy> session(t.model());
  for (std::size_t i : batches[0]) {
    auto const s = session(data.sample(i));
    scores.insert(scores.end(), s.begin(), s.end());
  }
  CHECK(off(theirs, "score", scores) < 1e-5);
}

}  // namespace
