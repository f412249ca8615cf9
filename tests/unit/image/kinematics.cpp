#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/image/kinematics.hpp>

namespace {

using calotype::diphoton_mass;
using calotype::photon;

TEST_CASE("the mass of two photons: by formula, of the leading two, 0 where there is none") {
  photon const a{.et = 60, .eta = 0.5f, .phi = 0.3f}, b{.et = 45, .eta = -1.2f, .phi = 2.9f}, c{.et = 30};
  std::vector<photon> const photons{a, b, c};
  double const expected = std::sqrt(2 * 60 * 45 *
                                    (std::cosh(0.5 + static_cast<double>(1.2f)) -
                                     std::cos(static_cast<double>(0.3f) - static_cast<double>(2.9f))));
  CHECK(diphoton_mass(photons) == doctest::Approx(expected).epsilon(1e-12));
  CHECK(diphoton_mass({photons.data(), 2}) == diphoton_mass(photons));
  CHECK(diphoton_mass({photons.data(), 1}) == 0);
  CHECK(diphoton_mass({}) == 0);
  CHECK(diphoton_mass(std::vector<photon>{a, a}) == 0);  // collinear
  for (float bad : {0.f, -1.f, std::numeric_limits<float>::quiet_NaN()}) {
    photon const dark{.et = bad, .eta = 1, .phi = 1};
    CHECK(diphoton_mass(std::vector<photon>{dark, dark}) == 0);
    CHECK(diphoton_mass(std::vector<photon>{a, dark}) == 0);
  }
}

TEST_CASE("the leading photons are those of largest ET, in whatever order an event has them") {
  using calotype::leading_photons;
  photon const a{.et = 60, .eta = 0.5f, .phi = 0.3f}, b{.et = 45, .eta = -1.2f, .phi = 2.9f}, c{.et = 30};
  double const mass = diphoton_mass(std::vector<photon>{a, b, c});
  for (auto const& photons :
       {std::vector<photon>{c, a, b}, std::vector<photon>{b, c, a}, std::vector<photon>{c, b, a}}) {
    CHECK(leading_photons(photons)[0]->et == 60);
    CHECK(leading_photons(photons)[1]->et == 45);
    CHECK(diphoton_mass(photons) == mass);
  }
  std::vector<photon> const same{b, b, b};
  CHECK(leading_photons(same)[0] == &same[0]);
  CHECK(leading_photons(same)[1] == &same[1]);
  CHECK(leading_photons({same.data(), 1})[0] == &same[0]);
  CHECK(leading_photons({same.data(), 1})[1] == nullptr);
  CHECK(leading_photons({})[0] == nullptr);
}

}  // namespace
