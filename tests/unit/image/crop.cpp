#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "events.hpp"
#include <doctest/doctest.h>

#include <calotype/image/crop.hpp>

namespace {

using namespace calotype;

struct photon_image {
  static constexpr auto image() { return cms::photon_crop({ecal_energy(), track_pt()}); }
};
struct old_photon {
  static constexpr auto image() {
    return cms::photon_crop({ecal_energy()}, {}, cms::photon_crop_at::whole_barrel);
  }
};
struct jet_image {
  static constexpr auto image() {
    return cms::jet_crop({track_pt(), ecal_energy(), hcal_energy()}, {.hcal_upsample = upsample::divide});
  }
};
struct padded {
  static constexpr auto image() {
    return crop(cms::ecal_centric({ecal_energy()}), {.rows = 9,
                                                     .cols = 9,
                                                     .center_row = crop_center(9),
                                                     .center_col = crop_center(9),
                                                     .plane = 2,
                                                     .periodic_cols = false});
  }
};
struct barrel_image {
  static constexpr auto image() { return cms::central({ecal_energy(), track_pt()}); }
};
struct stitched_image {
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()}, {.hcal_upsample = upsample::divide});
  }
};

static_assert(image_traits<photon_image>::planes == 1);
static_assert(image_traits<photon_image>::plane(0) == plane_shape{2, 32, 32});
static_assert(image_traits<jet_image>::plane(0) == plane_shape{3, 125, 125});
static_assert(image_traits<jet_image>::size() == 3 * 125 * 125);
static_assert(image_traits<padded>::plane_name(0) == "eep");
static_assert(image_traits<jet_image>::signature != image_traits<stitched_image>::signature);
static_assert(crop_center(125) == 62 && crop_center(32) == 15 && crop_center(1) == 0);

struct one_photon {
  static constexpr auto image() {
    return cms::photon_crop({ecal_energy({.scale = 0.1, .zero_suppression = 0.5})});
  }
};

TEST_CASE("crystals around a pixel equal the crop of the image, bit for bit") {
  using eb = segmentation<cms::eb>;
  event e;
  auto& hits = e.hit_lists[cms::collection::eb];
  for (int cell = 7; cell < eb::size(); cell += 13) {
    hits.push_back({eb::pack(cell), 0.013F * static_cast<float>(cell % 97) - 0.1F});
  }
  hits.push_back({eb::pack(eb::index({1, 1})), std::numeric_limits<float>::quiet_NaN()});
  hits.push_back({0xffffffffU, 3});
  crop_builder<one_photon> builder;
  builder.read(e);
  image whole = image::of<one_photon>();
  for (pixel const center : {pixel{15, 0}, {153, 359}, {80, 180}, {14, 5}, {154, 5}, {80, -1}}) {
    bool const fits = builder.cut(center, whole.target<one_photon>());
    auto const direct = cms::crystals_around<one_photon>(e, center);
    CHECK(std::equal(direct.begin(), direct.end(), whole.pixels().begin()));
    CHECK((std::count(direct.begin(), direct.end(), 0.F) < 1024) == fits);
  }
}

TEST_CASE("which centres fit") {
  plane_shape const barrel{1, 170, 360};
  crop_window const sc = image_traits<photon_image>::crop, old = image_traits<old_photon>::crop;
  for (int r = -3; r < 175; ++r) {
    CHECK(fits(barrel, {r, 0}, sc) == (r >= 15 && r <= 153));
    CHECK(fits(barrel, {r, 100}, old) == (r >= 16 && r < 154));
  }
  for (int c = -3; c < 365; ++c) {
    CHECK(fits(barrel, {80, c}, sc) == (c >= 0 && c < 360));
    CHECK(fits(barrel, {80, c}, old) == (c >= 16 && c < 344));
  }
  // A jet's seed: |ieta| <= 16.
  for (int tower = 0; tower < 56; ++tower)
    CHECK(fits({3, 280, 360}, {5 * tower + 2, 2}, cms::jet_window) == (tower >= 12 && tower <= 43));
}

