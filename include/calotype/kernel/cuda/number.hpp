// Numbers as tensor cores take them.
#pragma once

#include <bit>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace calotype::kernel {

// How numbers of a precision are kept:
//   bits          of one number
//   in_word       numbers in 32 bits
//   rounded(x)    the bits of the nearest number, ties to even (tf32: away from zero)
//   value(b)      what bits mean
//   word(x, y)    two rounded numbers, only where a word has two; Positive: neither is below 0 or NaN
// On host and device alike, bit for bit but for NaN.
template <class Precision>
struct number;

template <>
struct number<exec::fp32> {
  using bits = float;
  static constexpr int in_word = 1;
  CALOTYPE_INLINE CALOTYPE_HD static bits rounded(float x) { return x; }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) { return b; }
};

template <>
struct number<exec::tf32> {
  using bits = std::uint32_t;
  static constexpr int in_word = 1;
  CALOTYPE_INLINE CALOTYPE_HD static bits rounded(float x) {
    auto const b = std::bit_cast<std::uint32_t>(x);
    bool const finite = (b & 0x7f800000U) != 0x7f800000U;
    return finite ? (b + 0x1000U) & ~0x1fffU : b;
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) { return std::bit_cast<float>(b); }
};

template <>
struct number<exec::bf16> {
  using bits = std::uint16_t;
  static constexpr int in_word = 2;
  CALOTYPE_INLINE CALOTYPE_HD static bits rounded(float x) {
#if defined(__CUDA_ARCH__)
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
#else
    auto const b = std::bit_cast<std::uint32_t>(x);
    if ((b & 0x7fffffffU) > 0x7f800000U) return 0x7fff;
    return static_cast<bits>((b + 0x7fffU + (b >> 16 & 1U)) >> 16);
#endif
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16);
  }
  template <bool Positive = false>
  CALOTYPE_INLINE CALOTYPE_HD static std::uint32_t word(float x, float y) {
#if defined(__CUDA_ARCH__)
    __nv_bfloat162 const both = __floats2bfloat162_rn(x, y);
    return *reinterpret_cast<std::uint32_t const*>(&both);
#else
    return rounded(x) | static_cast<std::uint32_t>(rounded(y)) << 16;
#endif
  }
};

template <>
struct number<exec::fp16> {
  using bits = std::uint16_t;
  static constexpr int in_word = 2;
  static constexpr float largest = 65504;

  CALOTYPE_INLINE CALOTYPE_HD static bits rounded(float x) {
#if defined(__CUDA_ARCH__)
    return static_cast<bits>(word(x, 0.0F));
#else
    auto const b = std::bit_cast<std::uint32_t>(x);
    auto const sign = static_cast<std::uint32_t>(b >> 16 & 0x8000U);
    std::uint32_t const size = b & 0x7fffffffU;
    if (size > 0x7f800000U) return 0x7fff;
    if (size >= 0x477fe000U) return static_cast<bits>(sign | 0x7bffU);  // from 65,504 on
    if (size < 0x38800000U) {  // below 2^-14: multiples of 2^-24, as the sum with 1/2 rounds them
      auto const sum = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F);
      return static_cast<bits>(sign | (sum - 0x3f000000U));
    }
    return static_cast<bits>(sign | ((size - 0x38000000U + 0xfffU + (size >> 13 & 1U)) >> 13));
#endif
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) {
#if defined(__CUDA_ARCH__)
    return __half2float(__ushort_as_half(b));
#else
    std::uint32_t const sign = static_cast<std::uint32_t>(b & 0x8000U) << 16, size = b & 0x7fffU;
    if (size >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | size << 13);
    // as if its exponent were larger by 112, which a product takes back, exactly
    float const scaled = std::bit_cast<float>(size << 13) * 0x1p112F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
#endif
  }
  template <bool Positive = false>
  CALOTYPE_INLINE CALOTYPE_HD static std::uint32_t word(float x, float y) {
#if defined(__CUDA_ARCH__)
    __half2 both = __hmin2_nan(__floats2half2_rn(x, y), __floats2half2_rn(largest, largest));
    if constexpr (!Positive) both = __hmax2_nan(both, __floats2half2_rn(-largest, -largest));
    return *reinterpret_cast<std::uint32_t const*>(&both);
#else
    return rounded(x) | static_cast<std::uint32_t>(rounded(y)) << 16;
#endif
  }
};

// Numbers of 16 bytes, which are read and written together.
template <class Precision>
inline constexpr int in_chunk = 4 * number<Precision>::in_word;

struct alignas(16) chunk {
  std::uint32_t word[4];
};

// Number k of a chunk.
template <class Precision>
CALOTYPE_INLINE CALOTYPE_HD float chunk_number(chunk const& c, int k) {
  using n = number<Precision>;
  if constexpr (n::in_word == 1) {
    return n::value(static_cast<typename n::bits>(c.word[k]));
  } else {
    return n::value(static_cast<std::uint16_t>(c.word[k / 2] >> 16 * (k % 2)));
  }
}

// A chunk of numbers.
template <class Precision>
CALOTYPE_INLINE CALOTYPE_HD chunk chunk_of(float const (&v)[in_chunk<Precision>]) {
  using n = number<Precision>;
  chunk c;
  CALOTYPE_DEVICE_UNROLL
  for (int w = 0; w < 4; ++w) {
    if constexpr (n::in_word == 1) {
      c.word[w] = n::rounded(v[w]);
    } else {
      c.word[w] = n::word(v[2 * w], v[2 * w + 1]);
    }
  }
  return c;
}

}  // namespace calotype::kernel
