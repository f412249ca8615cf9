// Meaningful under -ffp-contract=fast (g++'s default) as well as off: the bits must not depend on it.
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/arithmetic.hpp>

namespace {

namespace kernel = calotype::kernel;

// (1 + 2^-k)^2 - 1 rounds differently with and without an intermediate rounding.
template <class Real>
struct probe;
template <>
struct probe<float> {
  static constexpr float a = 1 + 0x1p-12F, squared = 1 + 0x1p-11F, lost = 0x1p-24F;
};
template <>
struct probe<double> {
  static constexpr double a = 1 + 0x1p-27, squared = 1 + 0x1p-26, lost = 0x1p-54;
};

}  // namespace

TEST_CASE_TEMPLATE("a product and a sum are two roundings, an fma is one", Real, float, double) {
  using probe_type = probe<Real>;
  std::size_t const n = 67;  // long enough for the vectoriser
  std::vector<Real> const a(n, probe_type::a);
  std::vector<Real> const c(n, -probe_type::squared);
  std::vector<Real> apart(n);
  std::vector<Real> fused(n);
  for (std::size_t i = 0; i < n; ++i) apart[i] = kernel::add(kernel::mul(a[i], a[i]), c[i]);
  for (std::size_t i = 0; i < n; ++i) fused[i] = kernel::fma(a[i], a[i], c[i]);
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(apart[i] == 0);
    CHECK(fused[i] == probe_type::lost);
  }
  Real volatile once = probe_type::a;
  CHECK(kernel::add(kernel::mul(once, once), c[0]) == 0);
}

TEST_CASE_TEMPLATE("products keep the sign of zero", Real, float, double) {
  Real volatile zero = 0;
  CHECK_FALSE(std::signbit(kernel::mul(zero, Real{2})));
  CHECK(std::signbit(kernel::mul(zero, Real{-2})));
  CHECK(std::signbit(kernel::mul(-zero, Real{2})));
}

TEST_CASE_TEMPLATE("quotients and roots are correctly rounded", Real, float, double) {
  for (int i = 1; i < 200; ++i) {
    Real volatile x = static_cast<Real>(i) / 7;
    CHECK(kernel::square_root(x) == std::sqrt(x));
    CHECK(kernel::divide(Real{1}, x) == 1 / x);
  }
}

TEST_CASE("the ReLU gives +0 for everything that is not positive") {
  for (float x : {-1.0F, -0.0F, 0.0F, std::nanf("")}) {
    CHECK(std::bit_cast<std::uint32_t>(kernel::rectified(x)) == 0);
  }
  CHECK(kernel::rectified(2.5F) == 2.5F);
}
