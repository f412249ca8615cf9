#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/isolation.hpp>

namespace {

using namespace calotype;
using eb = segmentation<cms::eb>;
using ee = segmentation<cms::ee>;

TEST_CASE("tracks count in the hollow cone, phi goes round") {
  auto const sum = [](float d_eta, float d_phi, float pt = 3) {
    std::vector<track> const tracks{{.pt = 2, .eta = 1.1f, .phi = 3.1f},
                                    {.pt = pt, .eta = 1.f + d_eta, .phi = 3.1f + d_phi}};
    return track_isolation(tracks, 1, 3.1f);
  };
  CHECK(sum(0.05f, 0) == 5);
  CHECK(sum(0.03f, 0) == 2);
  CHECK(sum(0.03f, 0.03f) == 5);
  CHECK(sum(0.29f, 0) == 5);
  CHECK(sum(0.31f, 0) == 2);
  CHECK(sum(0.25f, 0.25f) == 2);
  CHECK(sum(0.02f, 0.2f - 6.2831853f) == 5);
  CHECK(sum(0.01f, 0.2f) == 2);  // along the strip
  CHECK(sum(-0.01f, 0.2f) == 2);
  CHECK(sum(-0.02f, 0.2f) == 5);
  CHECK(sum(0.1f, 0, -1) == 2);
  float const none = std::numeric_limits<float>::quiet_NaN();
  CHECK(sum(0.1f, 0, none) == 2);
  CHECK(sum(none, 0) == 2);
}

template <class D>
float around(int seed, std::vector<int> const& cells, float energy) {
  std::vector<hit> hits;
  for (int c : cells) hits.push_back({segmentation<D>::pack(c), energy});
  return ecal_isolation<D>(hits, seed);
}

TEST_CASE("barrel crystals count outside the core and the strip, above the noise, as transverse energies") {
  int const seed = eb::index({20, 3});
  auto const at = [&](int ieta, int iphi, float energy = 1) {
    return around<cms::eb>(seed, {eb::index({ieta, iphi})}, energy);
  };
  auto const transverse = [](int ieta) {
    return static_cast<float>(1 / std::cosh(eb::center(eb::index({ieta, 1})).u));
  };
  CHECK(at(20, 3) == 0);
  CHECK(at(23, 3) == 0);                                  // within 3.5 crystals
  CHECK(at(24, 3) == doctest::Approx(transverse(24)));    // beyond
  CHECK(at(20, 13) == 0);                                 // along the strip
  CHECK(at(22, 13) == 0);                                 //
  CHECK(at(23, 13) == doctest::Approx(transverse(23)));   // beside it
  CHECK(at(30, 353) == doctest::Approx(transverse(30)));  // across iphi = 360
  CHECK(at(36, 3) == doctest::Approx(transverse(36)));    // dR 0.28
  CHECK(at(38, 3) == 0);                                  // dR 0.31
  CHECK(at(30, 3, 0.094f) == 0);
  CHECK(at(30, 3, 0.096f) > 0);
  CHECK(at(30, 3, -1) == 0);
  CHECK(at(30, 3, std::numeric_limits<float>::infinity()) == 0);
  CHECK(around<cms::eb>(seed, {eb::index({30, 3}), eb::index({30, 4})}, 1) ==
        doctest::Approx(2 * transverse(30)));
  std::vector<hit> const stranger{{0xffffffffu, 5}};
  CHECK(ecal_isolation<cms::eb>(stranger, seed) == 0);
}

TEST_CASE("endcap crystals shrink in eta towards the beam, and count by transverse energy") {
  int const seed = ee::index({70, 50, 1});
  CHECK(around<cms::ee>(seed, {ee::index({71, 50, 1})}, 10) == 0);
  int const far = ee::index({74, 53, 1});
  auto const et = static_cast<float>(1 / std::cosh(ee::center(far).u));
  CHECK(around<cms::ee>(seed, {far}, 10) == doctest::Approx(10 * et));
  CHECK(around<cms::ee>(seed, {far}, 0.109f / et) == 0);
  CHECK(around<cms::ee>(seed, {far}, 0.111f / et) > 0);
  CHECK(around<cms::ee>(seed, {ee::index({74, 53, -1})}, 10) == 0);
}

}  // namespace
