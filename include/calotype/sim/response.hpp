// From particles to deposited energies and reconstructed tracks: tracker material, magnetic field, showers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <calotype/detector/helix.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/sim/particle.hpp>
#include <calotype/sim/shower.hpp>

namespace calotype::sim {

inline constexpr double magnetic_field = 3.8;  // tesla
// Front faces of the ECAL (metres), and the depth of a shower's maximum behind them, where its position is
// measured.
inline constexpr calorimeter_face ecal_face{
    .radius = 1.29, .half_length = 2.84, .endcap_z = 3.19, .endcap_radius = 1.53};
inline constexpr double shower_depth = 0.06;

inline constexpr int eb_rows = 170, eb_columns = 360, ee_side = 100;

// Where the endcap crystals are, as seen from the origin: x/z and y/z of the front faces at z > 0. Built once,
// immutable.
class endcap_map {
 public:
  struct hit_point {
    int ix = 0, iy = 0;  // labels 1 .. 100; 0 where no crystal is near
    float u = 0, v = 0;  // impact inside the crystal, in [0, 1]
  };

  endcap_map() : places_(static_cast<std::size_t>(ee_side * ee_side)) {
    for (int iy = 1; iy <= ee_side; ++iy) {
      for (int ix = 1; ix <= ee_side; ++ix) {
        place& p = places_[at(ix, iy)];
        p.cosh_eta = 1;
        p.exists = segmentation<cms::ee>::index({ix, iy, 1}) >= 0;
        if (!p.exists) continue;
        point const c = cms::ee_front_center(ix, iy);
        p.x = c.x / c.z;
        p.y = c.y / c.z;
        real const x = p.x, y = p.y;
        p.cosh_eta = math::sqrt(1 + 1 / (x * x + y * y)).value;
      }
    }
  }

  bool exists(int ix, int iy) const {
    return ix >= 1 && ix <= ee_side && iy >= 1 && iy <= ee_side && places_[at(ix, iy)].exists;
  }

  // cosh(eta) of a crystal that exists, 1 elsewhere.
  double cosh_eta(int ix, int iy) const { return places_[at(ix, iy)].cosh_eta; }

  // The crystal nearest to a direction, within one crystal of it.
  hit_point find(real x, real y) const {
    auto const guess = cms::ee_places::guess({x.value, y.value, 1});
    hit_point best;
    real distance = 1.0e-3 * 1.0e-3 * 81;  // (0.009)^2, one pitch
    for (int iy = guess[1] - 1; iy <= guess[1] + 1; ++iy) {
      for (int ix = guess[0] - 1; ix <= guess[0] + 1; ++ix) {
        if (!exists(ix, iy)) continue;
        place const& p = places_[at(ix, iy)];
        real const dx = x - p.x, dy = y - p.y;
        real const d = dx * dx + dy * dy;
        if (!(d < distance)) continue;
        distance = d;
        best = {ix, iy, inside(dx), inside(dy)};
      }
    }
    return best;
  }

 private:
  struct place {
    double x = 0, y = 0, cosh_eta = 1;
    bool exists = false;
  };
  static std::size_t at(int ix, int iy) { return static_cast<std::size_t>((iy - 1) * ee_side + ix - 1); }
  static float inside(real d) {
    auto const u = static_cast<float>(d * (1 / 0.00926) + 0.5);  // pitch 29.6 mm at 3193 mm
    return u < 0 ? 0.0F : u > 1 ? 1.0F : u;
  }
  std::vector<place> places_;
};

// Deposited energy per crystal and HCAL barrel cell, GeV. EB by dense index, EE by [side][iy][ix], HB by dense
// index.
struct deposits {
  std::vector<float> eb = std::vector<float>(static_cast<std::size_t>(eb_rows * eb_columns));
  std::vector<float> ee = std::vector<float>(static_cast<std::size_t>(2 * ee_side * ee_side));
  std::vector<float> hb = std::vector<float>(static_cast<std::size_t>(segmentation<cms::hb>::size()));
};

// Tracker material in radiation lengths; our reading of published material budgets, piecewise linear.
constexpr real tracker_material(real eta) {
  constexpr double at[][2] = {{0, 0.4}, {0.9, 1.0}, {1.5, 1.9}, {2.0, 1.5}, {2.5, 1.2}, {6, 1.2}};
  real const x = math::abs(eta);
  for (int i = 0; i < 5; ++i) {
    if (x < at[i + 1][0]) {
      return at[i][1] + (x - at[i][0]) * ((at[i + 1][1] - at[i][1]) / (at[i + 1][0] - at[i][0]));
    }
  }
  return 1.2;
}

// Puts particles through the detector and collects what they leave.
class response {
 public:
  response(endcap_map const& endcap, stream& random) : endcap_(endcap), random_(random) {}

