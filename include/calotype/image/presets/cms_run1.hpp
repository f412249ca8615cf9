// The images of the CMS papers, as layouts of the Run-1 detector:
//
//   cms::central        one plane, 170 x 360: the ECAL barrel crystal by crystal, and what lies behind and in
//   front of it cms::ecal_centric   that, and the two ECAL endcaps as 100 x 100 planes, "eem" (z < 0) and "eep"
//   (z > 0) cms::hcal_centric   one plane, 280 x 360: the whole detector on the HCAL's towers, each cut in 5 x
//   5
//
// Rows count eta upwards, columns EB iphi - 1 (so column 10 starts at phi = 0); endcap planes have row iy - 1,
// column ix - 1. Sources: Andrews et al. arXiv:1807.11916, section 4, and the authors' public image maker
// mbandrews/MLAnalyzer.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <calotype/core/math.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/image/projection.hpp>

namespace calotype::cms {

namespace projection {

// Where the barrel ends for tracks, and how far out they are drawn.
inline constexpr float barrel_end = 1.479f;
inline constexpr float track_end = 3.0f;

// Eta edges of the 55 rows of one endcap in the stitched image, |eta| ascending: every HCAL tower from 18 to 28
// cut in five, the last one stretched to 3.0. Typed, not computed: recorded tracks lie exactly on them.
inline constexpr std::array<double, 56> endcap_edges() {
  return {1.479,  1.4964, 1.5138, 1.5312, 1.5486, 1.566,  1.5834, 1.6008, 1.6182, 1.6356, 1.653,  1.6704,
          1.6878, 1.7052, 1.7226, 1.74,   1.758,  1.776,  1.794,  1.812,  1.83,   1.85,   1.87,   1.89,
          1.91,   1.93,   1.9526, 1.9752, 1.9978, 2.0204, 2.043,  2.0688, 2.0946, 2.1204, 2.1462, 2.172,
          2.202,  2.232,  2.262,  2.292,  2.322,  2.3576, 2.3932, 2.4288, 2.4644, 2.5,    2.53,   2.56,
          2.59,   2.62,   2.65,   2.72,   2.79,   2.86,   2.93,   3.0};
}

// Borders in one number.
constexpr std::uint64_t signature_of(auto const& edges) {
  hasher h;
  for (auto const edge : edges) h.add(edge);
  return h.value();
}

// The column of an azimuth: that of EB crystals. -1 for NaN and beyond 1e9 columns.
constexpr int column_of(double phi) {
  constexpr auto around = eb::cells().v;
  return around.find(phi);
}

// EB crystals, one pixel each, from row First on. Sum; energy kept.
template <int First>
struct eb_crystals {
  static constexpr quantity fills = quantity::ecal_energy;
  using source = eb;
  static constexpr std::uint64_t signature() { return segmentation<eb>::signature(); }
  static constexpr std::array<region, 1> regions(image_options) {
    return {{{.plane = 0, .row = First, .rows = 170, .cols = 360}}};
  }
  static constexpr block at(image_options, int cell) { return {.row = cell / 360, .col = cell % 360}; }
};

// EE crystals on their own grid, EE- on plane 1, EE+ on plane 2. Sum; energy kept.
struct ee_crystals {
  static constexpr quantity fills = quantity::ecal_energy;
  using source = ee;
  static constexpr std::uint64_t signature() { return segmentation<ee>::signature(); }
  static constexpr bool tabulated = true;
  static constexpr std::array<region, 2> regions(image_options) {
    return {{{.plane = 1, .rows = 100, .cols = 100}, {.plane = 2, .rows = 100, .cols = 100}}};
  }
  static constexpr block at(image_options, int cell) {
    auto const crystal = segmentation<ee>::cell(cell);
    return {.region = crystal.zside < 0 ? 0 : 1, .row = crystal.iy - 1, .col = crystal.ix - 1};
  }
};

// EE crystals stitched to both ends of the barrel, by the direction of their front centre. Without smearing:
// sum, energy kept. With it: sums of fixed 2 x 2 blocks, spread over the block. The blocks of the outermost row
// reach one row beyond |eta| = 3, which is dropped, so that "conserve" keeps all energy but half of that row's,
// and "legacy_quarter" a quarter of the rest.
struct ee_rows {
  static constexpr quantity fills = quantity::ecal_energy;
  using source = ee;
  static constexpr std::uint64_t signature() {
    return hasher{}.add(segmentation<ee>::signature()).add(signature_of(endcap_edges())).value();
  }
  static constexpr bool tabulated = true;
  static constexpr std::array<region, 2> regions(image_options o) {
    if (o.ee_smear == smear::none)
      return {{{.row = 0, .rows = 55, .cols = 360}, {.row = 225, .rows = 55, .cols = 360}}};
    int const divisor = o.ee_smear == smear::conserve ? 4 : 16;
    return {{{.row = -1, .rows = 28, .cols = 180, .block_rows = 2, .block_cols = 2, .divisor = divisor},
             {.row = 225, .rows = 28, .cols = 180, .block_rows = 2, .block_cols = 2, .divisor = divisor}}};
  }
  static constexpr block at(image_options o, int cell) {
    auto const center = segmentation<ee>::center(cell);
    bool const plus = center.u > 0;
    int const row = row_of(center.u), col = column_of(center.v);
    if (row < 0) return {};
    if (o.ee_smear == smear::none) return {.region = plus, .row = row, .col = col};
    return {.region = plus, .row = (plus ? row : row + 1) / 2, .col = col / 2};
  }
  // Row within the endcap's 55; lower edges included on both sides, as in the histogram this follows.
  static constexpr int row_of(double eta) {
    auto const edge = endcap_edges();
    for (std::size_t i = 0; i < 55; ++i) {
      if (eta >= edge[i] && eta < edge[i + 1]) return static_cast<int>(i);
      if (eta >= -edge[i + 1] && eta < -edge[i]) return 54 - static_cast<int>(i);
    }
    return -1;
  }
};

// HCAL towers on 5 x 5 pixels. Depths and subdetectors with the same (ieta, iphi) are added; |ieta| = 29 is
// drawn as 28; towers beyond |ieta| = 20, which are 10 degrees wide, share their energy between two columns.
// Copied (25 times the energy) or divided. Last is the largest |ieta| drawn: 17 with the barrel, 28 with
// everything.
template <class Source, int Last>
struct hcal_towers {
  static constexpr quantity fills = quantity::hcal_energy;
  using source = Source;
  static constexpr std::uint64_t signature() { return segmentation<Source>::signature(); }
  static constexpr bool tabulated = true;
  static constexpr bool active(image_options o) {
    return std::is_same_v<Source, towers> == (o.hcal == hcal_source::towers);
  }
  static constexpr std::array<region, 1> regions(image_options o) {
    return {{{.rows = 2 * Last,
              .cols = 72,
              .block_rows = 5,
              .block_cols = 5,
              .divisor = o.hcal_upsample == upsample::copy ? 1 : 25}}};
  }
  static constexpr block at(image_options, int cell) {
    auto const tower = segmentation<Source>::cell(cell);
    int const number = tower.ieta < 0 ? -tower.ieta : tower.ieta, ring = number == 29 ? 28 : number;
    if (ring > Last) return {};
    return {.row = tower.ieta < 0 ? Last - ring : Last + ring - 1,
            .col = (tower.iphi + 1) % 72,
            .cols = number > 20 ? 2 : 1};
  }
};

// HCAL behind the ECAL, in the ECAL's own pixels: towers up to |ieta| = 17 as in hcal_towers, the others shared
// equally by the EE crystals whose front centre lies within the tower (its own eta and phi limits, both
// included). Energy kept: no tower beyond 17 is without crystals.
template <class Source>
struct hcal_on_crystals {
  static constexpr quantity fills = quantity::hcal_energy;
  using source = Source;
  static constexpr std::uint64_t signature() {
    return hasher{}.add(segmentation<Source>::signature()).add(segmentation<ee>::signature()).value();
  }
  static constexpr int max_blocks = 40'000;  // of all towers; see the unit test
  static constexpr bool active(image_options o) { return hcal_towers<Source, 17>::active(o); }
  static constexpr std::array<region, 3> regions(image_options o) {
    return {{hcal_towers<Source, 17>::regions(o)[0],
             {.plane = 1, .rows = 100, .cols = 100},
             {.plane = 2, .rows = 100, .cols = 100}}};
  }
  template <class F>
  static void blocks(image_options o, F emit) {
    // Crystals by azimuth, 10 degrees a piece, so that a tower looks only at those near it.
    constexpr int slices = 36, per_side = segmentation<ee>::size() / 2;
    struct place {
      double eta, phi;
    };
    std::array<place, static_cast<std::size_t>(per_side)> places;
    std::array<std::int16_t, static_cast<std::size_t>(per_side)> next;
    std::array<std::int16_t, slices> head;
    head.fill(-1);
    for (int i = 0; i < per_side; ++i) {
      auto const center = segmentation<ee>::center(per_side + i);
      places[static_cast<std::size_t>(i)] = {center.u, center.v};
      auto const slice = static_cast<std::size_t>(column_of(center.v) / 10);
      next[static_cast<std::size_t>(i)] = std::exchange(head[slice], static_cast<std::int16_t>(i));
    }
    for (int cell = 0; cell < segmentation<Source>::size(); ++cell) {
      auto const tower = segmentation<Source>::cell(cell);
      bool const plus = tower.ieta > 0;
      int const ring = plus ? tower.ieta : -tower.ieta;
      if (ring > 29) continue;
      if (ring <= 17) {
        emit(cell, hcal_towers<Source, 17>::at(o, cell));
        continue;
      }
      auto limits = segmentation<Source>::bounds(cell);
      if (!plus) limits = {-limits.u_high, -limits.u_low, limits.v_low, limits.v_high};
      int const middle = column_of(segmentation<Source>::center(cell).v) / 10;
      for (int slice = middle + slices - 1; slice <= middle + slices + 1; ++slice)
        for (int i = head[static_cast<std::size_t>(slice % slices)]; i >= 0;
             i = next[static_cast<std::size_t>(i)]) {
          place const& p = places[static_cast<std::size_t>(i)];
          double const turned = p.phi + 2 * math::pi;
          bool const in_phi = (p.phi >= limits.v_low && p.phi <= limits.v_high) ||
                              (turned >= limits.v_low && turned <= limits.v_high);
          if (!in_phi || p.eta < limits.u_low || p.eta > limits.u_high) continue;
          auto const crystal = segmentation<ee>::cell(i);
          emit(cell, block{.region = plus ? 2 : 1, .row = crystal.iy - 1, .col = crystal.ix - 1});
        }
    }
  }
};

// The smallest float above barrel_end: the border belongs to the barrel.
inline constexpr float beyond_barrel = std::bit_cast<float>(std::bit_cast<std::uint32_t>(barrel_end) + 1);

// Borders of the 170 rows of EB for tracks, which belong to the barrel up to |eta| = 1.479. Lower borders
// included.
constexpr std::array<float, 171> barrel_edges() {
  std::array<float, 171> edges{};
  for (int row = 1; row < 170; ++row)
    edges[static_cast<std::size_t>(row)] = static_cast<float>(segmentation<eb>::bounds(row * 360).u_low);
  edges[0] = -barrel_end;
  edges[170] = beyond_barrel;
  return edges;
}

// Borders of the 280 rows of the stitched image.
constexpr std::array<float, 281> stitched_edges() {
  std::array<float, 281> edges{};
  auto const barrel = barrel_edges();
  auto const endcap = endcap_edges();
  for (std::size_t i = 0; i < 171; ++i) edges[55 + i] = barrel[i];
  for (std::size_t i = 1; i < 56; ++i) {
    edges[225 + i] = static_cast<float>(endcap[i]);
    edges[55 - i] = -static_cast<float>(endcap[i]);
  }
  return edges;
}

// Tracks by their direction at the beam line, |eta| <= 1.479, rows as the EB crystals. Sum.
struct tracks_on_barrel {
  static constexpr quantity fills = quantity::track_pt;
  static constexpr std::uint64_t signature() { return signature_of(barrel_edges()); }
  static constexpr std::array<region, 1> regions(image_options) { return {{{.rows = 170, .cols = 360}}}; }
  struct locator {
    block operator()(float eta, float phi) const noexcept {
      int const row = rows.find(eta);
      return row < 0 ? block{} : block{.row = row, .col = column_of(static_cast<double>(phi))};
    }
    eta_rows<170> rows{barrel_edges()};
  };
};

// The same for the stitched image, up to |eta| = 3. Tracks are not smeared. Sum.
struct tracks_on_rows {
  static constexpr quantity fills = quantity::track_pt;
  static constexpr std::uint64_t signature() { return signature_of(stitched_edges()); }
  static constexpr std::array<region, 1> regions(image_options) { return {{{.rows = 280, .cols = 360}}}; }
  struct locator {
    block operator()(float eta, float phi) const noexcept {
      int const row = rows.find(eta);
      return row < 0 ? block{} : block{.row = row, .col = column_of(static_cast<double>(phi))};
    }
    eta_rows<280> rows{stitched_edges()};
  };
};

// A number for every (ix, iy), 1 .. 100 each.
struct crystal_grid {
  std::array<std::int16_t, 10'000> numbers;

