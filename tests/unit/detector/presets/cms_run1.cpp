#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>

using namespace calotype;

namespace {

using eb = segmentation<cms::eb>;
using ee = segmentation<cms::ee>;
using hb = segmentation<cms::hb>;
using he = segmentation<cms::he>;
using hf = segmentation<cms::hf>;

constexpr double degree = math::pi / 180;

template <class S>
int layer_of(int index) {
  auto const cell = S::cell(index);
  if constexpr (requires { cell.depth; })
    return cell.depth;
  else if constexpr (requires { cell.plane; })
    return cell.plane;
  else
    return any_layer;
}

// The crystal whose centre is nearest in angle, the slow way.
int nearest_in_endcap(double eta, double phi) {
  static std::vector<point> const centers = [] {
    std::vector<point> all;
    for (int i = 0; i < ee::size(); ++i) {
      auto const c = ee::cell(i);
      auto p = cms::ee_front_center(c.ix, c.iy);
      double const length = std::sqrt(p.x * p.x + p.y * p.y + p.z * p.z);
      all.push_back({p.x / length, p.y / length, c.zside * p.z / length});
    }
    return all;
  }();
  auto const d = direction(eta, phi);
  int best = 0;
  double best_cosine = -100;
  for (int i = 0; i < ee::size(); ++i) {
    auto const& c = centers[static_cast<std::size_t>(i)];
    double const cosine = c.x * d.x + c.y * d.y + c.z * d.z;
    if (cosine > best_cosine) best_cosine = cosine, best = i;
  }
  return best;
}

}  // namespace

TEST_CASE("cms: every cell is found at its centre, by its labels and by its raw ids") {
  for_each_part<cms::run1>([]<class S>(S) {
    CAPTURE(S::name());
    int wrong_find = 0, wrong_index = 0, wrong_id = 0;
    for (int i = 0; i < S::size(); ++i) {
      auto const [eta, phi] = S::center(i);
      wrong_find += S::find(eta, phi, layer_of<S>(i)) != i;
      wrong_find += S::find(eta, phi + 2 * math::pi, layer_of<S>(i)) != i;
      wrong_index += S::index(S::cell(i)) != i;
      for (int layout = 0; layout < S::layouts(); ++layout) wrong_id += S::unpack(S::pack(i, layout)) != i;
    }
    CHECK(wrong_find == 0);
    CHECK(wrong_index == 0);
    CHECK(wrong_id == 0);

    // Names that do not exist, the wildest first.
    for (int label : {std::numeric_limits<int>::min(), std::numeric_limits<int>::max(), -1000000, 1000000}) {
      std::array<int, S::rank> labels{};
      labels.fill(label);
      CHECK(S::index(std::bit_cast<typename S::cell_type>(labels)) == -1);
      for (std::size_t k = 0; k < labels.size(); ++k) {
        labels = std::bit_cast<std::array<int, S::rank>>(S::cell(0));
        labels[k] = label;
        CHECK(S::index(std::bit_cast<typename S::cell_type>(labels)) == -1);
      }
    }

    double const bad = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();
    for (double const x : {bad, infinity, -infinity}) {
      CHECK(S::find(x, 0) == -1);
      CHECK(S::find(0.5, x) == -1);
      CHECK(S::find(2.0, x) == -1);
    }
  });
}

TEST_CASE("cms: the raw ids of the official geometry") {
  CHECK(eb::unpack(0x32000201) == eb::index({-1, 1}));
  CHECK(eb::unpack(0x32000202) == eb::index({-1, 2}));
  CHECK(ee::unpack(0x340040a9) == ee::index({1, 41, 1}));
  CHECK(ee::unpack(0x3400323c) == ee::index({100, 60, -1}));
  CHECK(hb::unpack(0x42004081) == hb::index({-1, 1, 1}));
  CHECK(he::unpack(0x44006881) == he::index({17, 1, 1}));
  CHECK(hf::unpack(0x48006e81) == hf::index({29, 1, 1}));
  CHECK(eb::pack(eb::index({-1, 1})) == 838861313);
  CHECK(ee::pack(ee::index({1, 41, 1})) == 872431785);
  CHECK(he::pack(he::index({17, 1, 1})) == 1140877441);
  CHECK(segmentation<cms::towers>::pack(segmentation<cms::towers>::index({-3, 7})) ==
        (0x52000000 | 3 << 7 | 7));
}

