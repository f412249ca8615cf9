// Policies of NVIDIA devices whose kernels hold a whole network: exec::cuda.
#pragma once

#include <calotype/exec/policy.hpp>

namespace calotype::exec {

// Numbers and arithmetic of the maps. fp32 is the strict one: the chain of fused multiply-adds of
// kernel/ops.hpp for every number, the bits of every other strict policy.
struct fp32 {};

// For tensor cores: images, maps and the weights of convolutions are rounded to 11 (fp16, tf32) or 8
// significant bits (bf16), products are summed in float in an order that the device chooses, and what follows
// the last map (global pools, dense layers) is float. Scores of the trained EB and CMS-B differ from those of
// fp32 by 0.0025 at most and log-odds by 0.002 rms, with bf16 by 0.010 and 0.015 (60 simulated events,
// emulated); an event has the same bits alone and in any batch, but perhaps others on another generation of
// devices. Pixels must be finite; numbers of fp16 end at 65,504, and larger ones are taken for that.
struct fp16 {};
struct bf16 {};
struct tf32 {};

// Where the kernels run: on the device, or thread by thread on the host, where tests look at them.
struct on_device {};
struct emulated {};

// Scores inputs in batches, through all layers in one launch (nn/cuda_session.hpp; on_device for nvcc only).
template <class Precision = fp32, class Where = on_device>
struct cuda {
  using policy_tag = cuda;

  // That sum the energies of a batch's events, the caller's included; 0: one for each CPU.
  int host_threads = 1;
};

}  // namespace calotype::exec
