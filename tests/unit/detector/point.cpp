#include <doctest/doctest.h>

#include <calotype/detector/point.hpp>

TEST_CASE("azimuths wrap into one turn") {
  CHECK(calotype::wrap_azimuth(3.5).value == doctest::Approx(3.5 - 2 * 3.14159265358979));
  CHECK(calotype::wrap_azimuth(-10).value == doctest::Approx(-10 + 4 * 3.14159265358979));
  CHECK(calotype::wrap_azimuth(calotype::math::pi).value == -calotype::math::pi);
}
