#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/image/projection.hpp>
#include <calotype/image/table.hpp>

namespace {

using namespace calotype;
namespace to = cms::projection;
using eb = segmentation<cms::eb>;
using ee = segmentation<cms::ee>;

TEST_CASE("EB: one crystal, one pixel, rows and columns by formula") {
  for (int first : {0, 55}) {
    std::set<std::pair<int, int>> pixels;
    for (int i = 0; i < eb::size(); ++i) {
      auto const cell = eb::cell(i);
      block const b = first == 0 ? to::eb_crystals<0>::at({}, i) : to::eb_crystals<55>::at({}, i);
      CHECK_MESSAGE(b.col == cell.iphi - 1, i);
      CHECK_MESSAGE(b.row == (cell.ieta > 0 ? cell.ieta + 84 : cell.ieta + 85), i);
      pixels.insert({b.row, b.col});
    }
    CHECK(pixels.size() == 61200);
  }
  CHECK(to::eb_crystals<55>::regions({})[0].row == 55);
}

// The stitched rows again, from the text: towers 18..28 in five parts each.
TEST_CASE("EE rows: histogram edges, the authors' phi shift, 7316 distinct bins per endcap") {
  auto const edges = to::endcap_edges();
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) CHECK(edges[i] < edges[i + 1]);
  double const towers[] = {1.479, 1.566, 1.653, 1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0};
  for (std::size_t t = 0; t < 11; ++t)
    for (std::size_t k = 0; k <= 5; ++k)
      CHECK(edges[5 * t + k] ==
            doctest::Approx(towers[t] + static_cast<double>(k) * (towers[t + 1] - towers[t]) / 5));

  std::map<std::pair<int, int>, int> bins[2];
  hit_table<to::ee_rows> const table({.ee_smear = smear::none});
  for (int i = 0; i < ee::size(); ++i) {
    auto const center = ee::center(i);
    block const b = table[i];
    REQUIRE(b);
    CHECK(b.region == (center.u > 0));
    CHECK(b == to::ee_rows::at({.ee_smear = smear::none}, i));
    // Independent of the library's own columns: 360 bins from -pi, shifted by 190.
    int const k = static_cast<int>(std::floor((center.v + math::pi) * 180 / math::pi));
    CHECK(b.col == (k + 190) % 360);
    std::size_t bin = 0;
    double const eta = std::abs(center.u);
    while (!(eta >= edges[bin] && eta < edges[bin + 1])) ++bin;
    CHECK(b.row == (center.u > 0 ? static_cast<int>(bin) : 54 - static_cast<int>(bin)));
    ++bins[b.region][{b.row, b.col}];
  }
  for (auto const& side : bins) {
    CHECK(side.size() == 7316);
    int doubles = 0;
    for (auto const& bin : side) {
      CHECK(bin.second <= 2);
      doubles += bin.second == 2;
    }
    CHECK(doubles == 8);
  }
  CHECK(to::ee_rows::row_of(1.4789) == -1);
  CHECK(to::ee_rows::row_of(3.0) == -1);
  CHECK(to::ee_rows::row_of(2.9999) == 54);
  CHECK(to::ee_rows::row_of(-3.0) == 0);
  CHECK(to::ee_rows::row_of(2.0946) == 32);
  CHECK(to::ee_rows::row_of(-2.0946) == 23);  // lower edge included here too: not the mirror image
}

TEST_CASE("EE smear: disjoint 2 x 2 blocks, paired with an empty row beyond |eta| = 3") {
  image_options const none{.ee_smear = smear::none}, conserve{};
  auto const regions = to::ee_rows::regions(conserve);
  for (int i = 0; i < ee::size(); ++i) {
    block const fine = to::ee_rows::at(none, i), coarse = to::ee_rows::at(conserve, i);
    region const r = regions[static_cast<std::size_t>(coarse.region)];
    int const row = (fine.region == 0 ? 0 : 225) + fine.row;
    int const first_row = r.row + 2 * coarse.row, first_col = 2 * coarse.col;
    CHECK_MESSAGE((row >= first_row && row < first_row + 2), i);
    CHECK_MESSAGE((fine.col >= first_col && fine.col < first_col + 2), i);
  }
  CHECK(regions[0].row == -1);                         // EE-: pad row above row 0
  CHECK(regions[1].row + 2 * regions[1].rows == 281);  // EE+: pad row below row 279
}

