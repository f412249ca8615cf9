// Digitised ECAL pulses: ten samples of a crystal, 25 ns apart, as the front end sends them.
//
//   ct::stream random(seed, event, purpose);
//   auto const s = ct::sim::digis(energy, {}, ct::sim::barrel_digitiser, random);   // GeV above the pedestal
//   ct::sim::pulse_maker const pulses(ct::sim::barrel_digitiser);
//   auto const t = pulses(measured, {}, random);   // samples that a fit makes that energy of
//
// Frame and photoelectrons: CMSSW SimCalorimetry/EcalSimProducers (ecalSimParameterMap). The pulse is the
// two-parameter form that test beams fit, (1 + t / (alpha beta))^alpha exp(-t / beta).
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/core/random.hpp>
#include <calotype/image/event.hpp>
#include <calotype/sim/particle.hpp>

namespace calotype::sim {

using calotype::pulse_samples;
inline constexpr int pulse_maximum = 5;
inline constexpr double sample_ns = 25;
inline constexpr double bunch_spacing_ns = 50;  // of 2012

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

// Energy of another bunch crossing in the same crystal, `ns` after this one (negative: before).
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

namespace detail {

// Least squares of a pulse in time and a constant, as by linear weights.
struct pulse_fit {
  std::array<real, pulse_samples> weight;  // the pulse less its mean
  real norm = 0;

  explicit pulse_fit(digitiser const& d) {
    real mean_pulse = 0;
    for (int i = 0; i < pulse_samples; ++i) mean_pulse += d.pulse(static_cast<double>(i - pulse_maximum));
    mean_pulse = mean_pulse / static_cast<double>(pulse_samples);
    for (int i = 0; i < pulse_samples; ++i) {
      real& w = weight[static_cast<std::size_t>(i)];
      w = d.pulse(static_cast<double>(i - pulse_maximum)) - mean_pulse;
      norm += w * w;
    }
  }
  // Of the samples that at(0), at(1) ... give.
  template <class At>
  real amplitude(At const& at) const {
    real sum = 0;
    for (std::size_t i = 0; i < weight.size(); ++i) sum += weight[i] * at(i);
    return sum / norm;
  }
};

}  // namespace detail

// The amplitude: least squares of a pulse in time and a constant. What other crossings add to it is the
// out-of-time pile-up of a hit.
inline double amplitude(std::array<float, pulse_samples> const& samples, digitiser const& d) {
  return detail::pulse_fit(d)
      .amplitude([&](std::size_t i) { return real(static_cast<double>(samples[i])); })
      .value;
}

// Pulses behind hits whose energies are known: the samples that a crystal may have had if amplitude() has made
// that energy of them, of which other crossings made a part. Their noise is white noise given what the fit made
// of it; counts are rounded afterwards.
class pulse_maker {
 public:
  explicit pulse_maker(digitiser const& d) : digitiser_(d), fit_(d) {}

  // What amplitude() makes of 1 GeV of another crossing, `ns` after this one: 0.20 at -50, 0.43 at 50.
  real share_of(double ns) const {
    return fit_.amplitude([&](std::size_t i) {
      return digitiser_.pulse(static_cast<double>(i) - pulse_maximum - ns / sample_ns);
    });
  }

  std::array<float, pulse_samples> operator()(double energy, std::span<out_of_time_pulse const> others,
                                              stream& random) const {
    real const late = digitiser_.jitter_ns * real(random.normal<double>()) / sample_ns;
    real in_time = energy;
    for (auto const& o : others) in_time = in_time - o.energy * share_of(o.ns);
    std::array<real, pulse_samples> all;
    for (int i = 0; i < pulse_samples; ++i) {
      real const t = static_cast<double>(i - pulse_maximum) - late;
      real sum = in_time * digitiser_.pulse(t);
      for (auto const& o : others) sum += o.energy * digitiser_.pulse(t - o.ns / sample_ns);
      all[static_cast<std::size_t>(i)] = sum + digitiser_.noise * real(random.normal<double>());
    }
    real const excess = fit_.amplitude([&](std::size_t i) { return all[i]; }) - energy;
    std::array<float, pulse_samples> out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(digitiser_.quantised(all[i] - excess * fit_.weight[i]));
    }
    return out;
  }

 private:
  digitiser digitiser_;
  detail::pulse_fit fit_;
};

}  // namespace calotype::sim
