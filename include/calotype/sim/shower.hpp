// Electromagnetic showers in lead tungstate: how they develop in depth, and the energy fractions of crystals in
// closed form.
//
// Two components f(r) = p R_core^2/(pi (r^2 + R_core^2)^2) + (1 - p) R_tail^2/(pi (r^2 + R_tail^2)^2), from
// Grindhammer and Peters, "The parameterized simulation of electromagnetic showers" (hep-ex/0001020, appendix
// A): averaged over depth, or slice by slice of a shower whose depth and length fluctuate. Lengths in crystal
// widths.
#pragma once

#include <array>
#include <cstddef>

#include <calotype/core/math.hpp>
#include <calotype/sim/particle.hpp>

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

// Lead tungstate, lengths in cm, energies in GeV.
struct crystal {
  double length = 23, front = 2.20, rear = 2.56;
  static constexpr double radiation_length = 0.89, moliere_radius = 2.19, critical_energy = 0.00874, z = 68.36;

  // Its width at a depth.
  constexpr real32 width(real32 depth) const {
    return static_cast<float>(front) + depth * static_cast<float>((rear - front) / length);
  }
};
inline constexpr crystal barrel_crystal{}, endcap_crystal{.length = 22, .front = 2.862, .rear = 3.0};

// A part of a shower: its share of the energy, its mean depth in the crystals (cm) and its lateral shape there.
struct shower_slice {
  float share = 1;
  float depth = 0;
  lateral_shape shape;
};

inline constexpr int shower_slices = 4;

// One shower of the given energy (> 1 GeV) that begins `start` radiation lengths inside the crystals, cut into
// slices of about equal energy. Its maximum T and shape alpha are drawn with the published means, widths and
// correlation; what is behind the crystals is lost. Radii are multiplied by radius_scale.
inline std::array<shower_slice, shower_slices> develop(float energy, float start, crystal const& in,
                                                       float radius_scale, stream& random) {
  real32 const e = energy;
  real32 const ln_y = math::log(e / static_cast<float>(crystal::critical_energy));
  constexpr float z = static_cast<float>(crystal::z);
  real32 const sigma_t = 1 / (1.26F * ln_y - 1.4F), sigma_a = 1 / (0.86F * ln_y - 0.58F);
  real32 const rho = 0.705F - 0.023F * ln_y;
  auto const g = random.normal_pair();
  // two correlated normal numbers
  real32 const plus = math::sqrt((1 + rho) * 0.5F) * g[0], minus = math::sqrt((1 - rho) * 0.5F) * g[1];
  real32 const peak = math::exp(math::log(ln_y - 0.812F) + sigma_t * (plus + minus));
  real32 const alpha_drawn =
      math::exp(math::log(0.81F + (0.458F + 2.26F / z) * ln_y) + sigma_a * (plus - minus));
  real32 const alpha = alpha_drawn > 1.1F ? alpha_drawn : real32(1.1F);
  real32 const beta = (alpha - 1) / peak;

  // of one radiation length; the crystals end inside one of them, and what is beyond is lost
  constexpr int steps = 40;
  float const end = static_cast<float>(in.length / crystal::radiation_length);
  auto const inside = [end](int k) {
    float const left = end - static_cast<float>(k);
    return left < 0 ? 0.0F : left < 1 ? left : 1.0F;
  };
  std::array<real32, steps> dose{};
  real32 total = 0, contained = 0;
  for (int k = 0; k < steps; ++k) {
    real32 const t = static_cast<float>(k) + 0.5F - start;
    if (!(t > 0)) continue;
    real32 const d = math::exp((alpha - 1) * math::log(t / peak) - beta * (t - peak));
    total += d;
    dose[static_cast<std::size_t>(k)] = d * inside(k);
    contained += dose[static_cast<std::size_t>(k)];
  }
  std::array<shower_slice, shower_slices> out{};
  std::array<real32, shower_slices> sum{}, depth{};
  real32 before = 0;
  for (int k = 0; k < steps; ++k) {
    real32 const d = dose[static_cast<std::size_t>(k)];
    if (!(d > 0)) continue;
    auto const at = static_cast<int>((before + 0.5F * d) / contained * static_cast<float>(shower_slices));
    auto const i = static_cast<std::size_t>(at < shower_slices ? at : shower_slices - 1);
    sum[i] += d;
    depth[i] += d * math::fma(0.5F, inside(k), static_cast<float>(k));
    before += d;
  }
  real32 const ln_e = math::log(e);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].share = 0;
    if (!(sum[i] > 0)) continue;
    real32 const radiation_lengths = depth[i] / sum[i];
    real32 const tau = (radiation_lengths - start) / peak;
    real32 const core = 0.0251F + 0.00319F * ln_e + (0.1162F - 0.000381F * z) * tau;
    real32 const late = tau - 0.645F;
    real32 const tail =
        (0.659F - 0.00309F * z) * (math::exp(-2.59F * late) + math::exp((0.3585F + 0.0421F * ln_e) * late));
    real32 const w = (0.401F + 0.00187F * z - tau) / (1.313F - 0.0686F * ln_e);
    real32 const p = (2.632F - 0.00094F * z) * math::exp(w - math::exp(w));
    real32 const cm = radiation_lengths * static_cast<float>(crystal::radiation_length);
    real32 const scale = radius_scale * static_cast<float>(crystal::moliere_radius) / in.width(cm);
    out[i] = {
        .share = (sum[i] / total).value,
        .depth = cm.value,
        .shape = {
            .core_share = p < 1 ? p.value : 1.0F, .core = (core * scale).value, .tail = (tail * scale).value}};
  }
  return out;
}