TEST_CASE("a crop is the image around its centre: rows from it, columns round phi") {
  crop_builder<photon_image> crops;
  for (unsigned seed = 0; seed < 5; ++seed) {
    event const e = image_tests::random_event(40 + seed);
    crops.read(e);
    image const whole = make_image<barrel_image>(e);
    auto out = image::of<photon_image>();
    for (pixel center : {pixel{80, 100}, pixel{15, 3}, pixel{153, 359}, pixel{60, 0}}) {
      REQUIRE(crops.cut(center, out.target<photon_image>()));
      for (int ch = 0; ch < 2; ++ch)
        for (int r = 0; r < 32; ++r)
          for (int c = 0; c < 32; ++c)
            CHECK(out.plane(0)(ch, r, c) ==
                  whole.plane(0)(ch, center.row - 15 + r, (center.col - 15 + c + 360) % 360));
    }
    CHECK_FALSE(crops.cut({14, 0}, out.target<photon_image>()));
    for (float x : out.pixels()) CHECK(x == 0);
    CHECK_FALSE(crops.cut(pixel{}, out.target<photon_image>()));
  }
}

TEST_CASE("the hottest crystal comes to (15, 15) or (16, 16)") {
  using eb = segmentation<cms::eb>;
  event e = image_tests::random_event(3);
  auto& list = e.hit_lists[cms::collection::eb];
  std::erase_if(list, [](hit h) { return eb::unpack(h.id) == eb::index({-20, 200}); });
  list.push_back({eb::pack(eb::index({-20, 200})), 9000.F});
  list.push_back({eb::pack(eb::index({30, 20})), std::numeric_limits<float>::infinity()});
  pixel const center = cms::hottest_crystal(e);
  CHECK(center == pixel{65, 199});
  crop_builder<photon_image> crops;
  crop_builder<old_photon> old;
  auto a = image::of<photon_image>();
  auto b = image::of<old_photon>();
  crops.read(e);
  old.read(e);
  CHECK(hottest(crops.plane(), 0) == center);
  CHECK(hottest(crops.plane(), 0, {66, 201}, 2) == center);
  CHECK(hottest(crops.plane(), 0, {66, 202}, 2) != center);
  REQUIRE(crops.cut(center, a.target<photon_image>()));
  REQUIRE(old.cut(center, b.target<old_photon>()));
  CHECK(a.plane(0)(0, 15, 15) == 9000);
  CHECK(b.plane(0)(0, 16, 16) == 9000);
  CHECK_FALSE(cms::hottest_crystal(event{}));
  CHECK_FALSE(hottest(image::of<barrel_image>().plane(0), 0));
}

TEST_CASE("padding: pixels outside are zero") {
  event e;
  using ee = segmentation<cms::ee>;
  for (int ix = 1; ix <= 100; ++ix)
    for (int iy = 1; iy <= 100; ++iy)
      if (int const cell = ee::index({ix, iy, 1}); cell >= 0)
        e.hit_lists[cms::collection::ee].push_back({ee::pack(cell), static_cast<float>(100 * iy + ix)});
  crop_builder<padded> crops;
  crops.read(e);
  auto out = image::of<padded>();
  REQUIRE(crops.cut({50, 98}, out.target<padded>()));
  for (int r = 0; r < 9; ++r)
    for (int c = 0; c < 9; ++c) {
      int const ix = 98 - 4 + c + 1, iy = 50 - 4 + r + 1;
      CHECK(out.plane(0)(0, r, c) == (ix <= 100 ? static_cast<float>(100 * iy + ix) : 0.F));
    }
}

hit hb(int ieta, int iphi, int depth, float energy) {
  return {segmentation<cms::hb>::pack(segmentation<cms::hb>::index({ieta, iphi, depth})), energy};
}
hit he(int ieta, int iphi, int depth, float energy) {
  return {segmentation<cms::he>::pack(segmentation<cms::he>::index({ieta, iphi, depth})), energy};
}
float eta_of(int ieta) {
  int const cell = std::abs(ieta) <= 16 ? segmentation<cms::hb>::index({ieta, 1, 1})
                                        : segmentation<cms::he>::index({ieta, 1, 1});
  return static_cast<float>(std::abs(ieta) <= 16 ? segmentation<cms::hb>::center(cell).u
                                                 : segmentation<cms::he>::center(cell).u);
}
float phi_of(int iphi) { return static_cast<float>((5 * iphi - 2.5) * math::pi / 180); }

