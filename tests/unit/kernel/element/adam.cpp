#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/element/adam.hpp>

namespace {

namespace kernel = calotype::kernel;

// Gradients of very different sizes that change sign.
float gradient(int i, int t) {
  return std::ldexp(static_cast<float>((i * 37 + t * 61) % 101 - 50), i % 20 - 16);
}

}  // namespace

TEST_CASE("whole powers") {
  CHECK(kernel::whole_power(0.7, 0) == 1);
  CHECK(kernel::whole_power(0.7, 1) == 0.7);
  CHECK(kernel::whole_power(2, 10) == 1024);
  CHECK(kernel::whole_power(0.5, 3) == 0.125);
  CHECK(kernel::whole_power(0.7, 100'000) == 0);
  for (unsigned long long n = 0; n < 200; ++n) {
    CHECK(kernel::whole_power(0.9, n) == doctest::Approx(std::pow(0.9, static_cast<double>(n))).epsilon(1e-13));
  }
}

TEST_CASE("Adam follows its formula") {
  for (int i = 0; i < 50; ++i) {
    float parameter = 1 - 0.03F * static_cast<float>(i), first = 0, second = 0;
    double exact = static_cast<double>(parameter), m = 0, v = 0;
    for (int t = 1; t <= 200; ++t) {
      float const g = gradient(i, t);
      kernel::element::adam_update(kernel::adam_step_at(1e-3, 0.9, 0.999, 1e-8, t), g, first, second,
                                   parameter);
      m = 0.9 * m + (1 - 0.9) * static_cast<double>(g);
      v = 0.999 * v + (1 - 0.999) * static_cast<double>(g) * static_cast<double>(g);
      exact -= 1e-3 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
      CHECK(std::abs(static_cast<double>(parameter) - exact) < 1e-5);
    }
  }
}

TEST_CASE("the first step has the size of the learning rate whatever the gradient's") {
  for (float g : {1e-3F, 1.0F, 1e4F}) {
    float first = 0, second = 0, parameter = 0;
    kernel::element::adam_update(kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, 1), g, first, second, parameter);
    CHECK(parameter == doctest::Approx(-0.01).epsilon(1e-4));
  }
}

TEST_CASE("no gradient, no step") {
  float first = 0, second = 0, parameter = 0.25F;
  kernel::element::adam_update(kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, 3), 0.0F, first, second, parameter);
  CHECK(parameter == 0.25F);
}

TEST_CASE("the corrections belong to the betas as the kernel sees them and go to one") {
  auto const early = kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, 2);
  double const beta = static_cast<double>(0.999F);
  CHECK(early.correction2 == static_cast<float>(1 / (1 - beta * beta)));
  auto const late = kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, 1'000'000);
  CHECK(late.correction1 == 1);
  CHECK(late.correction2 == 1);
}