namespace detail {

// Integral of R^2/(pi (x^2 + y^2 + R^2)^2) over [0, x] x [0, y]; a = sqrt(x^2 + R^2), b = sqrt(y^2 + R^2).
constexpr float corner_integral(float x, float y, float a, float b) {
  float const first = (x / a) * math::atan(y / a);
  return math::fma(y / b, math::atan(x / b), first) * 0.159154943F;  // 1 / (2 pi)
}

}  // namespace detail

// A gap between crystals: the border of the window (0 .. Width) at which it lies, where there is one, and half
// its width in crystals.
struct gap {
  int border = -1;
  float half = 0.04F;
};

// Energy fractions of the Width x Width crystals around the one that is hit, first index along u. (u, v) in [0,
// 1] is the point of impact inside the middle crystal; beyond it is allowed. Not normalised: what is missing
// from 1 lies outside the window or in a gap.
template <int Width, bool Gaps = false>
std::array<float, Width * Width> crystal_fractions(lateral_shape const& shape, float u, float v,
                                                   gap along_u = {}, gap along_v = {}) {
  constexpr std::size_t edges = Width + (Gaps ? 2 : 1);  // a gap has two
  constexpr std::size_t padded = (edges + 3) / 4 * 4;    // whole vectors
  auto const edge = [](std::size_t k, gap const& g) {
    int const i = static_cast<int>(k);
    if constexpr (Gaps) {
      if (g.border >= 0 && i >= g.border) {
        int const behind = i - g.border;
        float const at = static_cast<float>((behind == 0 ? g.border : i - 1) - Width / 2);
        return behind == 0 ? at - g.half : behind == 1 ? at + g.half : at;
      }
    }
    return static_cast<float>(i - Width / 2);
  };
  std::array<float, edges * padded> corner{};
  for (int part = 0; part < 2; ++part) {
    float const radius = part == 0 ? shape.core : shape.tail;
    float const weight = part == 0 ? shape.core_share : 1.0F - shape.core_share;
    std::array<float, padded> x, y, a, b;
    for (std::size_t k = 0; k < padded; ++k) {
      x[k] = edge(k, along_u) - u;
      y[k] = edge(k, along_v) - v;
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
  auto const first = [](std::size_t k, gap const& g) {
    return Gaps && g.border >= 0 && static_cast<int>(k) >= g.border ? k + 1 : k;
  };
  std::array<float, Width * Width> out;
  for (std::size_t i = 0; i < Width; ++i) {
    for (std::size_t j = 0; j < Width; ++j) {
      std::size_t const row = first(i, along_u), column = first(j, along_v);
      float const high = corner[(row + 1) * padded + column + 1] - corner[row * padded + column + 1];
      float const low = corner[(row + 1) * padded + column] - corner[row * padded + column];
      out[i * Width + j] = high > low ? high - low : 0.0F;
    }
  }
  return out;
}

}  // namespace calotype::sim
