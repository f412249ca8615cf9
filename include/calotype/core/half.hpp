// Numbers of 16 bits: binary16 of IEEE 754 ("F16" in files) and bfloat16 ("BF16").
#pragma once

#include <bit>
#include <cstdint>

#include <calotype/core/config.hpp>

namespace calotype {

// Both have the same functions, with the same bits on every machine:
//   rounded(x)   the bits of the nearest number, ties to even; a NaN becomes 0x7fff
//   value(b)     what bits mean, exactly
// Of binary16, numbers beyond the largest, infinity among them, are rounded to the largest.
struct binary16 {
  static constexpr float largest = 65504;

  CALOTYPE_INLINE CALOTYPE_HD static std::uint16_t rounded(float x) {
    auto const b = std::bit_cast<std::uint32_t>(x);
    auto const sign = static_cast<std::uint32_t>(b >> 16 & 0x8000U);
    std::uint32_t const size = b & 0x7fffffffU;
    if (size > 0x7f800000U) return 0x7fff;
    if (size >= 0x477fe000U) return static_cast<std::uint16_t>(sign | 0x7bffU);  // from 65,504 on
    if (size < 0x38800000U) {  // below 2^-14: multiples of 2^-24, as the sum with 1/2 rounds them
      auto const sum = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F);
      return static_cast<std::uint16_t>(sign | (sum - 0x3f000000U));
    }
    return static_cast<std::uint16_t>(sign | ((size - 0x38000000U + 0xfffU + (size >> 13 & 1U)) >> 13));
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(std::uint16_t b) {
    std::uint32_t const sign = static_cast<std::uint32_t>(b & 0x8000U) << 16, size = b & 0x7fffU;
    if (size >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | size << 13);
    if (size >= 0x400U) return std::bit_cast<float>(sign | ((size << 13) + 0x38000000U));
    float const subnormal = static_cast<float>(size) * 0x1p-24F;  // below 2^-14, exactly
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
  }
};

struct bfloat16 {
  CALOTYPE_INLINE CALOTYPE_HD static std::uint16_t rounded(float x) {
    auto const b = std::bit_cast<std::uint32_t>(x);
    if ((b & 0x7fffffffU) > 0x7f800000U) return 0x7fff;
    return static_cast<std::uint16_t>((b + 0x7fffU + (b >> 16 & 1U)) >> 16);
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(std::uint16_t b) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16);
  }
};

}  // namespace calotype
