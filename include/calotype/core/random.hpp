// Counter-based random numbers: number i of stream (seed, event, purpose) is a pure function of these four.
//
// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11,
// doi:10.1145/2063384.2063405). Nothing is shared between streams, so events come out the same on any number of
// threads, in any order, on host and device.
#pragma once

#include <array>
#include <cstdint>

#include <calotype/core/math.hpp>

namespace calotype {

// One block of four 32-bit words from a 128-bit counter and a 64-bit key.
constexpr CALOTYPE_HD std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                          std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t const a = std::uint64_t{0xD2511F53U} * counter[0];
    std::uint64_t const b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}

// The standard normal quantile of p in (0, 1), |error| < 2e-5: one word, one normal number. Giles,
// "Approximating the erfinv function", GPU Computing Gems Jade (2011), single precision.
constexpr CALOTYPE_HD float normal_quantile(float p) {
  float const x = math::fma(2.0F, p, -1.0F);
  float const w = -math::log(math::fma(-x, x, 1.0F));
  float const centre =
      math::detail::horner(w - 2.5F, 1.50140941F, 0.246640727F, -0.00417768164F, -0.00125372503F,
                           0.00021858087F, -4.39150654e-06F, -3.5233877e-06F, 3.43273939e-07F, 2.81022636e-08F);
  float const tail =
      math::detail::horner(math::sqrt(w) - 3.0F, 2.83297682F, 1.00167406F, 0.00943887047F, -0.0076224613F,
                           0.00573950773F, -0.00367342844F, 0.00134934322F, 0.000100950558F, -0.000200214257F);
  return math::fma(1.41421356F * x, w < 5.0F ? centre : tail, 0.0F);
}

// A sequence of random numbers named by (seed, event, purpose); different names give independent sequences.
// Copies continue independently from the same place. Models std::uniform_random_bit_generator; 2^34 words long.
class stream {
 public:
  using result_type = std::uint32_t;

  constexpr CALOTYPE_HD stream(std::uint64_t seed, std::uint64_t event, std::uint32_t purpose)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, purpose, static_cast<std::uint32_t>(event), static_cast<std::uint32_t>(event >> 32)} {}

  static constexpr CALOTYPE_HD result_type min() { return 0; }
  static constexpr CALOTYPE_HD result_type max() { return 0xffffffffU; }

  constexpr CALOTYPE_HD result_type operator()() {
    if (next_ == 4) {
      words_ = philox(counter_, key_);
      ++counter_[0];
      next_ = 0;
    }
    return words_[next_++];
  }

  // Uniform in the open interval (0, 1): multiples of 2^-24 (float) or 2^-53 (double), never 0 or 1.
  template <class T = float>
  constexpr CALOTYPE_HD T uniform() {
    if constexpr (sizeof(T) == sizeof(float)) {
      return (static_cast<T>((*this)() >> 9) + T(0.5)) * T(0x1p-23);  // both steps exact
    } else {
      std::uint64_t const high = (*this)();
      return (static_cast<T>((high << 20) | ((*this)() >> 12)) + T(0.5)) * T(0x1p-52);
    }
  }

  template <class T = float>
  constexpr CALOTYPE_HD T uniform(T low, T high) {
    return math::fma(high - low, uniform<T>(), low);
  }

  // An integer in [0, n), n > 0; the bias is below n 2^-32.
  constexpr CALOTYPE_HD std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((std::uint64_t{(*this)()} * n) >> 32);
  }

  // Two independent standard normal numbers (Box and Muller); |z| < 5.8 in float, 8.6 in double.
  template <class T = float>
  constexpr CALOTYPE_HD std::array<T, 2> normal_pair() {
    T const r = math::sqrt(T(-2) * math::log(uniform<T>()));
    auto const turn = math::sincos(static_cast<T>(2 * math::pi) * uniform<T>());
    // + 0 so that the caller's sum does not contract the product
    return {math::fma(r, turn.cos, T(0)), math::fma(r, turn.sin, T(0))};
  }

  template <class T = float>
  constexpr CALOTYPE_HD T normal() {
    return normal_pair<T>()[0];
  }

  // Mean 1.
  template <class T = float>
  constexpr CALOTYPE_HD T exponential() {
    return -math::log(uniform<T>());
  }

  // Inversion, in pieces of mean 16 where the mean is larger; 0 for mean <= 0.
  constexpr CALOTYPE_HD int poisson(double mean) {
    int count = 0;
    for (; mean > 16; mean -= 16) count += poisson_piece(16);
    return mean > 0 ? count + poisson_piece(mean) : count;
  }

  // Gamma distribution of mean `shape` and unit scale (Marsaglia and Tsang, ACM TOMS 26 (2000) 363); shape > 0.
  constexpr CALOTYPE_HD double gamma(double shape) {
    if (shape < 1) {
      double const boost = math::exp(math::log(uniform<double>()) / shape);
      return math::fma(gamma(shape + 1), boost, 0.0);
    }
    double const d = shape - 1.0 / 3, c = 1 / math::sqrt(9 * d);
    while (true) {
      double const z = normal<double>();
      double const t = math::fma(c, z, 1.0);
      if (t <= 0) continue;
      double const cube = math::fma(t * t, t, 0.0);
      double const bound = math::fma(0.5 * z, z, math::fma(d, 1 - cube + math::log(cube), 0.0));
      if (math::log(uniform<double>()) < bound) return math::fma(d, cube, 0.0);
    }
  }

 private:
  constexpr CALOTYPE_HD int poisson_piece(double mean) {
    double const u = uniform<double>();
    double term = math::exp(-mean), sum = term;
    int k = 0;
    while (sum < u && k < 200) {
      ++k;
      term = term * mean / k;
      sum += term;
    }
    return k;
  }

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> words_{};
  unsigned next_ = 4;
};

}  // namespace calotype
