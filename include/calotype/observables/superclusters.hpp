// Photon candidates from calorimeter hits, recorded or simulated: crystals around a seed, merged along phi, so
// that a photon that became a pair in the tracker is one candidate.
//
//   ct::photon_finder find;                              // one per thread; keeps its memory
//   for (auto const& c : find(event, vertex_z, 20)) use(c.seen);
//
// After CMS's hybrid (barrel) and multi-5x5 (endcap) algorithms, simplified. Sources: CMSSW
// RecoEcal/EgammaClusterAlgos (thresholds, roads), RecoEcal/EgammaCoreTools (positions).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/core/math.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>
#include <calotype/observables/energy_map.hpp>
#include <calotype/observables/shower_shapes.hpp>

namespace calotype {

// Crystals that belong together. Energies in GeV, position in metres at the depth of the shower's maximum.
struct supercluster {
  int collection = cms::collection::eb;  // or ee
  int seed = -1;                         // dense index of its most energetic crystal
  float raw_energy = 0;                  // of all its crystals
  shower_shapes shapes;                  // around the seed
  point at{0, 0, 0};

  float r9() const { return shapes.r9(raw_energy); }

  // Direction as seen from the origin.
  position direction() const { return seen_from_origin(at); }

  // The energy of a photon: that of its 5 x 5 crystals where it did not convert (r9 > 0.94), of all its
  // crystals, corrected for what the tracker's material takes, where it did.
  double energy() const;
};

// A supercluster as a photon from a vertex on the beam line.
struct photon_candidate {
  photon seen;         // from the vertex
  position direction;  // from the origin
  supercluster cluster;
};

namespace detail {

// Where a shower's maximum lies behind the middle of a barrel crystal's front face that sits at (eta, phi),
// `depth` metres along the axis, which misses the origin.
constexpr point inside_barrel(int ieta, double eta, double phi, double depth) {
  using real = math::strict<double>;
  auto const [lean, sideways] = cms::eb_axis_lean(ieta);
  real const radius = cms::eb_front_radius(ieta), z = radius * math::sinh(real(eta));
  real const norm = math::sqrt(radius * radius + z * z);
  real const c = z / norm, s = radius / norm;  // cosine and sine of theta
  // turned by `lean` towards the middle of the barrel
  real const along = c - lean * s, across = s + lean * c;
  auto const [sine, cosine] = math::sincos(real(phi));
  real const r = radius + real(depth) * across, t = real(depth) * across * sideways;
  return {(r * cosine - t * sine).value, (r * sine + t * cosine).value, (z + real(depth) * along).value};
}

// The same for an endcap, whose axes meet 1.3 m behind the collision point.
constexpr point inside_endcap(point front, double depth) {
  using real = math::strict<double>;
  real const x = front.x, y = front.y, z = front.z;
  real const far = z < 0 ? z - 1.3 : z + 1.3;
  real const step = real(depth) / math::sqrt(x * x + y * y + far * far);
  return {(x + step * x).value, (y + step * y).value, (z + step * far).value};
}

// Depth of a photon's shower maximum along the crystal, metres.
constexpr double shower_depth(double energy) {
  return (0.0089 * (7.4 + math::log(math::strict<double>(energy > 0.1 ? energy : 0.1)))).value;
}

}  // namespace detail

// Finds superclusters in the hit lists of an event. Keeps its memory from event to event; one per thread.
class supercluster_finder {
 public:
  // By falling raw transverse energy, those above et_min. Unknown ids and repetitions are the business of
  // energy_map.
  std::vector<supercluster> const& operator()(std::span<hit const> barrel, std::span<hit const> endcaps,
                                              double et_min) {
    found_.clear();
    barrel_.fill(barrel);
    endcaps_.fill(endcaps);
    find_barrel(et_min);
    find_endcaps(et_min);
    std::sort(found_.begin(), found_.end(), [](supercluster const& a, supercluster const& b) {
      real const x = transverse(a), y = transverse(b);
      return x > y || (x == y && a.seed < b.seed);
    });
    return found_;
  }

