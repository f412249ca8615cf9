#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/energy_map.hpp>
#include <calotype/observables/shower_shapes.hpp>

namespace {

using namespace calotype;
using eb = segmentation<cms::eb>;
using ee = segmentation<cms::ee>;

hit at(int ieta, int iphi, float energy) { return {eb::pack(eb::index({ieta, iphi})), energy}; }

TEST_CASE("neighbours: ieta skips zero, iphi goes round, edges end") {
  auto const step = [](int ieta, int iphi, int along, int across) {
    int const cell = cms::crystal_at(eb{}, eb::index({ieta, iphi}), along, across);
    return cell < 0 ? std::pair(0, 0) : std::pair(eb::cell(cell).ieta, eb::cell(cell).iphi);
  };
  CHECK(step(-1, 5, 1, 0) == std::pair(1, 5));
  CHECK(step(2, 5, -3, 0) == std::pair(-2, 5));
  CHECK(step(10, 360, 0, 1) == std::pair(10, 1));
  CHECK(step(10, 1, 0, -2) == std::pair(10, 359));
  CHECK(step(85, 1, 1, 0) == std::pair(0, 0));
  CHECK(step(-85, 1, -1, 0) == std::pair(0, 0));
  int const hole = ee::index({40, 45, 1});
  CHECK(hole >= 0);
  CHECK(cms::crystal_at(ee{}, hole, 1, 0) == -1);
  CHECK(cms::crystal_at(ee{}, hole, -1, 1) == ee::index({39, 46, 1}));
}

TEST_CASE("a map holds the last event only; what is not finite or not a cell stays out") {
  energy_map<cms::eb> m;
  std::vector<hit> const first{
      at(1, 1, 2), at(1, 2, -0.5F), at(1, 3, std::numeric_limits<float>::quiet_NaN()), {0x34000001U, 1.F}};
  m.fill(first);
  CHECK(m.cells().size() == 2);
  CHECK(m[eb::index({1, 1})] == 2);
  CHECK(m[eb::index({1, 2})] == -0.5F);
  CHECK(m[eb::index({1, 3})] == 0);
  CHECK(m[-1] == 0);
  m.fill(std::vector<hit>{at(5, 5, 1)});
  CHECK(m[eb::index({1, 1})] == 0);
  CHECK(m[eb::index({5, 5})] == 1);
  m.fill({});
  for (int i = 0; i < eb::size(); ++i) REQUIRE(m[i] == 0);
}

TEST_CASE("window sums across ieta = 0 and iphi = 360, negative energies included") {
  std::vector<hit> hits;
  std::map<std::pair<int, int>, double> energy;  // by row and column of the window
  int const rows[] = {-2, -1, 1, 2, 3}, columns[] = {359, 360, 1, 2, 3};
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j) {
      float const e = i == 2 && j == 2 ? 50.F
                      : i == j         ? -0.25F
                                       : 0.5F * static_cast<float>(i) + 0.125F * static_cast<float>(j);
      hits.push_back(at(rows[i], columns[j], e));
      energy[{i, j}] = static_cast<double>(e);
    }
  energy_map<cms::eb> m;
  m.fill(hits);
  auto const s = shapes_around(m, eb::index({1, 1}));
  double e5x5 = 0, e3x3 = 0, strips[5] = {};
  for (auto [where, e] : energy) {
    e5x5 += e;
    strips[where.first] += e;
    if (std::abs(where.first - 2) <= 1 && std::abs(where.second - 2) <= 1) e3x3 += e;
  }
  CHECK(static_cast<double>(s.e5x5) == doctest::Approx(e5x5));
  CHECK(static_cast<double>(s.e3x3) == doctest::Approx(e3x3));
  CHECK(static_cast<double>(s.e1x5) == doctest::Approx(strips[2]));
  CHECK(static_cast<double>(s.e2x5) == doctest::Approx(strips[2] + std::max(strips[1], strips[3])));
  CHECK(s.max_energy == 50);
  CHECK(s.r9(100) == doctest::Approx(e3x3 / 100));
  CHECK(s.r9(0) == 0);

  double sum = 0, mean = 0, weights = 0, square = 0;
  for (auto [where, e] : energy)
    if (e > 0) {
      sum += e;
      mean += e * where.first;
    }
  for (auto [where, e] : energy)
    if (e > 0 && 4.7 + std::log(e / e5x5) > 0) {
      double const w = 4.7 + std::log(e / e5x5);
      weights += w;
      square += w * (where.first - mean / sum) * (where.first - mean / sum);
    }
  CHECK(static_cast<double>(s.sigma_ieta_ieta) == doctest::Approx(0.01745 * std::sqrt(square / weights)));
}