  deposits energies;
  std::vector<track> tracks;

  // Remnants of earlier and later bunch crossings: crystals with an exponential energy of this mean (GeV; in
  // the endcaps ET), spread evenly in (eta, phi).
  void add_out_of_time(int barrel, int endcaps, double mean) {
    for (int k = 0; k < barrel; ++k) {
      std::uint32_t const cell = random_.below(eb_rows * eb_columns);
      add_energy(energies.eb[cell], static_cast<float>(mean * real(random_.exponential<double>())));
    }
    for (int k = 0; k < endcaps; ++k) {
      real const eta = random_.uniform<double>(1.5, 2.95);
      bool const left = random_.below(2) == 0;
      aim const to{face::endcap, left ? -eta : eta, random_.uniform<double>(-math::pi, math::pi), 0};
      point_like(static_cast<float>(mean * real(random_.exponential<double>()) * math::cosh(eta)), to);
    }
  }

  // One particle of a collision whose vertex lies on the beam line at z (cm).
  void add(particle const& p, real vertex_z) {
    real const z = vertex_z + p.z;
    switch (p.kind) {
      case species::photon:
        photon(p, z);
        return;
      case species::electron:
      case species::muon:
      case species::charged_hadron:
        charged(p, z);
        return;
      case species::neutral_hadron:
        neutral(p, z);
        return;
    }
  }

 private:
  // Where a straight line from the vertex meets the ECAL at the depth of a shower's maximum, as seen from the
  // origin.
  struct aim {
    face on = face::none;
    real eta = 0, phi = 0;
    real radius = 0;  // metres
  };
  static aim straight(real eta, real phi, real vertex_z) {
    real const slope = math::sinh(eta), z0 = vertex_z * 0.01;
    real const radius = ecal_face.radius + shower_depth;
    real const z = z0 + radius * slope;
    if (math::abs(z) < ecal_face.half_length) return {face::barrel, math::asinh(z / radius), phi, radius};
    real const plane = slope < 0 ? -(ecal_face.endcap_z + shower_depth) : ecal_face.endcap_z + shower_depth;
    real const r = (plane - z0) / slope;
    if (!(r > 0.3 && r < 1.6)) return {};
    return {face::endcap, math::asinh(plane / r), phi, r};
  }

  void photon(particle const& p, real vertex_z) {
    aim const at = straight(p.eta, p.phi, vertex_z);
    if (at.on == face::none) return;
    real const energy = p.pt * math::cosh(p.eta);
    if (energy < 0.03) return;
    real const material = tracker_material(p.eta);
    real const converts = 1 - math::exp(-(7.0 / 9) * material);
    if (random_.uniform<double>() < converts) {
      convert(p, energy, at, material, vertex_z);
    } else {
      shower(energy, at, random_.uniform());
    }
  }

