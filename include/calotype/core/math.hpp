// Elementary functions that give the same bits everywhere: scalar, SIMD lane, device, compile time.
//
// Built from correctly rounded +, -, *, /, sqrt, explicit fused multiply-adds and integer steps only; no libm.
// No product ever feeds a sum except through `fma` (or when it is exact), so `-ffp-contract` cannot change a
// bit. Every function is branch-free and written once over a number type: `number<float>` and `number<double>`
// are here, a SIMD header specialises `number` for its batches.
//
// Largest errors measured against x87 `long double` (tests/unit/core/math.cpp), in units in the last place,
// float / double:
//   exp 1.0 / 1.0   log, log1p 0.8 / 0.8   sin, cos 0.8 / 0.8   atan, atan2 1.8 / 1.8   asinh 1.6 / 1.6   sinh,
//   cosh 1.6 / 1.6   tanh 3.0 / 3.0   sigmoid 2.2 / 2.2
// Infinities, NaN and subnormals behave as in C unless a comment says otherwise; no flag or errno is set.
//
// At compile time g++ evaluates `__builtin_fma` itself; clang cannot, so `fma` is then emulated: exactly for
// float, exactly for double unless an intermediate over- or underflows (|a b| outside 2^-900 .. 2^900).
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <calotype/core/config.hpp>

