#include <cstdint>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include <calotype/tensor/buffer.hpp>

namespace {

using calotype::buffer;

static_assert(!std::is_copy_constructible_v<buffer<float>>);
static_assert(std::is_nothrow_move_constructible_v<buffer<float>>);

TEST_CASE("a buffer is zero, aligned, and moves without leaving a copy") {
  for (std::size_t n : {0u, 1u, 15u, 16u, 1000u}) {
    buffer<float> b(n);
    CHECK(b.size() == n);
    CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
    for (float x : b) CHECK(x == 0);
    b.fill(2);
    float const* const where = b.data();
    buffer<float> const moved = std::move(b);
    CHECK(moved.data() == where);
    CHECK(moved.size() == n);
    CHECK(b.size() == 0);
    CHECK(b.data() == nullptr);
    auto const copy = moved.clone();
    CHECK(copy.size() == n);
    CHECK(copy.data() != where);
    for (float x : copy) CHECK(x == 2);
  }
}

}  // namespace
