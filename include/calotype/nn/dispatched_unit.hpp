// What calotype_add_dispatched_model compiles, once for each instruction set; for the files that it writes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/core/config.hpp>
#include <calotype/exec/dispatched.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/nn/dispatched_session.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/session.hpp>

namespace calotype::nn {

namespace detail {

constexpr bool compiled_for(exec::instruction_set s) {
  constexpr int lanes = kernel::cpu::simd<exec::best_arch>::lanes;
  return s == exec::instruction_set::baseline || (s == exec::instruction_set::avx2 && lanes == 8) ||
         (s == exec::instruction_set::avx512 && lanes == 16);
}

// The functions of a unit: a model and sessions of exec::cpu<> behind pointers.
template <class Net, class Policy, exec::instruction_set Set, std::uint64_t Signature = signature<Net>>
struct unit_functions {
  static_assert(compiled_for(Set),
                "calotype: a unit of a dispatched model is compiled for another instruction set than its own; "
                "take -m flags out of the target's options");

  using threads = typename Policy::threads_type;
  using policy = exec::cpu<exec::best_arch, threads, typename Policy::arithmetic_type>;
  using session_type = session<Net, policy>;

  static void* load(float const* parameters) {
    return new model<Net>(std::vector<float>(parameters, parameters + model<Net>::size));
  }
  static void unload(void const* m) noexcept { delete static_cast<model<Net> const*>(m); }

  static void* open(void const* m, [[maybe_unused]] int count, int batch) {
    policy p{};
    if constexpr (requires { p.threads.count; }) p.threads.count = count;
    return new session_type(*static_cast<model<Net> const*>(m), p, batch);
  }
  static void close(void* s) noexcept { delete static_cast<session_type*>(s); }

  // A template, so that it is only made for networks that read events.
  template <class View>
  static void score_events(void* s, View const* events, std::size_t count, void* scores, float* logits,
                           image_report& report) noexcept {
    score(s, std::span<View const>(events, count), count, scores, logits, report);
  }
  static void score_numbers(void* s, float const* numbers, std::size_t count, void* scores, float* logits,
                            image_report& report) noexcept {
    score(s, std::span<float const>(numbers, count * input_size<Net>()), count, scores, logits, report);
  }

 private:
  template <class Input>
  static void score(void* s, std::span<Input const> inputs, std::size_t count, void* scores, float* logits,
                    image_report& report) noexcept {
    auto& session = *static_cast<session_type*>(s);
    session(inputs, std::span(static_cast<typename session_type::scores*>(scores), count));
    std::copy(session.logits().begin(), session.logits().end(), logits);
    report = session.report();
  }
};

template <class Net, class Policy, exec::instruction_set Set, std::uint64_t Signature = signature<Net>>
constexpr auto event_function() -> decltype(unit::score_events) {
  if constexpr (reads_events<Net>()) {
    return unit_functions<Net, Policy, Set>::template score_events<event_view>;
  } else {
    return nullptr;
  }
}

// Constant data: reading it runs no code of the unit.
template <class Net, class Policy, exec::instruction_set Set, std::uint64_t Signature>
constinit unit const unit_of<Net, Policy, Set, Signature>::table = {
    .set = Set,
    .load = unit_functions<Net, Policy, Set>::load,
    .unload = unit_functions<Net, Policy, Set>::unload,
    .open = unit_functions<Net, Policy, Set>::open,
    .close = unit_functions<Net, Policy, Set>::close,
    .score_events = event_function<Net, Policy, Set>(),
    .score_numbers = unit_functions<Net, Policy, Set>::score_numbers};

}  // namespace detail
}  // namespace calotype::nn
