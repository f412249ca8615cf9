// Thrust's host systems against the scalar reference. The build compiles this with -ffp-contract=fast and off.
#include "kernel_operations.hpp"
#include <doctest/doctest.h>

#include <calotype/exec/thrust.hpp>

TEST_CASE_TEMPLATE("convolutions have the reference's bits on Thrust", Policy, calotype::exec::serial,
                   calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_convolutions<Policy>();
}

TEST_CASE_TEMPLATE("convolutions with their pool have the reference's bits on Thrust", Policy,
                   calotype::exec::serial, calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_pooled_convolutions<Policy>();
}

TEST_CASE_TEMPLATE("gradients of convolutions have the reference's bits on Thrust", Policy,
                   calotype::exec::serial, calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_convolution_gradients<Policy>();
}

TEST_CASE_TEMPLATE("pools have the reference's bits on Thrust", Policy, calotype::exec::serial,
                   calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_pools<Policy>();
}

TEST_CASE_TEMPLATE("dense layers have the reference's bits on Thrust", Policy, calotype::exec::serial,
                   calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_dense_layers<Policy>();
}

TEST_CASE_TEMPLATE("elementwise operations have the reference's bits on Thrust", Policy, calotype::exec::serial,
                   calotype::exec::openmp, calotype::exec::tbb) {
  parity::check_elementwise<Policy>();
}
