// The policy that is chosen when a session is made: the widest instruction set that the machine has, out of
// those that calotype_add_dispatched_model (cmake/calotype_dispatch.cmake) compiled a network for.
#pragma once

#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/exec/cpu.hpp>
#include <calotype/exec/policy.hpp>

namespace calotype::exec {

// From narrow to wide. `baseline` is what the program itself is compiled for (NEON on aarch64); the others are
// the levels 3 and 4 of x86-64.
enum class instruction_set : std::uint8_t { baseline, avx2, avx512 };

constexpr char const* name(instruction_set s) noexcept {
  return s == instruction_set::avx512 ? "avx512" : s == instruction_set::avx2 ? "avx2" : "baseline";
}

// Whether the CPU and its operating system run code that is compiled for s.
inline bool supports(instruction_set s) noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (s == instruction_set::avx512) return __builtin_cpu_supports("x86-64-v4");
  if (s == instruction_set::avx2) return __builtin_cpu_supports("x86-64-v3");
#endif
  return s == instruction_set::baseline;
}

// Threads and Arithmetic as in exec::cpu. The same bits whatever is chosen.
template <class Threads = single, class Arithmetic = direct>
struct dispatched {
  using policy_tag = dispatched;
  using threads_type = Threads;
  using arithmetic_type = Arithmetic;

  instruction_set widest = instruction_set::avx512;  // nothing wider is chosen
  [[no_unique_address]] Threads threads{};
};

}  // namespace calotype::exec
