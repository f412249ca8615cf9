#include <vector>

#include <doctest/doctest.h>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include <calotype/tensor/xtensor.hpp>

namespace {

TEST_CASE("an xtensor view reads and writes a plane through its strides") {
  std::vector<float> memory(2 * 40, -1.f);
  calotype::plane_view<float> const plane(memory.data() + 3, {2, 4, 5}, 40, 8);
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < 4; ++r)
      for (int k = 0; k < 5; ++k) plane(c, r, k) = static_cast<float>(c * 100 + r * 10 + k);
  auto x = calotype::as_xtensor(plane);
  REQUIRE(x.shape(0) == 2);
  CHECK(x(1, 3, 4) == 134);
  CHECK(xt::sum(xt::view(x, 0))() == 5 * (10 + 20 + 30) + 4 * 10);
  x(0, 1, 1) = 7;
  CHECK(plane(0, 1, 1) == 7);
  CHECK(memory[0] == -1);

  calotype::plane_view<float const> const read = plane;
  CHECK(calotype::as_xtensor(read)(0, 1, 1) == 7);
}

}  // namespace
