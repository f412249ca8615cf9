// Numbers of tensor cores: against the compiler's own, and against what is meant.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cuda/number.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::number;
namespace exec = ct::exec;

// Floats of all sizes, patterns drawn at random.
template <class Check>
void for_many_floats(Check check) {
  ct::stream draw(5, 0, 3);
  for (int i = 0; i < 200'000; ++i) {
    auto const x = std::bit_cast<float>(draw());
    if (std::isfinite(x)) check(x);
    check(draw.uniform(-2.0F, 2.0F));
    check(draw.uniform(-1e-6F, 1e-6F));  // subnormal halves
    check(std::ldexp(draw.uniform(1.0F, 2.0F), 14 + static_cast<int>(i % 3)));
  }
}

// The multiple of a power of two that is next to x, for numbers of some bits.
double rounded_to(double x, int bits, int lowest, bool ties_even) {
  if (x == 0) return 0;
  int exponent = 0;
  std::frexp(x, &exponent);
  double const unit = std::ldexp(1.0, std::max(exponent - bits, lowest));
  return (ties_even ? std::nearbyint(x / unit) : std::round(x / unit)) * unit;
}

TEST_CASE("every half means what it should, and comes back") {
  using n = number<exec::fp16>;
  for (unsigned b = 0; b < 0x10000U; ++b) {
    auto const bits = static_cast<std::uint16_t>(b);
    int const exponent = static_cast<int>(b >> 10 & 31U), fraction = static_cast<int>(b & 1023U);
    float const value = n::value(bits);
    if (exponent == 31) {
      CHECK((fraction == 0 ? std::isinf(value) : std::isnan(value)));
      continue;
    }
    double const size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    REQUIRE(value == (b >> 15 ? -size : size));
    REQUIRE(n::rounded(value) == bits);
  }
}

TEST_CASE("halves: the nearest, ties to even, 65,504 at most") {
  using n = number<exec::fp16>;
  for_many_floats([](float x) {
    double const expected = std::clamp(rounded_to(x, 11, -24, true), -65504.0, 65504.0);
    REQUIRE(n::value(n::rounded(x)) == expected);
    REQUIRE(std::signbit(n::value(n::rounded(x))) == std::signbit(x));
#if defined(__x86_64__) && defined(__FLT16_MANT_DIG__)  // g++ 12 has the type for x86 only
    if (std::abs(x) < 65504) REQUIRE(n::value(n::rounded(x)) == static_cast<float>(static_cast<_Float16>(x)));
#endif
  });
  constexpr float inf = std::numeric_limits<float>::infinity();
  CHECK(n::value(n::rounded(inf)) == 65504);
  CHECK(n::value(n::rounded(-inf)) == -65504);
  CHECK(n::value(n::rounded(65519)) == 65504);
  CHECK(std::isnan(n::value(n::rounded(std::nanf("")))));
  CHECK(n::word(1.0F, -2.0F) == 0xc0003c00U);
}

TEST_CASE("bfloats: the nearest, ties to even") {
  using n = number<exec::bf16>;
  for_many_floats([](float x) {
    double const expected = rounded_to(x, 8, -133, true);
    if (std::abs(expected) > std::numeric_limits<float>::max()) {
      REQUIRE(std::isinf(n::value(n::rounded(x))));
    } else {
      REQUIRE(n::value(n::rounded(x)) == expected);
    }
  });
  CHECK(std::isnan(n::value(n::rounded(std::nanf("")))));
  CHECK(std::isinf(n::value(n::rounded(std::numeric_limits<float>::infinity()))));
  CHECK(n::word(1.0F, -2.0F) == 0xc0003f80U);
}

TEST_CASE("tf32: the nearest, ties away from zero") {
  using n = number<exec::tf32>;
  for_many_floats([](float x) {
    double const expected = rounded_to(x, 11, -136, false);
    if (std::abs(expected) > std::numeric_limits<float>::max()) {
      REQUIRE(std::isinf(n::value(n::rounded(x))));
    } else {
      REQUIRE(n::value(n::rounded(x)) == expected);
    }
  });
  CHECK(std::isnan(n::value(n::rounded(std::nanf("")))));
}

}  // namespace
