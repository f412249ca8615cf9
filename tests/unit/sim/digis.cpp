#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include <calotype/sim/digis.hpp>

namespace {

namespace sim = calotype::sim;

struct moments {
  double mean = 0, spread = 0;
};

// Of the amplitude over many pulses of an energy.
moments amplitudes(double energy, sim::digitiser const& d,
                   std::span<sim::out_of_time_pulse const> others = {}) {
  int const n = 4000;
  double sum = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    calotype::stream random(8, static_cast<std::uint64_t>(i), 0);
    double const a = sim::amplitude(sim::digis(energy, others, d, random), d);
    sum += a;
    square += a * a;
  }
  return {sum / n, std::sqrt(square / n - sum * sum / (n * n))};
}

}  // namespace

TEST_CASE("a pulse has its maximum at sample 5, rises from sample 3 on and falls slowly") {
  auto const& d = sim::barrel_digitiser;
  CHECK(d.pulse(0).value == doctest::Approx(1));
  for (double t : {-1.0, -0.1, 0.1, 1.0}) CHECK(d.pulse(t).value < 1);
  CHECK(d.pulse(-2).value == 0);  // 1.88 samples rise
  CHECK(d.pulse(2).value > 0.4);
  calotype::stream random(1, 2, 3);
  auto const s = sim::digis(50, {}, d, random);
  for (int i = 0; i < 3; ++i) CHECK(std::fabs(s[static_cast<std::size_t>(i)]) < 0.2F);
  for (std::size_t i = 0; i < s.size(); ++i) CHECK(s[i] <= s[5] + 0.2F);
  CHECK(s[5] == doctest::Approx(50).epsilon(0.03));
}

TEST_CASE("amplitudes are the energy, with the noise and jitter that are asked for") {
  auto const d = sim::barrel_digitiser;
  CHECK(amplitudes(0, d).mean == doctest::Approx(0).epsilon(0.002));
  // of least squares: the noise of a sample and of rounding, over the pulse's own spread
  double pulse_sum = 0, pulse_square = 0;
  for (int i = -5; i < 5; ++i) {
    double const x = 1 + i / (1.138 * 1.65), height = x > 0 ? std::pow(x, 1.138) * std::exp(-i / 1.65) : 0;
    pulse_sum += height;
    pulse_square += height * height;
  }
  double const noise =
      std::hypot(0.038, 0.035 / std::sqrt(12.0)) / std::sqrt(pulse_square - pulse_sum * pulse_sum / 10);
  CHECK(std::fabs(amplitudes(0, d).spread / noise - 1) < 0.05);
  auto const large = amplitudes(40, d);
  CHECK(large.mean == doctest::Approx(40).epsilon(0.005));
  CHECK(large.spread > 0.1);  // photoelectrons alone: 0.13
  CHECK(large.spread < 0.6);
  auto late = d;
  late.jitter_ns = 8;
  CHECK(amplitudes(40, late).mean < large.mean - 0.3);
}

TEST_CASE("a pulse made for a hit has the hit's energy as its amplitude, and the noise of any pulse") {
  auto const d = sim::barrel_digitiser;
  sim::pulse_maker const make(d);
  calotype::stream random(5, 6, 7);
  double const rounding = 0.045;  // five sigma of ten samples' counts of 35 MeV, in the amplitude
  std::array<double, sim::pulse_samples> mean{}, square{};
  int const n = 4000;
  for (int i = 0; i < n; ++i) {
    auto const s = make(0.2, {}, random);
    CHECK(std::fabs(sim::amplitude(s, d) - 0.2) < rounding);
    for (std::size_t k = 0; k < s.size(); ++k) {
      mean[k] += static_cast<double>(s[k]) / n;
      square[k] += static_cast<double>(s[k]) * static_cast<double>(s[k]) / n;
    }
  }
  double variance = 0;
  for (std::size_t k = 0; k < mean.size(); ++k) {
    double const height = 0.2 * d.pulse(static_cast<double>(k) - 5).value;
    CHECK(mean[k] == doctest::Approx(height).epsilon(0.01).scale(1));
    variance += square[k] - mean[k] * mean[k];
  }
  // nine of the ten directions are free
  CHECK(variance == doctest::Approx(9 * 0.038 * 0.038 + 10 * 0.035 * 0.035 / 12).epsilon(0.05).scale(0));
  CHECK(sim::amplitude(make(60, {}, random), d) == doctest::Approx(60).epsilon(0.005));
}

TEST_CASE("a pulse made for a hit holds the pulses of other crossings, whose part of the energy is known") {
  auto quiet = sim::barrel_digitiser;
  quiet.noise = quiet.jitter_ns = 0;
  sim::pulse_maker const make(quiet);
  // weights of the fit, by hand
  CHECK(make.share_of(0).value == doctest::Approx(1));
  CHECK(make.share_of(-50).value == doctest::Approx(0.2022).epsilon(0.001));
  CHECK(make.share_of(50).value == doctest::Approx(0.4289).epsilon(0.001));
  calotype::stream random(2, 2, 2);
  for (double const ns : {-50.0, 50.0}) {
    sim::out_of_time_pulse const other[] = {{5, ns}};
    auto const s = make(10, other, random);
    CHECK(sim::amplitude(s, quiet) == doctest::Approx(10).epsilon(0.005));
    double const in_time = 10 - 5 * make.share_of(ns).value;
    for (int k = 0; k < sim::pulse_samples; ++k) {
      double const t = k - sim::pulse_maximum;
      double const height = in_time * quiet.pulse(t).value + 5 * quiet.pulse(t - ns / 25).value;
      CHECK(static_cast<double>(s[static_cast<std::size_t>(k)]) ==
            doctest::Approx(height).epsilon(0.001).scale(20));
    }
  }
}

TEST_CASE("other crossings change an amplitude, a late one hardly its maximum") {
  auto const d = sim::barrel_digitiser;
  sim::out_of_time_pulse const before[] = {{2, -50}}, after[] = {{2, 100}};
  CHECK(std::fabs(amplitudes(10, d, before).mean - amplitudes(10, d).mean) > 0.1);
  auto quiet = d;
  quiet.noise = quiet.jitter_ns = quiet.electrons = 0;
  calotype::stream a(1, 1, 1), b(1, 1, 1);
  auto const alone = sim::digis(10, {}, quiet, a), both = sim::digis(10, after, quiet, b);
  for (std::size_t i = 0; i <= 5; ++i) CHECK(alone[i] == both[i]);
  CHECK(both[9] > alone[9] + 1);
}

TEST_CASE("counts are 35 MeV, and coarser where 12 bits end") {
  auto const& d = sim::barrel_digitiser;
  CHECK(d.quantised(0.05).value == doctest::Approx(0.035));
  CHECK(d.quantised(-0.05).value == doctest::Approx(-0.035));
  CHECK(d.quantised(200).value == doctest::Approx(200).epsilon(0.0005));
  double const coarse = d.quantised(500).value / 0.42;
  CHECK(coarse == doctest::Approx(std::round(coarse)));
  CHECK(d.quantised(9999).value == doctest::Approx(3895 * 0.42));
}
