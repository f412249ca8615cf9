#include <algorithm>

#include "../../sample_event.hpp"
#include <doctest/doctest.h>

#include <calotype/image/builder.hpp>
#include <calotype/image/image.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/plan.hpp>

namespace {

namespace ct = calotype;
namespace models = ct::models;

ct::event with_mass_125() {
  auto e = calotype_test::sample_event(3);
  auto& photons = e.photon_list;
  auto const factor = static_cast<float>(125 / ct::diphoton_mass(photons));
  for (auto& p : photons) p.et *= factor;
  return e;
}

TEST_CASE("what divides an image is part of its signature; at 125 GeV the mass-aware pixels are the same") {
  using by_mass = models::ecal_barrel_image;
  using as_it_is = models::ecal_barrel_image_mass_aware;
  using by_sum = models::ecal_barrel_image_sum_pt;
  static_assert(ct::image_traits<by_mass>::signature != ct::image_traits<as_it_is>::signature);
  static_assert(ct::image_traits<by_mass>::signature != ct::image_traits<by_sum>::signature);
  static_assert(ct::image_traits<as_it_is>::signature != ct::image_traits<by_sum>::signature);

  auto e = with_mass_125();
  auto const divided = ct::make_image<by_mass>(e), whole = ct::make_image<as_it_is>(e);
  float most = 0;
  for (std::size_t i = 0; i < whole.pixels().size(); ++i) {
    REQUIRE(whole.pixels()[i] == doctest::Approx(divided.pixels()[i]));
    most = std::max(most, whole.pixels()[i]);
  }
  CHECK(most > 0);
  auto const summed = ct::make_image<by_sum>(e);
  float const sum = e.photon_list[0].et + e.photon_list[1].et;
  for (std::size_t i = 0; i < whole.pixels().size(); ++i) {
    REQUIRE(summed.pixels()[i] == doctest::Approx(whole.pixels()[i] * 125 / sum));
  }
  e.photon_list.clear();
  CHECK(ct::make_image<as_it_is>(e).pixels()[0] == whole.pixels()[0]);
}

TEST_CASE("counts of parameters") {
  CHECK(ct::nn::plan_of<models::four_momentum>.total_parameters() == 50433);
  CHECK(ct::nn::plan_of<models::eb_mass_aware>.total_parameters() == 88723);
  CHECK(ct::nn::plan_of<models::ecal_mass_aware>.total_parameters() == 295187);
  CHECK(ct::nn::plan_of<models::eb_fcn_head>.total_parameters() == 88723 - 99 + 21123);
  CHECK(ct::nn::plan_of<models::four_momentum_of<1, 10>>.total_parameters() == 93);
  // Two more blocks of 16 and of 32 channels, with the projections that they do not use.
  CHECK(ct::nn::plan_of<models::eb_deeper>.total_parameters() ==
        88723 + 2 * (2 * 2320 + 272) + 2 * (2 * 9248 + 1056));
}

}  // namespace
