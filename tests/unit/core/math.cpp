#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <calotype/core/math.hpp>

namespace {

namespace math = calotype::math;

// Compile time gives the bits of run time.
static_assert(math::exp(0.0) == 1.0 && math::log(1.0) == 0.0 && math::sin(0.0) == 0.0 && math::cos(0.0) == 1.0);
static_assert(math::sqrt(2.0) == 1.4142135623730951 && math::sqrt(2.0F) == 1.41421356F);
static_assert(math::fma(0x1.0000000000001p0, 0x1.fffffffffffffp-1, -1.0) == 0x1.ffffffffffffep-54);

// |got - want| in units of the last place of the result.
template <class T>
double ulps(T got, long double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  T const nearest = static_cast<T>(want);
  if (std::isinf(nearest) || std::isinf(got))
    return got == nearest ? 0 : std::numeric_limits<double>::infinity();
  int exponent = 0;
  std::frexp(want == 0 ? static_cast<long double>(std::numeric_limits<T>::min()) : want, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  long double const ulp = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / ulp);
}

// Every sign and exponent, with mantissas that a fixed stride spreads over all their bits.
template <class T, class Visit>
void all_exponents(int per_exponent, Visit visit) {
  using bits_type = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr int mantissa_bits = std::numeric_limits<T>::digits - 1;
  bits_type const exponents = bits_type{1} << (8 * sizeof(T) - static_cast<unsigned>(mantissa_bits));
  bits_type const mask = (bits_type{1} << mantissa_bits) - 1;
  bits_type const stride = static_cast<bits_type>(0x9e3779b97f4a7c15ULL) | 1;
  bits_type mantissa = 0;
  for (bits_type e = 0; e < exponents; ++e) {
    for (int i = 0; i < per_exponent; ++i) {
      visit(std::bit_cast<T>((e << mantissa_bits) | (mantissa & mask)));
      mantissa += stride;
    }
  }
}

template <class T, class Visit>
void evenly(T low, T high, int count, Visit visit) {
  for (int i = 0; i <= count; ++i) visit(low + (high - low) * static_cast<T>(i) / static_cast<T>(count));
}

template <class T>
constexpr int per_exponent = sizeof(T) == 4 ? 8000 : 500;

template <class T, class Got, class Want>
double worst(Got got, Want want, T limit = std::numeric_limits<T>::infinity()) {
  double error = 0;
  auto const visit = [&](T x) {
    if (std::fabs(x) > limit) return;
    error = std::max(error, ulps<T>(got(x), want(static_cast<long double>(x))));
  };
  all_exponents<T>(per_exponent<T>, visit);
  evenly<T>(T(-110), T(110), 200'000, visit);
  evenly<T>(T(-2), T(2), 200'000, visit);
  evenly<T>(T(0.9), T(1.1), 200'000, visit);
  return error;
}

}  // namespace

TEST_CASE_TEMPLATE("elementary functions stay within their stated error", T, float, double) {
  T const turn = sizeof(T) == 4 ? T(32767) : T(1048575);
  double const exp = worst<T>([](T x) { return math::exp(x); }, [](long double x) { return std::exp(x); });
  double const log = worst<T>([](T x) { return math::log(x); }, [](long double x) { return std::log(x); });
  double const log1p =
      worst<T>([](T x) { return math::log1p(x); }, [](long double x) { return std::log1p(x); });
  double const sin =
      worst<T>([](T x) { return math::sin(x); }, [](long double x) { return std::sin(x); }, turn);
  double const cos =
      worst<T>([](T x) { return math::cos(x); }, [](long double x) { return std::cos(x); }, turn);
  double const atan = worst<T>([](T x) { return math::atan(x); }, [](long double x) { return std::atan(x); });
  double const asinh =
      worst<T>([](T x) { return math::asinh(x); }, [](long double x) { return std::asinh(x); });
  double const sinh = worst<T>([](T x) { return math::sinh(x); }, [](long double x) { return std::sinh(x); });
  double const cosh = worst<T>([](T x) { return math::cosh(x); }, [](long double x) { return std::cosh(x); });
  double const tanh = worst<T>([](T x) { return math::tanh(x); }, [](long double x) { return std::tanh(x); });
  double const sigmoid =
      worst<T>([](T x) { return math::sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); });
  MESSAGE("ulp: exp " << exp << " log " << log << " log1p " << log1p << " sin " << sin << " cos " << cos
                      << " atan " << atan << " asinh " << asinh << " sinh " << sinh << " cosh " << cosh
                      << " tanh " << tanh << " sigmoid " << sigmoid);
  CHECK(exp < 1.0);
  CHECK(log < 0.8);
  CHECK(log1p < 0.8);
  CHECK(sin < 0.8);
  CHECK(cos < 0.8);
  CHECK(atan < 1.8);
  CHECK(asinh < 1.6);
  CHECK(sinh < 1.6);
  CHECK(cosh < 1.6);
  CHECK(tanh < 3);
  CHECK(sigmoid < 2.2);
}

TEST_CASE_TEMPLATE("atan2 in all quadrants", T, float, double) {
  double error = 0;
  all_exponents<T>(sizeof(T) == 4 ? 40 : 4, [&](T y) {
    for (T x : {T(1), T(-1), T(3e-5), T(-7e10), y, T(y * T(0.41421356)), T(-y * T(1.7))}) {
      error = std::max(error, ulps<T>(math::atan2(y, x),
                                      std::atan2(static_cast<long double>(y), static_cast<long double>(x))));
    }
  });
  evenly<T>(T(-4), T(4), 2000, [&](T y) {
    evenly<T>(T(-4), T(4), 200, [&](T x) {
      error = std::max(error, ulps<T>(math::atan2(y, x),
                                      std::atan2(static_cast<long double>(y), static_cast<long double>(x))));
    });
  });
  MESSAGE("ulp: atan2 " << error);
  CHECK(error < 1.8);
}

TEST_CASE_TEMPLATE("edges behave as in C", T, float, double) {
  T const inf = std::numeric_limits<T>::infinity();
  T const nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(math::exp(-inf) == 0);
  CHECK(math::exp(inf) == inf);
  CHECK(math::log(T(0)) == -inf);
  CHECK(math::log(inf) == inf);
  CHECK(std::isnan(math::log(T(-1))));
  CHECK(math::log1p(T(-1)) == -inf);
  CHECK(std::isnan(math::log1p(T(-2))));
  CHECK(std::isnan(math::sin(inf)));
  CHECK(std::isnan(math::cos(T(2e6))));
  CHECK(math::atan(-inf) == static_cast<T>(-math::pi / 2));
  CHECK(math::asinh(-inf) == -inf);
  CHECK(math::sinh(-inf) == -inf);
  CHECK(math::cosh(-inf) == inf);
  for (T x : {T(0), -T(0)}) {
    CHECK(std::signbit(math::sin(x)) == std::signbit(x));
    CHECK(std::signbit(math::atan(x)) == std::signbit(x));
    CHECK(std::signbit(math::asinh(x)) == std::signbit(x));
    CHECK(std::signbit(math::sinh(x)) == std::signbit(x));
  }
  for (T y : {T(0), -T(0), T(1), inf, -inf}) {
    for (T x : {T(0), -T(0), T(1), T(-1), inf, -inf}) {
      CHECK(math::atan2(y, x) ==
            static_cast<T>(std::atan2(static_cast<long double>(y), static_cast<long double>(x))));
    }
  }
  CHECK(std::isnan(math::exp(nan)));
  CHECK(std::isnan(math::log(nan)));
  CHECK(std::isnan(math::log1p(nan)));
  CHECK(std::isnan(math::sin(nan)));
  CHECK(std::isnan(math::atan(nan)));
  CHECK(std::isnan(math::atan2(nan, T(1))));
  CHECK(std::isnan(math::atan2(T(1), nan)));
  CHECK(std::isnan(math::asinh(nan)));
  CHECK(std::isnan(math::sinh(nan)));
}

TEST_CASE("the emulated fma and sqrt of constant evaluation equal the machine's") {
  std::uint64_t state = 1;
  auto const next = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return state;
  };
  int wrong = 0;
  for (int i = 0; i < 300'000; ++i) {
    // exponents close together, so that cancellation and rounding ties happen
    auto const draw = [&] {
      return std::bit_cast<double>((next() & 0x800fffffffffffffULL) | ((1003 + (next() >> 40) % 40) << 52));
    };
    double const a = draw(), b = draw();
    double const c = (i & 1) != 0 ? draw() : -a * b * (1 + 0x1p-52 * static_cast<double>(next() >> 62));
    wrong += math::detail::constant_fma(a, b, c) != __builtin_fma(a, b, c);
    auto const af = static_cast<float>(a), bf = static_cast<float>(b), cf = static_cast<float>(c);
    wrong += math::detail::constant_fma(af, bf, cf) != __builtin_fmaf(af, bf, cf);
    wrong += math::detail::constant_sqrt(std::fabs(a)) != std::sqrt(std::fabs(a));
    wrong += static_cast<float>(math::detail::constant_sqrt(std::fabs(static_cast<double>(af)))) !=
             std::sqrt(std::fabs(af));
  }
  CHECK(wrong == 0);
}

TEST_CASE("the same bits for every contraction mode, instruction set and compiler") {
  // FNV-1a over the results; the constant was the same from g++ 12 and clang 19, -O0 and -O3, -march=x86-64,
  // x86-64-v3 and native, -ffp-contract=off and fast.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  auto const add = [&]<class T>(T y) {
    if (std::isnan(y)) y = std::numeric_limits<T>::quiet_NaN();
    for (unsigned char byte : std::bit_cast<std::array<unsigned char, sizeof(T)>>(y))
      hash = (hash ^ byte) * 0x100000001b3ULL;
  };
  auto const visit = [&](auto x) {
    add(math::exp(x));
    add(math::log(x));
    add(math::log1p(x));
    add(math::sin(x));
    add(math::cos(x));
    add(math::atan(x));
    add(math::asinh(x));
    add(math::sinh(x));
    add(math::cosh(x));
    add(math::atan2(x, decltype(x)(-0.7)));
  };
  all_exponents<float>(20, visit);
  all_exponents<double>(4, visit);
  CHECK(hash == 15797730245615643617ULL);
}

TEST_CASE_TEMPLATE("strict numbers round every operation", T, float, double) {
  using real = math::strict<T>;
  T const eps = std::numeric_limits<T>::epsilon();
  real const a = 1 + eps, b = 1 - eps, c = -1;
  // 1 - eps^2 rounds to 1 before the sum; a contracted product would leave -eps^2
  CHECK((a * b + c).value == 0);
  CHECK((a * b - real(1)).value == 0);
  CHECK(static_cast<int>(real(T(-2.7))) == -2);
  CHECK((2 * a / a - 1).value == 1);
}