 private:
  using real = math::strict<double>;
  using eb = segmentation<cms::eb>;
  using ee = segmentation<cms::ee>;

  // Thresholds in GeV: a seed's transverse energy; a domino's energy; that of the best domino of a piece.
  static constexpr double seed_et = 1.0, domino_energy = 0.1, piece_energy = 0.35;
  static constexpr int road = 17;  // crystals along phi, to both sides
  // Endcaps: transverse energies of the seed of a supercluster and of a piece that is added; how far away one
  // is looked for.
  static constexpr double endcap_seed_et = 1.0, endcap_piece_et = 1.0, road_eta = 0.07, road_phi = 0.30;

  static real transverse(supercluster const& c) {
    real const r2 = real(c.at.x) * c.at.x + real(c.at.y) * c.at.y;
    return static_cast<double>(c.raw_energy) * math::sqrt(r2 / (r2 + real(c.at.z) * c.at.z));
  }

  // Crystals above a transverse energy, strongest first.
  template <class D, std::uint64_t S>
  void seeds(energy_map<D, S> const& energies, double et) {
    seeds_.clear();
    for (int const cell : energies.cells()) {
      real const e = static_cast<double>(energies[cell]);
      if (!(e > et)) continue;
      if (e > et * math::cosh(real(segmentation<D>::center(cell).u))) seeds_.push_back(cell);
    }
    std::sort(seeds_.begin(), seeds_.end(),
              [&](int a, int b) { return energies[a] > energies[b] || (energies[a] == energies[b] && a < b); });
  }

  // Weighted mean place of crystals, weights max(0, 4.2 + ln(E / sum)), in steps from a seed along and across.
  struct mean_place {
    real weight = 0, along = 0, across = 0;
    void add(real energy, real total, int i, int j) {
      if (!(energy > 0 && total > 0)) return;
      real const w = 4.2 + math::log(energy / total);
      if (!(w > 0)) return;
      weight += w;
      along += w * i;
      across += w * j;
    }
  };

  // Dominoes of five crystals along eta, from the seed to `road` crystals away on both sides; a row of dominoes
  // above domino_energy is a piece, and pieces that hold piece_energy somewhere make the supercluster.
  void find_barrel(double et_min) {
    used_.assign(static_cast<std::size_t>(eb::size()), 0);
    seeds(barrel_, seed_et);
    for (int const seed : seeds_) {
      if (used_[static_cast<std::size_t>(seed)] != 0) continue;
      std::array<real, 2 * road + 1> domino{};
      for (int j = -road; j <= road; ++j) {
        for_free(seed, j, [&](int cell, int) { domino[place(j)] += static_cast<double>(barrel_[cell]); });
      }
      std::array<bool, 2 * road + 1> taken{};
      for (int j = -road; j <= road; ++j) {
        if (!(domino[place(j)] > domino_energy)) continue;
        int end = j;
        bool strong = false;
        for (; end <= road && domino[place(end)] > domino_energy; ++end)
          strong = strong || domino[place(end)] > piece_energy;
        if (strong) std::fill(taken.begin() + j + road, taken.begin() + end + road, true);
        j = end;
      }
      real total = 0;
      for (int j = -road; j <= road; ++j) {
        if (taken[place(j)]) total += domino[place(j)];
      }
      if (!(total > 0)) continue;
      // the mean place of the pieces, each by its energy: here of all dominoes, and along eta of the seed's
      // window
      mean_place middle;
      real along_phi = 0;
      for (int i = -2; i <= 2; ++i) {
        for (int j = -2; j <= 2; ++j) {
          int const cell = cms::crystal_at(eb{}, seed, i, j);
          if (cell >= 0) middle.add(static_cast<double>(barrel_[cell]), total, i, j);
        }
      }
      for (int j = -road; j <= road; ++j) {
        if (!taken[place(j)]) continue;
        along_phi += domino[place(j)] * j;
        for_free(seed, j, [&](int cell, int) { used_[static_cast<std::size_t>(cell)] = 1; });
      }
      supercluster c{.collection = cms::collection::eb,
                     .seed = seed,
                     .raw_energy = static_cast<float>(total.value),
                     .shapes = shapes_around(barrel_, seed)};
      position const face = eb::center(seed);
      // the seed's own centre where no crystal of the window weighs anything
      real const weight = middle.weight > 0 ? middle.weight : real(1);
      real const spread = along_phi / total, core = middle.across / weight;
      // a compact shower is placed by its core, a wide one by all its energy
      real const across = math::abs(spread - core) < 1 ? core : spread;
      int const ieta = eb::cell(seed).ieta;
      c.at =
          detail::inside_barrel(ieta, (face.u + 0.01737 * (middle.along / weight)).value,
                                (face.v + (math::pi / 180) * across).value, detail::shower_depth(total.value));
      keep(c, et_min);
    }
  }

