// Numbers as tensor cores take them.
#pragma once

#include <bit>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/core/half.hpp>
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
    return bfloat16::rounded(x);
#endif
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) { return bfloat16::value(b); }
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
  static constexpr float largest = binary16::largest;

  CALOTYPE_INLINE CALOTYPE_HD static bits rounded(float x) {
#if defined(__CUDA_ARCH__)
    return static_cast<bits>(word(x, 0.0F));
#else
    return binary16::rounded(x);
#endif
  }
  CALOTYPE_INLINE CALOTYPE_HD static float value(bits b) {
#if defined(__CUDA_ARCH__)
    return __half2float(__ushort_as_half(b));
#else
    return binary16::value(b);
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
