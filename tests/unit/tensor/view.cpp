#include <array>
#include <numeric>

#include <doctest/doctest.h>

#include <calotype/tensor/view.hpp>

namespace {

using namespace calotype;

constexpr plane_shape shape{2, 3, 4};
static_assert(shape.pixels() == 12 && shape.size() == 24);
static_assert(!pixel{} && pixel{0, 0});

TEST_CASE("a dense view lies channel by channel, row by row") {
  std::array<int, 24> numbers{};
  std::iota(numbers.begin(), numbers.end(), 0);
  plane_view<int> const v(numbers.data(), shape);
  CHECK(v.dense());
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < 3; ++r)
      for (int k = 0; k < 4; ++k) CHECK(v(c, r, k) == (c * 3 + r) * 4 + k);
  CHECK(v.channel(1)(0, 2, 3) == 23);
}

TEST_CASE("a strided view sees the inside of a halo; its windows keep the strides") {
  std::array<int, 2 * 5 * 6> halo{};
  plane_view<int> const v(halo.data() + 7, shape, 30, 6);
  CHECK_FALSE(v.dense());
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < 3; ++r)
      for (int k = 0; k < 4; ++k) v(c, r, k) = 100 * c + 10 * r + k + 1;
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < 5; ++r)
      for (int k = 0; k < 6; ++k) {
        bool const inside = r >= 1 && r <= 3 && k >= 1 && k <= 4;
        CHECK(halo[static_cast<std::size_t>(c * 30 + r * 6 + k)] == (inside ? 100 * c + 10 * (r - 1) + k : 0));
      }
  plane_view<int const> const w = v.window(1, 2, 2, 2);
  CHECK(w.shape() == plane_shape{2, 2, 2});
  CHECK(w(1, 1, 1) == 124);
}

}  // namespace
