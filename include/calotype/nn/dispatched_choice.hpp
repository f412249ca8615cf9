// How one of a dispatched model's units is chosen; for the file that calotype_add_dispatched_model writes,
// which is compiled as the program is.
#pragma once

#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/exec/dispatched.hpp>
#include <calotype/nn/dispatched_session.hpp>

namespace calotype::nn {

namespace detail {

// Specialised beside the instantiation of dispatched_model: the instruction sets that there are units for, from
// wide to narrow, `baseline` the last.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
struct sets_of;

template <class Net, class Policy, exec::instruction_set... Sets>
struct unit_sets {
  static unit const& choose(exec::instruction_set widest) noexcept {
    unit const* chosen = nullptr;
    ((chosen == nullptr && Sets <= widest && exec::supports(Sets)
          ? static_cast<void>(chosen = &unit_of<Net, Policy, Sets>::table)
          : static_cast<void>(0)),
     ...);
    return *chosen;
  }
};

}  // namespace detail

template <class Net, class Policy, std::uint64_t Signature>
detail::unit const& dispatched_model<Net, Policy, Signature>::choose(exec::instruction_set widest) noexcept {
  return detail::sets_of<Net, Policy>::choose(widest);
}

}  // namespace calotype::nn
