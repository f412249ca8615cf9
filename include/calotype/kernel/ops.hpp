// What a policy must be able to compute: the shapes of the operations, and the place where their
// implementations are found. Kernels know integers and pointers, never a network.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <calotype/core/config.hpp>

namespace calotype {
namespace kernel {

// A feature map: channels x rows x cols. A vector of n numbers is {n, 1, 1}.
struct map_shape {
  int channels = 0;
  int rows = 1;
  int cols = 1;

  constexpr int size() const { return channels * rows * cols; }
  constexpr bool is_vector() const { return rows == 1 && cols == 1; }
  friend constexpr bool operator==(map_shape, map_shape) = default;
};

// A square convolution with zero padding: out = floor((in + 2 padding - kernel) / stride) + 1 in both
// directions.
struct conv_shape {
  map_shape in{};
  int filters = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;

  constexpr map_shape out() const {
    return {filters, (in.rows + 2 * padding - kernel) / stride + 1,
            (in.cols + 2 * padding - kernel) / stride + 1};
  }
  constexpr int weights() const { return filters * in.channels * kernel * kernel; }
  // Multiply-adds of one forward pass; multiplications with padding zeros count as work.
  constexpr long long multiply_adds() const {
    return static_cast<long long>(out().rows) * out().cols * weights();
  }
  friend constexpr bool operator==(conv_shape, conv_shape) = default;
};

// Square pooling without padding; an incomplete last window is dropped (floor).
struct pool_shape {
  map_shape in{};
  int size = 2;
  int stride = 2;

  constexpr map_shape out() const {
    return {in.channels, (in.rows - size) / stride + 1, (in.cols - size) / stride + 1};
  }
  friend constexpr bool operator==(pool_shape, pool_shape) = default;
};

// A set of the pixels of a map, whatever its channels: a bit for each, the lowest first. Every row begins a
// word.
using pixel_word = std::uint64_t;
constexpr int words_in_row(map_shape m) { return (m.cols + 63) / 64; }
constexpr std::size_t words_in_set(map_shape m) {
  return static_cast<std::size_t>(m.rows) * static_cast<std::size_t>(words_in_row(m));
}

// A convolutional LSTM over `steps` maps, which are equal groups of the input's channels, one after the other.
// A convolution of the map of a step joined with what the cells showed before (nothing, at the first step)
// gives their four gates; out: what they show after the last step.
struct lstm_shape {
  map_shape in{};
  int filters = 0;
  int kernel = 1;  // odd
  int steps = 1;

  constexpr map_shape out() const { return {filters, in.rows, in.cols}; }
  constexpr int channels() const { return in.channels / steps; }  // of one step
  constexpr conv_shape gates() const {
    return {{channels() + filters, in.rows, in.cols}, 4 * filters, kernel, 1, kernel / 2};
  }
  friend constexpr bool operator==(lstm_shape, lstm_shape) = default;
};

struct dense_shape {
  int inputs = 0;
  int outputs = 0;

