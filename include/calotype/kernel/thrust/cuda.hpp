// exec::cuda_thrust: Thrust on one NVIDIA device; for nvcc only.
#pragma once

#include <thrust/system/cuda/execution_policy.h>
#include <thrust/system/cuda/memory.h>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/thrust/ops.hpp>

namespace calotype::exec {

using cuda_thrust = on_thrust<::thrust::cuda::tag>;

}  // namespace calotype::exec