namespace calotype::math {

namespace detail {

struct sum_and_error {
  double sum;
  double error;
};

// Knuth's exact sum; only for constant evaluation, where nothing is contracted.
constexpr sum_and_error two_sum(double a, double b) {
  double const s = a + b;
  double const t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

// Dekker's exact product.
constexpr sum_and_error two_product(double a, double b) {
  double const split = 134217729.0;  // 2^27 + 1
  double const ca = split * a, cb = split * b;
  double const ah = ca - (ca - a), bh = cb - (cb - b);
  double const al = a - ah, bl = b - bh;
  double const p = a * b;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

// a + b rounded to odd, which survives a second rounding (Boldo and Melquiond, IEEE TC 57 (2008) 462).
constexpr double sum_to_odd(double a, double b) {
  auto const [s, e] = two_sum(a, b);
  auto const bits = std::bit_cast<std::uint64_t>(s);
  if (e == 0 || (bits & 1) != 0) return s;
  return std::bit_cast<double>((e > 0) == (s > 0) ? bits + 1 : bits - 1);
}

constexpr bool finite(double x) { return x - x == 0; }

constexpr double constant_fma(double a, double b, double c) {
  if (!finite(a) || !finite(b) || !finite(c) || a * b == 0) return a * b + c;
  auto const product = two_product(a, b);
  auto const low = two_sum(c, product.error);
  auto const high = two_sum(product.sum, low.sum);
  double const rest = sum_to_odd(low.error, high.error);
  return rest == 0 ? high.sum : high.sum + rest;
}

constexpr float constant_fma(float a, float b, float c) {
  double const product = static_cast<double>(a) * static_cast<double>(b);  // exact
  if (!finite(product) || !finite(static_cast<double>(c)))
    return static_cast<float>(product + static_cast<double>(c));
  return static_cast<float>(sum_to_odd(product, static_cast<double>(c)));
}

// Newton's iteration from a guess by halving the exponent, then the last bit by the exact remainder.
constexpr double constant_sqrt(double x) {
  if (!(x > 0) || !finite(x)) return x == 0 || x > 0 ? x : x - x == 0 ? (x - x) / (x - x + 0.0) : x;
  double scale = 1;
  for (; x < 0x1p-500; x *= 0x1p200) scale *= 0x1p-100;
  double y = std::bit_cast<double>((std::bit_cast<std::uint64_t>(x) >> 1) + (std::uint64_t{0x3ff} << 51));
  for (int i = 0; i < 6; ++i) y = 0.5 * (y + x / y);
  return (y + constant_fma(-y, y, x) / (2 * y)) * scale;
}

}  // namespace detail

// The operations the functions below are written in. A specialisation for a batch gives the same members, with
// a batch of unsigned integers of the same width as `integer_type` (wrapping +, -, &, |, ^ and shifts by int)
// and its mask type.
template <class T>
struct number;

template <>
struct number<float> {
  using scalar_type = float;
  using integer_type = std::uint32_t;

  static constexpr CALOTYPE_HD float constant(float x) { return x; }
  static constexpr CALOTYPE_HD integer_type integer(std::uint32_t i) { return i; }
  static constexpr CALOTYPE_HD integer_type bits(float x) { return std::bit_cast<std::uint32_t>(x); }
  static constexpr CALOTYPE_HD float from_bits(integer_type i) { return std::bit_cast<float>(i); }
  static constexpr CALOTYPE_HD bool less(float a, float b) { return a < b; }
  static constexpr CALOTYPE_HD bool equal(float a, float b) { return a == b; }
  static constexpr CALOTYPE_HD bool nonzero(integer_type i) { return i != 0; }
  static constexpr CALOTYPE_HD float select(bool m, float a, float b) { return m ? a : b; }
  static constexpr CALOTYPE_HD integer_type select(bool m, integer_type a, integer_type b) { return m ? a : b; }
#if defined(__CUDA_ARCH__)
  static constexpr CALOTYPE_HD float add(float a, float b) {
    return std::is_constant_evaluated() ? a + b : __fadd_rn(a, b);
  }
  static constexpr CALOTYPE_HD float sub(float a, float b) {
    return std::is_constant_evaluated() ? a - b : __fsub_rn(a, b);
  }
  static constexpr CALOTYPE_HD float mul(float a, float b) {
    return std::is_constant_evaluated() ? a * b : __fmul_rn(a, b);
  }
  static constexpr CALOTYPE_HD float div(float a, float b) {
    return std::is_constant_evaluated() ? a / b : __fdiv_rn(a, b);
  }
  static constexpr CALOTYPE_HD float fma(float a, float b, float c) {
    return std::is_constant_evaluated() ? detail::constant_fma(a, b, c) : __fmaf_rn(a, b, c);
  }
  static constexpr CALOTYPE_HD float sqrt(float a) {
    return std::is_constant_evaluated() ? static_cast<float>(detail::constant_sqrt(static_cast<double>(a)))
                                        : __fsqrt_rn(a);
  }
#else
  static constexpr CALOTYPE_HD float add(float a, float b) { return a + b; }
  static constexpr CALOTYPE_HD float sub(float a, float b) { return a - b; }
  static constexpr CALOTYPE_HD float mul(float a, float b) { return a * b; }
  static constexpr CALOTYPE_HD float div(float a, float b) { return a / b; }
  static constexpr CALOTYPE_HD float fma(float a, float b, float c) {
    if (std::is_constant_evaluated()) return detail::constant_fma(a, b, c);
    return __builtin_fmaf(a, b, c);
  }
  static constexpr CALOTYPE_HD float sqrt(float a) {
    if (std::is_constant_evaluated()) return static_cast<float>(detail::constant_sqrt(static_cast<double>(a)));
    return __builtin_sqrtf(a);
  }
#endif
};

template <>
struct number<double> {
  using scalar_type = double;
  using integer_type = std::uint64_t;

  static constexpr CALOTYPE_HD double constant(double x) { return x; }
  static constexpr CALOTYPE_HD integer_type integer(std::uint64_t i) { return i; }
  static constexpr CALOTYPE_HD integer_type bits(double x) { return std::bit_cast<std::uint64_t>(x); }
  static constexpr CALOTYPE_HD double from_bits(integer_type i) { return std::bit_cast<double>(i); }
  static constexpr CALOTYPE_HD bool less(double a, double b) { return a < b; }
  static constexpr CALOTYPE_HD bool equal(double a, double b) { return a == b; }
  static constexpr CALOTYPE_HD bool nonzero(integer_type i) { return i != 0; }
  static constexpr CALOTYPE_HD double select(bool m, double a, double b) { return m ? a : b; }
  static constexpr CALOTYPE_HD integer_type select(bool m, integer_type a, integer_type b) { return m ? a : b; }
#if defined(__CUDA_ARCH__)
  static constexpr CALOTYPE_HD double add(double a, double b) {
    return std::is_constant_evaluated() ? a + b : __dadd_rn(a, b);
  }
  static constexpr CALOTYPE_HD double sub(double a, double b) {
    return std::is_constant_evaluated() ? a - b : __dsub_rn(a, b);
  }
  static constexpr CALOTYPE_HD double mul(double a, double b) {
    return std::is_constant_evaluated() ? a * b : __dmul_rn(a, b);
  }
  static constexpr CALOTYPE_HD double div(double a, double b) {
    return std::is_constant_evaluated() ? a / b : __ddiv_rn(a, b);
  }
  static constexpr CALOTYPE_HD double fma(double a, double b, double c) {
    return std::is_constant_evaluated() ? detail::constant_fma(a, b, c) : __fma_rn(a, b, c);
  }
  static constexpr CALOTYPE_HD double sqrt(double a) {
    return std::is_constant_evaluated() ? detail::constant_sqrt(a) : __dsqrt_rn(a);
  }
#else
  static constexpr CALOTYPE_HD double add(double a, double b) { return a + b; }
  static constexpr CALOTYPE_HD double sub(double a, double b) { return a - b; }
  static constexpr CALOTYPE_HD double mul(double a, double b) { return a * b; }
  static constexpr CALOTYPE_HD double div(double a, double b) { return a / b; }
  static constexpr CALOTYPE_HD double fma(double a, double b, double c) {
    if (std::is_constant_evaluated()) return detail::constant_fma(a, b, c);
    return __builtin_fma(a, b, c);
  }
  static constexpr CALOTYPE_HD double sqrt(double a) {
    if (std::is_constant_evaluated()) return detail::constant_sqrt(a);
    return __builtin_sqrt(a);
  }
#endif
};

namespace detail {

// c0 + x (c1 + x (c2 + ...)); the coefficients are scalars of T.
template <class T, class Scalar>
constexpr CALOTYPE_HD T horner(T, Scalar c) {
  return number<T>::constant(c);
}
template <class T, class Scalar, class... Rest>
constexpr CALOTYPE_HD T horner(T x, Scalar c, Rest... rest) {
  return number<T>::fma(horner(x, rest...), x, number<T>::constant(c));
}

// The constants of each precision, and the polynomials of tests/reference/core/polynomials.py.
template <class Scalar>
struct constants;

template <>
struct constants<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr std::uint32_t bias = 127;
  static constexpr std::uint32_t sign = 0x80000000U;
  static constexpr std::uint32_t root_half = 0x3f3504f3U;  // sqrt(1/2)
  static constexpr std::uint32_t infinity = 0x7f800000U;
  static constexpr std::uint32_t nan = 0x7fc00000U;
  static constexpr float magic = 0x1.8p23F;  // adding it rounds to an integer, kept in the low bits
  static constexpr float smallest_normal = 0x1p-126F;
  static constexpr float subnormal_scale = 0x1p23F;
  static constexpr float exp_low = -104, exp_high = 90;
  static constexpr float turn_limit = 0x1p15F;
  static constexpr float asinh_big = 0x1p13F;
  static constexpr float huge = 0x1p100F, tiny = 0x1p-100F;
  static constexpr float log2_e = 0x1.715476p+0F;
  static constexpr float ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F;
  static constexpr float two_over_pi = 0x1.45f306p-1F;
  static constexpr float pi_half_1 = 0x1.921fb6p+0F, pi_half_2 = -0x1.777a5cp-25F, pi_half_3 = -0x1.ee59dap-50F;

  template <class T>
  static constexpr CALOTYPE_HD T exp(T r) {
    return horner(r, 0x1p-1F, 0x1.55548cp-3F, 0x1.5554e4p-5F, 0x1.123d06p-7F, 0x1.6d514ep-10F);
  }
  template <class T>
  static constexpr CALOTYPE_HD T log(T z) {
    return horner(z, 0x1.55557ap-1F, 0x1.995edp-2F, 0x1.31e1a8p-2F);
  }
  template <class T>
  static constexpr CALOTYPE_HD T sin(T z) {
    return horner(z, -0x1.555546p-3F, 0x1.11077cp-7F, -0x1.9955aep-13F);
  }
  template <class T>
  static constexpr CALOTYPE_HD T cos(T z) {
    return horner(z, 0x1.55554ap-5F, -0x1.6c0c2ep-10F, 0x1.99eac2p-16F);
  }
  template <class T>
  static constexpr CALOTYPE_HD T atan(T z) {
    return horner(z, -0x1.555548p-2F, 0x1.999126p-3F, -0x1.23ae1cp-3F, 0x1.b19052p-4F, -0x1.f04748p-5F);
  }
  template <class T>
  static constexpr CALOTYPE_HD T sinh(T z) {
    return horner(z, 0x1.555556p-3F, 0x1.1110ecp-7F, 0x1.a01accp-13F, 0x1.76adcp-19F);
  }
};

template <>
struct constants<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr std::uint64_t bias = 1023;
  static constexpr std::uint64_t sign = 0x8000000000000000U;
  static constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcdU;
  static constexpr std::uint64_t infinity = 0x7ff0000000000000U;
  static constexpr std::uint64_t nan = 0x7ff8000000000000U;
  static constexpr double magic = 0x1.8p52;
  static constexpr double smallest_normal = 0x1p-1022;
  static constexpr double subnormal_scale = 0x1p52;
  static constexpr double exp_low = -746, exp_high = 711;
  static constexpr double turn_limit = 0x1p20;
  static constexpr double asinh_big = 0x1p28;
  static constexpr double huge = 0x1p900, tiny = 0x1p-900;
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
  static constexpr double pi_half_1 = 0x1.921fb54442d18p+0, pi_half_2 = 0x1.1a62633145c07p-54,
                          pi_half_3 = -0x1.f1976b7ed8fbcp-110;

  template <class T>
  static constexpr CALOTYPE_HD T exp(T r) {
    return horner(r, 0x1.000000000000cp-1, 0x1.555555555555cp-3, 0x1.555555554fe06p-5, 0x1.111111110e9eep-7,
                  0x1.6c16c18606fabp-10, 0x1.a01a01b44bb2bp-13, 0x1.a01995bb3bea8p-16, 0x1.71ddee5f22b42p-19,
                  0x1.28b0f602407a6p-22, 0x1.af6ea3fd08433p-26);
  }
  template <class T>
  static constexpr CALOTYPE_HD T log(T z) {
    return horner(z, 0x1.5555555555595p-1, 0x1.999999997f26cp-2, 0x1.249249427c47dp-2, 0x1.c71c51a26870dp-3,
                  0x1.746652b1500b2p-3, 0x1.399fd376aebe3p-3, 0x1.2f17efa94bb3cp-3);
  }
  template <class T>
  static constexpr CALOTYPE_HD T sin(T z) {
    return horner(z, -0x1.5555555555548p-3, 0x1.111111110f775p-7, -0x1.a01a019bf64fap-13, 0x1.71de3563063a5p-19,
                  -0x1.ae5e57a5f7feap-26, 0x1.5d8f1f3f89e72p-33);
  }
  template <class T>
  static constexpr CALOTYPE_HD T cos(T z) {
    return horner(z, 0x1.555555555554bp-5, -0x1.6c16c16c15046p-10, 0x1.a01a019c9697fp-16,
                  -0x1.27e4f7f80e871p-22, 0x1.1ee9e0a72f418p-29, -0x1.8fa9264b27f3cp-37);
  }
  template <class T>
  static constexpr CALOTYPE_HD T atan(T z) {
    return horner(z, -0x1.555555555553bp-2, 0x1.99999999954c3p-3, -0x1.249249229966ep-3, 0x1.c71c70df04ef9p-4,
                  -0x1.745cf8215e887p-4, 0x1.3b110ceaec1c3p-4, -0x1.10eb34d70bcc8p-4, 0x1.df0826977b624p-5,
                  -0x1.9cb3c64e96ae6p-5, 0x1.37899517e38f8p-5, -0x1.24c8a07651b97p-6);
  }
  template <class T>
  static constexpr CALOTYPE_HD T sinh(T z) {
    return horner(z, 0x1.5555555555556p-3, 0x1.111111111104p-7, 0x1.a01a01a0318d1p-13, 0x1.71de3a4056ed4p-19,
                  0x1.ae646b4ce264fp-26, 0x1.6118df9c8866ep-33, 0x1.b52eb48970b45p-41);
  }
};

template <class T>
using constants_of = constants<typename number<T>::scalar_type>;

template <class T>
constexpr CALOTYPE_HD T magnitude(T x) {
  using n = number<T>;
  return n::from_bits(n::bits(x) & n::integer(~constants_of<T>::sign));
}

// x with its sign flipped where `sign` has the top bit.
template <class T>
constexpr CALOTYPE_HD T flip(T x, typename number<T>::integer_type sign) {
  using n = number<T>;
  return n::from_bits(n::bits(x) ^ (sign & n::integer(constants_of<T>::sign)));
}

template <class T>
constexpr CALOTYPE_HD T negative(T x) {
  return flip(x, number<T>::integer(constants_of<T>::sign));
}

// 2^extra e^x, with one rounding on under- and overflow. The last two products are by powers of two.
template <class T>
constexpr CALOTYPE_HD T exp_scaled(T x, typename number<T>::scalar_type extra) {
  using n = number<T>;
  using c = constants_of<T>;
  T const low = n::select(n::less(x, n::constant(c::exp_low)), n::constant(c::exp_low), x);
  T const clamped = n::select(n::less(n::constant(c::exp_high), low), n::constant(c::exp_high), low);
  T const shifted = n::fma(clamped, n::constant(c::log2_e), n::constant(c::magic));
  T const k = n::sub(shifted, n::constant(c::magic));
  T const r = n::fma(k, n::constant(-c::ln2_low), n::fma(k, n::constant(-c::ln2_high), clamped));
  T const power = n::add(n::constant(1), n::fma(n::mul(r, r), c::exp(r), r));
  // k + extra + 2 bias, split in two halves that are both exponents of normal numbers
  auto const exponent =
      n::bits(n::add(shifted, n::constant(extra))) - n::bits(n::constant(c::magic)) + n::integer(2 * c::bias);
  auto const half = exponent >> 1;
  return n::mul(n::mul(power, n::from_bits(half << c::mantissa_bits)),
                n::from_bits((exponent - half) << c::mantissa_bits));
}

// log(w + c) + extra ln 2 for normal w > 0 and a correction c far below w.
template <class T>
constexpr CALOTYPE_HD T log_core(T w, T correction, T extra) {
  using n = number<T>;
  using c = constants_of<T>;
  // w = 2^k m with m in [sqrt(1/2), sqrt(2))
  auto const rebased = n::bits(w) - n::integer(c::root_half) + n::integer(c::bias << c::mantissa_bits);
  auto const exponent = (rebased >> c::mantissa_bits) - n::integer(c::bias);
  T const m = n::from_bits(n::bits(w) - (exponent << c::mantissa_bits));
  T const k =
      n::add(n::sub(n::from_bits(n::bits(n::constant(c::magic)) + exponent), n::constant(c::magic)), extra);
  T const f = n::sub(m, n::constant(1));
  T const s = n::div(f, n::add(f, n::constant(2)));
  T const z = n::mul(s, s);
  T const half = n::mul(n::constant(typename n::scalar_type(0.5)), f);
  // f - (f^2/2 - (s (f^2/2 + z p) + k ln2_low + c/w)) + k ln2_high, the order of magnitudes from small to large
  T const low = n::fma(k, n::constant(c::ln2_low), n::div(correction, w));
  T const rest = n::fma(s, n::fma(z, c::log(z), n::mul(half, f)), low);
  T const bend = n::fma(half, f, negative(rest));
  return n::fma(k, n::constant(c::ln2_high), n::sub(f, bend));
}

template <class T>
struct turn {
  T angle;  // in [-pi/4, pi/4], high and low part
  T low;
  typename number<T>::integer_type quarter;
};

// x >= 0 less the nearest multiple of pi/2.
template <class T>
constexpr CALOTYPE_HD turn<T> reduce(T x) {
  using n = number<T>;
  using c = constants_of<T>;
  T const shifted = n::fma(x, n::constant(c::two_over_pi), n::constant(c::magic));
  T const k = negative(n::sub(shifted, n::constant(c::magic)));
  T const first = n::fma(k, n::constant(c::pi_half_1), x);  // exact
  // first + k pi_half_2 as an exact sum (Knuth) of an exact product; adding +0 keeps the product from being
  // contracted
  T const product = n::fma(k, n::constant(c::pi_half_2), n::constant(0));
  T const rest = n::fma(k, n::constant(c::pi_half_2), negative(product));
  T const angle = n::add(first, product);
  T const part = n::sub(angle, first);
  T const error = n::add(n::add(n::sub(first, n::sub(angle, part)), n::sub(product, part)), rest);
  return {angle, n::fma(k, n::constant(c::pi_half_3), error), n::bits(shifted)};
}

template <class T>
constexpr CALOTYPE_HD T sin_core(T r, T low) {
  using n = number<T>;
  using c = constants_of<T>;
  T const z = n::mul(r, r);
  T const half = n::mul(n::constant(typename n::scalar_type(-0.5)), z);
  return n::add(r, n::fma(n::mul(r, z), c::sin(z), n::fma(half, low, low)));
}

template <class T>
constexpr CALOTYPE_HD T cos_core(T r, T low) {
  using n = number<T>;
  using c = constants_of<T>;
  T const z = n::mul(r, r);
  T const minus_half = n::constant(typename n::scalar_type(-0.5));
  T const w = n::fma(minus_half, z, n::constant(1));
  T const error = n::fma(minus_half, z, n::sub(n::constant(1), w));
  return n::add(w, n::fma(negative(r), low, n::fma(n::mul(z, z), c::cos(z), error)));
}

// atan(a / b) for 0 <= a <= b, b > 0.
template <class T>
constexpr CALOTYPE_HD T atan_ratio(T a, T b) {
  using n = number<T>;
  using c = constants_of<T>;
  using scalar = typename n::scalar_type;
  auto const steep = n::less(n::mul(b, n::constant(scalar(0.41421356237309503))), a);
  T const t = n::div(n::select(steep, n::sub(a, b), a), n::select(steep, n::add(a, b), b));
  T const z = n::mul(t, t);
  T const base = n::select(steep, n::constant(c::pi_half_1 / 2), n::constant(0));
  T const low = n::select(steep, n::constant(c::pi_half_2 / 2), n::constant(0));
  return n::add(base, n::add(t, n::fma(n::mul(t, z), c::atan(z), low)));
}

template <class T>
constexpr CALOTYPE_HD T quiet_nan() {
  using n = number<T>;
  return n::from_bits(n::integer(constants_of<T>::nan));
}

}  // namespace detail

inline constexpr double pi = 3.141592653589793;

// a b + c with one rounding; the only way a product may enter a sum where bits are promised.
template <class T>
constexpr CALOTYPE_HD T fma(T a, T b, T c) {
  return number<T>::fma(a, b, c);
}

template <class T>
constexpr CALOTYPE_HD T sqrt(T x) {
  return number<T>::sqrt(x);
}

template <class T>
constexpr CALOTYPE_HD T abs(T x) {
  return detail::magnitude(x);
}

template <class T>
constexpr CALOTYPE_HD T exp(T x) {
  return detail::exp_scaled(x, 0);
}

// Natural logarithm: -infinity at 0, NaN below.
template <class T>
constexpr CALOTYPE_HD T log(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  using scalar = typename n::scalar_type;
  auto const subnormal = n::less(x, n::constant(c::smallest_normal));
  T const w = n::select(subnormal, n::mul(x, n::constant(c::subnormal_scale)), x);
  T const extra = n::select(subnormal, n::constant(scalar(-c::mantissa_bits)), n::constant(0));
  T const infinity = n::from_bits(n::integer(c::infinity));
  T y = detail::log_core(w, n::constant(0), extra);
  y = n::select(n::less(x, infinity), y, x);  // +infinity and NaN
  y = n::select(n::equal(x, n::constant(0)), detail::negative(infinity), y);
  return n::select(n::less(x, n::constant(0)), detail::quiet_nan<T>(), y);
}

// log(1 + x), accurate near 0.
template <class T>
constexpr CALOTYPE_HD T log1p(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  T const one = n::constant(1);
  T const w = n::add(one, x);
  T const b = n::sub(w, one);
  T const correction = n::add(n::sub(one, n::sub(w, b)), n::sub(x, b));
  T const infinity = n::from_bits(n::integer(c::infinity));
  T y = detail::log_core(w, correction, n::constant(0));
  y = n::select(n::less(x, infinity), y, x);
  y = n::select(n::equal(w, n::constant(0)), detail::negative(infinity), y);
  return n::select(n::less(w, n::constant(0)), detail::quiet_nan<T>(), y);
}

template <class T>
struct sine_cosine {
  T sin;
  T cos;
};

// Both at the price of one and a half. |x| <= 2^15 (float), 2^20 (double); NaN beyond.
template <class T>
constexpr CALOTYPE_HD sine_cosine<T> sincos(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  T const size = detail::magnitude(x);
  auto const turn = detail::reduce(size);
  T const s = detail::sin_core(turn.angle, turn.low);
  T const k = detail::cos_core(turn.angle, turn.low);
  auto const odd = n::nonzero(turn.quarter & n::integer(1));
  // bit 1 of the quarter, moved to the sign
  constexpr int to_sign = static_cast<int>(8 * sizeof(typename n::scalar_type)) - 2;
  auto const sign_sin = (turn.quarter << to_sign) ^ n::bits(x);
  auto const sign_cos = (turn.quarter + n::integer(1)) << to_sign;
  auto const inside = n::less(size, n::constant(c::turn_limit));
  T const nan = detail::quiet_nan<T>();
  return {n::select(inside, detail::flip(n::select(odd, k, s), sign_sin), nan),
          n::select(inside, detail::flip(n::select(odd, s, k), sign_cos), nan)};
}

template <class T>
constexpr CALOTYPE_HD T sin(T x) {
  return sincos(x).sin;
}

template <class T>
constexpr CALOTYPE_HD T cos(T x) {
  return sincos(x).cos;
}

template <class T>
constexpr CALOTYPE_HD T atan(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  using scalar = typename n::scalar_type;
  T const size = detail::magnitude(x);
  T const one = n::constant(1);
  // atan(x) above tan(3 pi/8): pi/2 - atan(1/x); in between: pi/4 + atan((x - 1)/(x + 1))
  auto const steep = n::less(n::constant(scalar(2.414213562373095)), size);
  auto const middle = n::less(n::constant(scalar(0.41421356237309503)), size);
  T const numerator = n::select(steep, n::constant(-1), n::select(middle, n::sub(size, one), size));
  T const denominator = n::select(steep, size, n::select(middle, n::add(size, one), one));
  T const t = n::div(numerator, denominator);
  T const z = n::mul(t, t);
  T const base = n::select(steep, n::constant(c::pi_half_1),
                           n::select(middle, n::constant(c::pi_half_1 / 2), n::constant(0)));
  T const low = n::select(steep, n::constant(c::pi_half_2),
                          n::select(middle, n::constant(c::pi_half_2 / 2), n::constant(0)));
  return detail::flip(n::add(base, n::add(t, n::fma(n::mul(t, z), c::atan(z), low))), n::bits(x));
}

// The angle of (x, y) in [-pi, pi], zeros and infinities as in C.
template <class T>
constexpr CALOTYPE_HD T atan2(T y, T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  T const ax = detail::magnitude(x), ay = detail::magnitude(y);
  auto const upright = n::less(ax, ay);
  T const large = n::select(upright, ay, ax), lesser = n::select(upright, ax, ay);
  // keep sums and products in range; two infinities count as equal
  T const infinity = n::from_bits(n::integer(c::infinity));
  T const scale =
      n::select(n::less(large, n::constant(c::tiny)), n::constant(c::huge),
                n::select(n::less(n::constant(c::huge), large), n::constant(c::tiny), n::constant(1)));
  T const b = n::select(n::equal(large, n::constant(0)), n::constant(1),
                        n::select(n::equal(lesser, infinity), n::constant(1), n::mul(large, scale)));
  T const a = n::select(n::equal(lesser, infinity), n::constant(1), n::mul(lesser, scale));
  T const first = detail::atan_ratio(a, b);
  auto const left = n::nonzero(n::bits(x) & n::integer(c::sign));
  auto const plus = n::integer(0), minus = n::integer(c::sign);
  T const zero = n::constant(0);
  T const base =
      n::select(upright, n::constant(c::pi_half_1), n::select(left, n::constant(2 * c::pi_half_1), zero));
  T const low =
      n::select(upright, n::constant(c::pi_half_2), n::select(left, n::constant(2 * c::pi_half_2), zero));
  T const turned =
      detail::flip(first, n::select(upright, n::select(left, plus, minus), n::select(left, minus, plus)));
  return detail::flip(n::add(base, n::add(turned, low)), n::bits(y));
}

template <class T>
constexpr CALOTYPE_HD T asinh(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  T const size = detail::magnitude(x);
  T const one = n::constant(1);
  auto const big = n::less(n::constant(c::asinh_big), size);
  // log(1 + u) with u = x + x^2 / (1 + sqrt(x^2 + 1)); log(2 x) where the rest is below half an ulp
  T const inner = n::select(big, one, size);
  T const root = n::sqrt(n::fma(inner, inner, one));
  T const u = n::fma(inner, n::div(inner, n::add(one, root)), inner);
  T const w = n::add(one, u);
  T const b = n::sub(w, one);
  T const correction = n::add(n::sub(one, n::sub(w, b)), n::sub(u, b));
  T y = detail::log_core(n::select(big, size, w), n::select(big, n::constant(0), correction),
                         n::select(big, one, n::constant(0)));
  T const infinity = n::from_bits(n::integer(c::infinity));
  y = n::select(n::less(size, infinity), y, size);
  return detail::flip(y, n::bits(x));
}

template <class T>
constexpr CALOTYPE_HD T sinh(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  T const size = detail::magnitude(x);
  T const half = detail::exp_scaled(size, -1);  // e^x / 2
  T const large = n::sub(half, n::div(n::constant(typename n::scalar_type(0.25)), half));
  T const lesser = n::select(n::less(size, n::constant(1)), size, n::constant(1));
  T const z = n::mul(lesser, lesser);
  T const y = n::select(n::less(size, n::constant(1)), n::fma(n::mul(lesser, z), c::sinh(z), lesser), large);
  return detail::flip(y, n::bits(x));
}

template <class T>
constexpr CALOTYPE_HD T cosh(T x) {
  using n = number<T>;
  T const half = detail::exp_scaled(detail::magnitude(x), -1);
  return n::add(half, n::div(n::constant(typename n::scalar_type(0.25)), half));
}

template <class T>
constexpr CALOTYPE_HD T tanh(T x) {
  using n = number<T>;
  using c = detail::constants_of<T>;
  using scalar = typename n::scalar_type;
  T const size = detail::magnitude(x), one = n::constant(1);
  T const q = exp(detail::negative(size));
  // (1 - q^2) / (1 + q^2); near 0 the numerator is 2 q sinh
  auto const low = n::less(size, one);
  T const a = n::select(low, size, one);
  T const z = n::mul(a, a);
  T const sinh = n::fma(n::mul(a, z), c::sinh(z), a);
  T const top =
      n::select(low, n::mul(n::mul(n::constant(scalar(2)), q), sinh), n::fma(detail::negative(q), q, one));
  return detail::flip(n::div(top, n::fma(q, q, one)), n::bits(x));
}

// 1 / (1 + e^-x).
template <class T>
constexpr CALOTYPE_HD T sigmoid(T x) {
  using n = number<T>;
  T const one = n::constant(1);
  T const e = exp(detail::negative(detail::magnitude(x)));  // never overflows
  return n::div(n::select(n::less(x, n::constant(0)), e, one), n::add(one, e));
}

// A float or double whose arithmetic is never contracted, so that formulas may be written as they are printed:
// each operation rounds once, whatever -ffp-contract says. (A product is an fma with +0, so it is never -0.)
template <class T>
struct strict {
  T value = 0;

