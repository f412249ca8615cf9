// Convolutional LSTM (Shi et al., arXiv:1506.04214, without peepholes) and its gradient through time, for every
// policy: its convolution, and the cells that kernel::ops<Policy>::lstm_cells has.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel {

template <class Policy, lstm_shape S>
class conv_lstm {
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;
  using gates = typename ops::template conv<S.gates(), false>;
  using cells = typename ops::template lstm_cells<S>;

  static constexpr std::size_t padded(std::size_t n) { return (n + 15) / 16 * 16; }
  static constexpr std::size_t block = padded(static_cast<std::size_t>(S.out().size()));
  static constexpr std::size_t joined_size = padded(ops::template map_size<S.gates().in>);
  static constexpr std::size_t gates_size = padded(ops::template map_size<S.gates().out()>);
  static constexpr std::size_t step_size = joined_size + 5 * block;  // the gates' input, and a state
  static constexpr auto weights = static_cast<std::size_t>(S.gates().weights());
  static constexpr auto biases = static_cast<std::size_t>(S.gates().filters);

 public:
  static constexpr std::size_t packed_size = gates::packed_size;
  static constexpr std::size_t gradient_packed_size = gates::gradient_packed_size;
  // What the gradient needs of a forward pass; and memory for the time of a call, whose contents do not matter.
  static constexpr std::size_t kept_size = S.steps * step_size;
  static constexpr std::size_t scratch_size = step_size + gates_size + block + scratch_of_forward<gates>();
  static constexpr std::size_t gradient_scratch_size =
      gates_size + joined_size + 2 * block + padded(weights) + padded(biases) + scratch_of_gradients<gates>();

  // Weights and biases as those of the convolution that gives the gates: the input gate of all cells, then the
  // forget gate, the candidate and the output gate.
  static void pack(real const* weight, real const* bias, real* packed) noexcept {
    gates::pack(weight, bias, packed);
  }
  static void pack_gradient(real const* weight, real* packed) noexcept { gates::pack_gradient(weight, packed); }

  // kept: kept_size reals, or null where no gradient is wanted.
  static void forward(Policy const& p, real const* in, real const* packed, real* out, real* kept,
                      real* scratch) noexcept {
    std::size_t const apart = kept != nullptr ? step_size : 0;
    real* joined = kept != nullptr ? kept : scratch;
    real* const gate = scratch + step_size;
    real* const hidden = gate + gates_size;
    real const* before = nullptr;
    cells::join(p, in, 0, nullptr, joined);
    for (int step = 0; step < S.steps; ++step) {
      real* const state = joined + joined_size;
      run_forward<gates, false, false>(p, joined, packed, nullptr, gate, hidden + block);
      cells::forward(p, gate, before, state, hidden);
      before = state;
      joined += apart;
      if (step + 1 < S.steps) cells::join(p, in, step + 1, hidden, joined);
    }
    cells::show(p, hidden, out);
  }

  // From d loss / d out; overwrites dweights, dbias and din. `packed` is from pack_gradient.
  static void gradient(Policy const& p, real const* dout, real const* packed, real const* kept, real* dweights,
                       real* dbias, real* din, real* scratch) noexcept {
    real* const dgates = scratch;
    real* const djoined = dgates + gates_size;
    real* const dhidden = djoined + joined_size;
    real* const dcell = dhidden + block;
    real* const more_weights = dcell + block;
    real* const more_biases = more_weights + padded(weights);
    real* const rest = more_biases + padded(biases);
    cells::show_gradient(p, dout, dhidden);
    ops::zero(p, block, dcell);
    for (int step = S.steps - 1; step >= 0; --step) {
      real const* const joined = kept + static_cast<std::size_t>(step) * step_size;
      real const* const state = joined + joined_size;
      cells::gradient(p, state, step > 0 ? state - step_size : nullptr, dhidden, dcell, dgates);
      if (step == S.steps - 1) {
        run_weight_gradient<gates>(p, joined, dgates, dweights, dbias, rest);
      } else {
        run_weight_gradient<gates>(p, joined, dgates, more_weights, more_biases, rest);
        ops::add(p, weights, more_weights, dweights);
        ops::add(p, biases, more_biases, dbias);
      }
      run_input_gradient<gates>(p, dgates, packed, nullptr, djoined, rest);
      cells::split(p, djoined, step, din, dhidden);
    }
  }
};

}  // namespace calotype::kernel
