// The instruction sets of the CPU kernels: one register of floats per instruction set, named by xsimd's
// architecture tags and held in xsimd's registers. Only this file knows intrinsics. It includes xsimd's
// register types and none of its algorithms: they cost 0.6 s to compile, and xsimd 8.1 has no fused
// multiply-add for AVX-512.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <xsimd/config/xsimd_config.hpp>
#include <xsimd/types/xsimd_all_registers.hpp>

#include <calotype/core/config.hpp>
#include <calotype/exec/cpu.hpp>
#include <calotype/kernel/arithmetic.hpp>

namespace calotype::kernel::cpu {

// What the kernels ask of an instruction set:
//   lanes, registers          floats in a register, how many registers there are
//   load, store               any address
//   load_part, store_part     the first n lanes (0 < n < lanes); the others are +0, or left alone
//   broadcast                 one float in every lane
//   fma(a, b, c)              a b + c, rounded once
//   mul(a, b)                 rounded, and never contracted with a later addition, whatever -ffp-contract says
//   add, sub, div, sqrt       rounded
//   greater_of(a, b)          a > b ? a : b
//   select_equal(a, b, x, y)  a == b ? x : y
//   select_greater(a, b, x, y)
//   not_zero(a)               a bit for each lane, the first is the lowest
//   broadcast_word            the bits of a float in every lane
//   word_add, word_sub, word_and, word_xor(a, b), word_left, word_right(a, places)
//                             lanes as unsigned integers of 32 bits; shifts fill up with zeros
template <class Arch>
struct simd {
  static_assert(
      sizeof(Arch) == 0,
      "calotype::kernel::cpu: no kernels for this instruction set, or the compiler is not allowed to use it "
      "(-march); use xsimd::avx512f, xsimd::fma3<xsimd::avx2>, xsimd::sse2, xsimd::neon64 or "
      "exec::portable");
};

template <>
struct simd<exec::portable> {
  struct type {
    float lane[4];
  };
  static constexpr int lanes = 4;
  static constexpr int registers = 16;

  CALOTYPE_INLINE static type load(float const* p) { return {{p[0], p[1], p[2], p[3]}}; }
  CALOTYPE_INLINE static void store(float* p, type a) {
    for (int i = 0; i < lanes; ++i) p[i] = a.lane[i];
  }
  CALOTYPE_INLINE static type load_part(float const* p, int n) {
    type a{};
    for (int i = 0; i < n; ++i) a.lane[i] = p[i];
    return a;
  }
  CALOTYPE_INLINE static void store_part(float* p, type a, int n) {
    for (int i = 0; i < n; ++i) p[i] = a.lane[i];
  }
  CALOTYPE_INLINE static type broadcast(float x) { return {{x, x, x, x}}; }
  CALOTYPE_INLINE static type fma(type a, type b, type c) {
    for (int i = 0; i < lanes; ++i) c.lane[i] = kernel::fma(a.lane[i], b.lane[i], c.lane[i]);
    return c;
  }
  CALOTYPE_INLINE static type mul(type a, type b) {
    for (int i = 0; i < lanes; ++i) a.lane[i] = kernel::mul(a.lane[i], b.lane[i]);
    return a;
  }
  CALOTYPE_INLINE static type add(type a, type b) {
    for (int i = 0; i < lanes; ++i) a.lane[i] = a.lane[i] + b.lane[i];
    return a;
  }
  CALOTYPE_INLINE static type sub(type a, type b) {
    for (int i = 0; i < lanes; ++i) a.lane[i] = a.lane[i] - b.lane[i];
    return a;
  }
  CALOTYPE_INLINE static type div(type a, type b) {
    for (int i = 0; i < lanes; ++i) a.lane[i] = a.lane[i] / b.lane[i];
    return a;
  }
  CALOTYPE_INLINE static type sqrt(type a) {
    for (int i = 0; i < lanes; ++i) a.lane[i] = __builtin_sqrtf(a.lane[i]);
    return a;
  }
  CALOTYPE_INLINE static type greater_of(type a, type b) { return select_greater(a, b, a, b); }
  CALOTYPE_INLINE static type select_equal(type a, type b, type x, type y) {
    for (int i = 0; i < lanes; ++i) y.lane[i] = a.lane[i] == b.lane[i] ? x.lane[i] : y.lane[i];
    return y;
  }
  CALOTYPE_INLINE static type select_greater(type a, type b, type x, type y) {
    for (int i = 0; i < lanes; ++i) y.lane[i] = a.lane[i] > b.lane[i] ? x.lane[i] : y.lane[i];
    return y;
  }
  CALOTYPE_INLINE static unsigned not_zero(type a) {
    unsigned bits = 0;
    for (int i = 0; i < lanes; ++i) bits |= static_cast<unsigned>(a.lane[i] != 0) << i;
    return bits;
  }

