// The cells of a convolutional LSTM, a register of them at a time. Blocks of hidden numbers and slopes, and the
// five of a state, are [row][col][filter].
#pragma once

#include <array>
#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/elementwise.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/math.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/element/lstm.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <class Policy, lstm_shape S>
class lstm_cells {
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  using number = batch<arch>;
  static constexpr conv_shape gates_shape = S.gates();
  static constexpr map_shape joined_shape = gates_shape.in;
  static constexpr int pixels = S.in.rows * S.in.cols;
  static constexpr int cells = S.filters * pixels;
  // Pixels at a time, whose gates are brought together here.
  static constexpr int at_once = smaller_of(larger_of(256 / S.filters, 1), pixels);
  static constexpr int reach = ratio_up(at_once * S.filters, v::lanes) * v::lanes;

 public:
  static void join(Policy const&, float const* in, int step, float const* hidden, float* joined) noexcept {
    zero<arch>(map_reals(joined_shape), joined);
    each_channel<S.in>(step * S.channels(), S.channels(),
                       [&](int c, int pixel, int from) { joined[place<joined_shape>(c, pixel)] = in[from]; });
    if (hidden == nullptr) return;
    each_channel<joined_shape>(S.channels(), S.filters,
                               [&](int c, int pixel, int to) { joined[to] = hidden[pixel * S.filters + c]; });
  }

  static void forward(Policy const&, float const* gates, float const* before, float* state,
                      float* hidden) noexcept {
    alignas(64) float sums[4][reach] = {};
    for (int first = 0; first < pixels; first += at_once) {
      int const count = smaller_of(at_once, pixels - first);
      each_gate(first, count, [&](int gate, int cell, int at) { sums[gate][cell] = gates[at]; });
      int const cell = first * S.filters, n = count * S.filters;
      for (int i = 0; i < n; i += v::lanes) {
        auto const s = element::lstm_forward<number>({v::load(sums[0] + i)}, {v::load(sums[1] + i)},
                                                     {v::load(sums[2] + i)}, {v::load(sums[3] + i)},
                                                     {of_state(before, 4, cell + i, n - i)});
        std::array<number, 5> const kept{s.input, s.forget, s.candidate, s.output, s.cell};
        int k = 0;
        for (number const x : kept) store_up_to<arch>(state + k++ * cells + cell + i, x.lanes, n - i);
        store_up_to<arch>(hidden + cell + i, element::lstm_hidden(s).lanes, n - i);
      }
    }
  }

  static void show(Policy const&, float const* hidden, float* out) noexcept {
    each_channel<S.out()>(0, S.filters,
                          [&](int c, int pixel, int to) { out[to] = hidden[pixel * S.filters + c]; });
  }
  static void show_gradient(Policy const&, float const* dout, float* dhidden) noexcept {
    each_channel<S.out()>(0, S.filters,
                          [&](int c, int pixel, int from) { dhidden[pixel * S.filters + c] = dout[from]; });
  }

  static void gradient(Policy const&, float const* state, float const* before, float const* dhidden,
                       float* dcell, float* dgates) noexcept {
    alignas(64) float slopes[4][reach];
    zero<arch>(map_reals(gates_shape.out()), dgates);
    for (int first = 0; first < pixels; first += at_once) {
      int const count = smaller_of(at_once, pixels - first);
      int const cell = first * S.filters, n = count * S.filters;
      for (int i = 0; i < n; i += v::lanes) {
        auto const kind = [&](int k) { return number{of_state(state, k, cell + i, n - i)}; };
        element::lstm_state<number> const s{kind(0), kind(1), kind(2), kind(3), kind(4)};
        auto const d = element::lstm_gradient<number>(s, {of_state(before, 4, cell + i, n - i)},
                                                      {load_up_to<arch>(dhidden + cell + i, n - i)},
                                                      {load_up_to<arch>(dcell + cell + i, n - i)});
        std::array<number, 4> const found{d.input, d.forget, d.candidate, d.output};
        int k = 0;
        for (number const x : found) v::store(slopes[k++] + i, x.lanes);
        store_up_to<arch>(dcell + cell + i, d.before.lanes, n - i);
      }
      each_gate(first, count, [&](int gate, int at_cell, int at) { dgates[at] = slopes[gate][at_cell]; });
    }
  }

  static void split(Policy const&, float const* djoined, int step, float* din, float* dhidden) noexcept {
    each_channel<S.in>(step * S.channels(), S.channels(),
                       [&](int c, int pixel, int to) { din[to] = djoined[place<joined_shape>(c, pixel)]; });
    each_channel<joined_shape>(S.channels(), S.filters, [&](int c, int pixel, int from) {
      dhidden[pixel * S.filters + c] = djoined[from];
    });
  }

 private:
  // Where a channel of a map is at a pixel, counted in raster order.
  template <map_shape M>
  CALOTYPE_INLINE static constexpr int place(int channel, int pixel) {
    constexpr strides s = map_strides(M);
    return s.origin() + channel / block_size * s.block + pixel / M.cols * s.row + pixel % M.cols * s.pixel +
           channel % block_size;
  }
  // f(channel - first, pixel, place) for `count` channels of a map.
  template <map_shape M, class Function>
  CALOTYPE_INLINE static void each_channel(int first, int count, Function f) {
    for (int pixel = 0; pixel < pixels; ++pixel) {
      for (int c = 0; c < count; ++c) f(c, pixel, place<M>(first + c, pixel));
    }
  }
  // f(gate, cell - the first, place in the map of gates) for the cells of `count` pixels.
  template <class Function>
  CALOTYPE_INLINE static void each_gate(int first, int count, Function f) {
    for (int pixel = 0; pixel < count; ++pixel) {
      int const at = place<gates_shape.out()>(0, first + pixel);
      for (int gate = 0; gate < 4; ++gate) {
        for (int c = 0; c < S.filters; ++c) {
          int const channel = gate * S.filters + c;
          f(gate, pixel * S.filters + c,
            at + channel / block_size * map_strides(gates_shape.out()).block + channel % block_size);
        }
      }
    }
  }
  // Up to a register of a state's kind; zeros where there is no state.
  CALOTYPE_INLINE static vec<arch> of_state(float const* state, int kind, int cell, int n) {
    return state != nullptr ? load_up_to<arch>(state + kind * cells + cell, n) : v::broadcast(0.f);
  }
};

}  // namespace calotype::kernel::cpu
