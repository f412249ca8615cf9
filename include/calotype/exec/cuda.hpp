// Policies of NVIDIA devices whose kernels hold a whole network: exec::cuda.
#pragma once

#include <calotype/exec/policy.hpp>

namespace calotype::exec {

// Numbers and arithmetic of the maps. fp32 is the strict one: the chain of fused multiply-adds of
// kernel/ops.hpp for every number, the bits of every other strict policy.
struct fp32 {};

// Where the kernels run: on the device, or thread by thread on the host, where tests look at them.
struct on_device {};
struct emulated {};

// Scores inputs in batches, through all layers in one launch (nn/cuda_session.hpp; on_device for nvcc only).
template <class Precision = fp32, class Where = on_device>
struct cuda {
  using policy_tag = cuda;
};

}  // namespace calotype::exec