TEST_CASE("jet seeds: 7 x 7 or 9 x 9 towers of depth 1, round phi, past ieta = 0 without widening") {
  event e;
  auto& barrel = e.hit_lists[cms::collection::hb];
  auto& endcap = e.hit_lists[cms::collection::he];
  barrel = {hb(2, 70, 1, 5), hb(-2, 1, 1, 7), hb(6, 3, 1, 100), hb(15, 40, 2, 80), hb(1, 1, 1, -4)};

  auto seed = cms::find_jet_seed(e, eta_of(2), phi_of(1));
  CHECK(seed.ieta == 2);  // (-2, 1) is four places away, since there is a place for 0
  CHECK(seed.iphi == 70);
  CHECK(seed.energy == 5);
  CHECK(seed.tower == pixel{29, 71});
  CHECK(seed.center == pixel{147, 357});
  seed = cms::find_jet_seed(e, eta_of(2), phi_of(1), 4);
  CHECK(seed.ieta == 6);
  CHECK(seed.iphi == 3);

  // Only depth 1 counts; nothing found leaves the start tower with energy 0.
  seed = cms::find_jet_seed(e, eta_of(15), phi_of(40));
  CHECK(seed.ieta == 15);
  CHECK(seed.iphi == 40);
  CHECK(seed.energy == 0);
  CHECK(seed.tower == pixel{42, 41});

  // The start tower wins a tie.
  barrel = {hb(4, 10, 1, 3), hb(5, 10, 1, 3), hb(6, 10, 1, 3)};
  CHECK(cms::find_jet_seed(e, eta_of(5), phi_of(10)).ieta == 5);

  // Across the end of HB into HE, and a seed in tower 28 from 29.
  barrel = {hb(16, 20, 1, 3)};
  endcap = {he(18, 21, 1, 4), he(28, 21, 1, 6), he(29, 21, 1, 60)};
  seed = cms::find_jet_seed(e, eta_of(16), phi_of(20));
  CHECK(seed.ieta == 18);
  seed = cms::find_jet_seed(e, eta_of(29), phi_of(21));
  CHECK(seed.ieta == 28);
  CHECK(seed.tower == pixel{55, 22});
  CHECK(cms::find_jet_seed(e, 1.392F, phi_of(20)).ieta == 18);
  CHECK(cms::find_jet_seed(e, -1.392F, phi_of(20)).ieta == -16);
  CHECK_FALSE(cms::find_jet_seed(e, 3.1F, 0.F));
  CHECK_FALSE(cms::find_jet_seed(e, std::numeric_limits<float>::quiet_NaN(), 0.F));
  CHECK_FALSE(cms::find_jet_seed(e, 0.F, std::numeric_limits<float>::quiet_NaN()));
}

TEST_CASE("a jet's crop holds its seed tower in the middle") {
  event e;
  e.hit_lists[cms::collection::hb] = {hb(-16, 72, 1, 50)};
  crop_builder<jet_image> crops;
  crops.read(e);
  auto out = image::of<jet_image>();
  auto const seed = cms::find_jet_seed(e, eta_of(-15), phi_of(71));
  REQUIRE(seed);
  REQUIRE(crops.cut(seed.center, out.target<jet_image>()));
  for (int r = 0; r < 125; ++r)
    for (int c = 0; c < 125; ++c)
      CHECK(out.plane(0)(2, r, c) == (std::abs(r - 62) <= 2 && std::abs(c - 62) <= 2 ? 2.F : 0.F));
  static_assert(noexcept(crops.cut(std::declval<pixel>(), std::declval<image_target<jet_image> const&>())));
}

}  // namespace
