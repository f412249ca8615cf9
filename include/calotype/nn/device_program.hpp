// A network as one program of a device: every event by one group of threads, through all layers.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/core/config.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/kernel/cuda/image.hpp>
#include <calotype/kernel/cuda/ops.hpp>
#include <calotype/nn/device_trunk.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>

namespace calotype::nn {

// Where a program's inputs come from: `inputs`, input_size floats for each event, its planes in the policy's
// layout as engines keep them;
struct dense_inputs {
  float const* inputs;
};
// or what the events show.
struct listed_inputs {
  kernel::shown_block const* list;
  kernel::block_range const* of_events;
};

namespace detail {

// Parameters in the order in which a device's forward pass reads them, or the gradients of inputs do, from the
// flat list in PyTorch's.
template <class Net, class Policy, bool Gradient = false>
std::vector<float> packed_for_device(float const* parameters) {
  using layout = detail::layout<Net, Policy>;
  using ops = kernel::ops<Policy>;
  std::vector<float> to(Gradient ? layout::gradient_packed_size : layout::forward_packed_size);
  for_each_index<layout::steps>([&](auto i) {
    using k = step_kernels<Net, Policy, i>;
    constexpr op kind = k::self.kind;
    if constexpr (kind == op::conv || kind == op::dense || kind == op::conv_lstm) {
      float const* const weight = parameters + layout::plan.parameter_at(k::self.weight).offset;
      float const* const bias = parameters + layout::plan.parameter_at(k::self.bias).offset;
      float* const at = to.data() + (Gradient ? layout::gradient_offset : layout::forward_offset)[i];
      if constexpr (Gradient) {
        if constexpr (kind == op::conv && !k::from_image) k::conv_kernel::pack_gradient(weight, at);
      } else if constexpr (kind == op::conv) {
        k::conv_kernel::pack(weight, bias, at);
      } else if constexpr (kind == op::dense) {
        ops::template dense<k::dense_shape>::pack(weight, bias, at);
      } else {
        k::lstm_kernel::pack(weight, bias, at);
      }
    }
  });
  return to;
}

// One number after the other, each by a thread.
struct copy_numbers {
  float const* from;
  float* to;
  CALOTYPE_HD void operator()(int i) const { to[i] = from[i]; }
};

// A step forward by a group of threads: any but dropout, without the pool that may be behind it.
template <class Kernels, class Group>
CALOTYPE_HD void device_step(Group const& g, float* in, [[maybe_unused]] float const* weights,
                             [[maybe_unused]] float const* shortcut, float* out,
                             [[maybe_unused]] float* scratch) {
  using k = Kernels;
  using ops = typename k::ops;
  constexpr step s = k::self;
  if constexpr (s.kind == op::conv) {
    k::conv_kernel::template forward<s.relu, (s.shortcut >= 0)>(g, in, weights, shortcut, out);
  } else if constexpr (s.kind == op::conv_lstm) {
    k::lstm_kernel::forward(g, in, weights, out, scratch);
  } else if constexpr (s.kind == op::max_pool) {
    ops::template max_pool<k::pool_shape>::forward(g, in, out);
  } else if constexpr (s.kind == op::avg_pool) {
    ops::template avg_pool<k::pool_shape>::forward(g, in, out);
  } else if constexpr (s.kind == op::global_max_pool) {
    ops::template global_max_pool<k::in_shape>::forward(g, in, out);
  } else if constexpr (s.kind == op::global_avg_pool) {
    ops::template global_avg_pool<k::in_shape>::forward(g, in, out);
  } else if constexpr (s.kind == op::flatten) {
    ops::template flatten<k::in_shape>::forward(g, in, out);
  } else if constexpr (s.kind == op::dense) {
    ops::template dense<k::dense_shape>::template forward<s.relu>(g, in, weights, out);
  } else {
    static_assert(s.kind == op::image_import);
    ops::template import_image<k::in_shape>(g, in, out);
  }
}

}  // namespace detail

// A value, for a device's queue to launch, or to spread where it is of one event: the logits of `count` events.
// Every block has workspace_size floats of its own, which begin as zeros.
template <class Net, class Policy, class Source, std::uint64_t Signature = signature<Net>>
struct device_program {
  using layout = detail::layout<Net, Policy>;
  using ops = kernel::ops<Policy>;
  using traits = input_traits<typename Net::input>;
  static constexpr bool paints = std::same_as<Source, listed_inputs>;
  static constexpr int outputs = layout::plan.shape(layout::plan.result).channels;
  static constexpr std::size_t input_size = layout::planes_size;
  static constexpr std::size_t maps_size = layout::inference_size - layout::planes_size;
  // An image is painted at the beginning of the workspace, whatever the source: programs of one network may
  // share their workspaces.
  static constexpr std::size_t painted_size = traits::is_whole_image ? input_size : 0;
  static constexpr std::size_t workspace_size = painted_size + maps_size + layout::inference_scratch;
  static constexpr std::size_t packed_size = layout::forward_packed_size;

  // Of the block that takes an event: what its threads share, how many they are, and how many such blocks there
  // are on a multiprocessor.
  using trunks = detail::trunks<Net, Policy>;
  static constexpr std::size_t shared_size = trunks::bytes;
  static constexpr int threads = trunks::threads, blocks_at_once = trunks::blocks_at_once;

  Source source;
  float const* packed;
  float* workspace;
  float* logits;
  int count;

