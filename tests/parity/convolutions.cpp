// Convolutions under every strict policy: the scalar reference's bits, whatever -ffp-contract says.
#include "kernel_operations.hpp"
#include "policies.hpp"
#include <doctest/doctest.h>

TEST_CASE_TEMPLATE_DEFINE("convolutions", Policy, convolutions) { parity::check_convolutions<Policy>(); }
TEST_CASE_TEMPLATE_APPLY(convolutions, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("convolutions with their pool", Policy, pooled_convolutions) {
  parity::check_pooled_convolutions<Policy>();
}
TEST_CASE_TEMPLATE_APPLY(pooled_convolutions, strict_policies);

TEST_CASE_TEMPLATE_DEFINE("gradients of convolutions", Policy, convolution_gradients) {
  parity::check_convolution_gradients<Policy>();
}
TEST_CASE_TEMPLATE_APPLY(convolution_gradients, strict_policies);