  constexpr int weights() const { return inputs * outputs; }
  friend constexpr bool operator==(dense_shape, dense_shape) = default;
};

// Where an image is written: one pointer per plane of an image, with strides in floats between channels and
// rows.
struct plane_target {
  float* data = nullptr;
  std::ptrdiff_t channel_stride = 0;
  std::ptrdiff_t row_stride = 0;
};

// One step of Adam as its kernel sees it; made on the host by `adam_step_at` (kernel/element/adam.hpp).
// correction1 = 1 / (1 - beta1^t), correction2 = 1 / (1 - beta2^t) at step t = 1, 2, ...
struct adam_step {
  float learning_rate = 0;
  float beta1 = 0;
  float beta2 = 0;
  float epsilon = 0;
  float correction1 = 1;
  float correction2 = 1;
};

// The operations of a policy. A specialisation provides (Real = real_type; every function noexcept, static,
// allocating nothing; `Policy const& p` comes first, except in the packers). All pointers are to the policy's
// memory, those called host excepted; sizes are std::size_t constants, counts are std::size_t.
//
//   real_type, buffer               an owning, movable, zero-initialised block of reals in the policy's memory:
//                                   buffer(std::size_t n), data(), size(); host policies: also
//                                   buffer(std::size_t n, workspace&)
//   to_policy(p, n, host, to)       copy n reals from host to policy memory
//   to_host(p, n, from, host)       and back
//   image_size<map_shape>           reals of an image plane in the policy's layout (halo included)
//   set_input<map_shape>(p, host, image)     dense channel x row x col floats of the host into an input plane;
//                                   null: zeros
//   number_rows<map_shape>{host}, image_rows<map_shape>(image)    the rows of either (policies with reads_rows)
//   image_target<map_shape>(ptr)    the plane_target a builder writes to (float policies)
//   map_size<map_shape>             reals of a feature map in the policy's layout (a vector: plain, n reals)
//   import_image<map_shape>(p, image, map)   from the image layout into the layout of maps
//   conv<conv_shape, FromImage>     packed_size, pack(weights OIHW, bias, packed)
//       forward<Relu, Shortcut>(p, in, packed, shortcut, out)     shortcut is not read without Shortcut
//       gains_together              optional: whether forward of several maps at once is faster than of one
//                                   after the other; then also
//       forward_together<Relu, Shortcut>(p, maps, step, in, packed, shortcut, out, scratch)
//                                   the maps, and the outputs, lie `step` reals apart; same bits
//       pools<pool_shape>           whether forward_pool exists
//       forward_pool<Relu, pool_shape>(p, in, packed, out)        convolution and max pool in one go, same bits
//       reads_rows<Relu, pool_shape>     optional: whether the pixels of an image that are filled are found
//                                   and read alone; then forward_pool takes one more, last argument (filled,
//                                   below), and there are all of these:
//       forward_pool_rows<Relu, pool_shape>(p, image, packed, out, windows, filled)     the same from the rows
//                                   of an image: those above, or what event_rows (kernel/image.hpp) has of a
//                                   plane. filled: a pixel_word* to words_in_set(pool_shape.out()) words,
//                                   which become a set that holds every pixel whose numbers are not those of
//                                   an empty input (null: not wanted)
//       window_size<pool_shape>     reals of memory that it takes for each thread; zero, and left zero
//       gradient_through_pool_pays<pool_shape>(in)     whether the gradients are found faster through the pool
//       weight_gradient_through_pool<pool_shape>(p, in, packed, filled, dpooled, place, dweights, dbias)
//                                   relu_gradient, the pool's gradient and weight_gradient in one go, same
//                                   bits, without the outputs before the pool; `place`: a map of pool outputs,
//                                   whose contents do not matter
//       follows                     optional: whether forward_changed exists, and with it
//       forward_changed<Relu, Shortcut>(p, in, packed, shortcut, empty, computed, copied, out, scratch)
//                                   the outputs at the pixels of `computed`; at those of `copied` the numbers
//                                   of `empty`, a map of outputs; the rest of `out` is left as it is
//       changed(from, to)           sets: the outputs that any of the inputs `from` has a part in
//       computed(from, to)          the outputs that are computed, or copied, if those of `from` are wanted
//                                   (whole tiles, whose bits all depend on all inputs); may work in place
//       read(from, to)              the inputs that the outputs `from` are made of
//       gradient_packed_size, pack_gradient(weights OIHW, packed)
//       input_gradient(p, dout, packed, added, din)               din = gradient + added (may be null)
//       input_gradient_relu(p, dout, packed, added, in, din)      optional: the same, and then relu_gradient
//                                   with `in`
//       weight_gradient(p, in, dout, dweights OIHW, dbias)        of one event; overwrites
//       scratch_size                optional: reals of memory that forward takes as one more, last argument;
//                                   its contents do not matter
//       gradient_scratch_size       optional: the same for each of the gradients
//   relu_gradient<map_shape>(p, out, dout)                        dout = out > 0 ? dout : +0, in place
//   max_pool<pool_shape>            forward(p, in, out), gradient(p, in, out, dout, din)
//   global_max_pool<map_shape>      forward(p, in, vector), gradient(p, in, vector, dvector, din)
//   avg_pool<pool_shape>            forward(p, in, out), gradient(p, dout, din)
//   global_avg_pool<map_shape>      forward(p, in, vector), gradient(p, dvector, din)
//   flatten<map_shape>              forward(p, map, vector) in channel, row, column order;
//                                   gradient(p, dvector, dmap)
//   dense<dense_shape>              packed_size, pack(weights [out][in], bias, packed)
//       forward<Relu>(p, in, packed, out)
//       input_gradient(p, dout, weights [out][in], din), weight_gradient(p, in, dout, dweights, dbias)
//   lstm_cells<lstm_shape>          what kernel/conv_lstm.hpp needs besides convolutions. Hidden numbers (what
//                                   the cells show) and their slopes are blocks of out().size() reals in an
//                                   order of the policy's own; a state is five of them.
//       join(p, in, step, hidden, joined)         the input of the gates at a step, all of the map; hidden: of
//                                   the step before, null for zeros
//       forward(p, gates, before, state, hidden)  before: the state before, may be the same, null for zeros
//       show(p, hidden, out)        a map; show_gradient(p, dout, dhidden)
//       gradient(p, state, before, dhidden, dcell, dgates)        all of the map dgates; dcell in place, before
//                                   may be null
//       split(p, djoined, step, din, dhidden)     the gradient of join; din: the channels of the step alone
//   batch_norm<map_shape>           optional, with normalises_batches = true (kernel/element/batch_norm.hpp:
//                                   channel_norm, channel_slope); sums are doubles on the host, by channel
//       sums(p, map, sum)           of an event's pixels; squares(p, map, mean, sum) of (x - mean)^2
//       forward<Relu, Shortcut>(p, map, norm, shortcut, out)
//       slopes(p, map, norm, dout, sum)           sums of dout, then those of dout xhat
//       gradient(p, map, norm, slope, dout, din)  din may be map
//   dropout<map_shape>              forward(p, rate, key, in, out), gradient(p, rate, key, dout, din) with the
//                                   same mask; rate is a Real, key the 64-bit name of the random stream
//   copy<map_shape>(p, in, out)     a map of the same layout
//   add(p, n, from, into)           into[i] += from[i]
//   zero(p, n, to)                  to[i] = +0
//   adam(p, n, adam_step, gradient, first, second, parameters)    one step over flat arrays; updates the last 3
//
// Order of the arithmetic, part of the interface (all multiply-adds fused):
//   conv forward   acc = bias; for row, column of the window, input channel: acc = fma(x, w, acc);
//                  + shortcut; relu
//   conv dinput    acc = +0; for row, column of the window (in the order of the filter taps), filter:
//                  acc = fma(dout, w, acc); + added
//   conv dweights  acc = +0; for output row, output column: acc = fma(x, dout, acc)
//   conv dbias     acc = +0; in the same order: acc = acc + dout
//   dense forward  acc = bias; for input: acc = fma(x, w, acc); relu
//   dense dinput   acc = +0; for output: acc = fma(dout, w, acc)
//   dense dweights one product; dbias: dout
//   relu           x > 0 ? x : +0
//   max pool       the first maximum in raster order
//   max pool dinput  acc = +0;
//                  for the windows (row, column) whose first maximum the pixel is: acc = acc + dout
//   avg pool       acc = +0; for row of the window: sum = +0; for column: sum = sum + x; acc = acc + sum;
//                  the result is acc (1 / numbers in the window)
//   avg pool dinput  acc = +0; for the windows (row, column) that hold the pixel:
//                  acc = acc + dout (1 / numbers in the window); of a global one that product itself
//   lstm           gates: input, forget, candidate, output, by the convolution; cells: kernel/element/lstm.hpp;
//                  dweights, dbias: sums over the steps, the last first
//   batch norm     xhat = (x + -mean) inverse; fma(scale, xhat, shift) + shortcut; relu
//   batch norm sums  rows from +0 by column, squares and products by fma; the rows in double from +0
//   batch norm dinput  (scale inverse) fma(-xhat, mean of dout xhat, dout + -mean of dout)
//   dropout        x (1 / (1 - rate)) where the pixel's uniform number is >= rate, else +0
//   adam           m = fma(beta1, m, (1 - beta1) g);  v = fma(beta2, v, ((1 - beta2) g) g);
//                  w = fma(-(learning_rate correction1), m / (sqrt(v correction2) + epsilon), w)
// Losses of one event have no operation here: kernel/element/loss.hpp, on logits that to_host brought over.
// Taps that fall on padding contribute nothing; leaving them out or multiplying with zero gives the same value.
template <class Policy>
struct ops {
  static_assert(sizeof(Policy) == 0,
                "calotype::kernel::ops: no kernels for this policy; include the header that brings it, "
                "e.g. <calotype/kernel/cpu.hpp>, <calotype/kernel/scalar.hpp> or <calotype/kernel/thrust.hpp>");
};

// The reals of scratch memory that a convolution asks for, 0 where it has no such thing.
template <class Conv>
constexpr std::size_t scratch_of_forward() {
  if constexpr (requires { Conv::scratch_size; }) {
    return Conv::scratch_size;
  } else {
    return 0;
  }
}
template <class Conv>
constexpr std::size_t scratch_of_gradients() {
  if constexpr (requires { Conv::gradient_scratch_size; }) {
    return Conv::gradient_scratch_size;
  } else {
    return 0;
  }
}

}  // namespace kernel

namespace concepts {

// What a convolution that says reads_rows has besides. Rows stands for those of any image.
template <class Conv, bool Relu, kernel::pool_shape P, class Rows = kernel::map_shape>
concept row_convolution = requires {
  { Conv::template window_size<P> } -> std::convertible_to<std::size_t>;
  &Conv::template forward_pool_rows<Relu, P, Rows>;
  &Conv::template gradient_through_pool_pays<P>;
  &Conv::template weight_gradient_through_pool<P>;
};

}  // namespace concepts

namespace kernel {

// What a convolution says of itself; no, where it says nothing.
template <class Conv>
constexpr bool follows() {
  return requires { requires Conv::follows; };
}
template <class Conv>
constexpr bool gains_together() {
  return requires { requires Conv::gains_together; };
}

template <class Conv, bool Relu, pool_shape P>
constexpr bool reads_rows() {
  if constexpr (requires { requires Conv::template reads_rows<Relu, P>; }) {
    static_assert(concepts::row_convolution<Conv, Relu, P>,
                  "calotype::kernel::ops: a convolution that says reads_rows must have window_size, "
                  "forward_pool_rows, gradient_through_pool_pays and weight_gradient_through_pool as well");
    return true;
  } else {
    return false;
  }
}

// The calls of a convolution, with the scratch memory if it asks for some.
template <class Conv, bool Relu, bool Shortcut, class Policy, class Real>
CALOTYPE_INLINE void run_forward(Policy const& p, std::type_identity_t<Real> const* in,
                                 std::type_identity_t<Real> const* packed,
                                 std::type_identity_t<Real> const* shortcut, std::type_identity_t<Real>* out,
                                 [[maybe_unused]] Real* scratch) noexcept {
  if constexpr (scratch_of_forward<Conv>() > 0) {
    Conv::template forward<Relu, Shortcut>(p, in, packed, shortcut, out, scratch);
  } else {
    Conv::template forward<Relu, Shortcut>(p, in, packed, shortcut, out);
  }
}
template <class Conv, class Policy, class Real>
CALOTYPE_INLINE void run_input_gradient(Policy const& p, std::type_identity_t<Real> const* dout,
                                        std::type_identity_t<Real> const* packed,
                                        std::type_identity_t<Real> const* added,
                                        std::type_identity_t<Real>* din,
                                        [[maybe_unused]] Real* scratch) noexcept {
  if constexpr (scratch_of_gradients<Conv>() > 0) {
    Conv::input_gradient(p, dout, packed, added, din, scratch);
  } else {
    Conv::input_gradient(p, dout, packed, added, din);
  }
}
// Whether a convolution has input_gradient_relu; those that do take scratch memory.
template <class Conv>
constexpr bool has_input_gradient_relu() {
  return requires { &Conv::input_gradient_relu; };
}
template <class Conv, class Policy, class Real>
CALOTYPE_INLINE void run_weight_gradient(Policy const& p, std::type_identity_t<Real> const* in,
                                         std::type_identity_t<Real> const* dout,
                                         std::type_identity_t<Real>* dweights,
                                         std::type_identity_t<Real>* dbias,
                                         [[maybe_unused]] Real* scratch) noexcept {
  if constexpr (scratch_of_gradients<Conv>() > 0) {
    Conv::weight_gradient(p, in, dout, dweights, dbias, scratch);
  } else {
    Conv::weight_gradient(p, in, dout, dweights, dbias);
  }
}

}  // namespace kernel
}  // namespace calotype
