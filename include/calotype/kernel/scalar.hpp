// The kernels of the reference policies, and with them the policies: exec::scalar (float) and
// exec::scalar_of<double> for numerical checks.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>
#include <calotype/kernel/scalar/ops.hpp>

static_assert(!CALOTYPE_FAST_MATH, "calotype::exec::scalar: a strict policy; compile without -ffast-math");
