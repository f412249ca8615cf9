#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include <calotype/core/hash.hpp>
#include <calotype/kernel/element/loss.hpp>

namespace {

namespace element = calotype::kernel::element;

double relative(double a, double b) { return std::abs(a - b) / std::abs(b); }

}  // namespace

TEST_CASE_TEMPLATE("probabilities sum to one and follow the definition", Real, float, double) {
  double const eps = sizeof(Real) == 4 ? 1e-6 : 1e-14;
  std::array<Real, 4> const logits{Real(0.5), Real(-2), Real(3), Real(1.25)};
  std::array<Real, 4> p{};
  element::softmax<4>(logits.data(), p.data());
  double sum = 0, scale = 0;
  for (Real x : logits) scale += std::exp(static_cast<double>(x));
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(relative(static_cast<double>(p[i]), std::exp(static_cast<double>(logits[i])) / scale) < eps);
    sum += static_cast<double>(p[i]);
  }
  CHECK(std::abs(sum - 1) < eps);
}

TEST_CASE("huge logits neither overflow nor lose the winner") {
  std::array<float, 3> const logits{1e30F, -1e30F, 5};
  std::array<float, 3> p{};
  element::softmax<3>(logits.data(), p.data());
  CHECK(p == std::array<float, 3>{1, 0, 0});
  std::array<float, 3> slope{};
  CHECK(element::softmax_cross_entropy<3>(logits.data(), 0, 1.0F, slope.data()) == 0);
  CHECK(slope == std::array<float, 3>{0, 0, 0});
  CHECK(element::sigmoid(200.0F) == 1);
  CHECK(element::sigmoid(-200.0F) >= 0);
  float d = 0;
  CHECK(element::binary_cross_entropy(-1000.0F, 1, 1.0F, d) == 1000);
  CHECK(d == -1);
  CHECK(element::binary_cross_entropy(1000.0F, 1, 1.0F, d) == 0);
}

TEST_CASE_TEMPLATE("cross-entropies follow their definition, with weight", Real, float, double) {
  double const eps = sizeof(Real) == 4 ? 1e-6 : 1e-14;
  std::array<Real, 3> const logits{Real(0.3), Real(-1.2), Real(2.1)};
  double scale = 0;
  for (Real x : logits) scale += std::exp(static_cast<double>(x));
  for (int label = 0; label < 3; ++label) {
    auto const at = static_cast<std::size_t>(label);
    std::array<Real, 3> slope{};
    Real const loss = element::softmax_cross_entropy<3>(logits.data(), label, Real(0.25), slope.data());
    CHECK(relative(static_cast<double>(loss), 0.25 * (std::log(scale) - static_cast<double>(logits[at]))) <
          eps);
    for (std::size_t i = 0; i < 3; ++i) {
      double const p = std::exp(static_cast<double>(logits[i])) / scale;
      CHECK(std::abs(static_cast<double>(slope[i]) - 0.25 * (p - (i == at ? 1 : 0))) < eps);
    }
  }
  for (Real x : {Real(-3), Real(-0.1), Real(0), Real(0.7), Real(12)}) {
    double const p = 1 / (1 + std::exp(-static_cast<double>(x)));
    CHECK(relative(static_cast<double>(element::sigmoid(x)), p) < eps);
    for (int label : {0, 1}) {
      Real slope{};
      Real const loss = element::binary_cross_entropy(x, label, Real(2), slope);
      double const q = label == 1 ? p : 1 / (1 + std::exp(static_cast<double>(x)));
      CHECK(relative(static_cast<double>(loss), -2 * std::log(q)) < eps * (1 + 1 / -std::log(q)));
      CHECK(std::abs(static_cast<double>(slope) - 2 * (p - label)) < 2 * eps);
    }
  }
}

TEST_CASE("the bits of scores and losses are the same with every compiler and -ffp-contract") {
  calotype::hasher hash;
  for (int i = -40; i <= 40; ++i) {
    float const x = 0.37F * static_cast<float>(i);
    std::array<float, 3> const logits{x, 1 - 0.5F * x, 0.01F * x};
    std::array<float, 3> v{};
    float slope = 0;
    hash.add(element::softmax_cross_entropy<3>(logits.data(), (i + 42) % 3, 0.7F, v.data()))
        .add(v[0])
        .add(v[1])
        .add(v[2]);
    element::softmax<3>(logits.data(), v.data());
    hash.add(v[0]).add(v[1]).add(v[2]).add(element::sigmoid(x));
    hash.add(element::binary_cross_entropy(x, i & 1, 0.7F, slope)).add(slope);
  }
  CHECK(hash.value() == 17859756776796169455ULL);
}
