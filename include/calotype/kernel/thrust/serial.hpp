// exec::serial: Thrust's sequential system.
#pragma once

#include <thrust/system/cpp/execution_policy.h>
#include <thrust/system/cpp/memory.h>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/thrust/ops.hpp>

namespace calotype::exec {

using serial = on_thrust<::thrust::cpp::tag>;

}  // namespace calotype::exec
