#include <algorithm>

#include "../../sample_event.hpp"
#include <doctest/doctest.h>

#include <calotype/nn/plan.hpp>
#include <calotype/observables/identified_photons.hpp>

namespace {

namespace ct = calotype;
namespace models = ct::models;
using eb = ct::segmentation<ct::cms::eb>;

TEST_CASE("the reference reads the 4-momenta, and each photon's shower and surroundings") {
  using input = models::identified_photon_pair;
  static_assert(input::features().size() == 13);
  auto e = calotype_test::sample_event(3);
  auto& hits = e.hit_lists[ct::cms::collection::eb];
  for (auto& p : e.photon_list) {
    std::uint32_t const id = eb::pack(eb::find(static_cast<double>(p.eta), static_cast<double>(p.phi)));
    auto const after = std::lower_bound(hits.begin(), hits.end(), id,
                                        [](ct::hit const& h, std::uint32_t i) { return h.id < i; });
    hits.insert(after, {id, p.energy});
  }
  e.photon_list[0].r9 = 0.9f;
  e.photon_list[1].r9 = 0.8f;
  e.track_list.push_back({.pt = 7, .eta = e.photon_list[1].eta + 0.1f, .phi = e.photon_list[1].phi});
  auto const f = input::compute(e);
  auto const pair = models::photon_pair::compute(e);
  for (std::size_t i = 0; i < pair.size(); ++i) CHECK(f[i] == pair[i]);
  ct::energy_search<ct::cms::eb> const energies(hits);
  for (std::size_t p = 0; p < 2; ++p) {
    auto const& photon = e.photon_list[p];
    int const seed = ct::seed_near(energies, photon.eta, photon.phi);
    REQUIRE(seed >= 0);
    std::size_t const first = 5 + 4 * p;
    CHECK(f[first] == photon.r9);
    CHECK(f[first + 1] == 100 * ct::shapes_around(energies, seed).sigma_ieta_ieta);
    CHECK(f[first + 2] == ct::track_isolation(e.tracks(), photon.eta, photon.phi) / photon.et);
    CHECK(f[first + 3] == ct::ecal_isolation<ct::cms::eb>(hits, seed) / photon.et);
    CHECK(f[first + 3] > 0);
  }
  CHECK(f[11] >= 7 / e.photon_list[1].et);
  e.photon_list.resize(1);
  auto const lone = input::compute(e);
  CHECK(lone[0] == 0);
  CHECK(lone[6] == f[6]);
  CHECK(lone[10] == 0);
  e.photon_list[0].eta = 2;  // the endcap, where this event has no hit
  CHECK(input::compute(e)[6] == 0);
}

TEST_CASE("the reference has eight inputs more than the network of 4-momenta") {
  CHECK(ct::nn::plan_of<models::reference>.total_parameters() == 50691 + 8 * 128);
}

}  // namespace
