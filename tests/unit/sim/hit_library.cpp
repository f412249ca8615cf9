#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/sim/hit_library.hpp>

namespace {

namespace ct = calotype;
namespace sim = calotype::sim;
namespace cms = calotype::cms;

constexpr std::uint32_t first_ee = 170 * 360, first_hb = first_ee + 20000;

double total(std::vector<float> const& cells) { return std::accumulate(cells.begin(), cells.end(), 0.0); }

// A library of one collision.
sim::hit_library library_of(std::vector<sim::cell_energy> const& cells,
                            std::vector<ct::track> const& tracks = {}) {
  sim::hit_library library;
  library.add(cells, tracks);
  return library;
}

// What one collision leaves when it is laid over nothing.
struct laid {
  sim::deposits energies;
  std::vector<ct::track> tracks;
};
laid lay(sim::hit_library const& library, std::uint32_t turn, bool reflected) {
  laid out;
  sim::overlays(library).add(out.energies, out.tracks, 0, turn, reflected);
  return out;
}

std::uint32_t eb(int ieta, int iphi) {
  return static_cast<std::uint32_t>(ct::segmentation<cms::eb>::index({ieta, iphi}));
}
std::uint32_t hb(int ieta, int iphi, int depth) {
  return static_cast<std::uint32_t>(ct::segmentation<cms::hb>::index({ieta, iphi, depth}));
}

sim::generated_events soft(int n) {
  sim::generated_events out;
  std::vector<sim::particle> particles;
  for (int i = 0; i < n; ++i) {
    ct::stream random(4, static_cast<std::uint64_t>(i), 0);
    particles.clear();
    sim::add_soft(particles, {}, random);
    out.start({.number = static_cast<std::uint64_t>(i)});
    for (auto const& p : particles) out.add(p);
  }
  return out;
}

sim::hit_library soft_library(int n) {
  sim::hit_library library;
  auto const events = soft(n);
  sim::soft_response const respond(1);
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto const left = respond(events[i], events.particles(i));
    library.add(left.cells, left.tracks);
  }
  return library;
}

}  // namespace

TEST_CASE("an overlay turns by supermodules and is reflected in eta") {
  auto const library = library_of({{eb(3, 355), 2}, {eb(-85, 1), 3}, {first_hb + hb(-16, 70, 2), 4}});
  auto const same = lay(library, 0, false);
  CHECK(same.energies.eb[eb(3, 355)] == 2);
  CHECK(same.energies.eb[eb(-85, 1)] == 3);
  CHECK(same.energies.hb[hb(-16, 70, 2)] == 4);
  auto const turned = lay(library, 1, false);
  CHECK(turned.energies.eb[eb(3, 15)] == 2);
  CHECK(turned.energies.eb[eb(-85, 21)] == 3);
  CHECK(turned.energies.hb[hb(-16, 2, 2)] == 4);
  auto const both = lay(library, 17, true);
  CHECK(both.energies.eb[eb(-3, 335)] == 2);
  CHECK(both.energies.eb[eb(85, 341)] == 3);
  CHECK(both.energies.hb[hb(16, 66, 2)] == 4);
  for (auto const* const each : {&same, &turned, &both}) {
    CHECK(total(each->energies.eb) == 5);
    CHECK(total(each->energies.hb) == 4);
  }
}

TEST_CASE("every cell of HB and HE turns into one of its own ring, and back after a whole circle") {
  using he = ct::segmentation<cms::he>;
  std::uint32_t const first_he = first_hb + static_cast<std::uint32_t>(ct::segmentation<cms::hb>::size());
  std::vector<sim::cell_energy> all;
  for (std::uint32_t cell = first_hb; cell < sim::hit_library::cell_count(); ++cell) all.push_back({cell, 1});
  auto const library = library_of(all);
  for (std::uint32_t turn : {1U, 7U, 17U}) {
    auto const out = lay(library, turn, turn == 7);
    for (float e : out.energies.hb) CHECK(e == 1);
    for (float e : out.energies.he) CHECK(e == 1);
  }
  auto const fine = static_cast<std::uint32_t>(he::index({18, 71, 2}));
  auto const coarse = static_cast<std::uint32_t>(he::index({-25, 71, 1}));
  auto const out = lay(library_of({{first_he + fine, 2}, {first_he + coarse, 3}}), 2, true);
  CHECK(out.energies.he[static_cast<std::size_t>(he::index({-18, 7, 2}))] == 2);
  CHECK(out.energies.he[static_cast<std::size_t>(he::index({25, 7, 1}))] == 3);
}