TEST_CASE("cms: both layouts of HCAL ids mean the same cell, told apart by bit 24") {
  int const cell = he::index({-27, 3, 3});
  CHECK(he::pack(cell) == (0x44000000U | 3 << 14 | 27 << 7 | 3));
  CHECK(he::pack(cell, 1) == (0x45000000U | 3 << 20 | 27 << 10 | 3));
  CHECK(he::unpack(he::pack(cell)) == cell);
  CHECK(he::unpack(he::pack(cell, 1)) == cell);
}

TEST_CASE("cms: ids that do not exist") {
  CHECK(eb::unpack(0x32000001) == -1);                          // ieta 0
  CHECK(eb::unpack(0x32000200 | 361) == -1);                    // iphi 361
  CHECK(eb::unpack(0x32000201 | 1 << 20) == -1);                // a bit without meaning
  CHECK(eb::unpack(0x340040a9) == -1);                          // an endcap crystal
  CHECK(ee::unpack(0x34004000 | 50 << 7 | 50) == -1);           // in the hole
  CHECK(ee::unpack(0x34004000 | 1 << 7 | 1) == -1);             // in the corner
  CHECK(he::unpack(0x44002000 | 1 << 14 | 21 << 7 | 2) == -1);  // even iphi beyond tower 20
  CHECK(he::unpack(0x44002000 | 1 << 14 | 16 << 7 | 1) == -1);  // tower 16 of HE is depth 3 only
  CHECK(hb::unpack(0x42002000 | 2 << 14 | 14 << 7 | 1) == -1);  // depth 2 starts at tower 15
  CHECK(hb::unpack(0) == -1);
  CHECK(eb::index({0, 1}) == -1);
  CHECK(eb::index({86, 1}) == -1);
  CHECK(ee::index({41, 1, 0}) == -1);
}

TEST_CASE("cms: dense indices are the official ones") {
  CHECK(eb::index({-85, 1}) == 0);
  CHECK(eb::index({1, 1}) == 85 * 360);
  CHECK(eb::index({85, 360}) == 61199);
  CHECK(ee::index({41, 1, -1}) == 0);
  CHECK(ee::index({60, 1, -1}) == 19);
  CHECK(ee::index({36, 4, -1}) == 60);
  CHECK(ee::index({51, 4, -1}) == 75);
  CHECK(ee::index({60, 100, -1}) == 7323);
  CHECK(ee::index({41, 1, 1}) == 7324);
  CHECK(ee::index({41, 100, 1}) == 7324 + 7304);

  // HCAL: one count over all parts, every number once.
  std::vector<int> seen(9072);
  auto const walk = [&]<class D>(D) {
    using s = segmentation<D>;
    for (int i = 0; i < s::size(); ++i) {
      int const k = cms::official_index(D{}, s::cell(i));
      REQUIRE(k >= 0);
      REQUIRE(k < 9072);
      ++seen[static_cast<std::size_t>(k)];
    }
  };
  walk(cms::hb{});
  walk(cms::he{});
  walk(cms::ho{});
  walk(cms::hf{});
  for (int n : seen) CHECK(n == 1);
}

TEST_CASE("cms: tracks to barrel crystals") {
  auto const at = [](double eta, double degrees) { return eb::cell(eb::find(eta, degrees * degree)); };
  CHECK(at(0.0, 0).ieta == 1);
  CHECK(at(-1e-9, 0).ieta == -1);
  CHECK(at(0.444, 0).ieta == 25);
  CHECK(at(0.445, 0).ieta == 26);
  CHECK(at(1.4864, 0).ieta == 85);
  CHECK(eb::find(1.4866, 0) == -1);
  CHECK(at(0.1, 0).iphi == 11);
  CHECK(at(0.1, -9.99).iphi == 1);
  CHECK(at(0.1, -10.01).iphi == 360);
  CHECK(at(0.1, 180).iphi == 191);
  CHECK(at(0.1, -180).iphi == 191);
  CHECK(at(0.1, 179.99).iphi == 190);
  // Column floor(phi in degrees + 10) mod 360, whichever way it is written.
  for (int i = -1999; i < 2000; ++i) {
    double const phi = double(float(i) * 0.0015731f);
    auto const column = static_cast<int>(std::floor(phi * 180 / math::pi + 10) + 360) % 360;
    CHECK(eb::find(0.5, phi) % 360 == column);
  }
}

