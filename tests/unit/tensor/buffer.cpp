#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
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

TEST_CASE("buffers in a workspace lie one behind the other, aligned and zero, and are not given back") {
  using calotype::workspace;
  static_assert(workspace::bytes_of<float>(0) == 0);
  static_assert(workspace::bytes_of<float>(1) == 64);
  static_assert(workspace::bytes_of<double>(8) == 64);
  constexpr std::size_t size =
      workspace::bytes_of<float>(17) + workspace::bytes_of<double>(3) + workspace::slack;
  alignas(64) std::array<std::byte, size + 64> memory{};
  memory.fill(std::byte{0xff});
  for (std::size_t offset : {0u, 1u, 64u}) {
    std::span<std::byte> const block(memory.data() + offset, size);
    workspace from(block);
    buffer<float> a(17, from);
    {
      buffer<double> b(3, from);
      CHECK(reinterpret_cast<std::byte*>(b.data()) - reinterpret_cast<std::byte*>(a.data()) == 128);
      CHECK(reinterpret_cast<std::byte*>(b.data() + 3) <= memory.data() + offset + size);
      for (double x : b) CHECK(x == 0);
    }
    CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 64 == 0);
    buffer<float> own(3);
    own = std::move(a);  // frees its own memory, and not the workspace's
    for (float x : own) CHECK(x == 0);
  }
}

}  // namespace
