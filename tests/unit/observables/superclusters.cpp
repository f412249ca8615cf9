#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/superclusters.hpp>

namespace {

namespace ct = calotype;
namespace cms = calotype::cms;
using eb = ct::segmentation<cms::eb>;
using ee = ct::segmentation<cms::ee>;

// A compact shower of 60 % in the middle and 5 % in each of its 8 neighbours.
template <class D>
void add_shower(std::vector<ct::hit>& hits, int cell, float energy) {
  for (int i = -1; i <= 1; ++i) {
    for (int j = -1; j <= 1; ++j) {
      int const at = cms::crystal_at(ct::segmentation<D>{}, cell, i, j);
      REQUIRE(at >= 0);
      hits.push_back({ct::segmentation<D>::pack(at), energy * (i == 0 && j == 0 ? 0.6F : 0.05F)});
    }
  }
}

double azimuth(double x) { return std::remainder(x, 2 * ct::math::pi); }

}  // namespace

TEST_CASE("two legs of a pair are one supercluster along phi, two along eta") {
  ct::supercluster_finder find;
  int const seed = eb::index({30, 2});
  std::vector<ct::hit> hits;
  add_shower<cms::eb>(hits, seed, 30);
  add_shower<cms::eb>(hits, cms::crystal_at(eb{}, seed, 0, -12), 10);  // across iphi 360 | 1
  auto const& along = find(hits, {}, 5);
  REQUIRE(along.size() == 1);
  CHECK(along[0].seed == seed);
  CHECK(along[0].raw_energy == doctest::Approx(40));
  CHECK(along[0].shapes.e5x5 == doctest::Approx(30));
  CHECK(along[0].r9() == doctest::Approx(0.75));
  CHECK(along[0].energy() == doctest::Approx(40).epsilon(0.001));  // |eta| 0.52: no correction
  // at the mean of both, by energy, 10 cm inside crystals that lean by 2.93 degrees
  CHECK(azimuth(along[0].direction().v - eb::center(seed).v) ==
        doctest::Approx(-3 * ct::math::pi / 180 + 0.0033).epsilon(0.01).scale(0));

  hits.clear();
  add_shower<cms::eb>(hits, seed, 30);
  add_shower<cms::eb>(hits, cms::crystal_at(eb{}, seed, 6, 0), 10);
  auto const& across = find(hits, {}, 5);
  REQUIRE(across.size() == 2);
  CHECK(across[0].raw_energy == doctest::Approx(30));
  CHECK(across[1].raw_energy == doctest::Approx(10));
  CHECK(find(hits, {}, 15).size() == 1);
  CHECK(find({}, {}, 0).empty());
}

TEST_CASE("weak dominoes are left out, and an unconverted photon has the energy of 5 x 5 crystals") {
  ct::supercluster_finder find;
  int const seed = eb::index({-50, 200});
  std::vector<ct::hit> hits;
  add_shower<cms::eb>(hits, seed, 50);
  hits.push_back({eb::pack(cms::crystal_at(eb{}, seed, 1, 8)), 0.3F});   // a piece needs 0.35 GeV
  hits.push_back({eb::pack(cms::crystal_at(eb{}, seed, 0, 20)), 5.0F});  // off the road: a cluster of its own
  auto const& found = find(hits, {}, 1);
  REQUIRE(found.size() == 2);
  CHECK(found[0].raw_energy == doctest::Approx(50));
  CHECK(found[0].r9() > 0.94F);
  CHECK(found[0].energy() == doctest::Approx(50));
  hits.push_back({eb::pack(cms::crystal_at(eb{}, seed, 1, -8)), 0.4F});
  CHECK(find(hits, {}, 1)[0].raw_energy == doctest::Approx(50.4));
  CHECK(find(hits, {}, 1)[0].energy() == doctest::Approx(50));
}

TEST_CASE("where no crystal stands out, a supercluster is at its seed") {
  ct::supercluster_finder find;
  int const seed = eb::index({3, 100});
  std::vector<ct::hit> hits;
  for (int i = -2; i <= 2; ++i) {
    for (int j = -17; j <= 17; ++j) {
      hits.push_back({eb::pack(cms::crystal_at(eb{}, seed, i, j)), i == 0 && j == 0 ? 1.2F : 1.0F});
    }
  }
  auto const& found = find(hits, {}, 1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].seed == seed);
  CHECK(found[0].raw_energy == doctest::Approx(175.2));
  CHECK(std::fabs(found[0].direction().u - eb::center(seed).u) < 0.004);
  CHECK(std::fabs(found[0].direction().v - eb::center(seed).v) < 0.006);
}

