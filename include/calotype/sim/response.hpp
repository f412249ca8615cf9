// From particles to deposited energies and reconstructed tracks: tracker material, magnetic field, showers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <calotype/detector/helix.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/sim/particle.hpp>
#include <calotype/sim/shower.hpp>

namespace calotype::sim {

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

// Deposited energy per crystal and HCAL cell, GeV. EB, HB and HE by dense index, EE by [side][iy][ix].
struct deposits {
  std::vector<float> eb = std::vector<float>(static_cast<std::size_t>(eb_rows * eb_columns));
  std::vector<float> ee = std::vector<float>(static_cast<std::size_t>(2 * ee_side * ee_side));
  std::vector<float> hb = std::vector<float>(static_cast<std::size_t>(segmentation<cms::hb>::size()));
  std::vector<float> he = std::vector<float>(static_cast<std::size_t>(segmentation<cms::he>::size()));

  void clear() {
    for (auto* list : {&eb, &ee, &hb, &he}) std::fill(list->begin(), list->end(), 0.0F);
  }
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

// What another bunch crossing adds to the energy of a crystal of the barrel.
struct remnant {
  std::uint32_t cell = 0;
  float energy = 0;  // GeV
};

// Puts particles through the detector and collects what they leave.
class response {
 public:
  response(endcap_map const& endcap, stream& random) : endcap_(endcap), random_(random) {}
  // In memory that another one has left.
  response(endcap_map const& endcap, stream& random, deposits&& used, std::vector<track>&& used_tracks)
      : energies(std::move(used)), tracks(std::move(used_tracks)), endcap_(endcap), random_(random) {
    energies.clear();
    tracks.clear();
  }

  deposits energies;
  std::vector<track> tracks;

