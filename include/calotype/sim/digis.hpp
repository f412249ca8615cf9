// Digitised ECAL pulses: ten samples of a crystal, 25 ns apart, as the front end sends them.
//
//   ct::stream random(seed, event, purpose);
//   auto const s = ct::sim::digis(energy, {}, ct::sim::barrel_digitiser, random);   // GeV above the pedestal
//
// Frame and photoelectrons: CMSSW SimCalorimetry/EcalSimProducers (ecalSimParameterMap). The pulse is the
// two-parameter form that test beams fit, (1 + t / (alpha beta))^alpha exp(-t / beta).
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/core/random.hpp>
#include <calotype/sim/particle.hpp>

namespace calotype::sim {

inline constexpr int pulse_samples = 10, pulse_maximum = 5;
inline constexpr double sample_ns = 25;

// Of one kind of crystal. Times in samples, energies in GeV.
struct digitiser {
  double alpha = 1.138, beta = 1.65;  // ours; the pulse rises in 47 ns
  double noise = 0.038;               // of one sample
  double count = 0.035;               // GeV per ADC count at the highest gain
  double jitter_ns = 1;               // of a crystal's clock against the collision, from event to event
  double electrons = 2250;            // photoelectrons per GeV; 0 for none of their fluctuation

  // Height at a time from the maximum, 1 there.
  constexpr real pulse(real t) const {
    real const x = 1 + t / (real(alpha) * beta);
    if (!(x > 0)) return 0;
    return math::exp(alpha * math::log(x) - t / beta);
  }
  // To the nearest count of the highest gain (12, 6 or 1) that 12 bits above a pedestal of 200 can hold.
  constexpr real quantised(real energy) const {
    real step = count;
    for (int const larger : {2, 6}) {
      if (energy > 3895 * step) step = step * larger;
    }
    real const steps = energy / step;
    auto const whole = static_cast<int>(steps + (steps < 0 ? -0.5 : 0.5));
    return step * static_cast<double>(whole < 3895 ? whole : 3895);
  }
};
inline constexpr digitiser barrel_digitiser{},
    endcap_digitiser{.noise = 0.121, .count = 0.060, .electrons = 1800};

// Energy of another bunch crossing in the same crystal, `ns` after this one (negative: before). Bunches of 2012
// were 50 ns apart.
struct out_of_time_pulse {
  double energy = 0, ns = 0;
};

// The samples of a crystal with an energy, in GeV above the pedestal.
inline std::array<float, pulse_samples> digis(double energy, std::span<out_of_time_pulse const> others,
                                              digitiser const& d, stream& random) {
  real const late = d.jitter_ns * real(random.normal<double>()) / sample_ns;
  real measured = energy;
  if (d.electrons > 0 && energy > 0) {
    measured += math::sqrt(real(energy) / d.electrons) * real(random.normal<double>());
  }
  std::array<float, pulse_samples> out{};
  for (int i = 0; i < pulse_samples; ++i) {
    real const t = static_cast<double>(i - pulse_maximum) - late;
    real sum = measured * d.pulse(t);
    for (auto const& o : others) sum += o.energy * d.pulse(t - o.ns / sample_ns);
    sum += d.noise * real(random.normal<double>());
    out[static_cast<std::size_t>(i)] = static_cast<float>(d.quantised(sum));
  }
  return out;
}

// The amplitude: least squares of a pulse in time and a constant, as by linear weights. What other crossings
// add to it is the out-of-time pile-up of a hit.
inline double amplitude(std::array<float, pulse_samples> const& samples, digitiser const& d) {
  real mean_pulse = 0;
  for (int i = 0; i < pulse_samples; ++i) mean_pulse += d.pulse(static_cast<double>(i - pulse_maximum));
  mean_pulse = mean_pulse / static_cast<double>(pulse_samples);
  real norm = 0, sum = 0;
  for (int i = 0; i < pulse_samples; ++i) {
    real const weight = d.pulse(static_cast<double>(i - pulse_maximum)) - mean_pulse;
    norm += weight * weight;
    sum += weight * static_cast<double>(samples[static_cast<std::size_t>(i)]);
  }
  return (sum / norm).value;
}

}  // namespace calotype::sim
