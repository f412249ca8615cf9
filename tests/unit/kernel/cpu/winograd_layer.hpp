// A layer in the Winograd arithmetic, and everything it computes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "same_bits.hpp"

namespace calotype::test {

using kernel::conv_shape;

template <class Arch>
using winograd_policy = exec::cpu<Arch, exec::single, exec::winograd>;

// Weights as PyTorch draws them: uniform in +-1 / sqrt(fan in).
template <conv_shape S>
numbers initial_weights(std::size_t n, std::uint32_t seed) {
  numbers w = random_numbers(n, seed);
  float const bound = 1 / std::sqrt(static_cast<float>(9 * S.in.channels));
  for (float& x : w) x *= bound;
  return w;
}

template <conv_shape S>
struct example {
  numbers x = random_numbers(static_cast<std::size_t>(S.in.size()), 1);
  numbers weights = initial_weights<S>(static_cast<std::size_t>(S.weights()), 2);
  numbers bias = initial_weights<S>(static_cast<std::size_t>(S.filters), 3);
  numbers shortcut = random_numbers(static_cast<std::size_t>(S.out().size()), 4);
  numbers gradient = random_numbers(static_cast<std::size_t>(S.out().size()), 5);
  numbers added = random_numbers(static_cast<std::size_t>(S.in.size()), 6);
};

// Everything a layer computes: forward with and without ReLU and shortcut, both gradients.
template <class Policy, conv_shape S>
std::vector<numbers> results() {
  using conv = typename kernel::ops<Policy>::template conv<S, false>;
  example<S> const e;
  numbers packed(conv::packed_size, poison), gradient_packed(conv::gradient_packed_size, poison);
  numbers scratch(std::max(kernel::scratch_of_forward<conv>(), kernel::scratch_of_gradients<conv>()), poison);
  conv::pack(e.weights.data(), e.bias.data(), packed.data());
  conv::pack_gradient(e.weights.data(), gradient_packed.data());
  auto in = cpu_map<S.in>::of(e.x);
  auto shortcut = cpu_map<S.out()>::of(e.shortcut);
  auto dout = cpu_map<S.out()>::of(e.gradient);
  auto added = cpu_map<S.in>::of(e.added);
  std::vector<numbers> all;
  auto keep = [&](auto& map) {
    CHECK(map.rest_is_zero());
    all.push_back(map.canonical());
    std::fill(scratch.begin(), scratch.end(), poison);
  };
  {
    auto out = cpu_map<S.out()>::poisoned();
    kernel::run_forward<conv, false, false>(Policy{}, in.data(), packed.data(), nullptr, out.data(),
                                            scratch.data());
    keep(out);
  }
  {
    auto out = cpu_map<S.out()>::of(e.shortcut);
    kernel::run_forward<conv, true, true>(Policy{}, in.data(), packed.data(), out.data(), out.data(),
                                          scratch.data());
    keep(out);
  }
  if constexpr (kernel::has_input_gradient_relu<conv>()) {
    // One kernel, and the two it replaces.
    auto once = cpu_map<S.in>::poisoned(), twice = cpu_map<S.in>::poisoned();
    conv::input_gradient_relu({}, dout.data(), gradient_packed.data(), added.data(), in.data(), once.data(),
                              scratch.data());
    conv::input_gradient({}, dout.data(), gradient_packed.data(), added.data(), twice.data(), scratch.data());
    kernel::ops<Policy>::template relu_gradient<S.in>({}, in.data(), twice.data());
    CHECK(once.rest_is_zero());
    CHECK(differences(once.canonical(), twice.canonical()) == 0);
  }
  for (bool with_added : {false, true}) {
    auto din = cpu_map<S.in>::poisoned();
    kernel::run_input_gradient<conv>(Policy{}, dout.data(), gradient_packed.data(),
                                     with_added ? added.data() : nullptr, din.data(), scratch.data());
    keep(din);
  }
  numbers dweights(e.weights.size(), poison), dbias(e.bias.size(), poison);
  kernel::run_weight_gradient<conv>(Policy{}, in.data(), dout.data(), dweights.data(), dbias.data(),
                                    scratch.data());
  all.push_back(dweights);
  all.push_back(dbias);
  return all;
}

// Every way to cut a map: a last tile of one, two or three outputs, tiles of two alone; channels that fill no
// block.
template <class F>
void for_each_cut(F f) {
  f.template operator()<conv_shape{{16, 13, 17}, 16, 3, 1, 1}>();
  f.template operator()<conv_shape{{32, 6, 15}, 32, 3, 1, 1}>();
  f.template operator()<conv_shape{{32, 4, 4}, 32, 3, 1, 1}>();
  f.template operator()<conv_shape{{27, 9, 12}, 47, 3, 1, 1}>();
}

}  // namespace calotype::test
