#include "events.hpp"
#include <doctest/doctest.h>

#include <calotype/image/image.hpp>
#include <calotype/image/presets/cms_run1.hpp>

namespace {

using namespace calotype;

struct ecal_centric {
  static constexpr auto image() { return cms::ecal_centric({ecal_energy(), hcal_energy()}); }
};

TEST_CASE("an image owns its planes, one behind the other, zero at first") {
  image picture = image::of<ecal_centric>();
  CHECK(picture.planes() == 3);
  CHECK(picture.pixels().size() == 2 * (170 * 360 + 2 * 100 * 100));
  for (float p : picture.pixels()) REQUIRE(p == 0);
  CHECK(picture.plane(0).data() == picture.pixels().data());
  CHECK(picture.plane(1).data() == picture.pixels().data() + 2 * 170 * 360);
  CHECK(picture.plane(2).shape() == plane_shape{2, 100, 100});
  auto const target = picture.target<ecal_centric>();
  CHECK(target[2].data == picture.plane(2).data());
  CHECK(target[2].channel_stride == 10'000);
  CHECK(target[2].row_stride == 100);
  float const* const where = picture.pixels().data();
  image const moved = std::move(picture);
  CHECK(moved.pixels().data() == where);
}

TEST_CASE("make_image is what a builder draws") {
  event const e = image_tests::random_event(77);
  image const once = make_image<ecal_centric>(e), reference = make_image<ecal_centric, exec::scalar>(e);
  image again = image::of<ecal_centric>();
  image_builder<ecal_centric> builder;
  builder.build(image_tests::random_event(78), again.target<ecal_centric>());
  builder.build(e, again.target<ecal_centric>());
  int lit = 0;
  for (std::size_t i = 0; i < once.pixels().size(); ++i) {
    REQUIRE(once.pixels()[i] == again.pixels()[i]);
    REQUIRE(once.pixels()[i] == reference.pixels()[i]);
    lit += once.pixels()[i] != 0;
  }
  CHECK(lit > 500);
}

}  // namespace