TEST_CASE("cms: tracks to endcap crystals go to the nearest centre") {
  int checked = 0;
  for (int i = 0; i < 3000; ++i) {
    // A third everywhere, a third along the outer rim, a third along the inner one.
    double const part = std::fmod(i * 0.61803398875, 1.0);
    double const eta = (i % 2 ? -1 : 1) * (i % 3 == 0   ? 1.479 + 1.5209 * part
                                           : i % 3 == 1 ? 1.479 + 0.03 * part
                                                        : 2.85 + 0.1499 * part);
    double const phi = -math::pi + 2 * math::pi * std::fmod(i * 0.7548776662, 1.0);
    int const found = ee::find(eta, phi);
    CAPTURE(eta);
    CAPTURE(phi);
    CHECK(found == nearest_in_endcap(eta, phi));
    ++checked;
  }
  CHECK(checked == 3000);
  // Where the nearest crystal lies beyond missing ones.
  for (auto [eta, phi] :
       {std::array{1.502340, -0.340863}, {1.497204, -0.882799}, {1.500637, -2.259672}, {1.497921, 0.884519}})
    CHECK(ee::find(eta, phi) == nearest_in_endcap(eta, phi));
  CHECK(ee::find(1.478, 0) == -1);
  CHECK(ee::find(3.0, 0) == -1);
  CHECK(ee::find(0, 0) == -1);
}

TEST_CASE("cms: azimuths of many turns lie in no endcap cell") {
  for (double const phi : {2e6, -2e6, 1e30}) {
    CAPTURE(phi);
    CHECK(segmentation<cms::ee>::find(2, phi) == -1);
    CHECK(segmentation<cms::es>::find(2, phi) == -1);
  }
  CHECK(segmentation<cms::eb>::find(1, 2e7) == -1);
  CHECK(segmentation<cms::ee>::find(2, 99.9) >= 0);
}

TEST_CASE("cms: the endcap's mask") {
  int rows[101] = {};
  for (int ix = 1; ix <= 100; ++ix)
    for (int iy = 1; iy <= 100; ++iy) {
      bool const exists = ee::index({ix, iy, 1}) >= 0;
      rows[iy] += exists;
      CHECK(exists == (ee::index({iy, ix, 1}) >= 0));
      CHECK(exists == (ee::index({101 - ix, iy, -1}) >= 0));
      double const radius = std::hypot(ix - 50.5, iy - 50.5);
      if (radius > 12 && radius < 48) CHECK(exists);
      if (radius < 11 || radius > 51) CHECK_FALSE(exists);
    }
  for (auto [row, cells] : {std::array{1, 20},
                            {3, 20},
                            {4, 30},
                            {6, 50},
                            {9, 60},
                            {14, 70},
                            {16, 74},
                            {21, 84},
                            {26, 90},
                            {36, 94},
                            {40, 84},
                            {41, 86},
                            {42, 84},
                            {43, 82},
                            {44, 80},
                            {46, 78},
                            {50, 78}})
    CHECK(rows[row] == cells);
}

TEST_CASE("cms: depths lie behind one another") {
  CHECK(he::cell(he::find(1.35, 0.01)).depth == 3);  // tower 16 has nothing in front
  CHECK(he::cell(he::find(2.7, 0.01)).depth == 1);
  CHECK(he::cell(he::find(2.95, 0.01, 1)).ieta == 29);
  CHECK(he::cell(he::find(2.95, 0.01, 3)).ieta == 28);  // depth 3 of 28 takes in 29
  CHECK(he::find(2.95, 0.01, 4) == -1);
  CHECK(hb::find(0.1, 0.01, 2) == -1);
  CHECK(hb::cell(hb::find(1.35, 0.01, 2)).ieta == 16);
  CHECK(hf::cell(hf::find(-5, 0.01, 2)).iphi == 71);  // 350 .. 10 degrees
}

TEST_CASE("cms: the same bits on every compiler and instruction set") {
  // Centres, signatures and tracks' impact points, hashed with g++ 12 and -ffp-contract=off. A change of the
  // geometry changes the number; a compiler must not.
  hasher h;
  for_each_part<cms::run1>([&]<class S>(S) {
    h.add(S::signature());
    for (int i = 0; i < S::size(); ++i) h.add(S::center(i).u).add(S::center(i).v);
  });
  CHECK(h.value() == 11188455109669567176ULL);
  hasher impacts;
  for (int i = 0; i < 20000; ++i) {
    auto const hit = propagate({.pt = 0.5 + i * 0x1p-10,
                                .eta = -2.5 + i * 0x1p-12,
                                .phi = i * 0x1p-12 - 3,
                                .charge = i % 2 ? 1. : -1.,
                                .origin = {0.01, -0.003, 0.02}},
                               cms::ecal_face(), cms::field);
    impacts.add(hit.at.x).add(hit.at.y).add(hit.at.z).add(hit.turn);
  }
  CHECK(impacts.value() == 15481542115507921971ULL);
}
