// exec::openmp: Thrust on OpenMP's threads; compile with -fopenmp.
#pragma once

#include <thrust/system/omp/execution_policy.h>
#include <thrust/system/omp/memory.h>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/thrust/ops.hpp>

namespace calotype::exec {

using openmp = on_thrust<::thrust::omp::tag>;

}  // namespace calotype::exec