TEST_CASE("positions lie inside the crystals, whose axes miss the origin by three degrees") {
  for (int ieta : {-80, -30, -2, 2, 30, 80}) {
    int const cell = eb::index({ieta, 100});
    auto const c = eb::center(cell);
    auto const front = ct::detail::inside_barrel(ieta, c.u, c.v, 0);
    CHECK(std::hypot(front.x, front.y) == doctest::Approx(cms::eb_front_radius(ieta)));
    CHECK(std::asinh(front.z / std::hypot(front.x, front.y)) == doctest::Approx(c.u));
    auto const rear = ct::detail::inside_barrel(ieta, c.u, c.v, 0.23);
    // the azimuth of the axis is 2.93 degrees off, to opposite sides
    double const turned = std::atan2(rear.y - front.y, rear.x - front.x) - c.v;
    CHECK(turned * (ieta < 0 ? -1 : 1) * 180 / ct::math::pi == doctest::Approx(2.93).epsilon(0.02));
    // and it is steeper than the ray from the origin
    double const axis = std::asinh((rear.z - front.z) / std::hypot(rear.x - front.x, rear.y - front.y));
    CHECK(std::fabs(axis) < std::fabs(c.u));
    CHECK(std::fabs(axis) > std::fabs(c.u) - 0.13);
  }
}

TEST_CASE("endcap clusters merge along phi") {
  ct::supercluster_finder find;
  std::vector<ct::hit> hits;
  int const seed = ee::index({80, 50, 1});
  add_shower<cms::ee>(hits, seed, 60);
  add_shower<cms::ee>(hits, cms::crystal_at(ee{}, seed, 0, 6), 20);  // the same radius, about
  add_shower<cms::ee>(hits, cms::crystal_at(ee{}, seed, 10, 0), 20);
  auto const& found = find({}, hits, 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].raw_energy == doctest::Approx(80));
  CHECK(found[0].collection == cms::collection::ee);
  CHECK(found[1].raw_energy == doctest::Approx(20));
}

TEST_CASE("photons are seen from their vertex, with what lies behind them in the HCAL") {
  ct::photon_finder find;
  ct::event event;
  int const seed = eb::index({20, 50});
  add_shower<cms::eb>(event.hit_lists[cms::collection::eb], seed, 50);
  auto const c = eb::center(seed);
  auto& hb = event.hit_lists[cms::collection::hb];
  using hb_cells = ct::segmentation<cms::hb>;
  hb.push_back({hb_cells::pack(hb_cells::find(c.u, c.v, 1)), 5});
  hb.push_back({hb_cells::pack(hb_cells::find(c.u + 0.09, c.v, 1)), 0.6F});  // noise
  hb.push_back({hb_cells::pack(hb_cells::find(-c.u, c.v, 1)), 9});
  auto const middle = find(event, 0, 20);
  REQUIRE(middle.size() == 1);
  CHECK(middle[0].seen.h_over_e == doctest::Approx(0.1));
  CHECK(middle[0].seen.energy == doctest::Approx(50));
  CHECK(middle[0].seen.et == doctest::Approx(50 / std::cosh(static_cast<double>(middle[0].seen.eta))));
  CHECK(static_cast<double>(middle[0].seen.eta) == doctest::Approx(middle[0].direction.u));
  auto const moved = find(event, 5, 20);  // 5 cm towards the photon
  REQUIRE(moved.size() == 1);
  double const radius = std::hypot(moved[0].cluster.at.x, moved[0].cluster.at.y);
  CHECK(radius > 1.29);
  CHECK(radius < 1.42);
  CHECK(std::sinh(static_cast<double>(moved[0].seen.eta)) ==
        doctest::Approx(std::sinh(moved[0].direction.u) - 0.05 / radius).epsilon(1e-4));
  CHECK(moved[0].direction.u == middle[0].direction.u);
}
