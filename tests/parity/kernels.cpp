// All other operations under every strict policy: the scalar reference's bits, whatever -ffp-contract says.
#include "kernel_operations.hpp"
#include "policies.hpp"
#include <doctest/doctest.h>

TEST_CASE_TEMPLATE_DEFINE("pools", Policy, pools) { parity::check_pools<Policy>(); }
TEST_CASE_TEMPLATE_APPLY(pools, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("dense layers", Policy, dense_layers) { parity::check_dense_layers<Policy>(); }
TEST_CASE_TEMPLATE_APPLY(dense_layers, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("elementwise operations", Policy, elementwise) {
  parity::check_elementwise<Policy>();
}
TEST_CASE_TEMPLATE_APPLY(elementwise, strict_policies);