  // A pair e+ e- from a uniform radius of the tracker, each leg bent by the field and radiating on its way. The
  // energy arrives spread along phi; pairs from the inner half may give tracks.
  void convert(particle const& p, real energy, aim const& at, real material, real vertex_z) {
    real const outer = at.radius < 1.29 ? 0.85 * at.radius : real(1.10);
    real const start = 0.05 + (outer - 0.05) * random_.uniform<double>();
    real const left = material * (1 - start / outer);  // radiation lengths still ahead
    real const share = random_.uniform<double>(0.03, 0.97);
    // soft photons and electrons that no supercluster finds again: what recorded ones are corrected for, 0
    // .. 3.5 % along the barrel, besides the 1.6 % that a wider supercluster gains on 5 x 5 crystals
    real const kept = math::exp(-soft_loss * left * (0.5 + 0.5 * real(random_.exponential<double>())));
    for (int leg = 0; leg < 2; ++leg) {
      int const charge = leg == 0 ? 1 : -1;
      real const part = leg == 0 ? share : 1 - share;
      real const pt = p.pt * part;
      // azimuth at the face of an electron that follows the field up to radius r and of its straight photon
      // from there
      real const bend = -charge * 0.299792458 * magnetic_field / (2 * pt * at.radius);
      auto const shift = [&](real r) {
        real const all = at.radius - start, rest = at.radius - r;
        return bend * (all * all - rest * rest);
      };
      real const arriving = kept * energy * part;
      real remaining = arriving;
      real const lost = 1 - math::exp(-left * (0.6 * real(random_.exponential<double>()) + 0.2));
      for (int k = 0; k < 2; ++k) {
        real const radiated = arriving * lost * 0.5;
        aim to = at;
        to.phi = wrap(at.phi + shift(start + (outer - start) * random_.uniform<double>()));
        if (radiated > 0.03) shower(radiated, to, random_.uniform());
        remaining -= radiated;
      }
      real const turn = shift(at.radius);
      if (math::abs(turn) < 0.6 && remaining > 0.03) {
        aim to = at;
        to.phi = wrap(at.phi + turn);
        shower(remaining, to, random_.uniform());
      }
      bool const seen = random_.uniform<double>() < 0.5;
      if (start < 0.4 && seen && math::abs(p.eta) < 2.5) {
        real const visible = pt * (1 - 0.5 * lost);
        add_track(visible, p.eta, p.phi, charge, vertex_z);
      }
    }
  }

  static constexpr double soft_loss = 0.045, containment = 1.0225;

  // Electromagnetic energy at a point of the ECAL. `spread` in (0, 1) only decides where in its fluctuations a
  // shower is.
  void shower(real energy, aim const& at, float spread) {
    auto const z = random_.normal_pair();
    auto const w = random_.normal_pair();
    // 2.8 %/sqrt(E) (test beam) and 1 % for calibration and material in 2012
    real const sigma = math::sqrt(0.028 * 0.028 / energy + 0.010 * 0.010);
    // crystals are calibrated so that 5 x 5 of them hold the energy of an unconverted photon
    real const measured = containment * energy * (1 + sigma * static_cast<double>(z[0]));
    if (!(measured > 0)) return;
    auto const e = static_cast<float>(measured);
    bool const barrel = at.on == face::barrel;
    lateral_shape shape = barrel ? barrel_shape(e) : endcap_shape(e);
    // showers differ in depth, hence in width
    // and recorded photons are a little narrower than the radii of the fast simulation (sigma_ieta_ieta)
    float const width = 0.97F * math::exp(0.08F * w[0]);
    shape.core *= width;
    shape.tail *= 0.97F * math::exp(0.07F * w[1]);
    float const core_share = math::fma(0.06F, spread - 0.5F, shape.core_share);
    shape.core_share = core_share;
    if (e > 4) {
      deposit<7>(e, at, shape, spots_per_gev(e));
    } else if (e > 0.5F) {
      deposit<5>(e, at, shape, spots_per_gev(e));
    } else {
      deposit<3>(e, at, shape, spots_per_gev(e));
    }
  }

  // 93 ln Z E^0.876 spots (Grindhammer and Peters) with Z = 68.36, per GeV.
  static float spots_per_gev(float e) { return 392.9F * math::exp(-0.124F * math::log(e)); }

