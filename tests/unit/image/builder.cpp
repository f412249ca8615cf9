#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <map>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "events.hpp"
#include <doctest/doctest.h>

#include <calotype/image/builder.hpp>
#include <calotype/image/presets/cms_run1.hpp>

namespace {

using namespace calotype;
using image_tests::random_event;

// --- an independent drawing, straight from raw ids and angles
// -------------------------------------------------------

struct picture {
  int rows, cols;
  std::vector<float> pixels;
  picture(int r, int c) : rows(r), cols(c), pixels(static_cast<std::size_t>(r * c)) {}
  float& at(int r, int c) { return pixels[static_cast<std::size_t>(r * cols + c)]; }
};

bool usable(float x) { return std::isfinite(x) && x > 0; }

struct cell_id {
  int ieta, iphi, depth;
};
cell_id decode_eb(std::uint32_t id) {
  int const ieta = static_cast<int>(id >> 9 & 0x7f);
  return {(id & 0x10000) != 0 ? ieta : -ieta, static_cast<int>(id & 0x1ff), 0};
}
cell_id decode_hcal(std::uint32_t id) {
  if ((id & 0x1000000) != 0) {
    int const ieta = static_cast<int>(id >> 10 & 0x1ff);
    return {(id & 0x80000) != 0 ? ieta : -ieta, static_cast<int>(id & 0x3ff), static_cast<int>(id >> 20 & 0xf)};
  }
  int const ieta = static_cast<int>(id >> 7 & 0x3f);
  return {(id & 0x2000) != 0 ? ieta : -ieta, static_cast<int>(id & 0x7f), static_cast<int>(id >> 14 & 0x1f)};
}

void draw_eb(event const& e, picture& p, int first_row) {
  for (hit h : e.hits(cms::collection::eb)) {
    if (!usable(h.energy) || h.id >> 25 != 0x19) continue;
    auto const [ieta, iphi, depth] = decode_eb(h.id);
    p.at(first_row + (ieta > 0 ? ieta + 84 : ieta + 85), iphi - 1) = h.energy;
  }
}

// Towers in a small picture of (2 last) x 72, then enlarged.
void draw_hcal(event const& e, picture& p, int last, image_options o) {
  picture towers(2 * last, 72);
  auto const list = [&](int collection, std::uint32_t prefix) {
    for (hit h : e.hits(collection)) {
      if (!usable(h.energy) || h.id >> 25 != prefix) continue;
      auto const [ieta, iphi, depth] = decode_hcal(h.id);
      int ring = std::abs(ieta);
      bool const wide = ring > 20;
      if (ring == 29) ring = 28;
      if (ring > last) continue;
      int col = iphi + 2;
      if (col > 72) col -= 72;
      int const row = ieta > 0 ? last + ring - 1 : last - ring;
      if (wide) {
        towers.at(row, col - 1) += h.energy / 2;
        towers.at(row, col) += h.energy / 2;
      } else {
        towers.at(row, col - 1) += h.energy;
      }
    }
  };
  if (o.hcal == hcal_source::hits) {
    list(cms::collection::hb, 0x21);
    list(cms::collection::he, 0x22);
  } else {
    list(cms::collection::towers, 0x29);
  }
  for (int r = 0; r < 10 * last; ++r)
    for (int c = 0; c < 360; ++c) {
      float const t = towers.at(r / 5, c / 5);
      p.at(r, c) = o.hcal_upsample == upsample::copy ? t : t / 25;
    }
}

template <class F>
void for_ee(event const& e, F f) {
  for (hit h : e.hits(cms::collection::ee)) {
    if (!usable(h.energy) || h.id >> 25 != 0x1a) continue;
    int const ix = static_cast<int>(h.id >> 7 & 0x7f), iy = static_cast<int>(h.id & 0x7f);
    bool const plus = (h.id & 0x4000) != 0;
    point center = cms::ee_front_center(ix, iy);
    if (!plus) center.z = -center.z;
    f(ix, iy, plus, std::asinh(center.z / std::hypot(center.x, center.y)), std::atan2(center.y, center.x),
      h.energy);
  }
}

int stitched_bin(double eta) {
  auto const edges = cms::projection::endcap_edges();
  std::vector<double> all;
  for (auto i = edges.rbegin(); i != edges.rend(); ++i) all.push_back(-*i);
  if (eta > 0) all.assign(edges.begin(), edges.end());
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    if (eta >= all[i] && eta < all[i + 1]) return static_cast<int>(i);
  return -1;
}
int stitched_column(double phi) {
  int const k = static_cast<int>(std::floor((phi + math::pi) / (2 * math::pi / 360)));
  return ((k % 360 + 360) % 360 + 190) % 360;
}

void draw_ee_rows(event const& e, picture& p, image_options o) {
  if (o.ee_smear == smear::none) {
    for_ee(e, [&](int, int, bool plus, double eta, double phi, float energy) {
      p.at((plus ? 225 : 0) + stitched_bin(eta), stitched_column(phi)) += energy;
    });
    return;
  }
  // 56 rows with a pad on the outer side, block sums in the order of the hits.
  picture blocks[2] = {{28, 180}, {28, 180}};
  for_ee(e, [&](int, int, bool plus, double eta, double phi, float energy) {
    int const padded = stitched_bin(eta) + (plus ? 0 : 1);
    blocks[plus].at(padded / 2, stitched_column(phi) / 2) += energy;
  });
  float const factor = o.ee_smear == smear::conserve ? 0.25f : 0.0625f;
  for (int side = 0; side < 2; ++side)
    for (int r = 0; r < 55; ++r)
      for (int c = 0; c < 360; ++c)
        p.at(225 * side + r, c) = factor * blocks[side].at((r + (side == 0 ? 1 : 0)) / 2, c / 2);
}

int eb_row(float eta) {
  for (int r = 0; r < 170; ++r) {
    auto const limits = segmentation<cms::eb>::bounds(r * 360);
    if (eta >= static_cast<float>(limits.u_low) && eta < static_cast<float>(limits.u_high)) return r;
  }
  return -1;
}

template <class F>
void for_tracks(event const& e, image_options o, F f) {
  for (track const& t : e.tracks()) {
    if (o.tracks == track_selection::high_purity && t.quality != track_quality::high_purity) continue;
    if (usable(t.pt) && std::isfinite(t.eta) && std::isfinite(t.phi)) f(t);
  }
}

// All planes and quantities of a layout, raw.
std::map<quantity, std::vector<picture>> draw(std::string_view layout, event const& e, image_options o) {
  std::map<quantity, std::vector<picture>> all;
  for (quantity q : {quantity::track_pt, quantity::ecal_energy, quantity::hcal_energy}) {
    if (layout == "hcal-centric") {
      all[q].emplace_back(280, 360);
    } else {
      all[q].emplace_back(170, 360);
      if (layout == "ecal-centric") all[q].insert(all[q].end(), 2, picture(100, 100));
    }
  }
  auto &tracks = all[quantity::track_pt], &ecal = all[quantity::ecal_energy],
       &hcal = all[quantity::hcal_energy];
  bool const stitched = layout == "hcal-centric", crystals = layout == "ecal-centric";
  draw_eb(e, ecal[0], stitched ? 55 : 0);
  if (stitched) draw_ee_rows(e, ecal[0], o);
  draw_hcal(e, hcal[0], stitched ? 28 : 17, o);
  if (crystals) {
    for_ee(e, [&](int ix, int iy, bool plus, double, double, float energy) {
      ecal[plus ? 2 : 1].at(iy - 1, ix - 1) = energy;
    });
    auto const share = [&]<class Source>(Source) {
      for (hit h : e.hits(segmentation<Source>::collection)) {
        int const cell = segmentation<Source>::unpack(h.id);
        if (!usable(h.energy) || cell < 0) continue;
        auto const [ieta, iphi, depth] = decode_hcal(h.id);
        if (std::abs(ieta) <= 17 || std::abs(ieta) > 29) continue;
        auto const limits = segmentation<Source>::bounds(cell);
        std::vector<int> inside;
        for (int c = 0; c < segmentation<cms::ee>::size(); ++c) {
          static std::vector<position> const centers = [] {
            std::vector<position> list;
            for (int k = 0; k < segmentation<cms::ee>::size(); ++k)
              list.push_back(segmentation<cms::ee>::center(k));
            return list;
          }();
          auto const p = centers[static_cast<std::size_t>(c)];
          double const phi = p.v < limits.v_low ? p.v + 2 * math::pi : p.v;
          if (p.u >= limits.u_low && p.u <= limits.u_high && phi >= limits.v_low && phi <= limits.v_high)
            inside.push_back(c);
        }
        for (int c : inside) {
          auto const crystal = segmentation<cms::ee>::cell(c);
          hcal[ieta > 0 ? 2 : 1].at(crystal.iy - 1, crystal.ix - 1) +=
              h.energy / static_cast<float>(inside.size());
        }
      }
    };
    if (o.hcal == hcal_source::hits)
      share(cms::he{});
    else
      share(cms::towers{});
  }
  for_tracks(e, o, [&](track const& t) {
    double const eta = static_cast<double>(t.eta), phi = static_cast<double>(t.phi);
    if (std::abs(t.eta) <= 1.479f) {
      tracks[0].at((stitched ? 55 : 0) + eb_row(t.eta), stitched_column(phi)) += t.pt;
    } else if (stitched) {
      // The typed edges and the track rounded alike.
      auto const edges = cms::projection::endcap_edges();
      for (std::size_t i = 0; i < 55; ++i) {
        auto const low = static_cast<float>(edges[i]), high = static_cast<float>(edges[i + 1]);
        if (t.eta >= low && t.eta < high) tracks[0].at(225 + static_cast<int>(i), stitched_column(phi)) += t.pt;
        if (t.eta >= -high && t.eta < -low)
          tracks[0].at(54 - static_cast<int>(i), stitched_column(phi)) += t.pt;
      }
    } else if (crystals && std::abs(t.eta) <= 3.0f) {
      double best = -2;
      int nearest = -1;
      for (int c = 0; c < segmentation<cms::ee>::size() / 2; ++c) {
        static std::vector<point> const centers = [] {
          std::vector<point> list;
          for (int k = 0; k < segmentation<cms::ee>::size() / 2; ++k)
            list.push_back(
                cms::ee_front_center(segmentation<cms::ee>::cell(k).ix, segmentation<cms::ee>::cell(k).iy));
          return list;
        }();
        point const p = centers[static_cast<std::size_t>(c)];
        double const dot = (p.x * std::cos(phi) + p.y * std::sin(phi) + p.z * std::sinh(std::abs(eta))) /
                           std::hypot(p.x, p.y, p.z);
        if (dot > best) {
          best = dot;
          nearest = c;
        }
      }
      auto const crystal = segmentation<cms::ee>::cell(nearest);
      tracks[eta > 0 ? 2 : 1].at(crystal.iy - 1, crystal.ix - 1) += t.pt;
    }
  });
  return all;
}

// --- images under test
// ----------------------------------------------------------------------------------------------

enum class grid_of { central, ecal_centric, hcal_centric };

template <grid_of Layout>
constexpr auto describe(channel_list channels, image_options o) {
  if constexpr (Layout == grid_of::central)
    return cms::central(channels, o);
  else if constexpr (Layout == grid_of::ecal_centric)
    return cms::ecal_centric(channels, o);
  else
    return cms::hcal_centric(channels, o);
}

// Options by number: smear, upsample, source, tracks, division.
template <grid_of Layout, int Smear = 1, int Upsample = 0, int Source = 0, int Tracks = 0, int Divide = 0>
struct full {
  static constexpr auto image() {
    return describe<Layout>({track_pt(), ecal_energy(), hcal_energy()},
                            {.ee_smear = static_cast<smear>(Smear),
                             .hcal_upsample = static_cast<upsample>(Upsample),
                             .hcal = static_cast<hcal_source>(Source),
                             .tracks = static_cast<track_selection>(Tracks),
                             .divide_by = static_cast<divisor>(Divide)});
  }
};

template <class Name>
struct memory {
  // A halo of `margin` around every channel of every plane.
  explicit memory(int margin = 0) : margin_(margin) {
    std::size_t total = 0;
    for (int p = 0; p < image_traits<Name>::planes; ++p) total += plane_size(p);
    numbers.assign(total, 0);
  }
  std::size_t plane_size(int p) const {
    auto const s = image_traits<Name>::plane(p);
    return static_cast<std::size_t>(s.channels * (s.rows + 2 * margin_) * (s.cols + 2 * margin_));
  }
  image_target<Name> target() {
    image_target<Name> t;
    float* next = numbers.data();
    for (int p = 0; p < image_traits<Name>::planes; ++p) {
      auto const s = image_traits<Name>::plane(p);
      std::ptrdiff_t const row = s.cols + 2 * margin_;
      t[static_cast<std::size_t>(p)] = {next + margin_ * row + margin_, (s.rows + 2 * margin_) * row, row};
      next += plane_size(p);
    }
    return t;
  }
  plane_view<float> plane(int p) {
    auto const t = target()[static_cast<std::size_t>(p)];
    return {t.data, image_traits<Name>::plane(p), t.channel_stride, t.row_stride};
  }
  std::vector<float> numbers;

