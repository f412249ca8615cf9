// The CvM loss and its gradient against PyTorch's derivative of energy distances and against hep_ml
// (decorrelation.py).
#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "../python_oracle.hpp"
#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;

struct net {
  struct input {
    static constexpr auto features() { return ct::labels("x", "y", "z"); }
  };
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{.units = 8}, relu{}, logits{});
  }
};

struct events {
  std::vector<std::array<float, 3>> points;
  std::vector<float> masses, weights;
  explicit events(std::size_t n) {
    ct::stream draw(5, 0, 9);
    for (std::size_t i = 0; i < n; ++i) {
      masses.push_back(90 + 40 * draw.exponential());
      points.push_back({draw.normal(), draw.normal(), masses.back() / 50 - 2});
      weights.push_back(draw.uniform(0.5F, 2.F));
    }
  }
  std::size_t size() const { return points.size(); }
  std::span<float const> sample(std::size_t i) const { return points[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t i) const { return weights[i]; }
  float mass(std::size_t i) const { return masses[i]; }
};

TEST_CASE("PyTorch finds the same loss and gradient of a batch, alone and with a ring") {
  auto const python = python_with("torch", "Debian: python3-torch");
  if (!python) return;
  events const data(300);
  for (int ring : {0, 50}) {
    ct::train::options const o{.decorrelation = {.strength = 4, .neighbours = 12, .ring = ring}};
    ct::train::trainer<net, ct::exec::cpu<>> t(ct::nn::model<net>::random(3), o);
    std::vector<std::size_t> first, batch;
    for (std::size_t i = 0; i < 150; ++i) first.push_back(i), batch.push_back(i + 150);
    t.step(data, first);
    auto const before = t.save();
    CHECK(before.ring.size() == static_cast<std::size_t>(ring));
    double const loss = t.gradient(data, batch);
    auto const theirs = ask_oracle(*python, "train/decorrelation.py", "torch", [&](std::ostream& out) {
      out << "strength 4\nneighbours 12\n";
      for (float p : before.parameters) out << "parameter " << p << '\n';
      for (std::size_t i : batch) {
        out << "event " << data.label(i) << ' ' << data.weight(i) << ' ' << data.mass(i);
        for (float x : data.points[i]) out << ' ' << x;
        out << '\n';
      }
      for (auto const& e : before.ring) out << "ring " << e.mass << ' ' << e.score << ' ' << e.weight << '\n';
    });
    CHECK(loss == doctest::Approx(theirs.at({0, "loss"})).epsilon(1e-6));
    auto const ours = t.gradients();
    REQUIRE(theirs.size() == ours.size() + 1);
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      double const want = theirs.at({0, "gradient" + std::to_string(i)});
      largest = std::max(largest, std::abs(want));
      worst = std::max(worst, std::abs(static_cast<double>(ours[i]) - want));
    }
    CAPTURE(ring);
    CAPTURE(worst);
    CHECK(largest > 0.01);
    CHECK(worst < 1e-5 * largest);
    // The decorrelation is a good part of it.
    ct::train::trainer<net, ct::exec::cpu<>> plain(ct::nn::model<net>(before.parameters), {});
    plain.gradient(data, batch);
    auto const without = plain.gradients();
    double share = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
      share = std::max(share, static_cast<double>(std::abs(ours[i] - without[i])));
    CHECK(share > 0.1 * largest);
  }
}

TEST_CASE("hep_ml finds the same slopes to 1e-6") {
  auto const python =
      python_with("hep_ml", "python3 -m venv build/peers-venv; build/peers-venv/bin/pip install hep_ml");
  if (!python) return;
  ct::stream draw(6, 0, 9);
  std::vector<ct::train::scored_mass> pairs;
  for (int i = 0; i < 240; ++i) {
    float const mass = 90 + 40 * draw.exponential();
    pairs.push_back({mass, draw.normal() + mass / 50, draw.uniform(0.5F, 2.F)});
  }
  std::vector<double> slopes(pairs.size());
  ct::train::cvm_loss(pairs, 12, slopes);
  auto const theirs = ask_oracle(*python, "train/decorrelation.py", "hep_ml", [&](std::ostream& out) {
    out << "neighbours 12\n";
    for (auto const& p : pairs) out << "pair " << p.mass << ' ' << p.score << ' ' << p.weight << '\n';
  });
  REQUIRE(theirs.size() == pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CHECK(std::abs(slopes[i] - theirs.at({0, "slope" + std::to_string(i)})) < 1e-6);
  }
}

}  // namespace
