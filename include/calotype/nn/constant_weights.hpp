// Weights that are part of a program: constant data, as `calotype convert --to header` writes them.
#pragma once

#include <cstdint>

namespace calotype::nn {

// The parameters of a network, flat, in the order and layout of PyTorch's state dict, with a self-test: the
// logits (`outputs` of them) of an input that follows from the seed. The type says which input and which
// network they are for (nn::input_traits::signature, nn::signature), so that nn::model<Net> refuses others when
// it is compiled. All numbers are finite and no bias is -0.
//
// A header of weights defines one such constant with internal linkage: it may be included in any number of
// translation units, each of which then holds the numbers, and two programs' weights of one name never meet in
// a linker.
template <std::uint64_t Layout, std::uint64_t Network, int Size, int Outputs>
struct constant_weights {
  std::uint64_t self_test_seed;
  float self_test_logits[Outputs];
  float numbers[Size];
};

}  // namespace calotype::nn
