// Lateral shape of electromagnetic showers: energy fractions of crystals in closed form.
//
// Two components f(r) = p R_core^2/(pi (r^2 + R_core^2)^2) + (1 - p) R_tail^2/(pi (r^2 + R_tail^2)^2), from
// Grindhammer and Peters, "The parameterized simulation of electromagnetic showers" (hep-ex/0001020, appendix
// A), averaged over depth for lead tungstate. Lengths in crystal widths.
#pragma once

#include <array>
#include <cstddef>

#include <calotype/core/math.hpp>

namespace calotype::sim {

struct lateral_shape {
  float core_share = 0.72F;
  float core = 0.126F, tail = 0.772F;  // radii in crystal widths
};

// Barrel crystals (2.2 to 2.56 cm), radii scaled by 1.096 as in CMSSW FastSimulation; energy in GeV.
// Interpolates linearly in ln E between showers simulated at 1, 5, 20, 50 and 100 GeV, constant outside.
constexpr lateral_shape barrel_shape(float energy) {
  constexpr float log_energy[] = {0.0F, 1.609438F, 2.995732F, 3.912023F, 4.605170F};
  constexpr lateral_shape at[] = {{.673F, .118F, .782F},
                                  {.705F, .122F, .760F},
                                  {.722F, .126F, .772F},
                                  {.726F, .128F, .780F},
                                  {.726F, .130F, .783F}};
  float const x = math::log(energy > 1e-3F ? energy : 1e-3F);
  if (x <= log_energy[0]) return at[0];
  for (int i = 0; i < 4; ++i) {
    if (x >= log_energy[i + 1]) continue;
    float const t = (x - log_energy[i]) / (log_energy[i + 1] - log_energy[i]);
    auto const mix = [t](float a, float b) { return math::fma(t, b - a, a); };
    return {mix(at[i].core_share, at[i + 1].core_share), mix(at[i].core, at[i + 1].core),
            mix(at[i].tail, at[i + 1].tail)};
  }
  return at[4];
}

// Endcap crystals are 2.86 cm wide and the radii scale by 1.25.
constexpr lateral_shape endcap_shape(float energy) {
  lateral_shape s = barrel_shape(energy);
  s.core *= 0.88F;
  s.tail *= 0.88F;
  return s;
}

namespace detail {

// Integral of R^2/(pi (x^2 + y^2 + R^2)^2) over [0, x] x [0, y]; a = sqrt(x^2 + R^2), b = sqrt(y^2 + R^2).
constexpr float corner_integral(float x, float y, float a, float b) {
  float const first = (x / a) * math::atan(y / a);
  return math::fma(y / b, math::atan(x / b), first) * 0.159154943F;  // 1 / (2 pi)
}

}  // namespace detail

// Energy fractions of the Width x Width crystals around the one that is hit, first index along u. (u, v) in [0,
// 1] is the point of impact inside the middle crystal. Not normalised: what is missing from 1 lies outside the
// window.
template <int Width>
std::array<float, Width * Width> crystal_fractions(lateral_shape const& shape, float u, float v) {
  constexpr std::size_t edges = Width + 1;
  constexpr std::size_t padded = (edges + 3) / 4 * 4;  // whole vectors
  std::array<float, edges * padded> corner{};
  for (int part = 0; part < 2; ++part) {
    float const radius = part == 0 ? shape.core : shape.tail;
    float const weight = part == 0 ? shape.core_share : 1.0F - shape.core_share;
    std::array<float, padded> x, y, a, b;
    for (std::size_t k = 0; k < padded; ++k) {
      float const edge = static_cast<float>(static_cast<int>(k) - Width / 2);
      x[k] = edge - u;
      y[k] = edge - v;
      a[k] = math::sqrt(math::fma(x[k], x[k], radius * radius));
      b[k] = math::sqrt(math::fma(y[k], y[k], radius * radius));
    }
    for (std::size_t i = 0; i < edges; ++i) {
      for (std::size_t j = 0; j < padded; ++j) {
        float& c = corner[i * padded + j];
        c = math::fma(weight, detail::corner_integral(x[i], y[j], a[i], b[j]), c);
      }
    }
  }
  std::array<float, Width * Width> out;
  for (std::size_t i = 0; i < Width; ++i) {
    for (std::size_t j = 0; j < Width; ++j) {
      float const high = corner[(i + 1) * padded + j + 1] - corner[i * padded + j + 1];
      float const low = corner[(i + 1) * padded + j] - corner[i * padded + j];
      out[i * Width + j] = high > low ? high - low : 0.0F;
    }
  }
  return out;
}

}  // namespace calotype::sim