  static constexpr bool has(int ix, int iy) { return ix >= 1 && ix <= 100 && iy >= 1 && iy <= 100; }
  constexpr std::int16_t& operator()(int ix, int iy) {
    return numbers[static_cast<std::size_t>(100 * iy + ix - 101)];
  }
  constexpr std::int16_t operator()(int ix, int iy) const {
    return numbers[static_cast<std::size_t>(100 * iy + ix - 101)];
  }
};

// The crystal of an endcap whose front centre is nearest in angle to a direction; also beyond the edges of the
// crystals. Finds what segmentation<ee>::find finds, from a table of directions instead of the closed form.
class nearest_crystal {
 public:
  nearest_crystal() {
    start_.numbers.fill(-1);
    for (int i = 0; i < per_side; ++i) {
      auto const crystal = segmentation<ee>::cell(i);
      point const p = ee_front_center(crystal.ix, crystal.iy);
      double const length = math::sqrt(math::fma(p.x, p.x, math::fma(p.y, p.y, p.z * p.z)));
      direction_[static_cast<std::size_t>(i)] = {p.x / length, p.y / length, p.z / length};
      start_(crystal.ix, crystal.iy) = static_cast<std::int16_t>(i);
    }
    exists_ = start_;
    // Where there is no crystal, start from one close by: grow the crystals outwards, ring by ring.
    for (bool missing = true; missing;) {
      missing = false;
      auto const before = start_;
      for (int iy = 1; iy <= 100; ++iy)
        for (int ix = 1; ix <= 100; ++ix) {
          if (before(ix, iy) >= 0) continue;
          missing = true;
          for (int y = iy - 1; y <= iy + 1; ++y)
            for (int x = ix - 1; x <= ix + 1; ++x)
              if (crystal_grid::has(x, y) && before(x, y) >= 0) start_(ix, iy) = before(x, y);
        }
    }
  }

