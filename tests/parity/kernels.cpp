// All other operations under every strict policy: the scalar reference's bits, whatever -ffp-contract says.
#include <algorithm>
#include <cmath>

#include "kernel_operations.hpp"
#include "policies.hpp"
#include <doctest/doctest.h>

TEST_CASE_TEMPLATE_DEFINE("pools", Policy, pools) { parity::check_pools<Policy>(); }
TEST_CASE_TEMPLATE_APPLY(pools, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("dense layers", Policy, dense_layers) { parity::check_dense_layers<Policy>(); }
TEST_CASE_TEMPLATE_APPLY(dense_layers, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("recurrent layers", Policy, recurrent_layers) {
  parity::check_recurrent_layers<Policy>();
}
TEST_CASE_TEMPLATE_APPLY(recurrent_layers, strict_policies);

TEST_CASE("a recurrent layer by Winograd's algorithm differs by rounding") {
  using namespace calotype::exec;
  constexpr parity::kernel::lstm_shape digis{{10, 9, 11}, 8, 3, 10};
  auto const want = parity::run<scalar>{}.conv_lstm<digis>();
  auto const got = parity::run<cpu<best_arch, single, winograd>>{}.conv_lstm<digis>();
  REQUIRE(got.size() == want.size());
  float largest = 0, worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    worst = std::max(worst, std::abs(got[i] - want[i]));
  }
  CHECK(worst > 0);
  CHECK(worst < 1e-5F * largest);
}

TEST_CASE_TEMPLATE_DEFINE("elementwise operations", Policy, elementwise) {
  parity::check_elementwise<Policy>();
}
TEST_CASE_TEMPLATE_APPLY(elementwise, strict_policies);
