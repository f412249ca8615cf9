#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <calotype/core/half.hpp>

namespace {

namespace ct = calotype;

// The value of 16 bits with so many of exponent and fraction, as IEEE 754 defines it.
double defined(std::uint16_t bits, int exponent_bits, int fraction_bits) {
  int const exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1),
            bias = (1 << (exponent_bits - 1)) - 1;
  double const fraction = std::ldexp(bits & ((1 << fraction_bits) - 1), -fraction_bits);
  double const size =
      exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
  return bits >> 15 ? -size : size;
}

template <class Half>
void check_all(int exponent_bits, int fraction_bits) {
  int wrong = 0;
  for (std::uint32_t b = 0; b < 0x10000; ++b) {
    auto const bits = static_cast<std::uint16_t>(b);
    bool const special = (b >> fraction_bits & ((1U << exponent_bits) - 1)) == (1U << exponent_bits) - 1;
    if (special) continue;
    float const x = Half::value(bits);
    wrong += static_cast<double>(x) != defined(bits, exponent_bits, fraction_bits);
    wrong += std::signbit(x) != (b >> 15 == 1);
    wrong += Half::rounded(x) != bits;
    // Half-way to the next number goes to the even one, anything nearer to the nearer one.
    float const next = Half::value(static_cast<std::uint16_t>(bits + 1));
    if (!std::isfinite(next) || b == 0x7fff) continue;
    float const middle = x / 2 + next / 2;
    if (static_cast<double>(middle) != (static_cast<double>(x) + static_cast<double>(next)) / 2) continue;
    wrong += Half::rounded(middle) != (bits % 2 == 0 ? bits : bits + 1);
    wrong += Half::rounded(std::nextafter(middle, x)) != bits;
    wrong += Half::rounded(std::nextafter(middle, next)) != bits + 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("all numbers of 16 bits have the values of their definition, and are rounded to") {
  check_all<ct::binary16>(5, 10);
  check_all<ct::bfloat16>(8, 7);
}

TEST_CASE("what is no number or too large stays so, or becomes the largest") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(ct::binary16::value(0x7c00) == inf);
  CHECK(ct::binary16::value(0xfc00) == -inf);
  CHECK(std::isnan(ct::binary16::value(0x7c01)));
  CHECK(std::isnan(ct::binary16::value(ct::binary16::rounded(nan))));
  CHECK(std::isnan(ct::bfloat16::value(ct::bfloat16::rounded(nan))));
  CHECK(std::isnan(ct::bfloat16::value(ct::bfloat16::rounded(std::bit_cast<float>(0x7f800001U)))));
  CHECK(ct::binary16::value(ct::binary16::rounded(inf)) == ct::binary16::largest);
  CHECK(ct::binary16::value(ct::binary16::rounded(-70'000)) == -ct::binary16::largest);
  CHECK(ct::bfloat16::value(ct::bfloat16::rounded(-inf)) == -inf);
  CHECK(ct::bfloat16::value(ct::bfloat16::rounded(std::numeric_limits<float>::max())) == inf);
}

}  // namespace