  // Shares energy among crystals; each cell's share fluctuates as its number of spots.
  template <int Width>
  void deposit(real32 energy, aim const& at, lateral_shape const& shape, float spots) {
    constexpr int half = Width / 2;
    int row = 0, column = 0;
    float u = 0, v = 0;
    bool const barrel = at.on == face::barrel;
    float* plane = energies.eb.data();
    if (barrel) {
      int const index = segmentation<cms::eb>::find(at.eta.value, at.phi.value);
      if (index < 0) return;
      row = index / eb_columns;
      column = index % eb_columns;
      box const cell = segmentation<cms::eb>::bounds(index);
      u = static_cast<float>((at.eta.value - cell.u_low) / (cell.u_high - cell.u_low));
      real const degrees = at.phi * (180 / math::pi) + 370;
      v = static_cast<float>(degrees - static_cast<double>(static_cast<int>(degrees)));
    } else {
      auto const [s, c] = math::sincos(at.phi);
      real const inverse = 1 / math::sinh(math::abs(at.eta));
      auto const hit = endcap_.find(inverse * c, inverse * s);
      if (hit.ix == 0) return;
      row = hit.iy - 1;
      column = hit.ix - 1;
      u = hit.v;
      v = hit.u;
      plane = energies.ee.data() + (at.eta > 0 ? ee_side * ee_side : 0);
    }
    auto const fraction = crystal_fractions<Width>(shape, u, v);
    for (int i = 0; i < Width; ++i) {
      for (int j = 0; j < Width; ++j) {
        real32 const e = energy * fraction[static_cast<std::size_t>(i * Width + j)];
        if (!(e > 1e-3F)) continue;
        real32 const n = spots * e;
        real32 const fluctuated = n > 12 ? e * (1 + real32(normal_quantile(random_.uniform())) / math::sqrt(n))
                                         : e * static_cast<float>(random_.poisson(static_cast<double>(n))) / n;
        if (!(fluctuated > 0)) continue;
        int const r = row + i - half, c = column + j - half;
        if (barrel) {
          if (r >= 0 && r < eb_rows)
            add_energy(plane[r * eb_columns + (c + eb_columns) % eb_columns], fluctuated);
        } else if (endcap_.exists(c + 1, r + 1)) {
          add_energy(plane[r * ee_side + c], fluctuated);
        }
      }
    }
  }

  static void add_energy(float& cell, real32 energy) { cell = (cell + energy).value; }

  void charged(particle const& p, real vertex_z) {
    trajectory const path{
        p.pt.value, p.eta.value, p.phi.value, static_cast<double>(p.charge), {0, 0, (vertex_z * 0.01).value}};
    // 94 % for |eta| < 0.9 and 85 % on average up to 2.5 (CMS, JINST 9 P10009), falling as recorded tracks do
    real const size = math::abs(p.eta);
    double const efficiency = size < 0.9 ? 0.94 : size < 1.5 ? 0.93 : size < 2 ? 0.83 : size < 2.5 ? 0.57 : 0;
    if (random_.uniform<double>() < efficiency) add_track(p.pt, p.eta, p.phi, p.charge, vertex_z);
    if (p.pt < 0.25) return;
    impact const hit = propagate(path, ecal_face, magnetic_field);
    if (hit.on == face::none) return;
    position const seen = seen_from_origin(hit.at);
    aim const at{hit.on, seen.u, seen.v, ecal_face.radius};
    if (p.kind == species::electron) {
      shower(p.pt * math::cosh(p.eta), at, random_.uniform());
    } else if (p.kind == species::muon) {
      ionise(at, hit.turn);
    } else {
      hadron(p.pt * math::cosh(p.eta), at, hit.turn, true);
    }
  }

  void neutral(particle const& p, real vertex_z) {
    aim const at = straight(p.eta, p.phi, vertex_z);
    if (at.on != face::none) hadron(p.pt * math::cosh(p.eta), at, 0, false);
  }

  // 25.8 X0 are 1.24 interaction lengths; half of the hadrons start a shower early enough to leave a good part
  // of their energy there. Others, if charged, ionise all along their way.
  void hadron(real energy, aim const& at, real turn, bool is_charged) {
    real left = energy;
    if (random_.uniform<double>() < 0.5) {
      real const fraction = random_.uniform<double>(0.1, 0.8);
      real const seen = 0.8 * energy * fraction;
      left -= energy * fraction;
      // an electromagnetic core and a part three times as wide
      real32 const e = static_cast<float>(seen);
      real32 const core = random_.uniform(0.2F, 0.7F);
      lateral_shape const narrow = barrel_shape(e.value);
      lateral_shape const wide{narrow.core_share, 3 * narrow.core, 3 * narrow.tail};
      deposit<5>(e * core, at, narrow, 60);
      deposit<7>(e * (1 - core), at, wide, 30);
    } else if (is_charged) {
      ionise(at, turn);
      left -= 0.25;
    }
    if (left > 0.3 && at.on == face::barrel) hcal(left, at);
  }