TEST_CASE("a lone crystal, nothing, and less than nothing") {
  energy_map<cms::eb> m;
  m.fill(std::vector<hit>{at(85, 7, 3)});
  auto const lone = shapes_around(m, eb::index({85, 7}));
  CHECK(lone.e5x5 == 3);
  CHECK(lone.e2x5 == 3);
  CHECK(lone.sigma_ieta_ieta == 0);
  m.fill({});
  auto const none = shapes_around(m, eb::index({85, 7}));
  CHECK(none.e5x5 == 0);
  CHECK(none.sigma_ieta_ieta == 0);
  m.fill(std::vector<hit>{at(85, 7, -3)});
  CHECK(shapes_around(m, eb::index({85, 7})).e3x3 == -3);
  CHECK(shapes_around(m, eb::index({85, 7})).sigma_ieta_ieta == 0);
}

TEST_CASE("endcaps: ix is the eta direction of the strips, the spread is along the distance from the axis") {
  std::vector<hit> hits;
  for (int i = -1; i <= 1; ++i)
    for (int j = -2; j <= 2; ++j)
      hits.push_back(
          {ee::pack(ee::index({60 + i, 80 + j, -1})), 1.F + static_cast<float>(i == 0 && j == 0) * 9.F});
  energy_map<cms::ee> m;
  m.fill(hits);
  auto const s = shapes_around(m, ee::index({60, 80, -1}));
  CHECK(s.e1x5 == 14);
  CHECK(s.e2x5 == 19);
  CHECK(s.e3x3 == 18);
  CHECK(s.e5x5 == 24);
  double mean = 0, weights = 0, square = 0;
  auto const radius = [](int i, int j) { return std::hypot(10 + i, 30 + j); };
  auto const e = [](int i, int j) { return i == 0 && j == 0 ? 10.0 : 1.0; };
  for (int i = -1; i <= 1; ++i)
    for (int j = -2; j <= 2; ++j) mean += e(i, j) * radius(i, j) / 24;
  for (int i = -1; i <= 1; ++i)
    for (int j = -2; j <= 2; ++j) {
      double const w = 4.7 + std::log(e(i, j) / 24);
      weights += w;
      square += w * std::pow(radius(i, j) - mean, 2);
    }
  CHECK(static_cast<double>(s.sigma_ieta_ieta) == doctest::Approx(0.0447 * std::sqrt(square / weights)));
}

TEST_CASE("the seed near a direction") {
  energy_map<cms::eb> m;
  m.fill(std::vector<hit>{at(-1, 360, 3), at(2, 2, 5), at(7, 2, 50), at(1, 1, -9)});
  auto const center = eb::center(eb::index({1, 1}));
  auto const eta = static_cast<float>(center.u), phi = static_cast<float>(center.v);
  CHECK(seed_near(m, eta, phi) == eb::index({2, 2}));
  CHECK(seed_near(m, eta, phi, 6) == eb::index({7, 2}));
  CHECK(seed_near(m, eta, phi, 0) == -1);
  CHECK(seed_near(m, 2.F, phi) == -1);
  CHECK(seed_near(m, std::numeric_limits<float>::quiet_NaN(), phi) == -1);
}

TEST_CASE("searching a sorted list gives the energies, shapes and seed of a map") {
  std::vector<hit> hits;
  for (int ieta : {-3, -2, -1, 1, 2, 85}) {
    for (int iphi : {359, 360, 1, 2, 3}) hits.push_back(at(ieta, iphi, 0.1F * static_cast<float>(ieta + iphi)));
  }
  hits.push_back(at(1, 4, std::numeric_limits<float>::quiet_NaN()));
  hits.push_back({0xffffffffU, 1.F});
  std::sort(hits.begin(), hits.end(), [](hit const& a, hit const& b) { return a.id < b.id; });
  energy_map<cms::eb> map;
  map.fill(hits);
  energy_search<cms::eb> const search(hits);
  for (int cell = -1; cell < eb::size(); ++cell) REQUIRE(search[cell] == map[cell]);
  CHECK(energy_search<cms::eb>({})[5] == 0);
  auto const center = eb::center(eb::index({1, 1}));
  auto const eta = static_cast<float>(center.u), phi = static_cast<float>(center.v);
  int const seed = seed_near(map, eta, phi);
  CHECK(seed >= 0);
  CHECK(seed_near(search, eta, phi) == seed);
  auto const a = shapes_around(map, seed), b = shapes_around(search, seed);
  CHECK(a.e5x5 == b.e5x5);
  CHECK(a.sigma_ieta_ieta == b.sigma_ieta_ieta);
  CHECK(a.sigma_ieta_ieta > 0);
}

}  // namespace
