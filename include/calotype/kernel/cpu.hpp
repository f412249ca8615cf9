// The kernels of exec::cpu, and with them the policy.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/exec/cpu.hpp>
#include <calotype/kernel/cpu/ops.hpp>
#include <calotype/kernel/ops.hpp>

static_assert(!CALOTYPE_FAST_MATH, "calotype::exec::cpu: a strict policy; compile without -ffast-math");

namespace calotype::kernel {

template <class Arch, class Threads, class Arithmetic>
struct ops<exec::cpu<Arch, Threads, Arithmetic>> : cpu::operations<exec::cpu<Arch, Threads, Arithmetic>> {};

}  // namespace calotype::kernel