TEST_CASE("in the endcaps energy goes to the crystal that is nearest to the turned place") {
  // crystal (90, 60) of the positive side is on the x axis' right; 9 turns are half a circle
  auto const at = [](int side, int ix, int iy) {
    return static_cast<std::uint32_t>(side * 10000 + (iy - 1) * 100 + ix - 1);
  };
  auto const library = library_of({{first_ee + at(1, 90, 60), 2}});
  CHECK(lay(library, 0, false).energies.ee[at(1, 90, 60)] == 2);
  CHECK(lay(library, 9, false).energies.ee[at(1, 11, 41)] == 2);
  CHECK(lay(library, 9, true).energies.ee[at(0, 11, 41)] == 2);
  using ee = ct::segmentation<cms::ee>;
  auto const place = [](std::uint32_t cell) {
    int const i = static_cast<int>(cell % 10000);
    return ee::center(ee::index({i % 100 + 1, i / 100 + 1, cell < 10000 ? -1 : 1}));
  };
  for (std::uint32_t turn = 1; turn < 18; ++turn) {
    auto const out = lay(library, turn, false).energies.ee;
    for (std::uint32_t cell = 0; cell < out.size(); ++cell) {
      if (out[cell] == 0) continue;
      auto const want = place(at(1, 90, 60)), got = place(cell);
      CHECK(std::fabs(got.u - want.u) < 0.05);
      CHECK(std::fabs(std::remainder(got.v - want.v - turn * 2 * ct::math::pi / 18, 2 * ct::math::pi)) < 0.02);
    }
  }
}

TEST_CASE("no more than a few per cent of the endcaps' energy is lost on the way") {
  std::vector<sim::cell_energy> all;
  using ee = ct::segmentation<cms::ee>;
  for (int i = 0; i < ee::size(); ++i) {
    auto const c = ee::cell(i);
    all.push_back(
        {first_ee + static_cast<std::uint32_t>((c.zside > 0) * 10000 + (c.iy - 1) * 100 + c.ix - 1), 1});
  }
  auto const library = library_of(all);
  for (std::uint32_t turn = 0; turn < 18; ++turn) {
    double const kept = total(lay(library, turn, turn % 2 == 1).energies.ee) / ee::size();
    CHECK(kept > 0.97);
    CHECK(kept <= 1);
  }
}

TEST_CASE("tracks turn and are reflected with the energy") {
  auto const library = library_of({}, {{2, 0.5F, 3.0F, -1, 0.01F, 4}});
  auto const both = lay(library, 3, true).tracks;
  REQUIRE(both.size() == 1);
  CHECK(both[0].pt == 2);
  CHECK(both[0].eta == -0.5F);
  CHECK(both[0].phi == doctest::Approx(3 + ct::math::pi / 3 - 2 * ct::math::pi));
  CHECK(both[0].charge == -1);
  CHECK(both[0].d0 == 0.01F);
  CHECK(both[0].z0 == -4);
}

TEST_CASE("parts of a library are disjoint and together all of it") {
  sim::hit_library library;
  for (std::uint32_t i = 0; i < 11; ++i) library.add(std::vector<sim::cell_energy>{{i, 1}}, {});
  std::set<std::size_t> seen;
  for (std::size_t part = 0; part < 3; ++part) {
    sim::overlays const some(library, part, 3);
    std::set<std::size_t> mine;
    for (std::size_t i = 0; i < some.size(); ++i) {
      laid out;
      some.add(out.energies, out.tracks, i, 0, false);
      for (std::size_t cell = 0; cell < 11; ++cell) {
        if (out.energies.eb[cell] > 0) mine.insert(cell);
      }
    }
    CHECK(mine.size() == some.size());
    for (auto const cell : mine) CHECK(seen.insert(cell).second);
  }
  CHECK(seen.size() == 11);
}

TEST_CASE("a library holds what its collisions left, and the same again for the same seed") {
  auto const library = soft_library(40), again = soft_library(40);
  REQUIRE(library.size() == 40);
  double energy = 0;
  std::size_t tracks = 0;
  for (std::size_t i = 0; i < library.size(); ++i) {
    REQUIRE(library.cells(i).size() == again.cells(i).size());
    for (std::size_t k = 0; k < library.cells(i).size(); ++k) {
      CHECK(library.cells(i)[k].cell == again.cells(i)[k].cell);
      CHECK(library.cells(i)[k].energy == again.cells(i)[k].energy);
      energy += static_cast<double>(library.cells(i)[k].energy);
    }
    tracks += library.tracks(i).size();
  }
  CHECK(energy / 40 > 5);
  CHECK(tracks / 40 > 5);
  // drawn at random, about as much comes back
  sim::overlays const some(library);
  sim::deposits out;
  std::vector<ct::track> drawn;
  ct::stream random(1, 2, 3);
  for (int k = 0; k < 200; ++k) some.add(out, drawn, random);
  double const sum = total(out.eb) + total(out.ee) + total(out.hb) + total(out.he);
  CHECK(sum / 200 == doctest::Approx(energy / 40).epsilon(0.4));
  CHECK(static_cast<double>(drawn.size()) / 200 ==
        doctest::Approx(static_cast<double>(tracks) / 40).epsilon(0.4));
}