  static std::size_t place(int j) { return static_cast<std::size_t>(j + road); }

  // f(cell, step along eta) for the crystals of the domino j steps from the seed that no supercluster holds.
  template <class F>
  void for_free(int seed, int j, F f) {
    for (int i = -2; i <= 2; ++i) {
      int const cell = cms::crystal_at(eb{}, seed, i, j);
      if (cell >= 0 && used_[static_cast<std::size_t>(cell)] == 0) f(cell, i);
    }
  }

  // 5 x 5 crystals of an endcap.
  struct piece {
    int seed;
    real energy, et;
    position at;
    point place;
    bool taken;
  };

  // 5 x 5 crystals around local maxima; the strongest takes those on a road along phi.
  void find_endcaps(double et_min) {
    pieces_.clear();
    used_.assign(static_cast<std::size_t>(ee::size()), 0);
    seeds(endcaps_, 0.18);
    for (int const seed : seeds_) {
      if (used_[static_cast<std::size_t>(seed)] != 0) continue;
      bool top = true;
      for (int k = 0; k < 9 && top; ++k) {
        top = k == 4 || endcaps_[cms::crystal_at(ee{}, seed, k / 3 - 1, k % 3 - 1)] <= endcaps_[seed];
      }
      if (!top) continue;
      real total = 0;
      std::array<int, 25> members{};
      for (int k = 0; k < 25; ++k) {
        int const cell = cms::crystal_at(ee{}, seed, k / 5 - 2, k % 5 - 2);
        bool const free = cell >= 0 && used_[static_cast<std::size_t>(cell)] == 0;
        members[static_cast<std::size_t>(k)] = free ? cell : -1;
        if (free) total += static_cast<double>(endcaps_[cell]);
      }
      if (!(total > 0)) continue;
      real x = 0, y = 0, z = 0, weight = 0;
      for (int const cell : members) {
        if (cell < 0) continue;
        used_[static_cast<std::size_t>(cell)] = 1;
        real const e = static_cast<double>(endcaps_[cell]);
        if (!(e > 0)) continue;
        real const w = 4.2 + math::log(e / total);
        if (!(w > 0)) continue;
        point const p = front(cell);
        x += w * p.x;
        y += w * p.y;
        z += w * p.z;
        weight += w;
      }
      if (!(weight > 0)) continue;
      point const mean{(x / weight).value, (y / weight).value, (z / weight).value};
      point const inside = detail::inside_endcap(mean, detail::shower_depth(total.value));
      position const seen = seen_from_origin(inside);
      pieces_.push_back({seed, total, total / math::cosh(real(seen.u)), seen, inside, false});
    }
    for (auto& core : pieces_) {
      if (core.taken || core.et < endcap_seed_et) continue;
      core.taken = true;
      real total = core.energy, phi = 0;
      for (auto& other : pieces_) {
        if (other.taken || other.et < endcap_piece_et || math::abs(real(other.at.u) - core.at.u) > road_eta)
          continue;
        real const away = wrap_azimuth(real(other.at.v) - core.at.v);
        if (math::abs(away) > road_phi) continue;
        other.taken = true;
        total += other.energy;
        phi += other.energy * away;
      }
      auto const [sine, cosine] = math::sincos(phi / total);
      real const px = core.place.x, py = core.place.y;
      supercluster c{.collection = cms::collection::ee,
                     .seed = core.seed,
                     .raw_energy = static_cast<float>(total.value),
                     .shapes = shapes_around(endcaps_, core.seed),
                     .at = {(px * cosine - py * sine).value, (px * sine + py * cosine).value, core.place.z}};
      keep(c, et_min);
    }
  }