  CALOTYPE_INLINE static type broadcast_word(std::uint32_t word) {
    float const x = std::bit_cast<float>(word);
    return {{x, x, x, x}};
  }
  CALOTYPE_INLINE static type word_add(type a, type b) {
    return words(a, b, [](std::uint32_t x, std::uint32_t y) { return x + y; });
  }
  CALOTYPE_INLINE static type word_sub(type a, type b) {
    return words(a, b, [](std::uint32_t x, std::uint32_t y) { return x - y; });
  }
  CALOTYPE_INLINE static type word_and(type a, type b) {
    return words(a, b, [](std::uint32_t x, std::uint32_t y) { return x & y; });
  }
  CALOTYPE_INLINE static type word_xor(type a, type b) {
    return words(a, b, [](std::uint32_t x, std::uint32_t y) { return x ^ y; });
  }
  CALOTYPE_INLINE static type word_left(type a, int places) {
    return words(a, a, [places](std::uint32_t x, std::uint32_t) { return x << places; });
  }
  CALOTYPE_INLINE static type word_right(type a, int places) {
    return words(a, a, [places](std::uint32_t x, std::uint32_t) { return x >> places; });
  }

 private:
  template <class Function>
  CALOTYPE_INLINE static type words(type a, type b, Function f) {
    for (int i = 0; i < lanes; ++i) {
      a.lane[i] = std::bit_cast<float>(
          f(std::bit_cast<std::uint32_t>(a.lane[i]), std::bit_cast<std::uint32_t>(b.lane[i])));
    }
    return a;
  }
};

namespace detail {

// Parts of registers through memory, where the instruction set has no masked moves.
template <class Simd>
struct parts_through_memory {
  template <class Register>
  CALOTYPE_INLINE static Register load(float const* p, int n) {
    alignas(64) float lane[Simd::lanes] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return Simd::load(lane);
  }
  template <class Register>
  CALOTYPE_INLINE static void store(float* p, Register a, int n) {
    alignas(64) float lane[Simd::lanes];
    Simd::store(lane, a);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};

}  // namespace detail

#if XSIMD_WITH_SSE2
// Without fused multiply-adds, which are made from exact products and sums in double.
template <>
struct simd<xsimd::sse2> {
  using type = xsimd::types::simd_register<float, xsimd::sse2>::register_type;
  static constexpr int lanes = 4;
  static constexpr int registers = 16;

  CALOTYPE_INLINE static type load(float const* p) { return _mm_loadu_ps(p); }
  CALOTYPE_INLINE static void store(float* p, type a) { _mm_storeu_ps(p, a); }
  CALOTYPE_INLINE static type load_part(float const* p, int n) {
    return detail::parts_through_memory<simd>::load<type>(p, n);
  }
  CALOTYPE_INLINE static void store_part(float* p, type a, int n) {
    detail::parts_through_memory<simd>::store(p, a, n);
  }
  CALOTYPE_INLINE static type broadcast(float x) { return _mm_set1_ps(x); }
  CALOTYPE_INLINE static type fma(type a, type b, type c) {
    type const low = _mm_cvtpd_ps(fma(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c)));
    type const high = _mm_cvtpd_ps(fma(_mm_cvtps_pd(upper(a)), _mm_cvtps_pd(upper(b)), _mm_cvtps_pd(upper(c))));
    return _mm_movelh_ps(low, high);
  }
  CALOTYPE_INLINE static type mul(type a, type b) {
    type product = _mm_mul_ps(a, b);
    asm("" : "+x"(product));
    return product;
  }
  CALOTYPE_INLINE static type add(type a, type b) { return _mm_add_ps(a, b); }
  CALOTYPE_INLINE static type sub(type a, type b) { return _mm_sub_ps(a, b); }
  CALOTYPE_INLINE static type div(type a, type b) { return _mm_div_ps(a, b); }
  CALOTYPE_INLINE static type sqrt(type a) { return _mm_sqrt_ps(a); }
  CALOTYPE_INLINE static type greater_of(type a, type b) { return _mm_max_ps(a, b); }
  CALOTYPE_INLINE static type select_equal(type a, type b, type x, type y) {
    return select(_mm_cmpeq_ps(a, b), x, y);
  }
  CALOTYPE_INLINE static type select_greater(type a, type b, type x, type y) {
    return select(_mm_cmpgt_ps(a, b), x, y);
  }
  CALOTYPE_INLINE static unsigned not_zero(type a) {
    return static_cast<unsigned>(_mm_movemask_ps(_mm_cmpneq_ps(a, _mm_setzero_ps())));
  }