 private:
  int margin_;
};

bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

// Compares an image with the independent drawing; every pixel, bit for bit.
template <class Name>
void compare(memory<Name>& m, event const& e) {
  using traits = image_traits<Name>;
  auto all = draw(traits::name, e, traits::options);
  for (int p = 0; p < traits::planes; ++p)
    for (int c = 0; c < traits::channels; ++c) {
      auto& expected = all[traits::channel(c).what][static_cast<std::size_t>(p)];
      auto const plane = m.plane(p);
      int wrong = 0, filled = 0;
      for (int r = 0; r < expected.rows; ++r)
        for (int k = 0; k < expected.cols; ++k) {
          wrong += !same_bits(plane(c, r, k), expected.at(r, k));
          filled += expected.at(r, k) != 0;
        }
      CHECK_MESSAGE(wrong == 0, traits::name, " plane ", p, " channel ", c);
      if (e.hit_lists[0].size() > 100) CHECK(filled > 5);
    }
}

// Reads an event row by row: the pixels of its image bit for bit, and marks on all that are not zero.
template <class Name, class Policy>
void compare_rows(row_builder<Name, Policy> const& rows, memory<Name>& image) {
  memory<Name> read;
  [&]<int... Plane>(std::integer_sequence<int, Plane...>) {
    auto const one = [&]<int P>(std::integral_constant<int, P>) {
      constexpr kernel::map_shape shape{image_traits<Name>::plane(P).channels,
                                        image_traits<Name>::plane(P).rows, image_traits<Name>::plane(P).cols};
      auto const to = read.target()[P];
      auto const drawn = image.plane(P);
      int wrong = 0, unmarked = 0;
      for (int r = 0; r < shape.rows; ++r) {
        kernel::cpu::marks_of_row<shape> marks;
        float* const place = to.data + r * to.row_stride;
        auto const read_row = [&](int row) {
          rows.template read<P>(row, place, static_cast<int>(to.channel_stride), marks);
        };
        read_row((r + shape.rows / 3) % shape.rows);  // another row was there before
        read_row(r);
        for (int c = 0; c < shape.channels; ++c)
          for (int k = 0; k < shape.cols; ++k) {
            wrong += !same_bits(read.plane(P)(c, r, k), drawn(c, r, k));
            unmarked += drawn(c, r, k) != 0 && (marks.of[c][k / 64] >> k % 64 & 1) == 0;
          }
      }
      CHECK_MESSAGE(wrong == 0, image_traits<Name>::name, " plane ", P);
      CHECK(unmarked == 0);
    };
    (one(std::integral_constant<int, Plane>{}), ...);
  }
  (std::make_integer_sequence<int, image_traits<Name>::planes>{});
}

template <class Name, class Policy = exec::cpu<>>
void check_image(int margin, int events, double fill = 1) {
  memory<Name> m(margin);
  image_builder<Name, Policy> builder;
  constexpr bool has_rows = !std::same_as<Policy, exec::scalar>;
  row_builder<Name, std::conditional_t<has_rows, Policy, exec::cpu<>>> rows(builder.tables());
  for (int i = 0; i < events; ++i) {
    event const e = random_event(static_cast<unsigned>(1000 + i), fill);
    image_report const report = builder.build(e, m.target());
    compare<Name>(m, e);
    if constexpr (has_rows) {
      CHECK(rows.build(e) == report);
      compare_rows(rows, m);
    }
  }
  // The undo: an empty event leaves nothing, and the halo was never touched.
  builder.build(event{}, m.target());
  rows.build(event{});
  compare_rows(rows, m);
  CHECK(std::count_if(m.numbers.begin(), m.numbers.end(), [](float x) { return !same_bits(x, 0); }) == 0);
}

TEST_CASE("every pixel of every layout equals the independent drawing, event after event") {
  check_image<full<grid_of::central>>(0, 12);
  check_image<full<grid_of::hcal_centric>>(0, 12);
  check_image<full<grid_of::ecal_centric>>(0, 4);
  check_image<full<grid_of::central>, exec::scalar>(0, 2);
  check_image<full<grid_of::hcal_centric>, exec::scalar>(0, 2);
  check_image<full<grid_of::ecal_centric>, exec::scalar>(0, 1);
}

TEST_CASE("every option") {
  check_image<full<grid_of::hcal_centric, 0>>(0, 3);
  check_image<full<grid_of::hcal_centric, 2>>(0, 3);
  check_image<full<grid_of::hcal_centric, 1, 1>>(0, 3);
  check_image<full<grid_of::hcal_centric, 1, 0, 1>>(0, 3);
  check_image<full<grid_of::hcal_centric, 1, 0, 0, 1>>(0, 3);
  check_image<full<grid_of::central, 1, 1>>(0, 3);
  check_image<full<grid_of::central, 1, 0, 1>>(0, 3);
  check_image<full<grid_of::ecal_centric, 1, 1, 1, 1>>(0, 2);
}

TEST_CASE("a target with strides: a halo stays untouched") {
  check_image<full<grid_of::central>>(3, 3);
  check_image<full<grid_of::hcal_centric>>(1, 3);
  check_image<full<grid_of::ecal_centric>>(7, 2);
  check_image<full<grid_of::hcal_centric>, exec::scalar>(2, 1);
}

TEST_CASE("events that fill everything: lists overflow into clearing all") {
  check_image<full<grid_of::hcal_centric>>(0, 2, 400);
  check_image<full<grid_of::central>>(1, 2, 400);
  check_image<full<grid_of::central>, exec::cpu<exec::portable>>(1, 1, 400);
  // As many tracks in a pixel as one likes; then as few as usual.
  event crowded = random_event(3);
  for (int i = 0; i < 100'000; ++i)
    crowded.track_list.push_back({1.0F, 0.5F, 0.25F * static_cast<float>(i % 2)});
  using name = full<grid_of::hcal_centric>;
  memory<name> m;
  image_builder<name> builder;
  row_builder<name> rows(builder.tables());
  for (event const& e : {random_event(2), crowded, crowded, random_event(4)}) {
    builder.build(e, m.target());
    rows.build(e);
    compare_rows(rows, m);
  }
}

// --- subsets and orders
// ---------------------------------------------------------------------------------------------

template <grid_of Layout, quantity... Q>
struct subset {
  static constexpr auto image() { return describe<Layout>({channel{.what = Q}...}, {}); }
};

TEST_CASE("any subset of the channels in any order") {
  constexpr auto t = quantity::track_pt, e = quantity::ecal_energy, h = quantity::hcal_energy;
  constexpr auto hc = grid_of::hcal_centric, ec = grid_of::ecal_centric, ce = grid_of::central;
  check_image<subset<hc, e>>(0, 2);
  check_image<subset<hc, h, e, t>>(0, 2);
  check_image<subset<hc, e, t>>(0, 2);
  check_image<subset<ce, h>>(0, 2);
  check_image<subset<ce, t>>(0, 2);
  check_image<subset<ce, h, t>>(0, 2);
  check_image<subset<ec, e>>(0, 1);
  check_image<subset<ec, h, t>>(0, 1);
  check_image<subset<ec, h, e, t>, exec::scalar>(0, 1);
}

// --- energy balance
// -------------------------------------------------------------------------------------------------

template <class Name>
double total(event const& e, int channel) {
  memory<Name> m;
  image_builder<Name> builder;
  builder.build(e, m.target());
  double sum = 0;
  for (int p = 0; p < image_traits<Name>::planes; ++p) {
    auto const plane = m.plane(p);
    for (int r = 0; r < plane.shape().rows; ++r)
      for (int c = 0; c < plane.shape().cols; ++c) sum += static_cast<double>(plane(channel, r, c));
  }
  return sum;
}

// Sum of the energies of one list that may enter an image, all or with |ieta| <= last.
template <class D>
double energy(event const& e, int last = 99) {
  double sum = 0;
  for (hit h : e.hits(segmentation<D>::collection)) {
    int const cell = segmentation<D>::unpack(h.id);
    if (!usable(h.energy) || cell < 0) continue;
    if constexpr (requires { segmentation<D>::cell(0).ieta; })
      if (std::abs(segmentation<D>::cell(cell).ieta) > last) continue;
    sum += static_cast<double>(h.energy);
  }
  return sum;
}

TEST_CASE("energy balance of every projection and option") {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    event const e = random_event(seed);
    double const eb = energy<cms::eb>(e), ee = energy<cms::ee>(e), hb = energy<cms::hb>(e),
                 he = energy<cms::he>(e);
    auto const close = [](double x) { return doctest::Approx(x).epsilon(1e-5); };
    CHECK(total<full<grid_of::central>>(e, 1) == close(eb));
    CHECK(total<full<grid_of::ecal_centric>>(e, 1) == close(eb + ee));
    CHECK(total<full<grid_of::hcal_centric, 0>>(e, 1) == close(eb + ee));

    // The smeared endcaps lose half of what lies in the blocks of the outermost row.
    double outer = 0;
    for (hit h : e.hits(cms::collection::ee)) {
      int const cell = segmentation<cms::ee>::unpack(h.id);
      if (!usable(h.energy) || cell < 0) continue;
      block const b = cms::projection::ee_rows::at({.ee_smear = smear::none}, cell);
      if (b.row == (b.region == 0 ? 0 : 54)) outer += static_cast<double>(h.energy);
    }
    CHECK(total<full<grid_of::hcal_centric, 1>>(e, 1) == close(eb + ee - outer / 2));
    CHECK(total<full<grid_of::hcal_centric, 2>>(e, 1) == close(eb + (ee - outer / 2) / 4));

    CHECK(total<full<grid_of::hcal_centric>>(e, 2) == close(25 * (hb + he)));
    CHECK(total<full<grid_of::hcal_centric, 1, 1>>(e, 2) == close(hb + he));
    CHECK(total<full<grid_of::hcal_centric, 1, 1, 1>>(e, 2) == close(energy<cms::towers>(e, 29)));
    CHECK(total<full<grid_of::central>>(e, 2) == close(25 * (hb + energy<cms::he>(e, 17))));
    CHECK(total<full<grid_of::central, 1, 1>>(e, 2) == close(hb + energy<cms::he>(e, 17)));
    CHECK(total<full<grid_of::ecal_centric, 1, 1>>(e, 2) == close(hb + he));
    CHECK(total<full<grid_of::ecal_centric, 1, 0>>(e, 2) ==
          close(25 * (hb + energy<cms::he>(e, 17)) + he - energy<cms::he>(e, 17)));

    double tracks = 0, barrel = 0;
    for (track const& t : e.tracks()) {
      if (!usable(t.pt) || !std::isfinite(t.eta) || !std::isfinite(t.phi) || std::abs(t.eta) >= 3) continue;
      tracks += static_cast<double>(t.pt);
      if (std::abs(t.eta) <= 1.479f) barrel += static_cast<double>(t.pt);
    }
    CHECK(total<full<grid_of::hcal_centric>>(e, 0) == close(tracks));
    CHECK(total<full<grid_of::ecal_centric>>(e, 0) == close(tracks));
    CHECK(total<full<grid_of::central>>(e, 0) == close(barrel));
  }
}

// --- preprocessing
// --------------------------------------------------------------------------------------------------

struct jets {  // raw GeV below 1 MeV suppressed, HCAL x 25, everything / 100, as the quark/gluon study does
  static constexpr auto image() {
    return cms::hcal_centric({track_pt({.scale = 0.01, .zero_suppression = 1e-3}),
                              ecal_energy({.scale = 0.01, .zero_suppression = 1e-3}),
                              hcal_energy({.scale = 0.25, .zero_suppression = 1e-3})},
                             {.ee_smear = smear::legacy_quarter, .hcal_upsample = upsample::divide});
  }
};

template <class Name, class Policy>
void check_rules(event const& e, float divided_by) {
  using traits = image_traits<Name>;
  memory<Name> m;
  image_builder<Name, Policy> builder;
  for (int repeat = 0; repeat < 2; ++repeat) CHECK(builder.build(e, m.target()).scaled);
  auto all = draw(traits::name, e, traits::options);
  int suppressed = 0;
  for (int c = 0; c < traits::channels; ++c) {
    channel const what = traits::channel(c);
    auto& raw = all[what.what][0];
    float const factor =
        divided_by == 0 ? static_cast<float>(what.scale) : static_cast<float>(what.scale) / divided_by;
    int wrong = 0;
    for (int r = 0; r < raw.rows; ++r)
      for (int k = 0; k < raw.cols; ++k) {
        float const p = raw.at(r, k);
        bool const below = p < static_cast<float>(what.zero_suppression);
        suppressed += below && p > 0;
        wrong += !same_bits(m.plane(0)(c, r, k), below ? 0.f : p * factor);
      }
    CHECK(wrong == 0);
  }
  if (traits::channel(0).zero_suppression > 0) CHECK(suppressed > 0);
}

TEST_CASE("suppression acts on raw pixels, then scale, then the event's mass or momentum") {
  event const e = random_event(5);
  check_rules<jets, exec::cpu<>>(e, 0);
  check_rules<jets, exec::scalar>(e, 0);
  float const mass = static_cast<float>(diphoton_mass(e.photons()));
  CHECK(mass == doctest::Approx(std::sqrt(2 * 45 * 36 * (std::cosh(1.2) - std::cos(3.0)))));
  check_rules<full<grid_of::hcal_centric, 1, 0, 0, 0, 1>, exec::cpu<>>(e, mass);
  check_rules<full<grid_of::hcal_centric, 1, 0, 0, 0, 1>, exec::scalar>(e, mass);
  check_rules<full<grid_of::hcal_centric, 1, 0, 0, 0, 2>, exec::cpu<>>(
      e, e.photon_list[0].et + e.photon_list[1].et);
}

TEST_CASE(
    "an event without two photons has nothing to be divided by: its image is empty, and the report says so") {
  using name = full<grid_of::hcal_centric, 1, 0, 0, 0, 1>;
  memory<name> m;
  image_builder<name> builder;
  event e = random_event(3);
  CHECK(builder.build(e, m.target()).scaled);
  e.photon_list.pop_back();
  image_report const r = builder.build(e, m.target());
  CHECK_FALSE(r.scaled);
  CHECK(r.used == 0);
  CHECK(std::all_of(m.numbers.begin(), m.numbers.end(), [](float x) { return x == 0; }));
  for (float bad :
       {0.f, -1.f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    e.photon_list = {{bad, 0, 0, 0, 0, 0}, {bad, 1, 1, 0, 0, 0}};
    CHECK_FALSE(builder.build(e, m.target()).scaled);
  }
}

// --- awkward input
// --------------------------------------------------------------------------------------------------

TEST_CASE("the report counts what was left out, and why") {
  float const nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  event e;
  e.hit_lists[cms::collection::eb] = {
      {segmentation<cms::eb>::pack(0), 1.f},  {segmentation<cms::eb>::pack(1), 0.f},
      {segmentation<cms::eb>::pack(2), -1.f}, {segmentation<cms::eb>::pack(3), nan},
      {segmentation<cms::eb>::pack(4), inf},  {segmentation<cms::eb>::pack(5), -inf},
      {segmentation<cms::ee>::pack(5), 1.f},  {0x32000000u, 1.f}};
  e.hit_lists[cms::collection::he] = {
      {segmentation<cms::he>::pack(segmentation<cms::he>::index({25, 1, 1})), 1.f},
      {segmentation<cms::he>::pack(segmentation<cms::he>::index({17, 1, 1})), 1.f}};
  e.track_list = {{1, 0, 0}, {1, 2.9f, 0}, {-1, 0, 0}, {nan, 0, 0}, {1, nan, 0}, {1, 0, inf}, {0, 0, 0}};
  using name = full<grid_of::central>;
  memory<name> m;
  image_builder<name> builder;
  image_report const r = builder.build(e, m.target());
  CHECK(r == image_report{.used = 3, .not_positive = 4, .not_finite = 6, .unknown = 2, .outside = 2});
  double sum = 0;
  for (float x : m.numbers) {
    CHECK(std::isfinite(x));
    sum += static_cast<double>(x);
  }
  CHECK(sum == 1 + 25 + 1);

  using pure = full<grid_of::central, 1, 0, 0, 1>;
  memory<pure> n;
  CHECK(image_builder<pure>().build(e, n.target()).not_selected == 7);
  e.track_list[0].quality = track_quality::high_purity;
  image_report const selected = image_builder<pure>().build(e, n.target());
  CHECK(selected.not_selected == 6);
  CHECK(selected.used == 3);
}

// Tracks whose azimuth is a mistake are outside of every image, in the barrel and in the endcaps.
template <class Name, class Policy = exec::cpu<>>
void check_far_azimuths() {
  memory<Name> m(1);
  image_builder<Name, Policy> builder;
  row_builder<Name> rows;
  for (float const phi : {101.f, 2e6f, 2e7f, 1e30f}) {
    CAPTURE(phi);
    event e;
    e.track_list = {{1, 0, phi}, {1, 0.5f, -phi}, {1, -1.4f, phi}, {1, 2, phi}, {1, -2, -phi}};
    image_report const report = builder.build(e, m.target());
    CHECK(report == image_report{.outside = 5});
    CHECK(std::all_of(m.numbers.begin(), m.numbers.end(), [](float x) { return x == 0; }));
    CHECK(rows.build(e) == report);
    compare_rows(rows, m);
  }
  event e;
  e.track_list = {{1, 0.5f, 99.f}};
  CHECK(builder.build(e, m.target()).used == 1);
}

TEST_CASE("an azimuth of many turns is outside, not beside the image") {
  check_far_azimuths<full<grid_of::central>>();
  check_far_azimuths<full<grid_of::ecal_centric>>();
  check_far_azimuths<full<grid_of::hcal_centric>>();
  check_far_azimuths<full<grid_of::central>, exec::scalar>();
  check_far_azimuths<full<grid_of::ecal_centric>, exec::scalar>();
  check_far_azimuths<full<grid_of::hcal_centric>, exec::scalar>();
}

TEST_CASE("an event is divided by its two leading photons, in whatever order it lists them") {
  auto const check = []<class Name>(Name) {
    memory<Name> a, b;
    image_builder<Name> builder;
    event e = random_event(4);
    e.photon_list.push_back({20, 0.1f, 0.2f, 20, 0, 0});
    builder.build(e, a.target());
    std::reverse(e.photon_list.begin(), e.photon_list.end());
    image_builder<Name>().build(e, b.target());
    CHECK(a.numbers == b.numbers);
  };
  check(full<grid_of::central, 1, 0, 0, 0, 1>{});
  check(full<grid_of::central, 1, 0, 0, 0, 2>{});
}

TEST_CASE("a block in a table comes back, or is nowhere where it does not fit") {
  using calotype::detail::packed_block;
  for (block const b : {block{}, block{7, 2047, 2047, 127}, block{0, 0, 0, 1}, block{3, 5, 360, 2}}) {
    CHECK(packed_block::of(b).unpacked() == b);
  }
  for (block const b : {block{8, 0, 0, 1}, block{0, 2048, 0, 1}, block{0, 0, 2048, 1}, block{0, 0, 0, 128},
                        block{0, 0, -1, 1}}) {
    CHECK_FALSE(packed_block::of(b).unpacked());
  }
}

TEST_CASE("other memory than last time is taken as zero; coming back to a cleared one works") {
  using name = full<grid_of::central>;
  memory<name> a, b;
  image_builder<name> builder;
  event const e = random_event(1), f = random_event(2);
  builder.build(e, a.target());
  builder.build(f, b.target());
  compare<name>(a, e);
  compare<name>(b, f);
  std::fill(a.numbers.begin(), a.numbers.end(), 0.f);
  builder.build(f, a.target());
  compare<name>(a, f);
}

TEST_CASE("builders share tables, and are stated in bytes") {
  using name = full<grid_of::hcal_centric>;
  image_builder<name> const first;
  image_builder<name> second(first.tables());
  CHECK(first.tables() == second.tables());
  memory<name> m;
  event const e = random_event(9);
  second.build(e, m.target());
  compare<name>(m, e);
  static_assert(image_builder<name>::workspace_bytes < 400'000);
  static_assert(
      noexcept(second.build(std::declval<event const&>(), std::declval<image_target<name> const&>())));
}

// --- someone else's detector
// ----------------------------------------------------------------------------------------

struct pad {
  int ieta, iphi;
};
struct toy_ecal {
  using cell_type = pad;
  static constexpr std::string_view name() { return "toy ecal"; }
  static constexpr auto cells() { return grid{.u = regular{40, -1, 1}, .v = periodic{64}}; }
  static constexpr auto ids() {
    return id_layout<2>{0x10000000,
                        {{{.label = 0, .shift = 8, .bits = 8}, {.label = 1, .shift = 0, .bits = 8}}}};
  }
  static constexpr int collection = 0;
};
struct toy_hcal {
  using cell_type = pad;
  static constexpr std::string_view name() { return "toy hcal"; }
  static constexpr auto cells() { return grid{.u = regular{10, -1, 1}, .v = periodic{16}}; }
  static constexpr auto ids() {
    return id_layout<2>{0x20000000,
                        {{{.label = 0, .shift = 8, .bits = 8}, {.label = 1, .shift = 0, .bits = 8}}}};
  }
  static constexpr int collection = 1;
};
constexpr auto toy_light = static_cast<quantity>(100);
struct toy_scintillator : toy_hcal {
  static constexpr std::string_view name() { return "toy scintillator"; }
  static constexpr auto cells() { return grid{.u = regular{7, -1.4, 1.4}, .v = periodic{9}}; }
  static constexpr int collection = 2;
};

struct toy_layout {
  using on_ecal = cells_to_pixels<quantity::ecal_energy, toy_ecal, 0, 40, 64>;
  using projections_type =
      projections<on_ecal, cells_to_blocks<quantity::hcal_energy, toy_hcal, 0, 10, 16, 4, 4>,
                  tracks_to_cells<on_ecal>,
                  centers_to_pixels<toy_light, toy_scintillator, toy_ecal, 0, 40, 64>>;
  static constexpr std::string_view name() { return "toy"; }
  static constexpr std::array<image_plane, 1> planes() { return {{{"barrel", 40, 64}}}; }
};
struct toy_image {
  static constexpr auto image() {
    return image_description<toy_layout>{{hcal_energy(), track_pt(), ecal_energy(),
                                          channel{.what = toy_light, .name = "light", .unit = "photons"}}};
  }
};

TEST_CASE("a layout for another detector takes a few lines") {
  static_assert(image_traits<toy_image>::plane(0) == plane_shape{4, 40, 64});
  event e;
  for (int i = 0; i < segmentation<toy_ecal>::size(); i += 3)
    e.hit_lists[0].push_back({segmentation<toy_ecal>::pack(i), static_cast<float>(i)});
  for (int i = 0; i < segmentation<toy_hcal>::size(); ++i)
    e.hit_lists[1].push_back({segmentation<toy_hcal>::pack(i), 1 + static_cast<float>(i)});
  for (int i = 0; i < segmentation<toy_scintillator>::size(); ++i)
    e.hit_lists[2].push_back({segmentation<toy_scintillator>::pack(i), 1.f});
  e.track_list = {{2.5f, 0.51f, 0.1f}, {1.f, 0.52f, 0.11f}, {1.f, 1.5f, 0}};
  memory<toy_image> m;
  image_builder<toy_image> builder;
  auto const report = builder.build(e, m.target());
  auto const p = m.plane(0);
  int light = 0;
  for (int r = 0; r < 40; ++r)
    for (int c = 0; c < 64; ++c) {
      int const cell = r * 64 + c;
      CHECK(p(2, r, c) == (cell % 3 == 0 ? static_cast<float>(cell) : 0.f));
      CHECK(p(0, r, c) == 1 + static_cast<float>(r / 4 * 16 + c / 4));
      light += p(3, r, c) > 0;
    }
  CHECK(light == 5 * 9);  // two of the seven rows of scintillators lie outside
  CHECK(p(1, 30, 1) == 3.5f);
  CHECK(report.outside == 2 * 9 + 1);
}

}  // namespace
