// exec::tbb: Thrust on oneTBB's threads; link -ltbb.
#pragma once

#include <thrust/system/tbb/execution_policy.h>
#include <thrust/system/tbb/memory.h>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/thrust/ops.hpp>

namespace calotype::exec {

using tbb = on_thrust<::thrust::tbb::tag>;

}  // namespace calotype::exec
