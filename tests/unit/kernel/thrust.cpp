#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/thrust.hpp>

namespace {

namespace exec = calotype::exec;

static_assert(calotype::concepts::execution_policy<exec::serial>);
static_assert(calotype::concepts::execution_policy<exec::openmp>);
static_assert(calotype::concepts::execution_policy<exec::tbb>);
static_assert(std::is_empty_v<exec::openmp>);

}  // namespace

TEST_CASE_TEMPLATE("buffers of a Thrust system are owned, zero and movable", Policy, exec::serial, exec::openmp,
                   exec::tbb) {
  using ops = calotype::kernel::ops<Policy>;
  using buffer = typename ops::buffer;
  static_assert(!std::is_copy_constructible_v<buffer>);
  static_assert(std::is_nothrow_move_constructible_v<buffer>);
  static_assert(std::is_nothrow_move_assignable_v<buffer>);
  static_assert(
      std::is_same_v<decltype(std::declval<buffer&>().data()), float*>);  // no thrust type leaves a policy

  Policy const p{};
  buffer a(1000);
  std::vector<float> host(1000, -1);
  ops::to_host(p, host.size(), a.data(), host.data());
  CHECK(host == std::vector<float>(1000));

  for (std::size_t i = 0; i < host.size(); ++i) host[i] = static_cast<float>(i);
  ops::to_policy(p, host.size(), host.data(), a.data());
  float const* const place = a.data();
  buffer b(std::move(a));
  CHECK(b.data() == place);
  CHECK(b.size() == 1000);
  buffer c;
  CHECK(c.size() == 0);
  c = std::move(b);
  std::vector<float> back(1000);
  ops::to_host(p, back.size(), c.data(), back.data());
  CHECK(back == host);
}