  static point front(int cell) {
    auto const label = ee::cell(cell);
    point p = cms::ee_front_center(label.ix, label.iy);
    if (label.zside < 0) p.z = -p.z;
    return p;
  }

  void keep(supercluster const& c, double et_min) {
    if (transverse(c) > et_min) found_.push_back(c);
  }

  energy_map<cms::eb> barrel_;
  energy_map<cms::ee> endcaps_;
  std::vector<std::uint8_t> used_;
  std::vector<int> seeds_;
  std::vector<piece> pieces_;
  std::vector<supercluster> found_;
};

inline double supercluster::energy() const {
  using real = math::strict<double>;
  if (r9() > 0.94F) return static_cast<double>(shapes.e5x5);
  // 0 up to |eta| 0.6, 3.5 % from 1.2 on: what recorded superclusters of the barrel were corrected by
  real const x = (math::abs(real(direction().u)) - 0.6) / 0.6;
  real const share = x < 0 ? real(0) : x > 1 ? real(1) : x;
  return (static_cast<double>(raw_energy) * (1 + 0.035 * share)).value;
}

// Energy of HCAL hits above 0.7 (HB) and 0.8 GeV (HE), the thresholds of CMS's towers, within dR 0.15 of a
// direction.
template <concepts::event Event>
double hadronic_energy(Event const& event, position direction) noexcept {
  using real = math::strict<double>;
  real sum = 0;
  auto const add = [&](auto cells, int collection, double threshold) {
    for (hit const& h : event.hits(collection)) {
      auto const e = static_cast<double>(h.energy);
      if (!(e > threshold)) continue;
      int const cell = cells.unpack(h.id);
      if (cell < 0) continue;
      position const c = cells.center(cell);
      real const de = c.u - direction.u, df = wrap_azimuth(c.v - direction.v);
      if (de * de + df * df < 0.15 * 0.15) sum += e;
    }
  };
  add(segmentation<cms::hb>{}, cms::collection::hb, 0.7);
  add(segmentation<cms::he>{}, cms::collection::he, 0.8);
  return sum.value;
}

// Photon candidates of an event: superclusters seen from a vertex. Keeps its memory; one per thread.
class photon_finder {
 public:
  // By falling transverse energy, those above et_min (GeV) as seen from (0, 0, vertex_z); vertex_z in cm, as
  // tracks have it.
  template <concepts::event Event>
  std::vector<photon_candidate> const& operator()(Event const& event, double vertex_z, double et_min) {
    using real = math::strict<double>;
    found_.clear();
    for (auto const& c :
         clusters_(event.hits(cms::collection::eb), event.hits(cms::collection::ee), 0.5 * et_min)) {
      double const energy = c.energy();
      position const seen = seen_from_origin({c.at.x, c.at.y, (c.at.z - real(vertex_z) * 0.01).value});
      double const et = (energy / math::cosh(real(seen.u))).value;
      if (!(et > et_min)) continue;
      position const direction = c.direction();
      double const behind = hadronic_energy(event, direction) / energy;
      found_.push_back({.seen = {.et = static_cast<float>(et),
                                 .eta = static_cast<float>(seen.u),
                                 .phi = static_cast<float>(seen.v),
                                 .energy = static_cast<float>(energy),
                                 .r9 = c.r9(),
                                 .h_over_e = static_cast<float>(behind)},
                        .direction = direction,
                        .cluster = c});
    }
    std::sort(found_.begin(), found_.end(), [](photon_candidate const& a, photon_candidate const& b) {
      return a.seen.et > b.seen.et || (a.seen.et == b.seen.et && a.cluster.seed < b.cluster.seed);
    });
    return found_;
  }

 private:
  supercluster_finder clusters_;
  std::vector<photon_candidate> found_;
};

}  // namespace calotype
