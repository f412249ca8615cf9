// What the Thrust policies do at one index: named, trivially copyable objects around the element functions.
// Names, not lambdas, so that nvcc's kernels have short symbols and need no flag.
#pragma once

#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/adam.hpp>
#include <calotype/kernel/element/conv.hpp>
#include <calotype/kernel/element/dense.hpp>
#include <calotype/kernel/element/dropout.hpp>
#include <calotype/kernel/element/lstm.hpp>
#include <calotype/kernel/element/pool.hpp>
#include <calotype/kernel/element/relu.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::functor {

template <conv_shape S, bool Relu, bool Shortcut>
struct conv_forward {
  float const* in;
  float const* packed;
  float const* shortcut;
  float* out;

  CALOTYPE_HD void operator()(int i) const {
    constexpr conv_shape s = S;
    constexpr int weights = s.weights();
    float const sum = element::conv_forward<S>(in, packed, packed + weights, element::place_of<s.out()>(i));
    out[i] = element::finished<Relu, Shortcut>(sum, shortcut, i);
  }
};

template <conv_shape S>
struct conv_input_gradient {
  float const* dout;
  float const* weights;
  float const* added;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    float const sum = element::conv_input_gradient<S>(dout, weights, element::place_of<S.in>(i));
    din[i] = added != nullptr ? kernel::add(sum, added[i]) : sum;
  }
};

template <conv_shape S>
struct conv_weight_gradient {
  float const* in;
  float const* dout;
  float* dweights;

  CALOTYPE_HD void operator()(int i) const {
    constexpr conv_shape s = S;
    constexpr int per_filter = s.in.channels * s.kernel * s.kernel;
    element::place const tap = element::place_of<map_shape{s.in.channels, s.kernel, s.kernel}>(i % per_filter);
    dweights[i] = element::conv_weight_gradient<S>(in, dout, i / per_filter, tap.channel, tap.row, tap.col);
  }
};

template <conv_shape S>
struct conv_bias_gradient {
  float const* dout;
  float* dbias;

  CALOTYPE_HD void operator()(int filter) const {
    dbias[filter] = element::conv_bias_gradient<S>(dout, filter);
  }
};

struct relu_gradient {
  float const* out;
  float* dout;

  CALOTYPE_HD void operator()(int i) const { dout[i] = element::relu_gradient(out[i], dout[i]); }
};

template <pool_shape S>
struct pool_forward {
  float const* in;
  float* out;

  CALOTYPE_HD void operator()(int i) const {
    constexpr pool_shape s = S;
    out[i] = element::pool_forward<S>(in, element::place_of<s.out()>(i));
  }
};

template <pool_shape S>
struct pool_gradient {
  float const* in;
  float const* out;
  float const* dout;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    din[i] = element::pool_gradient<S>(in, out, dout, element::place_of<S.in>(i));
  }
};

template <map_shape M>
struct global_pool_forward {
  float const* in;
  float* vector;

  CALOTYPE_HD void operator()(int channel) const {
    vector[channel] = element::global_pool_forward<M>(in, channel);
  }
};

// One channel: its gradient at the first maximum, +0 elsewhere.
template <map_shape M>
struct global_pool_gradient {
  float const* in;
  float const* vector;
  float const* dvector;
  float* din;

  CALOTYPE_HD void operator()(int channel) const {
    constexpr map_shape m = M;
    constexpr int plane = m.rows * m.cols;
    int const chosen = element::first_maximum<M>(in, vector[channel], channel);
    for (int i = 0; i < plane; ++i) din[channel * plane + i] = i == chosen ? dvector[channel] : 0.0F;
  }
};

template <pool_shape S>
struct avg_pool_forward {
  float const* in;
  float* out;

  CALOTYPE_HD void operator()(int i) const {
    constexpr pool_shape s = S;
    out[i] = element::avg_pool_forward<S>(in, element::place_of<s.out()>(i));
  }
};

template <pool_shape S>
struct avg_pool_gradient {
  float const* dout;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    din[i] = element::avg_pool_gradient<S>(dout, element::place_of<S.in>(i));
  }
};

template <map_shape M>
struct global_avg_pool_forward {
  float const* in;
  float* vector;

  CALOTYPE_HD void operator()(int channel) const {
    vector[channel] = element::global_avg_pool_forward<M>(in, channel);
  }
};

template <map_shape M>
struct global_avg_pool_gradient {
  float const* dvector;
  float* din;

  CALOTYPE_HD void operator()(int i) const {
    din[i] = element::global_avg_pool_gradient<M>(dvector[element::place_of<M>(i).channel]);
  }
};

template <dense_shape S, bool Relu>
struct dense_forward {
  float const* in;
  float const* packed;
  float* out;

  CALOTYPE_HD void operator()(int output) const {
    constexpr dense_shape s = S;
    constexpr int weights = s.weights();
    out[output] = element::dense_forward<S, Relu>(in, packed, packed + weights, output);
  }
};

template <dense_shape S>
struct dense_input_gradient {
  float const* dout;
  float const* weights;
  float* din;

  CALOTYPE_HD void operator()(int input) const {
    din[input] = element::dense_input_gradient<S>(dout, weights, input);
  }
};

template <dense_shape S>
struct dense_weight_gradient {
  float const* in;
  float const* dout;
  float* dweights;

  CALOTYPE_HD void operator()(int i) const {
    constexpr dense_shape s = S;
    dweights[i] = element::dense_weight_gradient(in, dout, i / s.inputs, i % s.inputs);
  }
};

struct dropout {
  float rate;
  std::uint64_t key;
  float const* in;
  float* out;

  CALOTYPE_HD void operator()(int i) const { out[i] = element::dropped(rate, key, i, in[i]); }
};

template <lstm_shape S>
struct lstm_forward {
  float const* gates;
  float const* before;
  float* state;
  float* hidden;

  CALOTYPE_HD void operator()(int i) const {
    constexpr lstm_shape s = S;
    constexpr auto block = static_cast<std::size_t>(s.out().size());
    element::lstm_forward_at<block>(gates, before, state, hidden, static_cast<std::size_t>(i));
  }
};

template <lstm_shape S>
struct lstm_gradient {
  float const* state;
  float const* before;
  float const* dhidden;
  float* dcell;
  float* dgates;

  CALOTYPE_HD void operator()(int i) const {
    constexpr lstm_shape s = S;
    constexpr auto block = static_cast<std::size_t>(s.out().size());
    element::lstm_gradient_at<block>(state, before, dhidden, dcell, dgates, static_cast<std::size_t>(i));
  }
};

struct add {
  CALOTYPE_HD float operator()(float a, float b) const { return kernel::add(a, b); }
};

struct adam {
  adam_step step;
  float const* gradient;
  float* first;
  float* second;
  float* parameters;

  CALOTYPE_HD void operator()(std::ptrdiff_t i) const {
    element::adam_update(step, gradient[i], first[i], second[i], parameters[i]);
  }
};

}  // namespace calotype::kernel::functor
