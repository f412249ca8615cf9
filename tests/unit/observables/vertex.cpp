#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/observables/vertex.hpp>

namespace ct = calotype;

TEST_CASE("the primary vertex is where the squared pT is, not where most tracks are") {
  std::vector<ct::track> tracks;
  for (int i = 0; i < 20; ++i) tracks.push_back({.pt = 1, .z0 = -3});
  tracks.push_back({.pt = 4, .z0 = 2});
  tracks.push_back({.pt = 2, .z0 = 2.05F});
  CHECK(ct::primary_vertex_z(tracks).value() == doctest::Approx(-3));  // 20 against 20: the first
  tracks.push_back({.pt = 1, .z0 = 2.09F});
  CHECK(ct::primary_vertex_z(tracks).value() == doctest::Approx((16 * 2 + 4 * 2.05 + 2.09) / 21));
  tracks.push_back({.pt = 3, .z0 = 2.2F});  // within 0.1 of none of them
  CHECK(ct::primary_vertex_z(tracks).value() == doctest::Approx((16 * 2 + 4 * 2.05 + 2.09) / 21));
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  tracks.push_back({.pt = inf, .z0 = 5});
  tracks.push_back({.pt = nan, .z0 = 5});
  tracks.push_back({.pt = 90, .z0 = nan});
  CHECK(ct::primary_vertex_z(tracks).value() == doctest::Approx((16 * 2 + 4 * 2.05 + 2.09) / 21));
  CHECK_FALSE(ct::primary_vertex_z({}));
  CHECK_FALSE(ct::primary_vertex_z(std::vector<ct::track>{{.pt = inf, .z0 = 5}, {.pt = 0, .z0 = 1}}));
}
