#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/diphoton_selection.hpp>

namespace {

namespace ct = calotype;
using enum ct::pair_category;

// A pair back to back, and perhaps a third candidate between them.
std::vector<ct::photon> pair(float et1, float eta1, float et2, float eta2) {
  return {{.et = et1, .eta = eta1}, {.et = et2, .eta = eta2, .phi = 3}};
}

ct::photon_candidate seen_and_from_origin(ct::photon const& p, double eta) {
  return {.seen = p, .direction = {eta, static_cast<double>(p.phi)}, .cluster = {}};
}

TEST_CASE("two candidates in the acceptance, above 20 GeV, heavier than 90 GeV") {
  CHECK(ct::category_of(pair(60, 0.5F, 40, -1.43F)) == central);
  CHECK(ct::category_of(pair(60, 0.5F, 40, 1.45F)) == none);
  CHECK(ct::category_of(pair(60, 1.56F, 40, 2.29F)) == forward);
  CHECK(ct::category_of(pair(60, 0.5F, 40, -2.31F)) == none);
  CHECK(ct::category_of(pair(100, 0.5F, 20, -0.5F)) == none);     // 101 GeV, but not above 20
  CHECK(ct::category_of(pair(60, 0.5F, 20.01F, -0.5F)) == none);  // 78 GeV
  CHECK(ct::category_of(pair(100, 0.5F, 20.01F, -0.5F)) == central);
  CHECK(ct::category_of(pair(30, 0.5F, 25, 0.5F)) == none);
  CHECK(ct::category_of(pair(60, -1.6F, 40, 1.2F)) == forward);
  CHECK(ct::category_of(pair(60, std::numeric_limits<float>::quiet_NaN(), 40, 0)) == none);
  CHECK(ct::category_of({}) == none);
  CHECK(ct::category_of(std::vector<ct::photon>{{.et = 200}}) == none);
}

TEST_CASE("a third candidate counts where it lies in the acceptance, and not with much behind it") {
  auto photons = pair(60, 0.5F, 40, -1);
  photons.push_back({.et = 25, .eta = 1, .phi = 1.5F});
  CHECK(ct::category_of(photons) == none);
  photons[2].eta = 2;  // in the forward category's alone
  CHECK(ct::category_of(photons) == central);
  photons[2].eta = 1.5F;
  CHECK(ct::category_of(photons) == central);
  photons[2].eta = 1;
  photons[2].h_over_e = 0.5F;
  CHECK(ct::category_of(photons) == central);
  photons[2] = {.et = 20, .eta = 1, .phi = 1.5F};
  CHECK(ct::category_of(photons) == central);
  for (std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    auto fakes = photons;
    fakes[2].et = 25;
    fakes[k].h_over_e = 0.6F;  // the mass is that of the two leading ones, whatever the third is
    CHECK(ct::category_of(fakes) == none);
  }
}

TEST_CASE("known directions from the origin must lie in the acceptance as well") {
  auto const photons = pair(60, 1.4F, 40, -1);
  std::vector<ct::photon_candidate> found{seen_and_from_origin(photons[0], 1.43),
                                          seen_and_from_origin(photons[1], -1.02)};
  double const mass = ct::diphoton_mass(photons);
  CHECK(ct::selects_pair(central, found, mass));
  CHECK(ct::selects_pair(forward, found, mass));
  CHECK_FALSE(ct::selects_pair(central, found, 90));
  found[0].direction.u = 1.45;  // files see it at 1.4 and take it
  CHECK_FALSE(ct::selects_pair(central, found, mass));
  CHECK_FALSE(ct::selects_pair(forward, found, mass));
  CHECK(ct::category_of(photons) == central);
  found[0].direction.u = 1.43;
  found.push_back(seen_and_from_origin({.et = 25, .eta = 1.43F}, 1.45));
  CHECK(ct::selects_pair(central, found, mass));
  found[2].direction.u = 1.42;
  CHECK_FALSE(ct::selects_pair(central, found, mass));
}

}  // namespace