  // Remnants of earlier and later bunch crossings: crystals with an exponential energy of this mean (GeV; in
  // the endcaps ET), spread evenly in (eta, phi). Those of the barrel are listed, where a list is given.
  void add_out_of_time(int barrel, int endcaps, double mean, std::vector<remnant>* list = nullptr) {
    for (int k = 0; k < barrel; ++k) {
      std::uint32_t const cell = random_.below(eb_rows * eb_columns);
      auto const energy = static_cast<float>(mean * real(random_.exponential<double>()));
      add_energy(energies.eb[cell], energy);
      if (list != nullptr) list->push_back({cell, energy});
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
    point const origin{(p.x * 0.01).value, (p.y * 0.01).value, ((vertex_z + p.z) * 0.01).value};
    switch (p.kind) {
      case species::photon:
        return photon(p, origin);
      case species::electron:
        return electron(p, origin);
      case species::muon:
      case species::charged_hadron:
        return charged(p, origin);
      case species::neutral_hadron: {
        aim const at = straight(p, origin);
        if (at.on != face::none) hadron(p.pt * math::cosh(p.eta), at, 0, false);
        return;
      }
    }
  }

 private:
  // Where a particle meets the ECAL's front, as seen from the origin, and the direction in which it goes on.
  struct aim {
    face on = face::none;
    real eta = 0, phi = 0;
    real radius = 0;    // metres
    real forward = 0;   // pseudorapidity of its direction
    real sideways = 0;  // azimuth of its direction against phi
  };
  static aim straight(particle const& p, point const& origin) {
    if (origin.x != 0 || origin.y != 0) {
      impact const hit =
          propagate({p.pt.value, p.eta.value, p.phi.value, 0, origin}, cms::ecal_face(), cms::field);
      return hit.on == face::none ? aim{} : bent(p, hit);
    }
    real const slope = math::sinh(p.eta), z0 = origin.z;
    constexpr calorimeter_face front = cms::ecal_face();
    real const radius = front.radius;
    real const z = z0 + radius * slope;
    if (math::abs(z) <= front.half_length) return {face::barrel, math::asinh(z / radius), p.phi, radius, p.eta};
    real const plane = slope < 0 ? -front.endcap_z : front.endcap_z;
    real const r = (plane - z0) / slope;
    if (!(r <= front.endcap_radius)) return {};
    return {face::endcap, math::asinh(plane / r), p.phi, r, p.eta};
  }
  // A particle that a trajectory brought there.
  static aim bent(particle const& p, impact const& hit) {
    position const seen = seen_from_origin(hit.at);
    real const radius = math::sqrt(real(hit.at.x) * hit.at.x + real(hit.at.y) * hit.at.y);
    return {hit.on, seen.u, seen.v, radius, p.eta, wrap_azimuth(p.phi + hit.turn - seen.v)};
  }

  void photon(particle const& p, point const& origin) {
    aim const at = straight(p, origin);
    if (at.on == face::none) return;
    real const energy = p.pt * math::cosh(p.eta);
    if (energy < 0.03) return;
    real const material = tracker_material(p.eta);
    real const converts = 1 - math::exp(-(7.0 / 9) * material);
    if (random_.uniform<double>() < converts) {
      convert(p, energy, at, material, origin);
    } else {
      shower(energy, at, true);
    }
  }

  // A pair e+ e- from a uniform radius of the tracker; pairs from its inner half may give tracks.
  void convert(particle const& p, real energy, aim const& at, real material, point const& origin) {
    real const outer = outer_radius(at);
    real const start = 0.05 + (outer - 0.05) * random_.uniform<double>();
    tracker_part const ahead{at, outer, material / outer};
    real const left = material * (1 - start / outer);  // radiation lengths still ahead
    real const share = random_.uniform<double>(0.03, 0.97);
    // soft photons and electrons that no supercluster finds again: what recorded ones are corrected for, 0
    // .. 3.5 % along the barrel, besides the 1.6 % that a wider supercluster gains on 5 x 5 crystals
    real const kept = math::exp(-soft_loss * left * (0.5 + 0.5 * real(random_.exponential<double>())));
    for (int leg = 0; leg < 2; ++leg) {
      int const charge = leg == 0 ? 1 : -1;
      real const part = leg == 0 ? share : 1 - share;
      real const lost = radiate({kept * energy * part, p.pt * part, charge, start, 0, 0}, ahead);
      bool const seen = random_.uniform<double>() < 0.5;
      if (start < 0.4 && seen) add_track(p, p.pt * part * (1 - 0.5 * lost), charge, origin);
    }
  }

  // The radius up to which there is material, metres.
  static real outer_radius(aim const& at) {
    return at.on == face::endcap ? real(0.85 * at.radius) : real(1.10);
  }

  // A particle of a cascade in the tracker, in the plane across the beam: at `radius` it is `offset` metres
  // beside the line that leads straight to where it is aimed at, and moves away from it by `slope`.
  struct flight {
    real energy, pt;
    int charge;
    real radius, offset, slope;
  };
  struct tracker_part {  // what lies ahead
    aim const& at;
    real outer;    // radius up to which there is material, metres
    real density;  // radiation lengths per metre
  };

  // An electron or positron: it bends, the more the less momentum it has left, and radiates photons of more
  // than a share `least` of its energy, (4/3 - 4/3 y + y^2) / y of share y per radiation length: Bethe and
  // Heitler with complete screening (Particle Data Group, "Passage of particles through matter"). Photons
  // convert again. Returns the share that it lost.
  real radiate(flight e, tracker_part const& ahead) {
    constexpr double least = 0.01, log_range = 4.605170185988092;  // ln(1 / least)
    constexpr double per_length =                                  // emissions
        4.0 / 3 * log_range - 4.0 / 3 * (1 - least) + 0.5 * (1 - least * least);
    real const whole = e.energy;
    while (e.energy > softest) {
      real const next = e.radius + real(random_.exponential<double>()) / (per_length * ahead.density);
      if (!(next < ahead.outer)) break;
      e = moved(e, next);
      real y;
      do {
        y = math::exp(-log_range * real(random_.uniform<double>()));
      } while (random_.uniform<double>() >= 1 - y + 0.75 * y * y);
      flight g = e;
      g.charge = 0;
      g.energy *= y;
      g.pt *= y;
      e.energy *= 1 - y;
      e.pt *= 1 - y;
      radiated(g, ahead);
    }
    arrive(e, ahead.at);
    return 1 - e.energy / whole;
  }
  // A photon that comes out of a cascade.
  void radiated(flight const& g, tracker_part const& ahead) {
    real const next = g.radius + real(random_.exponential<double>()) / (7.0 / 9 * ahead.density);
    if (next < ahead.outer && g.energy > softest) {
      real const share = random_.uniform<double>(0.03, 0.97);
      for (int leg = 0; leg < 2; ++leg) {
        flight e = moved(g, next);
        real const part = leg == 0 ? share : 1 - share;
        e.charge = leg == 0 ? 1 : -1;
        e.energy *= part;
        e.pt *= part;
        radiate(e, ahead);
      }
    } else {
      arrive(g, ahead.at);
    }
  }
  static flight moved(flight f, real radius) {
    real const step = radius - f.radius;
    real const curvature = -f.charge * 0.299792458 * cms::field / f.pt;
    f.offset += step * (f.slope + 0.5 * curvature * step);
    f.slope += curvature * step;
    f.radius = radius;
    return f;
  }
  void arrive(flight const& f, aim const& at) {
    if (!(f.energy > 0.03)) return;
    flight const there = moved(f, at.radius);
    aim to = at;
    real const turn = there.offset / at.radius;
    to.phi = wrap_azimuth(at.phi + turn);
    to.sideways = at.sideways + there.slope - turn;
    if (math::abs(turn) < 0.6) shower(f.energy, to, f.charge == 0);
  }

  void electron(particle const& p, point const& origin) {
    aim const at = straight(p, origin);
    if (at.on == face::none || p.pt < 0.5) return;
    real const outer = outer_radius(at);
    real const lost = radiate({p.pt * math::cosh(p.eta), p.pt, p.charge, 0, 0, 0},
                              {at, outer, tracker_material(p.eta) / outer});
    if (random_.uniform<double>() < track_efficiency(p.eta))
      add_track(p, p.pt * (1 - 0.5 * lost), p.charge, origin);
  }

  static constexpr double softest = 0.1;  // GeV: what is softer neither radiates nor converts
  static constexpr double soft_loss = 0.03, containment = 1.033;
  static constexpr float radius_scale = 1.04F, hadron_depth = 10;

  // An electromagnetic shower. Photons begin it up to some radiation lengths inside.
  void shower(real energy, aim const& at, bool is_photon) {
    real const z = random_.normal<double>();
    // 2.8 %/sqrt(E) (test beam), and what calibration and material add
    real const sigma = math::sqrt(0.028 * 0.028 / energy + 0.004 * 0.004);
    // crystals are calibrated so that 5 x 5 of them hold the energy of an unconverted photon
    real const measured = containment * energy * (1 + sigma * z);
    if (!(measured > 0)) return;
    auto const e = static_cast<float>(measured);
    bool const barrel = at.on == face::barrel;
    crystal const& in = barrel ? barrel_crystal : endcap_crystal;
    if (e > 2) {
      real32 const start = is_photon ? real32(9.0F / 7) * random_.exponential<float>() : real32(0.0F);
      auto const slices =
          develop(e, start < 8 ? start.value : 8.0F, in, barrel ? radius_scale : 1.14F * radius_scale, random_);
      deposit<7, true>(e, at, std::span<shower_slice const>(slices), spots_per_gev(e));
      return;
    }
    // soft ones: the mean profile, at its mean depth
    auto const w = random_.normal_pair();
    lateral_shape shape = barrel ? barrel_shape(e) : endcap_shape(e);
    shape.core *= 0.97F * math::exp(0.08F * w[0]);
    shape.tail *= 0.97F * math::exp(0.07F * w[1]);
    one_slice(e, at, shape, spots_per_gev(e));
  }

  void one_slice(float e, aim const& at, lateral_shape const& shape, float spots) {
    shower_slice const all{1, 0.89F * (6 + math::log(e > 0.1F ? e : 0.1F)), shape};
    std::span<shower_slice const> const slices(&all, 1);
    if (e > 0.5F) {
      deposit<5, false>(e, at, slices, spots);
    } else {
      deposit<3, false>(e, at, slices, spots);
    }
  }

  // 93 ln Z E^0.876 spots (Grindhammer and Peters) with Z = 68.36, per GeV.
  static float spots_per_gev(float e) { return 392.9F * math::exp(-0.124F * math::log(e)); }

  // A crystal that is hit, where (crystals, first along rows), and by how much the particle runs off its axis
  // per cm.
  struct place {
    int row = -1, column = 0;
    real32 u = 0, v = 0;
    real32 drift_u = 0, drift_v = 0;
  };

  place locate(aim const& at) const {
    place p;
    if (at.on == face::barrel) {
      int const index = segmentation<cms::eb>::find(at.eta.value, at.phi.value);
      if (index < 0) return p;
      p.row = index / eb_columns;
      p.column = index % eb_columns;
      box const cell = segmentation<cms::eb>::bounds(index);
      p.u = static_cast<float>((at.eta - cell.u_low) / (cell.u_high - cell.u_low));
      real const degrees = at.phi * (180 / math::pi) + 370;
      p.v = static_cast<float>(degrees - static_cast<double>(static_cast<int>(degrees)));
      // against the particle, the axes lean; the angle between two directions is their difference in eta, or
      // in azimuth, over cosh(eta)
      auto const lean = cms::eb_axis_lean(segmentation<cms::eb>::cell(index).ieta);
      real const inverse = 1 / math::cosh(at.eta);
      p.drift_u = static_cast<float>(lean.theta + (at.forward - at.eta) * inverse);
      p.drift_v = static_cast<float>((at.sideways - lean.phi) * inverse);
      return p;
    }
    auto const [s, c] = math::sincos(at.phi);
    real const inverse = 1 / math::sinh(math::abs(at.eta));
    auto const hit = endcap_.find(inverse * c, inverse * s);
    if (hit.ix == 0) return p;
    p.row = hit.iy - 1;
    p.column = hit.ix - 1;
    p.u = hit.v;
    p.v = hit.u;
    // the axes meet 1.3 m behind the collision point
    constexpr double front = cms::ecal_face().endcap_z;
    real const slope = 1 / math::sinh(math::abs(at.forward)) - inverse * (front / (front + 1.3));
    p.drift_u = static_cast<float>(slope * s + inverse * c * at.sideways);
    p.drift_v = static_cast<float>(slope * c - inverse * s * at.sideways);
    return p;
  }

  // The border inside a window of `width` crystals from `first` on at which a gap lies: rows of the barrel's
  // modules (25, 20, 20, 20 crystals from the middle), columns of its supermodules (20).
  static gap module_gap(int first, int width) {
    for (int border : {20, 40, 60, 85, 110, 130, 150}) {
      if (border >= first && border <= first + width) return {border - first};
    }
    return {};
  }
  static gap supermodule_gap(int first, int width) {
    int const border = (first + 20 + 19) / 20 * 20 - 20;
    return border <= first + width ? gap{border - first} : gap{};
  }

  // Shares energy among crystals, slice by slice; each cell's share fluctuates as its number of spots.
  template <int Width, bool Gaps>
  void deposit(real32 energy, aim const& at, std::span<shower_slice const> slices, float spots) {
    constexpr int half = Width / 2;
    bool const barrel = at.on == face::barrel;
    place p = locate(at);
    if (p.row < 0) return;
    float* const plane =
        barrel ? energies.eb.data() : energies.ee.data() + (at.eta > 0 ? ee_side * ee_side : 0);
    crystal const& in = barrel ? barrel_crystal : endcap_crystal;
    // the window is centred on where the shower is, behind the front face
    real32 depth = 0, sum = 0;
    for (auto const& s : slices) {
      depth += s.share * real32(s.depth);
      sum += s.share;
    }
    depth = depth / sum;
    real32 const scale = 1 / in.width(depth);
    int const up = crystals_away(p.u + p.drift_u * depth * scale);
    int const right = crystals_away(p.v + p.drift_v * depth * scale);
    p.row += up;
    p.column += right;
    p.u -= static_cast<float>(up);
    p.v -= static_cast<float>(right);
    gap rows, columns;
    if (Gaps && barrel) {
      rows = module_gap(p.row - half, Width);
      columns = supermodule_gap(p.column - half, Width);
    }
    std::array<float, Width * Width> fraction{};
    for (auto const& s : slices) {
      if (!(s.share > 0)) continue;
      real32 const off = real32(s.depth) / in.width(s.depth);
      auto const part = crystal_fractions<Width, Gaps>(s.shape, (p.u + p.drift_u * off).value,
                                                       (p.v + p.drift_v * off).value, rows, columns);
      for (std::size_t k = 0; k < part.size(); ++k) fraction[k] = math::fma(s.share, part[k], fraction[k]);
    }
    // spots move energy among the cells and leave the sum alone
    real32 before = 0, after = 0;
    for (float& f : fraction) {
      real32 const e = energy * f;
      f = 0;
      if (!(e > 1e-3F)) continue;
      real32 const n = spots * e;
      real32 const fluctuated = n > 12 ? e * (1 + real32(normal_quantile(random_.uniform())) / math::sqrt(n))
                                       : e * static_cast<float>(random_.poisson(static_cast<double>(n))) / n;
      before += e;
      if (!(fluctuated > 0)) continue;
      after += fluctuated;
      f = fluctuated.value;
    }
    if (!(after > 0)) return;
    real32 const same = before / after;
    for (int i = 0; i < Width; ++i) {
      for (int j = 0; j < Width; ++j) {
        float const e = fraction[static_cast<std::size_t>(i * Width + j)];
        int const r = p.row + i - half, c = p.column + j - half;
        if (!(e > 0)) continue;
        if (barrel) {
          if (r >= 0 && r < eb_rows)
            add_energy(plane[r * eb_columns + (c + eb_columns) % eb_columns], same * e);
        } else if (endcap_.exists(c + 1, r + 1)) {
          add_energy(plane[r * ee_side + c], same * e);
        }
      }
    }
  }

  // The whole crystals that a place lies away from [0, 1), at most 20: a soft hadron may fly along the face.
  static int crystals_away(real32 x) {
    real32 const near = x > 20 ? real32(20.0F) : x > -20 ? x : real32(-20.0F);  // NaN is far, too
    int const whole = static_cast<int>(near.value);
    return near < static_cast<float>(whole) ? whole - 1 : whole;
  }

  static void add_energy(float& cell, real32 energy) { cell = (cell + energy).value; }

  // 94 % for |eta| < 0.9 (CMS, JINST 9 P10009), beyond that falling as recorded tracks do.
  static double track_efficiency(real eta) {
    real const size = math::abs(eta);
    return size < 0.9 ? 0.94 : size < 1.5 ? 0.93 : size < 2 ? 0.83 : size < 2.5 ? 0.57 : 0;
  }

  void charged(particle const& p, point const& origin) {
    if (random_.uniform<double>() < track_efficiency(p.eta)) add_track(p, p.pt, p.charge, origin);
    if (p.pt < 0.25) return;
    impact const hit = propagate({p.pt.value, p.eta.value, p.phi.value, static_cast<double>(p.charge), origin},
                                 cms::ecal_face(), cms::field);
    if (hit.on == face::none) return;
    aim const at = bent(p, hit);
    if (p.kind == species::muon) {
      ionise(at, hit.turn);
    } else {
      hadron(p.pt * math::cosh(p.eta), at, hit.turn, true);
    }
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
      shower_slice const inner{1, hadron_depth, narrow}, outer{1, hadron_depth, wide};
      deposit<5, false>(e * core, at, std::span(&inner, 1), 60);
      deposit<7, false>(e * (1 - core), at, std::span(&outer, 1), 30);
    } else if (is_charged) {
      ionise(at, turn);
      left -= 0.25;
    }
    if (left > 0.3) hcal(left, at);
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
      to.phi = wrap_azimuth(at.phi + direction * along * (math::pi / 180));
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

  // Hadronic energy behind the ECAL: response 0.8, 110 %/sqrt(E) and 9 %, in four parts about 0.045 around the
  // axis. Where HB and HE overlap, HB lies in front.
  void hcal(real energy, aim const& at) {
    auto const z = random_.normal_pair<double>();
    real const sigma = math::sqrt(1.1 * 1.1 / energy + 0.09 * 0.09);
    real const measured = 0.8 * energy * (1 + sigma * z[0]);
    if (!(measured > 0)) return;
    for (int k = 0; k < 4; ++k) {
      auto const d = random_.normal_pair<double>();
      int const layer = random_.uniform<double>() < 0.75 ? 1 : 2;
      real const eta = at.eta + 0.045 * real(d[0]), phi = wrap_azimuth(at.phi + 0.045 * real(d[1]));
      auto const part = static_cast<float>(measured * 0.25);
      if (!behind<cms::hb>(energies.hb, eta, phi, layer, part))
        behind<cms::he>(energies.he, eta, phi, layer, part);
    }
  }
  // Into the cell of that layer, or of the nearest one that exists; false where there is none.
  template <class D>
  static bool behind(std::vector<float>& cells, real eta, real phi, int layer, float energy) {
    for (int const other : {layer, 1, 2, 3}) {
      int const index = segmentation<D>::find(eta.value, phi.value, other);
      if (index < 0) continue;
      add_energy(cells[static_cast<std::size_t>(index)], energy);
      return true;
    }
    return false;
  }

  // Momentum resolution of the Delphes CMS card; impact parameters 0.003 (+) 0.01/pT cm and 0.005 (+) 0.02/pT
  // cm.
  void add_track(particle const& p, real pt, int charge, point const& origin) {
    real const size = math::abs(p.eta);
    if (size > 2.5) return;
    double const c = size < 0.5 ? 0.010 : size < 1.5 ? 0.015 : 0.025;
    double const k = size < 0.5 ? 1.5e-4 : size < 1.5 ? 2.5e-4 : 5.5e-4;
    auto const z = random_.normal_pair<double>();
    auto const w = random_.normal_pair<double>();
    real const sigma = math::sqrt(c * c + k * k * pt * pt);
    real const measured = pt * (1 + sigma * z[0]);
    if (!(measured > 0.1)) return;
    auto const [sine, cosine] = math::sincos(p.phi);
    real const across = 100 * (origin.y * cosine - origin.x * sine),
               along = 100 * (origin.x * cosine + origin.y * sine);
    real const d0 = across + z[1] * (0.003 + 0.010 / pt);
    real const z0 = 100 * real(origin.z) - along * math::sinh(p.eta) + w[0] * (0.005 + 0.020 / pt);
    track t;
    t.pt = static_cast<float>(measured);
    t.eta = static_cast<float>(p.eta);
    t.phi = static_cast<float>(p.phi);
    t.charge = static_cast<float>(charge);
    t.d0 = static_cast<float>(d0);
    t.z0 = static_cast<float>(z0);
    tracks.push_back(t);
  }

  endcap_map const& endcap_;
  stream& random_;
};

}  // namespace calotype::sim
