// The CPU policy: vector instructions, one event at a time, on the caller's thread or on a few. Its kernels
// come with kernel/cpu.hpp.
#pragma once

#include <concepts>

#include <xsimd/config/xsimd_config.hpp>
#include <xsimd/types/xsimd_all_registers.hpp>

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>

namespace calotype::exec {

// No vector unit: four floats side by side, each operation one lane at a time. Runs everywhere.
struct portable {};

// The widest instruction set that this translation unit is compiled for.
#if XSIMD_WITH_AVX512F
using best_arch = xsimd::avx512f;
#elif XSIMD_WITH_FMA3_AVX2
using best_arch = xsimd::fma3<xsimd::avx2>;
#elif XSIMD_WITH_NEON64
using best_arch = xsimd::neon64;
#elif XSIMD_WITH_SSE2
using best_arch = xsimd::sse2;
#else
using best_arch = portable;
#endif

// Threads of an event: the caller's. The alternative is exec::pool (exec/pool.hpp).
struct single {};

// Arch: an architecture tag of xsimd or exec::portable; by default the widest that this translation unit is
// compiled for. Every Arch gives the same bits, `direct` those of exec::scalar.
template <class Arch = best_arch, class Threads = single, class Arithmetic = direct>
struct cpu {
  static_assert(std::same_as<Arithmetic, direct> || std::same_as<Arithmetic, winograd>,
                "calotype::exec::cpu: Arithmetic must be exec::direct or exec::winograd");

  using policy_tag = cpu;
  using arch_type = Arch;
  using arithmetic_type = Arithmetic;

  [[no_unique_address]] Threads threads{};
};

}  // namespace calotype::exec