  CALOTYPE_INLINE static type broadcast_word(std::uint32_t word) {
    return floats(_mm_set1_epi32(static_cast<int>(word)));
  }
  CALOTYPE_INLINE static type word_add(type a, type b) { return floats(_mm_add_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_sub(type a, type b) { return floats(_mm_sub_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_and(type a, type b) { return floats(_mm_and_si128(words(a), words(b))); }
  CALOTYPE_INLINE static type word_xor(type a, type b) { return floats(_mm_xor_si128(words(a), words(b))); }
  CALOTYPE_INLINE static type word_left(type a, int places) {
    return floats(_mm_sll_epi32(words(a), _mm_cvtsi32_si128(places)));
  }
  CALOTYPE_INLINE static type word_right(type a, int places) {
    return floats(_mm_srl_epi32(words(a), _mm_cvtsi32_si128(places)));
  }

 private:
  CALOTYPE_INLINE static __m128i words(type a) { return _mm_castps_si128(a); }
  CALOTYPE_INLINE static type floats(__m128i a) { return _mm_castsi128_ps(a); }
  CALOTYPE_INLINE static type upper(type a) { return _mm_movehl_ps(a, a); }
  CALOTYPE_INLINE static type select(type mask, type x, type y) {
    return _mm_or_ps(_mm_and_ps(mask, x), _mm_andnot_ps(mask, y));
  }
  // a b + c of three floats, rounded to odd: rounding that to float rounds a b + c once (Boldo and Melquiond,
  // "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008). The
  // product is exact, and so is the sum's error e; where there is one, the sum is cut off towards zero and its
  // last bit set.
  CALOTYPE_INLINE static __m128d fma(__m128d a, __m128d b, __m128d c) {
    __m128d const product = _mm_mul_pd(a, b), sum = _mm_add_pd(product, c), part = _mm_sub_pd(sum, product);
    __m128d const e = _mm_add_pd(_mm_sub_pd(product, _mm_sub_pd(sum, part)), _mm_sub_pd(c, part));
    __m128d const inexact =
        _mm_cmplt_pd(_mm_setzero_pd(), _mm_andnot_pd(_mm_set1_pd(-0.0), e));  // not for a NaN
    __m128i const one = _mm_srli_epi64(_mm_castpd_si128(inexact), 63);
    __m128i const beyond = _mm_and_si128(one, _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(sum, e)), 63));
    return _mm_castsi128_pd(_mm_or_si128(_mm_sub_epi64(_mm_castpd_si128(sum), beyond), one));
  }
};
#endif

#if XSIMD_WITH_FMA3_AVX2
template <>
struct simd<xsimd::fma3<xsimd::avx2>> {
  using type = xsimd::types::simd_register<float, xsimd::fma3<xsimd::avx2>>::register_type;
  static constexpr int lanes = 8;
  static constexpr int registers = 16;

  CALOTYPE_INLINE static type load(float const* p) { return _mm256_loadu_ps(p); }
  CALOTYPE_INLINE static void store(float* p, type a) { _mm256_storeu_ps(p, a); }
  CALOTYPE_INLINE static type load_part(float const* p, int n) {
    return detail::parts_through_memory<simd>::load<type>(p, n);
  }
  CALOTYPE_INLINE static void store_part(float* p, type a, int n) {
    detail::parts_through_memory<simd>::store(p, a, n);
  }
  CALOTYPE_INLINE static type broadcast(float x) { return _mm256_set1_ps(x); }
  CALOTYPE_INLINE static type fma(type a, type b, type c) { return _mm256_fmadd_ps(a, b, c); }
  CALOTYPE_INLINE static type mul(type a, type b) {
    type product = _mm256_mul_ps(a, b);
    asm("" : "+x"(product));
    return product;
  }
  CALOTYPE_INLINE static type add(type a, type b) { return _mm256_add_ps(a, b); }
  CALOTYPE_INLINE static type sub(type a, type b) { return _mm256_sub_ps(a, b); }
  CALOTYPE_INLINE static type div(type a, type b) { return _mm256_div_ps(a, b); }
  CALOTYPE_INLINE static type sqrt(type a) { return _mm256_sqrt_ps(a); }
  CALOTYPE_INLINE static type greater_of(type a, type b) { return _mm256_max_ps(a, b); }
  CALOTYPE_INLINE static type select_equal(type a, type b, type x, type y) {
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_EQ_OQ));
  }
  CALOTYPE_INLINE static type select_greater(type a, type b, type x, type y) {
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
  }
  CALOTYPE_INLINE static unsigned not_zero(type a) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_NEQ_UQ)));
  }

  CALOTYPE_INLINE static type broadcast_word(std::uint32_t word) {
    return floats(_mm256_set1_epi32(static_cast<int>(word)));
  }
  CALOTYPE_INLINE static type word_add(type a, type b) { return floats(_mm256_add_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_sub(type a, type b) { return floats(_mm256_sub_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_and(type a, type b) { return floats(_mm256_and_si256(words(a), words(b))); }
  CALOTYPE_INLINE static type word_xor(type a, type b) { return floats(_mm256_xor_si256(words(a), words(b))); }
  CALOTYPE_INLINE static type word_left(type a, int places) {
    return floats(_mm256_sll_epi32(words(a), _mm_cvtsi32_si128(places)));
  }
  CALOTYPE_INLINE static type word_right(type a, int places) {
    return floats(_mm256_srl_epi32(words(a), _mm_cvtsi32_si128(places)));
  }

 private:
  CALOTYPE_INLINE static __m256i words(type a) { return _mm256_castps_si256(a); }
  CALOTYPE_INLINE static type floats(__m256i a) { return _mm256_castsi256_ps(a); }
};
#endif

#if XSIMD_WITH_AVX512F
// Every AVX-512 architecture of xsimd: the kernels need the foundation only.
template <std::derived_from<xsimd::avx512f> Arch>
struct simd<Arch> {
  using type = xsimd::types::simd_register<float, xsimd::avx512f>::register_type;
  static constexpr int lanes = 16;
  static constexpr int registers = 32;

  CALOTYPE_INLINE static type load(float const* p) { return _mm512_loadu_ps(p); }
  CALOTYPE_INLINE static void store(float* p, type a) { _mm512_storeu_ps(p, a); }
  CALOTYPE_INLINE static type load_part(float const* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  CALOTYPE_INLINE static void store_part(float* p, type a, int n) { _mm512_mask_storeu_ps(p, first(n), a); }
  CALOTYPE_INLINE static type broadcast(float x) { return _mm512_set1_ps(x); }
  CALOTYPE_INLINE static type fma(type a, type b, type c) { return _mm512_fmadd_ps(a, b, c); }
  CALOTYPE_INLINE static type mul(type a, type b) {
    type product = _mm512_mul_ps(a, b);
    asm("" : "+v"(product));
    return product;
  }
  CALOTYPE_INLINE static type add(type a, type b) { return _mm512_add_ps(a, b); }
  CALOTYPE_INLINE static type sub(type a, type b) { return _mm512_sub_ps(a, b); }
  CALOTYPE_INLINE static type div(type a, type b) { return _mm512_div_ps(a, b); }
  CALOTYPE_INLINE static type sqrt(type a) { return _mm512_maskz_sqrt_ps(0xffff, a); }
  CALOTYPE_INLINE static type greater_of(type a, type b) { return _mm512_maskz_max_ps(0xffff, a, b); }
  CALOTYPE_INLINE static type select_equal(type a, type b, type x, type y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), y, x);
  }
  CALOTYPE_INLINE static type select_greater(type a, type b, type x, type y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x);
  }
  CALOTYPE_INLINE static unsigned not_zero(type a) {
    // Not converted as a number: g++ 12 spills 16 bits of it and may read back 64.
    return _cvtmask16_u32(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NEQ_UQ));
  }

  CALOTYPE_INLINE static type broadcast_word(std::uint32_t word) {
    return floats(_mm512_set1_epi32(static_cast<int>(word)));
  }
  CALOTYPE_INLINE static type word_add(type a, type b) { return floats(_mm512_add_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_sub(type a, type b) { return floats(_mm512_sub_epi32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_and(type a, type b) { return floats(_mm512_and_si512(words(a), words(b))); }
  CALOTYPE_INLINE static type word_xor(type a, type b) { return floats(_mm512_xor_si512(words(a), words(b))); }
  CALOTYPE_INLINE static type word_left(type a, int places) {
    return floats(_mm512_maskz_sll_epi32(0xffff, words(a), _mm_cvtsi32_si128(places)));
  }
  CALOTYPE_INLINE static type word_right(type a, int places) {
    return floats(_mm512_maskz_srl_epi32(0xffff, words(a), _mm_cvtsi32_si128(places)));
  }

 private:
  CALOTYPE_INLINE static __m512i words(type a) { return _mm512_castps_si512(a); }
  CALOTYPE_INLINE static type floats(__m512i a) { return _mm512_castsi512_ps(a); }
  CALOTYPE_INLINE static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
};
#endif

#if XSIMD_WITH_NEON64
template <>
struct simd<xsimd::neon64> {
  using type = xsimd::types::simd_register<float, xsimd::neon64>::register_type;
  static constexpr int lanes = 4;
  static constexpr int registers = 32;

  CALOTYPE_INLINE static type load(float const* p) { return vld1q_f32(p); }
  CALOTYPE_INLINE static void store(float* p, type a) { vst1q_f32(p, a); }
  CALOTYPE_INLINE static type load_part(float const* p, int n) {
    return detail::parts_through_memory<simd>::load<type>(p, n);
  }
  CALOTYPE_INLINE static void store_part(float* p, type a, int n) {
    detail::parts_through_memory<simd>::store(p, a, n);
  }
  CALOTYPE_INLINE static type broadcast(float x) { return vdupq_n_f32(x); }
  CALOTYPE_INLINE static type fma(type a, type b, type c) { return vfmaq_f32(c, a, b); }
  CALOTYPE_INLINE static type mul(type a, type b) {
    type product = vmulq_f32(a, b);
    asm("" : "+w"(product));
    return product;
  }
  CALOTYPE_INLINE static type add(type a, type b) { return vaddq_f32(a, b); }
  CALOTYPE_INLINE static type sub(type a, type b) { return vsubq_f32(a, b); }
  CALOTYPE_INLINE static type div(type a, type b) { return vdivq_f32(a, b); }
  CALOTYPE_INLINE static type sqrt(type a) { return vsqrtq_f32(a); }
  CALOTYPE_INLINE static type greater_of(type a, type b) { return select_greater(a, b, a, b); }
  CALOTYPE_INLINE static type select_equal(type a, type b, type x, type y) {
    return vbslq_f32(vceqq_f32(a, b), x, y);
  }
  CALOTYPE_INLINE static type select_greater(type a, type b, type x, type y) {
    return vbslq_f32(vcgtq_f32(a, b), x, y);
  }
  CALOTYPE_INLINE static unsigned not_zero(type a) {
    uint32x4_t const place = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(place, vceqzq_f32(a)));
  }

  CALOTYPE_INLINE static type broadcast_word(std::uint32_t word) { return floats(vdupq_n_u32(word)); }
  CALOTYPE_INLINE static type word_add(type a, type b) { return floats(vaddq_u32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_sub(type a, type b) { return floats(vsubq_u32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_and(type a, type b) { return floats(vandq_u32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_xor(type a, type b) { return floats(veorq_u32(words(a), words(b))); }
  CALOTYPE_INLINE static type word_left(type a, int places) {
    return floats(vshlq_u32(words(a), vdupq_n_s32(places)));
  }
  CALOTYPE_INLINE static type word_right(type a, int places) {
    return floats(vshlq_u32(words(a), vdupq_n_s32(-places)));
  }

 private:
  CALOTYPE_INLINE static uint32x4_t words(type a) { return vreinterpretq_u32_f32(a); }
  CALOTYPE_INLINE static type floats(uint32x4_t a) { return vreinterpretq_f32_u32(a); }
};
#endif

template <class Arch>
using vec = typename simd<Arch>::type;

// x > 0 ? x : +0
template <class Arch>
CALOTYPE_INLINE vec<Arch> rectified(vec<Arch> x) {
  return simd<Arch>::greater_of(x, simd<Arch>::broadcast(0.f));
}

// Keeps the compiler from carrying loaded values over to the next use of the pointer: registers are for
// accumulators.
CALOTYPE_INLINE float const* forget(float const* p) {
#if defined(__GNUC__)
  asm("" : "+r"(p));
#endif
  return p;
}

}  // namespace calotype::kernel::cpu
