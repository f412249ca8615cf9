// One number of the memory cell of an LSTM (Hochreiter and Schmidhuber 1997, with a forget gate, without
// peepholes) and its gradient. Real: float, double, or a register of floats (kernel/cpu/math.hpp).
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/core/math.hpp>

namespace calotype::kernel::element {

// The gates behind their functions, and what the cell then holds.
template <class Real>
struct lstm_state {
  Real input, forget, candidate, output, cell;
};

// cell = forget before + input candidate.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD lstm_state<Real> lstm_forward(Real input, Real forget, Real candidate, Real output,
                                                          Real before) {
  using n = math::number<Real>;
  lstm_state<Real> s{math::sigmoid(input), math::sigmoid(forget), math::tanh(candidate), math::sigmoid(output),
                     before};
  s.cell = n::fma(s.forget, before, n::mul(s.input, s.candidate));
  return s;
}

// What the cell shows: output tanh(cell).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real lstm_hidden(lstm_state<Real> const& s) {
  return math::number<Real>::mul(s.output, math::tanh(s.cell));
}

// d loss / d the four sums before their functions, and / d what the cell held before.
template <class Real>
struct lstm_slopes {
  Real input, forget, candidate, output, before;
};

namespace detail {

// The slopes of a sigmoid and of a tanh that has the value y.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real slope_of_sigmoid(Real y) {
  using n = math::number<Real>;
  return n::mul(y, n::sub(n::constant(1), y));
}
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real slope_of_tanh(Real y) {
  using n = math::number<Real>;
  return n::fma(n::mul(n::constant(-1), y), y, n::constant(1));
}

}  // namespace detail

// From d loss / d what the cell shows (dhidden) and / d what it holds, but for what it shows (dcell).
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD lstm_slopes<Real> lstm_gradient(lstm_state<Real> const& s, Real before,
                                                            Real dhidden, Real dcell) {
  using n = math::number<Real>;
  using detail::slope_of_sigmoid;
  using detail::slope_of_tanh;
  Real const shown = math::tanh(s.cell);
  Real const d = n::fma(n::mul(dhidden, s.output), slope_of_tanh(shown), dcell);
  return {n::mul(n::mul(d, s.candidate), slope_of_sigmoid(s.input)),
          n::mul(n::mul(d, before), slope_of_sigmoid(s.forget)),
          n::mul(n::mul(d, s.input), slope_of_tanh(s.candidate)),
          n::mul(n::mul(dhidden, shown), slope_of_sigmoid(s.output)), n::mul(d, s.forget)};
}

// Cell i of `Block`, where gates, states and slopes are arrays of the kinds one after the other.
template <std::size_t Block, class Real>
CALOTYPE_INLINE CALOTYPE_HD void lstm_forward_at(Real const* gates, Real const* before, Real* state,
                                                 Real* hidden, std::size_t i) {
  constexpr std::size_t n = Block;
  auto const s = lstm_forward(gates[i], gates[n + i], gates[2 * n + i], gates[3 * n + i],
                              before != nullptr ? before[4 * n + i] : Real{0});
  state[i] = s.input;
  state[n + i] = s.forget;
  state[2 * n + i] = s.candidate;
  state[3 * n + i] = s.output;
  state[4 * n + i] = s.cell;
  hidden[i] = lstm_hidden(s);
}
template <std::size_t Block, class Real>
CALOTYPE_INLINE CALOTYPE_HD void lstm_gradient_at(Real const* state, Real const* before, Real const* dhidden,
                                                  Real* dcell, Real* dgates, std::size_t i) {
  constexpr std::size_t n = Block;
  lstm_state<Real> const s{state[i], state[n + i], state[2 * n + i], state[3 * n + i], state[4 * n + i]};
  auto const d = lstm_gradient(s, before != nullptr ? before[4 * n + i] : Real{0}, dhidden[i], dcell[i]);
  dgates[i] = d.input;
  dgates[n + i] = d.forget;
  dgates[2 * n + i] = d.candidate;
  dgates[3 * n + i] = d.output;
  dcell[i] = d.before;
}

}  // namespace calotype::kernel::element