  // Parameters in the order in which the program reads them, from the flat list in PyTorch's.
  static std::vector<float> pack(float const* parameters) {
    return detail::packed_for_device<Net, Policy>(parameters);
  }

  // Where plane Plane of an input begins.
  template <int Plane>
  static constexpr std::size_t plane_offset =
      layout::inference_offset[static_cast<std::size_t>(layout::inference_memory.slot[Plane])];

  // Where the input of event e is, which is painted to the beginning of memory if it is a list; end takes that
  // away again.
  template <class Group>
  CALOTYPE_HD static float const* begin(Group const& g, Source const& from, int e, float* memory) {
    if constexpr (paints) paint(g, from, e, memory, false);
    return input(from, e, memory);
  }
  CALOTYPE_HD static float const* input(Source const& from, int e, float const* memory) {
    if constexpr (paints) {
      return memory;
    } else {
      return from.inputs + static_cast<std::size_t>(e) * input_size;
    }
  }
  template <class Group>
  CALOTYPE_HD static void end(Group const& g, Source const& from, int e, float* memory) {
    if constexpr (paints) paint(g, from, e, memory, true);
  }

  template <class Group>
  CALOTYPE_HD void operator()(Group const& g, int block, int blocks) const {
    float* const memory = workspace + static_cast<std::size_t>(block) * workspace_size;
    for (int e = block; e < count; e += blocks) {
      score(g, e, begin(g, source, e, memory), memory + painted_size);
      end(g, source, e, memory);
    }
  }

 private:
  // Of an image's planes in an input.
  struct places {
    static constexpr auto get() {
      std::array<kernel::plane_place, static_cast<std::size_t>(traits::planes())> all{};
      detail::for_each_index<traits::planes()>([&](auto p) {
        using plane = kernel::image_plane<traits::plane(p)>;
        constexpr int in_float = kernel::number<typename ops::precision>::in_word;
        all[p] = {in_float * static_cast<int>(plane_offset<p>) + plane::at(0, 0, 0), plane::rows * plane::pitch,
                  plane::pitch};
      });
      return all;
    }
  };
  static constexpr auto choose_painter() {
    if constexpr (paints) {
      using input = typename Net::input;
      return []<std::size_t... Stage>(std::index_sequence<Stage...>) {
        return std::type_identity<kernel::cuda_task::paint<
            typename ops::precision, places, calotype::detail::stages_of_image<input>.list[Stage]...>>{};
      }
      (std::make_index_sequence<calotype::detail::stages_of_image<input>.size>{});
    } else {
      return std::type_identity<void>{};
    }
  }
  using painter = typename decltype(choose_painter())::type;

  template <class Group>
  CALOTYPE_HD static void paint(Group const& g, Source const& from, int e, float* memory, bool zeros) {
    kernel::block_range const shown = from.of_events[e];
    g.each(shown.end - shown.begin, painter{from.list + shown.begin, memory, zeros});
  }

  template <class Group>
  CALOTYPE_HD void score(Group const& g, int e, float const* input, float* memory) const {
    event<Group> const one{*this, g, input, memory};
    one.template steps<0>();
    g.each(outputs, detail::copy_numbers{one.template at<layout::plan.result>(), logits + e * outputs});
  }

  struct weights_of {
    float const* packed;
    CALOTYPE_HD float const* operator()(int step) const {
      constexpr auto offset = layout::forward_offset;
      return packed + offset[static_cast<std::size_t>(step)];
    }
  };

  template <class Group>
  struct event {
    device_program const& program;
    Group const& group;
    float const* input;
    float* memory;

    template <int Value>
    CALOTYPE_HD float* at() const {
      constexpr std::size_t place =
          layout::inference_offset[static_cast<std::size_t>(layout::inference_memory.slot[Value])] +
          static_cast<std::size_t>(layout::inference_memory.offset[Value]);
      if constexpr (place < input_size) {
        return const_cast<float*>(input) + place;  // nothing writes there
      } else {
        return memory + (place - input_size);
      }
    }

    template <int Step>
    CALOTYPE_HD void steps() const {
      if constexpr (Step >= layout::steps) {
        return;
      } else if constexpr (Group::shares_memory && trunks::template begins_at<Step>) {
        using trunk = detail::trunk<Net, Policy, Step>;
        constexpr int in = layout::plan.at(Step).in, out = layout::plan.at(trunk::end - 1).out;
        trunk::score(group, at<in>(), weights_of{program.packed}, at<out>());
        steps<trunk::end>();
      } else {
        one<Step>();
        constexpr bool fused = layout::fused[Step];
        steps<Step + (fused ? 2 : 1)>();
      }
    }

    template <int Step>
    CALOTYPE_HD void one() const {
      using k = detail::step_kernels<Net, Policy, Step>;
      constexpr step s = k::self;
      constexpr std::size_t place = layout::forward_offset[Step];
      [[maybe_unused]] float const* const weights = program.packed + place;
      if constexpr (s.kind == op::conv && layout::fused[Step]) {
        constexpr int out = layout::plan.at(Step + 1).out;
        k::conv_kernel::template forward_pool<s.relu>(group, at<s.in>(), weights, at<out>());
      } else if constexpr (s.kind != op::dropout) {  // nothing to do in inference
        float const* shortcut = nullptr;
        if constexpr (s.shortcut >= 0) shortcut = at<s.shortcut>();
        detail::device_step<k>(group, at<s.in>(), weights, shortcut, at<s.out>(), memory + maps_size);
      }
    }
  };
};

}  // namespace calotype::nn