  // Dense index within one side, for |eta| > 1; which side is the caller's business. -1 for what is no azimuth.
  int find(float eta, float phi) const noexcept {
    if (!is_azimuth(static_cast<double>(phi))) return -1;
    auto const [cosine, sine, z] =
        direction(static_cast<double>(eta < 0 ? -eta : eta), static_cast<double>(phi));
    // ix = 106.75 cos(phi) / sinh(eta) + 51 is within a crystal or two everywhere.
    int const ix = label(cosine / z), iy = label(sine / z);
    int best = start_(ix, iy);
    auto alignment = [&](int i) {
      point const d = direction_[static_cast<std::size_t>(i)];
      return math::fma(d.x, cosine, math::fma(d.y, sine, d.z * z));
    };
    double most = alignment(best);
    // Beyond the crystals' stepped edge the nearest one may lie several steps away.
    bool const among_crystals = exists_(ix, iy) >= 0;
    int reach = among_crystals ? 1 : 6;
    for (int before = -1; before != best; reach = among_crystals ? 1 : 2) {
      before = best;
      auto const crystal = segmentation<ee>::cell(best);
      for (int y = crystal.iy - reach; y <= crystal.iy + reach; ++y)
        for (int x = crystal.ix - reach; x <= crystal.ix + reach; ++x) {
          int const i = crystal_grid::has(x, y) ? exists_(x, y) : -1;
          if (i < 0) continue;
          double const a = alignment(i);
          if (a > most) {
            most = a;
            best = i;
          }
        }
    }
    return best;
  }

