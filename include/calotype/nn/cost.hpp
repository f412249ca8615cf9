// What a network costs, before it runs: static_assert(ct::nn::cost<net>.workspace_bytes < budget).
#pragma once

#include <cstddef>

#include <calotype/kernel/cpu.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>

namespace calotype::nn {

struct cost_sheet {
  int parameters = 0;           // all that are stored, as the papers count
  int idle_parameters = 0;      // of these, stored but never used
  long long multiply_adds = 0;  // one event, forward; multiplications with zero padding count
  std::size_t workspace_bytes =
      0;  // builder, image if there is one, and activations of one event, without weights
};

// The cost under a policy (the default policy unless said).
template <class Net, class Policy = exec::cpu<>, std::uint64_t Signature = signature<Net>>
inline constexpr cost_sheet cost{
    plan_of<Net>.total_parameters(), plan_of<Net>.idle_parameters(), plan_of<Net>.multiply_adds(),
    inference_engine<Net, Policy>::workspace_bytes + feed<Net, Policy>::workspace_bytes()};

}  // namespace calotype::nn