  // 0.25 GeV for 23 cm of crystal, spread along phi over the crystals that a bent track crosses.
  void ionise(aim const& at, real turn) {
    // the angle between the track and the crystals: half the turn, seen from the side in the endcaps
    real const bent = math::abs(turn) * 0.5 / (at.on == face::barrel ? real(1) : math::cosh(at.eta));
    real const slope = bent < 1.2 ? bent : real(1.2);
    auto const [s, c] = math::sincos(slope);
    real const length = 1 / c;
    real const crystals = 0.35 + 9 * s / c;  // 23 cm deep, 2.35 cm wide; some pass a border anyway
    int const steps = 1 + static_cast<int>(crystals * 1.4);
    auto const z = random_.normal_pair();
    real32 const total = static_cast<float>(0.23 * length) * math::exp(0.22F * real32(z[0]));
    real const direction = turn < 0 ? -1 : 1;
    for (int k = 0; k < steps; ++k) {
      aim to = at;
      real const along = crystals * ((k + 0.5) / steps);
      to.phi = wrap(at.phi + direction * along * (math::pi / 180));
      point_like(total / static_cast<float>(steps), to);
    }
  }

  void point_like(real32 energy, aim const& at) {
    if (at.on == face::barrel) {
      int const index = segmentation<cms::eb>::find(at.eta.value, at.phi.value);
      if (index >= 0) add_energy(energies.eb[static_cast<std::size_t>(index)], energy);
      return;
    }
    auto const [s, c] = math::sincos(at.phi);
    real const inverse = 1 / math::sinh(math::abs(at.eta));
    auto const hit = endcap_.find(inverse * c, inverse * s);
    if (hit.ix == 0) return;
    int const side = at.eta > 0 ? ee_side * ee_side : 0;
    add_energy(energies.ee[static_cast<std::size_t>(side + (hit.iy - 1) * ee_side + hit.ix - 1)], energy);
  }

  // Hadronic energy behind the barrel: response 0.8, 110 %/sqrt(E) and 9 %, in four parts about 0.045 around
  // the axis.
  void hcal(real energy, aim const& at) {
    auto const z = random_.normal_pair<double>();
    real const sigma = math::sqrt(1.1 * 1.1 / energy + 0.09 * 0.09);
    real const measured = 0.8 * energy * (1 + sigma * z[0]);
    if (!(measured > 0)) return;
    for (int k = 0; k < 4; ++k) {
      auto const d = random_.normal_pair<double>();
      int const layer = random_.uniform<double>() < 0.75 ? 1 : 2;
      real const eta = at.eta + 0.045 * real(d[0]), phi = wrap(at.phi + 0.045 * real(d[1]));
      int index = segmentation<cms::hb>::find(eta.value, phi.value, layer);
      if (index < 0) index = segmentation<cms::hb>::find(eta.value, phi.value, 1);
      if (index >= 0) {
        add_energy(energies.hb[static_cast<std::size_t>(index)], static_cast<float>(measured * 0.25));
      }
    }
  }

  // Momentum resolution of the Delphes CMS card; impact parameters 0.003 (+) 0.01/pT cm and 0.005 (+) 0.02/pT
  // cm.
  void add_track(real pt, real eta, real phi, int charge, real vertex_z) {
    real const size = math::abs(eta);
    double const c = size < 0.5 ? 0.010 : size < 1.5 ? 0.015 : 0.025;
    double const k = size < 0.5 ? 1.5e-4 : size < 1.5 ? 2.5e-4 : 5.5e-4;
    auto const z = random_.normal_pair<double>();
    auto const w = random_.normal_pair<double>();
    real const sigma = math::sqrt(c * c + k * k * pt * pt);
    real const measured = pt * (1 + sigma * z[0]);
    if (!(measured > 0.1)) return;
    real const d0 = z[1] * (0.003 + 0.010 / pt), z0 = vertex_z + w[0] * (0.005 + 0.020 / pt);
    track t;
    t.pt = static_cast<float>(measured);
    t.eta = static_cast<float>(eta);
    t.phi = static_cast<float>(phi);
    t.charge = static_cast<float>(charge);
    t.d0 = static_cast<float>(d0);
    t.z0 = static_cast<float>(z0);
    tracks.push_back(t);
  }

  endcap_map const& endcap_;
  stream& random_;
};

}  // namespace calotype::sim
