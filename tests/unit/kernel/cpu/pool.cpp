// Pools of the CPU policy against the scalar reference, bit for bit, with equal maxima in many windows.
#include <cmath>

#include "same_bits.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::map_shape;
using kernel::pool_shape;

// Few different values, so that maxima are shared: -2, -1, -0 and +0.
numbers coarse_numbers(std::size_t n, std::uint32_t seed) {
  numbers x = random_numbers(n, seed);
  for (float& v : x) v = v > 0.5f ? 0.f : -std::trunc(3 * std::abs(v));
  return x;
}

template <class Arch, pool_shape P>
void check() {
  CAPTURE(P.in.channels);
  CAPTURE(P.in.rows);
  CAPTURE(P.in.cols);
  CAPTURE(P.size);
  CAPTURE(P.stride);
  numbers const x = coarse_numbers(static_cast<std::size_t>(P.in.size()), 1);
  numbers const dout = random_numbers(static_cast<std::size_t>(P.out().size()), 2);
  numbers out(dout.size());
  numbers din(x.size());
  reference::max_pool<P>::forward({}, x.data(), out.data());
  reference::max_pool<P>::gradient({}, x.data(), out.data(), dout.data(), din.data());

  using pool = typename cpu_ops<Arch>::template max_pool<P>;
  auto in_map = cpu_map<P.in>::of(x);
  auto out_map = cpu_map<P.out()>::poisoned();
  auto dout_map = cpu_map<P.out()>::of(dout);
  auto din_map = cpu_map<P.in>::poisoned();
  pool::forward({}, in_map.data(), out_map.data());
  pool::gradient({}, in_map.data(), out_map.data(), dout_map.data(), din_map.data());
  CHECK(differences(out_map.canonical(), out) == 0);
  CHECK(out_map.rest_is_zero());
  CHECK(differences(din_map.canonical(), din) == 0);
  CHECK(din_map.rest_is_zero());
}

template <class Arch, map_shape M>
void check_global() {
  CAPTURE(M.channels);
  CAPTURE(M.rows);
  CAPTURE(M.cols);
  constexpr map_shape vector{M.channels, 1, 1};
  numbers const x = coarse_numbers(static_cast<std::size_t>(M.size()), 3);
  numbers const dout = random_numbers(static_cast<std::size_t>(M.channels), 4);
  numbers out(dout.size());
  numbers din(x.size());
  reference::global_max_pool<M>::forward({}, x.data(), out.data());
  reference::global_max_pool<M>::gradient({}, x.data(), out.data(), dout.data(), din.data());

  using pool = typename cpu_ops<Arch>::template global_max_pool<M>;
  auto in_map = cpu_map<M>::of(x);
  auto out_map = cpu_map<vector>::poisoned();
  auto dout_map = cpu_map<vector>::of(dout);
  auto din_map = cpu_map<M>::poisoned();
  pool::forward({}, in_map.data(), out_map.data());
  pool::gradient({}, in_map.data(), out_map.data(), dout_map.data(), din_map.data());
  CHECK(differences(out_map.canonical(), out) == 0);
  CHECK(differences(din_map.canonical(), din) == 0);
  CHECK(din_map.rest_is_zero());
}

template <class Arch, pool_shape P>
void check_average() {
  CAPTURE(P.in.channels);
  CAPTURE(P.in.rows);
  CAPTURE(P.in.cols);
  CAPTURE(P.size);
  CAPTURE(P.stride);
  numbers const x = random_numbers(static_cast<std::size_t>(P.in.size()), 5);
  numbers dout = random_numbers(static_cast<std::size_t>(P.out().size()), 6);
  dout.front() = -0.f;
  numbers out(dout.size());
  numbers din(x.size());
  reference::avg_pool<P>::forward({}, x.data(), out.data());
  reference::avg_pool<P>::gradient({}, dout.data(), din.data());

  using pool = typename cpu_ops<Arch>::template avg_pool<P>;
  auto in_map = cpu_map<P.in>::of(x);
  auto out_map = cpu_map<P.out()>::poisoned();
  auto dout_map = cpu_map<P.out()>::of(dout);
  auto din_map = cpu_map<P.in>::poisoned();
  pool::forward({}, in_map.data(), out_map.data());
  pool::gradient({}, dout_map.data(), din_map.data());
  CHECK(differences(out_map.canonical(), out) == 0);
  CHECK(out_map.rest_is_zero());
  CHECK(differences(din_map.canonical(), din) == 0);
  CHECK(din_map.rest_is_zero());
}

template <class Arch, map_shape M>
void check_global_average() {
  CAPTURE(M.channels);
  CAPTURE(M.rows);
  CAPTURE(M.cols);
  constexpr map_shape vector{M.channels, 1, 1};
  numbers const x = random_numbers(static_cast<std::size_t>(M.size()), 7);
  numbers const dout = random_numbers(static_cast<std::size_t>(M.channels), 8);
  numbers out(dout.size());
  numbers din(x.size());
  reference::global_avg_pool<M>::forward({}, x.data(), out.data());
  reference::global_avg_pool<M>::gradient({}, dout.data(), din.data());

  using pool = typename cpu_ops<Arch>::template global_avg_pool<M>;
  auto in_map = cpu_map<M>::of(x);
  auto out_map = cpu_map<vector>::poisoned();
  auto dout_map = cpu_map<vector>::of(dout);
  auto din_map = cpu_map<M>::poisoned();
  pool::forward({}, in_map.data(), out_map.data());
  pool::gradient({}, dout_map.data(), din_map.data());
  CHECK(differences(out_map.canonical(), out) == 0);
  CHECK(differences(din_map.canonical(), din) == 0);
  CHECK(din_map.rest_is_zero());
}

}  // namespace

TEST_CASE_TEMPLATE("max pools", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, pool_shape{{16, 8, 18}, 2, 2}>();
  check<Arch, pool_shape{{16, 83, 9}, 2, 2}>();  // the last row and column belong to no window
  check<Arch, pool_shape{{17, 7, 8}, 3, 2}>();   // windows overlap
  check<Arch, pool_shape{{3, 9, 9}, 3, 3}>();
  check<Arch, pool_shape{{47, 5, 6}, 2, 3}>();  // gaps between windows
  check<Arch, pool_shape{{10, 2, 2}, 2, 2}>();  // one pixel is left: a vector
  check<Arch, pool_shape{{10, 4, 1}, 1, 1}>();
}

TEST_CASE_TEMPLATE("global max pools", Arch, CALOTYPE_TEST_ARCHS) {
  check_global<Arch, map_shape{32, 21, 45}>();
  check_global<Arch, map_shape{3, 1, 7}>();
  check_global<Arch, map_shape{47, 5, 1}>();
  check_global<Arch, map_shape{17, 1, 1}>();
}

TEST_CASE_TEMPLATE("average pools", Arch, CALOTYPE_TEST_ARCHS) {
  check_average<Arch, pool_shape{{16, 8, 18}, 2, 2}>();
  check_average<Arch, pool_shape{{16, 83, 9}, 2, 2}>();
  check_average<Arch, pool_shape{{17, 7, 8}, 3, 2}>();
  check_average<Arch, pool_shape{{47, 5, 6}, 2, 3}>();
  check_average<Arch, pool_shape{{10, 2, 2}, 2, 2}>();
}

TEST_CASE_TEMPLATE("global average pools", Arch, CALOTYPE_TEST_ARCHS) {
  check_global_average<Arch, map_shape{32, 21, 45}>();
  check_global_average<Arch, map_shape{47, 5, 1}>();
  check_global_average<Arch, map_shape{17, 1, 1}>();
}