  constexpr strict() = default;
  constexpr CALOTYPE_HD strict(T x) : value(x) {}
  constexpr CALOTYPE_HD explicit operator float() const { return static_cast<float>(value); }
  constexpr CALOTYPE_HD explicit operator double() const { return static_cast<double>(value); }
  // Towards zero.
  constexpr CALOTYPE_HD explicit operator int() const { return static_cast<int>(value); }

  friend constexpr CALOTYPE_HD strict operator+(strict a, strict b) { return number<T>::add(a.value, b.value); }
  friend constexpr CALOTYPE_HD strict operator-(strict a, strict b) { return number<T>::sub(a.value, b.value); }
  friend constexpr CALOTYPE_HD strict operator*(strict a, strict b) {
    return number<T>::fma(a.value, b.value, T(0));
  }
  friend constexpr CALOTYPE_HD strict operator/(strict a, strict b) { return number<T>::div(a.value, b.value); }
  friend constexpr CALOTYPE_HD strict operator-(strict a) { return strict(-a.value); }
  constexpr CALOTYPE_HD strict& operator+=(strict b) { return *this = *this + b; }
  constexpr CALOTYPE_HD strict& operator-=(strict b) { return *this = *this - b; }
  constexpr CALOTYPE_HD strict& operator*=(strict b) { return *this = *this * b; }
  friend constexpr CALOTYPE_HD bool operator<(strict a, strict b) { return a.value < b.value; }
  friend constexpr CALOTYPE_HD bool operator>(strict a, strict b) { return a.value > b.value; }
  friend constexpr CALOTYPE_HD bool operator<=(strict a, strict b) { return a.value <= b.value; }
  friend constexpr CALOTYPE_HD bool operator>=(strict a, strict b) { return a.value >= b.value; }
  friend constexpr CALOTYPE_HD bool operator==(strict a, strict b) { return a.value == b.value; }
};

template <class T>
constexpr CALOTYPE_HD strict<T> sqrt(strict<T> x) {
  return sqrt(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> abs(strict<T> x) {
  return abs(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> exp(strict<T> x) {
  return exp(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> log(strict<T> x) {
  return log(x.value);
}
template <class T>
constexpr CALOTYPE_HD sine_cosine<strict<T>> sincos(strict<T> x) {
  auto const [s, c] = sincos(x.value);
  return {s, c};
}
template <class T>
constexpr CALOTYPE_HD strict<T> atan(strict<T> x) {
  return atan(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> atan2(strict<T> y, strict<T> x) {
  return atan2(y.value, x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> asinh(strict<T> x) {
  return asinh(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> sinh(strict<T> x) {
  return sinh(x.value);
}
template <class T>
constexpr CALOTYPE_HD strict<T> cosh(strict<T> x) {
  return cosh(x.value);
}

}  // namespace calotype::math