template <class Source, int Last>
void check_towers() {
  for (int i = 0; i < segmentation<Source>::size(); ++i) {
    auto const cell = segmentation<Source>::cell(i);
    block const b = to::hcal_towers<Source, Last>::at({}, i);
    int const ring = std::min(std::abs(cell.ieta) == 29 ? 28 : std::abs(cell.ieta), 99);
    if (ring > Last) {
      CHECK_FALSE(b);
      continue;
    }
    REQUIRE(b);
    int shifted = cell.iphi + 2;
    if (shifted > 72) shifted -= 72;
    CHECK(b.col == shifted - 1);
    CHECK(b.row == (cell.ieta > 0 ? Last + ring - 1 : Last - ring));
    CHECK(b.cols == (std::abs(cell.ieta) > 20 ? 2 : 1));
    CHECK(b.col + b.cols <= 72);
    // The tower covers the ECAL columns whose centres lie inside it.
    auto const limits = segmentation<Source>::bounds(i);
    for (int c = 5 * b.col; c < 5 * (b.col + b.cols); ++c) {
      double phi = (c - 9.5) * math::pi / 180;
      while (phi < limits.v_low) phi += 2 * math::pi;
      while (phi > limits.v_low + 2 * math::pi) phi -= 2 * math::pi;
      CHECK(phi > limits.v_low);
      CHECK(phi < limits.v_high);
    }
  }
}
TEST_CASE("HCAL towers: rows from ieta, columns two towers on, 29 in 28, wide towers in two columns") {
  check_towers<cms::hb, 17>();
  check_towers<cms::hb, 28>();
  check_towers<cms::he, 17>();
  check_towers<cms::he, 28>();
  check_towers<cms::towers, 17>();
  check_towers<cms::towers, 28>();
}

