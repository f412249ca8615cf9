// The CPU policy with its kernels: vector instructions, one event at a time, on the caller's thread or on a
// few.
#pragma once

#include <concepts>

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>
#include <calotype/kernel/cpu/ops.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

static_assert(!CALOTYPE_FAST_MATH, "calotype::exec::cpu: a strict policy; compile without -ffast-math");

namespace calotype {
namespace exec {

// Threads of an event: the caller's. The alternative is exec::pool (exec/pool.hpp).
struct single {};

// Arch: an architecture tag of xsimd or kernel::cpu::portable; by default the widest that this translation unit
// is compiled for. Every Arch gives the same bits, `direct` those of exec::scalar.
template <class Arch = kernel::cpu::best_arch, class Threads = single, class Arithmetic = direct>
struct cpu {
  static_assert(std::same_as<Arithmetic, direct> || std::same_as<Arithmetic, winograd>,
                "calotype::exec::cpu: Arithmetic must be exec::direct or exec::winograd");

  using policy_tag = cpu;
  using arch_type = Arch;
  using arithmetic_type = Arithmetic;

  [[no_unique_address]] Threads threads{};
};

}  // namespace exec

template <class Arch, class Threads, class Arithmetic>
struct kernel::ops<exec::cpu<Arch, Threads, Arithmetic>>
    : kernel::cpu::operations<exec::cpu<Arch, Threads, Arithmetic>> {};

}  // namespace calotype
