// Gradients of a network as programs of a device: every event by one group of threads, forward through all
// layers, and backward.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cuda/gradient.hpp>
#include <calotype/kernel/cuda/ops.hpp>
#include <calotype/nn/device_program.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>

namespace calotype::nn {

namespace detail {

// The memory of an event: its painted image, where there is one, what the layers showed, their gradients.
template <class Net, class Policy, class Source>
struct device_training {
  using layout = detail::layout<Net, Policy>;
  using ops = kernel::ops<Policy>;
  using inference = device_program<Net, Policy, Source>;
  static_assert(
      layout::gradients.supported,
      "calotype::nn: this network uses a value in a way whose gradient is not built; a shortcut must be "
      "the last use of its input");
  static constexpr int outputs = inference::outputs;
  static constexpr auto parameters = static_cast<std::size_t>(layout::plan.total_parameters());
  static constexpr std::size_t input_size = inference::input_size, painted_size = inference::painted_size;
  static constexpr std::size_t maps_size = layout::training_size - input_size;
  static constexpr std::size_t event_size = painted_size + maps_size + layout::gradient_size;

  // Where an event's numbers are.
  template <int Value>
  CALOTYPE_HD static float* value(float const* input, float* memory) {
    constexpr std::size_t place =
        layout::training_offset[static_cast<std::size_t>(layout::training_memory.slot[Value])] +
        static_cast<std::size_t>(layout::training_memory.offset[Value]);
    if constexpr (place < input_size) {
      return const_cast<float*>(input) + place;  // nothing writes there
    } else {
      return memory + painted_size + (place - input_size);
    }
  }
  template <int Slot>
  CALOTYPE_HD static float* gradient(float* memory) {
    if constexpr (Slot < 0) {
      return nullptr;
    } else {
      constexpr std::size_t place = layout::gradient_map_offset[static_cast<std::size_t>(Slot)];
      return memory + painted_size + maps_size + place;
    }
  }
  // Of an event's logits.
  CALOTYPE_HD static float* logit_gradient(float* memory) {
    constexpr int slot = layout::gradients.result;
    constexpr int offset = layout::plan.value_at(layout::plan.result).offset;
    return gradient<slot>(memory) + offset;
  }
};

}  // namespace detail

// Values, for a device's queue to launch; only strict float. `count` events, each with event_size floats of
// memory, which begin as zeros. Backward follows forward, from the same source; forward alone takes a painted
// image away itself.
template <class Net, class Policy, class Source, std::uint64_t Signature = signature<Net>>
struct device_forward {
  using training = detail::device_training<Net, Policy, Source>;
  using layout = typename training::layout;
  using ops = typename training::ops;
  using inference = typename training::inference;
  static constexpr std::size_t shared_size = 0;
  static constexpr int threads = 256, blocks_at_once = 2;

  Source source;
  float const* packed;
  std::uint64_t const* dropout_keys;
  float* memory;
  float* logits;
  int count;
  bool alone;

  template <class Group>
  CALOTYPE_HD void operator()(Group const& g, int block, int blocks) const {
    for (int e = block; e < count; e += blocks) {
      float* const of_event = memory + static_cast<std::size_t>(e) * training::event_size;
      float const* const input = inference::begin(g, source, e, of_event);
      step<0>(g, input, of_event, dropout_keys[e]);
      g.each(training::outputs,
             detail::copy_numbers{training::template value<layout::plan.result>(input, of_event),
                                  logits + e * training::outputs});
      if (alone) inference::end(g, source, e, of_event);
    }
  }

 private:
  template <int Step, class Group>
  CALOTYPE_HD void step(Group const& g, float const* input, float* memory_of_event, std::uint64_t key) const {
    if constexpr (Step < layout::steps) {
      one<Step>(g, input, memory_of_event, key);
      step<Step + 1>(g, input, memory_of_event, key);
    }
  }

  template <int Step, class Group>
  CALOTYPE_HD void one(Group const& g, float const* input, float* of_event,
                       [[maybe_unused]] std::uint64_t key) const {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr nn::step s = k::self;
    constexpr std::size_t place = layout::forward_offset[Step];
    [[maybe_unused]] float const* const weights = packed + place;
    float* const in = training::template value<s.in>(input, of_event);
    float* const out = training::template value<s.out>(input, of_event);
    static_assert(s.kind != op::conv_lstm,
                  "calotype::nn: exec::cuda does not train convolutional LSTMs; train with exec::cpu or "
                  "exec::on_thrust, whose weights are for every policy");
    if constexpr (s.kind != op::dropout) {
      float const* shortcut = nullptr;
      if constexpr (s.shortcut >= 0) shortcut = training::template value<s.shortcut>(input, of_event);
      detail::device_step<k>(g, in, weights, shortcut, out, nullptr);
    } else {
      ops::template drop<k::in_shape>(g, static_cast<float>(s.rate), detail::dropout_key_of_step(key, Step), in,
                                      out);
    }
  }
};

// logit_gradients: of the loss, `outputs` for each event. gradients: one after the other, each a flat list in
// PyTorch's order; places of idle parameters are left alone. Takes a painted image away.
template <class Net, class Policy, class Source, std::uint64_t Signature = signature<Net>>
struct device_backward {
  using training = detail::device_training<Net, Policy, Source>;
  using layout = typename training::layout;
  using ops = typename training::ops;
  using inference = typename training::inference;
  static constexpr std::size_t shared_size = 0;
  static constexpr int threads = 256, blocks_at_once = 2;