 private:
  static constexpr int per_side = segmentation<ee>::size() / 2;

  static constexpr int label(double tangent) {
    double const x = math::fma(106.75, tangent, 51.0);
    return x < 1 ? 1 : x > 100 ? 100 : static_cast<int>(x);
  }

  std::array<point, static_cast<std::size_t>(per_side)> direction_{};
  crystal_grid exists_{}, start_{};
};

// Tracks to the ECAL cell they point at: EB rows and columns up to |eta| = 1.479 (plane 0), from there to 3 the
// EE crystal nearest in angle (planes 1 and 2). Sum.
struct tracks_on_crystals {
  static constexpr quantity fills = quantity::track_pt;
  static constexpr std::uint64_t signature() {
    return hasher{}.add(signature_of(barrel_edges())).add(segmentation<ee>::signature()).value();
  }
  static constexpr std::array<region, 3> regions(image_options) {
    return {{{.plane = 0, .rows = 170, .cols = 360},
             {.plane = 1, .rows = 100, .cols = 100},
             {.plane = 2, .rows = 100, .cols = 100}}};
  }
  struct locator {
    block operator()(float eta, float phi) const noexcept {
      if (block const b = barrel(eta, phi)) return b;
      if (!(eta >= -track_end && eta <= track_end)) return {};
      int const found = endcap.find(eta, phi);
      if (found < 0) return {};
      auto const crystal = segmentation<ee>::cell(found);
      return {.region = eta < 0 ? 1 : 2, .row = crystal.iy - 1, .col = crystal.ix - 1};
    }
    tracks_on_barrel::locator barrel{};
    nearest_crystal endcap{};
  };
};

}  // namespace projection

struct central_layout {
  using projections_type =
      projections<projection::tracks_on_barrel, projection::eb_crystals<0>, projection::hcal_towers<hb, 17>,
                  projection::hcal_towers<he, 17>, projection::hcal_towers<towers, 17>>;
  static constexpr std::string_view name() { return "central"; }
  static constexpr std::array<image_plane, 1> planes() {
    return {{{.name = "barrel", .rows = 170, .cols = 360}}};
  }
};

struct ecal_centric_layout {
  using projections_type = projections<projection::tracks_on_crystals, projection::eb_crystals<0>,
                                       projection::ee_crystals, projection::hcal_towers<hb, 17>,
                                       projection::hcal_on_crystals<he>, projection::hcal_on_crystals<towers>>;
  static constexpr std::string_view name() { return "ecal-centric"; }
  static constexpr std::array<image_plane, 3> planes() {
    return {{{.name = "barrel", .rows = 170, .cols = 360},
             {.name = "eem", .rows = 100, .cols = 100},
             {.name = "eep", .rows = 100, .cols = 100}}};
  }
};

struct hcal_centric_layout {
  using projections_type = projections<projection::tracks_on_rows, projection::eb_crystals<55>,
                                       projection::ee_rows, projection::hcal_towers<hb, 28>,
                                       projection::hcal_towers<he, 28>, projection::hcal_towers<towers, 28>>;
  static constexpr std::string_view name() { return "hcal-centric"; }
  static constexpr std::array<image_plane, 1> planes() {
    return {{{.name = "images", .rows = 280, .cols = 360}}};
  }
};

constexpr image_description<central_layout> central(channel_list channels, image_options options = {}) {
  return {channels, options};
}
constexpr image_description<ecal_centric_layout> ecal_centric(channel_list channels,
                                                              image_options options = {}) {
  return {channels, options};
}
constexpr image_description<hcal_centric_layout> hcal_centric(channel_list channels,
                                                              image_options options = {}) {
  return {channels, options};
}

}  // namespace calotype::cms