template <class Source>
std::size_t check_sharing() {
  using cells = segmentation<Source>;
  hit_table<to::hcal_on_crystals<Source>> const table({});
  std::size_t total = 0;
  std::map<int, std::pair<std::size_t, std::size_t>> counts;  // fewest and most, by ring
  for (int i = 0; i < cells::size(); ++i) {
    auto const cell = cells::cell(i);
    auto const blocks = table[i];
    total += blocks.size();
    int const ring = std::abs(cell.ieta);
    if (ring > 29) {
      CHECK(blocks.empty());
      continue;
    }
    if (ring <= 17) {
      REQUIRE(blocks.size() == 1);
      CHECK(blocks[0].unpacked().region == 0);
      continue;
    }
    // Brute force over every crystal.
    auto const limits = cells::bounds(i);
    std::set<std::pair<int, int>> expected, found;
    for (int c = 0; c < ee::size(); ++c) {
      auto const p = ee::center(c);
      if (p.u < limits.u_low || p.u > limits.u_high) continue;
      double phi = p.v;
      while (phi < limits.v_low) phi += 2 * math::pi;
      if (phi > limits.v_high) continue;
      expected.insert({ee::cell(c).iy - 1, ee::cell(c).ix - 1});
    }
    for (auto const b : blocks) {
      auto const u = b.unpacked();
      CHECK(u.region == (cell.ieta < 0 ? 1 : 2));
      found.insert({u.row, u.col});
    }
    CHECK(found == expected);
    CHECK(found.size() == blocks.size());
    CHECK_FALSE(blocks.empty());
    auto& [low, high] = counts.try_emplace(ring, blocks.size(), blocks.size()).first->second;
    low = std::min(low, blocks.size());
    high = std::max(high, blocks.size());
  }
  std::map<int, std::pair<std::size_t, std::size_t>> const official{
      {18, {7, 19}},  {19, {15, 19}}, {20, {11, 15}}, {21, {22, 24}}, {22, {19, 21}}, {23, {18, 20}},
      {24, {14, 18}}, {25, {13, 16}}, {26, {10, 13}}, {27, {6, 10}},  {28, {6, 10}},  {29, {1, 2}}};
  if constexpr (std::is_same_v<Source, cms::he>) CHECK(counts == official);
  CHECK(total <= static_cast<std::size_t>(to::hcal_on_crystals<Source>::max_blocks));
  return total;
}
TEST_CASE("HCAL on crystals: exactly the crystals inside each tower, counts as published") {
  CHECK(check_sharing<cms::he>() > 20'000);
  CHECK(check_sharing<cms::towers>() > 14'000);
}

TEST_CASE("tracks: rows by borders, lower ones included; the barrel ends at 1.479 inclusive") {
  to::tracks_on_rows::locator const stitched;
  to::tracks_on_barrel::locator const barrel;
  auto const row = [&](double eta) { return stitched(static_cast<float>(eta), 0.1f).row; };
  for (int r = 0; r < 170; ++r) {
    auto const limits = eb::bounds(r * 360);
    if (r > 0) {
      CHECK(row(limits.u_low) == 55 + r);
      CHECK(stitched(std::nextafter(static_cast<float>(limits.u_low), -9.f), 0).row == 54 + r);
      CHECK(barrel(static_cast<float>(limits.u_low), 0.1f).row == r);
    }
    CHECK(row(eb::center(r * 360).u) == 55 + r);
    CHECK(barrel(static_cast<float>(eb::center(r * 360).u), 0.1f).row == r);
  }
  auto const edges = to::endcap_edges();
  for (std::size_t i = 0; i < 55; ++i) {
    if (i > 0) CHECK(row(edges[i]) == 225 + static_cast<int>(i));
    CHECK(row(-edges[i + 1]) == 54 - static_cast<int>(i));
    CHECK(row((edges[i] + edges[i + 1]) / 2) == 225 + static_cast<int>(i));
    CHECK(row(-(edges[i] + edges[i + 1]) / 2) == 54 - static_cast<int>(i));
  }
  CHECK(row(1.479) == 224);
  CHECK(row(-1.479) == 55);
  CHECK(row(std::nextafter(1.479f, 2.f)) == 225);
  CHECK(row(std::nextafter(-1.479f, -2.f)) == 54);
  CHECK(row(-3.0) == 0);
  CHECK(row(3.0) == -1);
  CHECK(row(1e30) == -1);
  CHECK(row(std::numeric_limits<double>::quiet_NaN()) == -1);
  CHECK(barrel(1.479f, 0).row == 169);
  CHECK(barrel(std::nextafter(1.479f, 2.f), 0).row == -1);
  CHECK(barrel(-1.479f, 0).row == 0);
}

TEST_CASE("tracks: columns by azimuth, whatever turn it is given in") {
  to::tracks_on_rows::locator const locate;
  for (int c = 0; c < 360; ++c) {
    double const degrees = c - 9.5;
    for (int turn = -1; turn <= 1; ++turn)
      CHECK(locate(0.5f, static_cast<float>((degrees + 360 * turn) * math::pi / 180)).col == c);
  }
  CHECK(locate(0.5f, 0.f).col == 10);
  CHECK(locate(0.5f, -1e-6f).col == 9);
  CHECK(locate(0.5f, static_cast<float>(math::pi)).col == 190);
  CHECK(locate(0.5f, -static_cast<float>(math::pi)).col == 189);  // float(pi) is above pi: another turn
  CHECK(locate(0.5f, -3.141592f).col == 190);
}

TEST_CASE("a look-up of rows equals a search, for regular and for very uneven edges") {
  std::mt19937 random(7);
  auto const check = [&]<std::size_t N>(std::array<float, N> const& edges) {
    eta_rows<static_cast<int>(N) - 1> const rows(edges);
    std::uniform_real_distribution<float> draw(edges.front() - 0.5f, edges.back() + 0.5f);
    std::vector<float> values(edges.begin(), edges.end());
    for (float e : edges) {
      values.push_back(std::nextafter(e, -1e9f));
      values.push_back(std::nextafter(e, 1e9f));
    }
    for (int i = 0; i < 20000; ++i) values.push_back(draw(random));
    for (float v : values) {
      int expected = -1;
      for (std::size_t i = 0; i + 1 < N; ++i)
        if (v >= edges[i] && v < edges[i + 1]) expected = static_cast<int>(i);
      REQUIRE(rows.find(v) == expected);
    }
  };
  check(to::stitched_edges());
  check(std::array{-1.f, -0.9999f, -0.9998f, 0.f, 1e-6f, 5.f});
  check(std::array{0.f, 1.f});
}

TEST_CASE(
    "the nearest crystal: equal to the segmentation's own search, and to a search of all crystals beyond it") {
  to::nearest_crystal const nearest;
  std::mt19937 random(11);
  std::uniform_real_distribution<float> draw_eta(1.479f, 3.0f), draw_phi(-3.1415926f, 3.1415926f), edge(0, 1);
  constexpr int half = ee::size() / 2;
  int different = 0;
  for (int i = 0; i < 20000; ++i) {
    float const eta = draw_eta(random), phi = draw_phi(random);
    int const sought = ee::find(static_cast<double>(eta), static_cast<double>(phi));
    if (sought >= 0) different += half + nearest.find(eta, phi) != sought;
  }
  CHECK(different == 0);
  std::vector<std::array<double, 3>> directions;
  for (int c = 0; c < half; ++c) {
    auto const p = cms::ee_front_center(ee::cell(c).ix, ee::cell(c).iy);
    double const length = std::hypot(p.x, p.y, p.z);
    directions.push_back({p.x / length, p.y / length, p.z / length});
  }
  for (int i = 0; i < 3000; ++i) {
    float const eta = i % 2 != 0 ? 1.479f + 0.02f * edge(random) : 2.85f + 0.15f * edge(random),
                phi = draw_phi(random);
    double const x = std::cos(static_cast<double>(phi)), y = std::sin(static_cast<double>(phi)),
                 z = std::sinh(static_cast<double>(eta));
    double best = -2;
    int expected = -1;
    for (int c = 0; c < half; ++c) {
      auto const& d = directions[static_cast<std::size_t>(c)];
      double const dot = d[0] * x + d[1] * y + d[2] * z;
      if (dot > best) {
        best = dot;
        expected = c;
      }
    }
    CHECK(nearest.find(eta, phi) == expected);
    CHECK(nearest.find(-eta, phi) == expected);
  }
}

TEST_CASE("tracks on crystals: barrel, endcaps, nothing beyond |eta| = 3") {
  to::tracks_on_crystals::locator const locate;
  CHECK(locate(0.3f, 1.f).region == 0);
  CHECK(locate(1.479f, 1.f).region == 0);
  CHECK(locate(1.48f, 1.f).region == 2);
  CHECK(locate(-1.48f, 1.f).region == 1);
  CHECK(locate(3.0f, 1.f).region == 2);
  CHECK_FALSE(locate(3.001f, 1.f));
  CHECK_FALSE(locate(-3.001f, 1.f));
  for (float const phi : {2e6f, 2e7f, 1e30f, std::numeric_limits<float>::quiet_NaN()}) {
    CAPTURE(phi);
    CHECK_FALSE(locate(2.f, phi));
    CHECK_FALSE(locate(-2.f, -phi));
  }
  CHECK_FALSE(locate(0.f, 2e7f));
  for (int i = 0; i < ee::size(); i += 7) {
    auto const center = ee::center(i);
    block const b = locate(static_cast<float>(center.u), static_cast<float>(center.v));
    CHECK(b.row == ee::cell(i).iy - 1);
    CHECK(b.col == ee::cell(i).ix - 1);
    CHECK(b.region == (ee::cell(i).zside < 0 ? 1 : 2));
  }
}

}  // namespace