  Source source;
  float const* packed;      // for the gradients of inputs
  float const* parameters;  // flat
  std::uint64_t const* dropout_keys;
  float const* logit_gradients;
  float* memory;
  float* gradients;
  int count;

  template <class Group>
  CALOTYPE_HD void operator()(Group const& g, int block, int blocks) const {
    for (int e = block; e < count; e += blocks) {
      float* const of_event = memory + static_cast<std::size_t>(e) * training::event_size;
      float const* const input = inference::input(source, e, of_event);
      g.each(training::outputs,
             detail::copy_numbers{logit_gradients + e * training::outputs, training::logit_gradient(of_event)});
      step<layout::steps - 1>(g, input, of_event,
                              gradients + static_cast<std::size_t>(e) * training::parameters, dropout_keys[e]);
      inference::end(g, source, e, of_event);
    }
  }

 private:
  template <int Step, class Group>
  CALOTYPE_HD void step(Group const& g, float const* input, float* of_event, float* into,
                        std::uint64_t key) const {
    if constexpr (Step >= 0) {
      one<Step>(g, input, of_event, into, key);
      step<Step - 1>(g, input, of_event, into, key);
    }
  }

  template <int Step, class Group>
  CALOTYPE_HD void one(Group const& g, float const* input, float* of_event, [[maybe_unused]] float* into,
                       [[maybe_unused]] std::uint64_t key) const {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr nn::step s = k::self;
    constexpr int dout_slot = layout::gradients.dout[Step], din_slot = layout::gradients.din[Step];
    constexpr int dout_offset = layout::gradients.dout_offset[Step], added_slot = layout::gradients.added[Step];
    constexpr bool wants_din = din_slot >= 0;
    float* const dout = training::template gradient<dout_slot>(of_event) + dout_offset;
    [[maybe_unused]] float* const din = training::template gradient<din_slot>(of_event);
    [[maybe_unused]] float const* const in = training::template value<s.in>(input, of_event);
    [[maybe_unused]] float const* const out = training::template value<s.out>(input, of_event);
    if constexpr (s.relu) ops::template relu_gradient<k::out_shape>(g, out, dout);
    if constexpr (s.kind == op::conv) {
      constexpr std::size_t place = layout::gradient_offset[Step];
      constexpr int weight = layout::plan.parameter_at(s.weight).offset;
      constexpr int bias = layout::plan.parameter_at(s.bias).offset;
      k::conv_kernel::weight_gradient(g, in, dout, into + weight, into + bias);
      if constexpr (wants_din) {
        k::conv_kernel::template input_gradient<(added_slot >= 0)>(
            g, dout, packed + place, training::template gradient<added_slot>(of_event), din);
      }
    } else if constexpr (s.kind == op::max_pool) {
      if constexpr (wants_din) ops::template max_pool<k::pool_shape>::gradient(g, in, out, dout, din);
    } else if constexpr (s.kind == op::avg_pool) {
      if constexpr (wants_din) ops::template avg_pool<k::pool_shape>::gradient(g, in, out, dout, din);
    } else if constexpr (s.kind == op::global_max_pool) {
      if constexpr (wants_din) ops::template global_max_pool<k::in_shape>::gradient(g, in, out, dout, din);
    } else if constexpr (s.kind == op::global_avg_pool) {
      if constexpr (wants_din) ops::template global_avg_pool<k::in_shape>::gradient(g, in, out, dout, din);
    } else if constexpr (s.kind == op::flatten) {
      if constexpr (wants_din) ops::template flatten<k::in_shape>::gradient(g, dout, din);
    } else if constexpr (s.kind == op::dense) {
      constexpr int weight = layout::plan.parameter_at(s.weight).offset;
      constexpr int bias = layout::plan.parameter_at(s.bias).offset;
      using kernels = typename ops::template dense<k::dense_shape>;
      kernels::weight_gradient(g, in, dout, into + weight, into + bias);
      if constexpr (wants_din) kernels::input_gradient(g, dout, parameters + weight, din);
    } else if constexpr (s.kind == op::dropout) {
      if constexpr (wants_din) {
        ops::template drop<k::in_shape>(g, static_cast<float>(s.rate), detail::dropout_key_of_step(key, Step),
                                        dout, din);
      }
    }
  }
};

}  // namespace calotype::nn
