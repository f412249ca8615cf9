// The operations of exec::cuda: sizes and packing for the host, and what a group of threads does. Unlike
// those of other policies they are called by the threads that carry them out (nn/device_program.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/conv_lstm.hpp>
#include <calotype/kernel/cuda/conv.hpp>
#include <calotype/kernel/cuda/device.hpp>
#include <calotype/kernel/cuda/gradient.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/cuda/pool.hpp>
#include <calotype/kernel/cuda/tile_conv.hpp>
#include <calotype/kernel/ops.hpp>

static_assert(!CALOTYPE_FAST_MATH,
              "calotype::exec::cuda<fp32>: a strict policy; compile without -ffast-math and without nvcc's "
              "--use_fast_math and -ftz, which no macro tells");

namespace calotype::kernel {

// What is alike in all precisions: memory counted in floats, pools, vectors and dense layers of floats.
// Gradients are fp32's.
template <class Precision, class Maps>
struct cuda_ops {
  using real_type = float;
  using precision = Precision;
  using maps = Maps;

  template <map_shape M>
  static constexpr std::size_t map_size = M.is_vector() ? static_cast<std::size_t>(M.channels)
                                                        : Maps::template map<M>::size;

  template <map_shape M>
  struct flatten {
    template <class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* in, float* vector) {
      using task = cuda_task::flatten<typename Maps::template map<M>>;
      g.each(task::count, task{in, vector});
    }
    template <class Group>
    CALOTYPE_HD static void gradient(Group const& g, float const* dvector, float* din) {
      using task = cuda_task::flatten_gradient<M>;
      g.each(task::count, task{dvector, din});
    }
  };

  template <map_shape M, class Group>
  CALOTYPE_HD static void import_image(Group const& g, float const* image, float* map) {
    using task = cuda_task::import_image<typename Maps::template map<M>, Precision>;
    g.each(task::count, task{image, map});
  }

  template <pool_shape S, bool Mean>
  struct pool {
    template <class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* in, float* out) {
      using task = cuda_task::pool<Maps, S, Mean>;
      g.each(task::count, task{in, out});
    }
    template <class Group>
    CALOTYPE_HD static void gradient(Group const& g, float const* in, float const* out, float const* dout,
                                     float* din) {
      using task = cuda_task::pool_gradient<S, Mean>;
      g.each(task::count, task{in, out, dout, din});
    }
  };
  template <pool_shape S>
  using max_pool = pool<S, false>;
  template <pool_shape S>
  using avg_pool = pool<S, true>;

  template <map_shape M, bool Mean>
  struct global_pool {
    template <class Group>
    CALOTYPE_HD static void forward(Group const& g, float* in, float* vector) {
      if constexpr (M.is_vector()) {
        using task = cuda_task::global_pool_of_pixel<M, Mean>;
        g.each(task::count, task{in, vector});
      } else {
        forward(g, in, Maps::template map<M>::behind(in), vector);
      }
    }
    // of_rows: memory for a float of every channel and row.
    template <class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* map, float* of_rows, float* vector) {
      using rows = cuda_task::rows_of_global_pool<typename Maps::template map<M>, Mean>;
      using task = cuda_task::global_pool<M, Mean>;
      g.each(rows::count, rows{map, of_rows});
      g.each(task::count, task{of_rows, vector});
    }
    template <class Group>
    CALOTYPE_HD static void gradient(Group const& g, float const* in, float const* vector, float const* dvector,
                                     float* din) {
      if constexpr (M.is_vector()) {
        using task = cuda_task::global_pool_of_pixel<M, false>;
        g.each(task::count, task{dvector, din});
      } else {
        auto* const found = reinterpret_cast<std::int32_t*>(quad_map<M>::behind(din));
        if constexpr (!Mean) {
          using find = cuda_task::find_in_rows<M>;
          g.each(find::count, find{in, vector, found});
        }
        using task = cuda_task::global_pool_gradient<M, Mean>;
        g.each(task::count, task{dvector, found, din});
      }
    }
  };
  template <map_shape M>
  using global_max_pool = global_pool<M, false>;
  template <map_shape M>
  using global_avg_pool = global_pool<M, true>;

  template <dense_shape S>
  struct dense {
    static constexpr auto packed_size = static_cast<std::size_t>(S.weights() + S.outputs);

    static void pack(float const* weights, float const* bias, float* packed) noexcept {
      cuda_task::dense<S, false>::pack(weights, bias, packed);
    }

    template <bool Relu, class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* in, float const* packed, float* out) {
      using task = cuda_task::dense<S, Relu>;
      g.each(task::count, task{in, packed, out});
    }
    template <class Group>
    CALOTYPE_HD static void weight_gradient(Group const& g, float const* in, float const* dout, float* dweights,
                                            float* dbias) {
      using task = cuda_task::weights_of_dense<S>;
      g.each(task::count, task{in, dout, dweights, dbias});
    }
    // weights: in PyTorch's order.
    template <class Group>
    CALOTYPE_HD static void input_gradient(Group const& g, float const* dout, float const* weights,
                                           float* din) {
      using task = cuda_task::dense_input_gradient<S>;
      g.each(task::count, task{dout, weights, din});
    }
  };
};

template <class Where>
struct ops<exec::cuda<exec::fp32, Where>> : cuda_ops<exec::fp32, quad_maps> {
  using policy_type = exec::cuda<exec::fp32, Where>;
  static constexpr bool has_trunks = false;  // nn/device_trunk.hpp

  // What trainers keep in the device's memory. All is done when these return, whatever thread comes next.
  using buffer = device_buffer<Where>;

  static void to_policy(policy_type const&, std::size_t n, float const* host, float* to) {
    device<Where>::queue_of_thread().upload(n, host, to);
  }
  static void to_host(policy_type const&, std::size_t n, float const* from, float* host) {
    device<Where>::queue_of_thread().download(n, from, host);
  }
  static void add(policy_type const&, std::size_t n, float const* from, float* into) {
    launch_for_all<Where>(n, cuda_task::add_to{from, into});
    device<Where>::queue_of_thread().finish();
  }
  static void adam(policy_type const&, std::size_t n, adam_step step, float const* gradient, float* first,
                   float* second, float* parameters) {
    launch_for_all<Where>(n, cuda_task::adam{step, gradient, first, second, parameters});
    device<Where>::queue_of_thread().finish();
  }

  template <map_shape M>
  static constexpr std::size_t image_size = image_plane<M>::size;

  template <conv_shape S, bool FromImage>
  struct conv {
    static constexpr std::size_t packed_size = cuda_task::conv_weights<S>::size;
    static constexpr std::size_t gradient_packed_size = cuda_task::gradient_weights<S>::size;

    template <pool_shape P>
    static constexpr bool pools = FromImage&& P.size == 2 && P.stride == 2 && !P.out().is_vector() &&
                                  cuda_task::conv_of_image_pooled<S, true>::possible;

    static void pack(float const* weights, float const* bias, float* packed) noexcept {
      cuda_task::conv_weights<S>::pack(weights, bias, packed);
    }

    template <bool Relu, bool Shortcut, class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* in, float const* packed, float const* shortcut,
                                    float* out) {
      quad const* added = reinterpret_cast<quad const*>(shortcut);
      quad* to = reinterpret_cast<quad*>(out);
      if constexpr (FromImage) {
        using task = cuda_task::conv_of_any<S, image_plane<S.in>, Relu, Shortcut>;
        g.each(task::count, task{in, packed, added, to});
      } else if constexpr (S.padding <= 1 && !S.in.is_vector()) {
        using task = cuda_task::conv_of_map<S, Relu, Shortcut, Group::pixels>;
        g.each(task::count, task{reinterpret_cast<quad const*>(in), packed, added, to});
      } else {
        using task = cuda_task::conv_of_any<S, quad_map<S.in>, Relu, Shortcut>;
        g.each(task::count, task{in, packed, added, to});
      }
    }

    template <bool Relu, class Group>
    CALOTYPE_HD static void forward_pool(Group const& g, float const* in, float const* packed, float* out) {
      using task = cuda_task::conv_of_image_pooled<S, Relu>;
      g.each(task::count, task{in, packed, reinterpret_cast<quad*>(out)});
    }

    static void pack_gradient(float const* weights, float* packed) {
      cuda_task::gradient_weights<S>::pack(weights, packed);
    }

    template <bool Added, class Group>
    CALOTYPE_HD static void input_gradient(Group const& g, float const* dout, float const* packed,
                                           float const* added, float* din) {
      constexpr bool turns = S.stride == 1 && S.kernel - 1 - S.padding <= 1 && S.kernel > S.padding &&
                             !S.in.is_vector() && !S.out().is_vector();
      if constexpr (turns) {
        using task = cuda_task::conv_of_map<cuda_task::turned<S>, false, Added, Group::pixels, true>;
        g.each(task::count, task{reinterpret_cast<quad const*>(dout), packed,
                                 reinterpret_cast<quad const*>(added), reinterpret_cast<quad*>(din)});
      } else {
        using task = cuda_task::conv_input_gradient<S, Added>;
        g.each(task::count, task{dout, packed, added, din});
      }
    }

    template <class Group>
    CALOTYPE_HD static void weight_gradient(Group const& g, float const* in, float const* dout, float* dweights,
                                            float* dbias) {
      using bias = cuda_task::bias_of_conv<S>;
      if constexpr (!FromImage && cuda_task::weights_of_map<S>::possible) {
        using weights = cuda_task::weights_of_map<S>;
        g.each(cuda_task::either<weights, bias>::count,
               cuda_task::either<weights, bias>{{in, dout, dweights}, {dout, dbias}});
      } else {
        using weights = cuda_task::weights_of_any<S, FromImage>;
        g.each(cuda_task::either<weights, bias>::count,
               cuda_task::either<weights, bias>{{in, dout, dweights}, {dout, dbias}});
      }
    }
  };

  template <map_shape M, class Group>
  CALOTYPE_HD static void relu_gradient(Group const& g, float const* out, float* dout) {
    using task = cuda_task::relu_gradient<M>;
    g.each(task::count, task{out, dout});
  }

  template <map_shape M, class Group>
  CALOTYPE_HD static void drop(Group const& g, float rate, std::uint64_t key, float const* in, float* out) {
    using task = cuda_task::drop<M>;
    g.each(task::count, task{in, out, rate, key});
  }
};

// For tensor cores.
template <class Precision, class Where>
struct ops<exec::cuda<Precision, Where>> : cuda_ops<Precision, chunk_maps<Precision>> {
  using policy_type = exec::cuda<Precision, Where>;
  static constexpr bool has_trunks = true;

  template <map_shape M>
  static constexpr std::size_t image_size =
      (image_plane<M>::size + image_slack<Precision>) / number<Precision>::in_word;

  template <conv_shape S, bool FromImage>
  struct conv {
    using window = cuda_task::image_window<Precision, S>;
    static constexpr bool on_tensor_cores =
        FromImage ? window::possible : cuda_task::map_weights<Precision, S>::possible;
    static constexpr auto choose_weights() {
      if constexpr (!on_tensor_cores) {
        return std::type_identity<cuda_task::plain_weights<S>>{};
      } else if constexpr (FromImage) {
        return std::type_identity<typename window::weights>{};
      } else {
        return std::type_identity<cuda_task::map_weights<Precision, S>>{};
      }
    }
    static constexpr std::size_t packed_size = decltype(choose_weights())::type::size;
    static constexpr std::size_t gradient_packed_size = 0;  // no training yet

    template <pool_shape P>
    static constexpr bool pools = FromImage&& P.size == 2 && P.stride == 2 && !P.out().is_vector() &&
                                  on_tensor_cores && S.out().rows >= 2 && S.out().cols >= 2;

    static void pack(float const* weights, float const* bias, float* packed) noexcept {
      if constexpr (!on_tensor_cores) {
        cuda_task::plain_weights<S>::pack(weights, bias, packed);
      } else if constexpr (FromImage) {
        window::pack(weights, bias, packed);
      } else {
        cuda_task::map_weights<Precision, S>::pack(weights, bias, packed);
      }
    }

    template <bool Relu, bool Shortcut, class Group>
    CALOTYPE_HD static void forward(Group const& g, float const* in, float const* packed, float const* shortcut,
                                    float* out) {
      if constexpr (!on_tensor_cores) {
        using task = cuda_task::plain_conv<Precision, S, FromImage, Relu, Shortcut>;
        g.each(task::count, task{in, packed, shortcut, out});
      } else if constexpr (FromImage) {
        using task = cuda_task::tile_conv_of_image<Precision, S, Relu, Shortcut>;
        g.warps(task::count, task{in, packed, shortcut, out});
      } else {
        using task = cuda_task::tile_conv<Precision, S, Relu, Shortcut, Group::rows>;
        g.warps(task::count, task{in, packed, shortcut, out});
      }
    }

    template <bool Relu, class Group>
    CALOTYPE_HD static void forward_pool(Group const& g, float const* in, float const* packed, float* out) {
      using task = cuda_task::tile_conv_of_image_pooled<Precision, S, Relu>;
      g.warps(task::count, task{in, packed, out});
    }
  };
};

// scratch: scratch_size floats, whose contents do not matter.
template <class Precision, class Where, lstm_shape S>
class conv_lstm<exec::cuda<Precision, Where>, S> {
  using ops = kernel::ops<exec::cuda<Precision, Where>>;
  using gates = typename ops::template conv<S.gates(), false>;
  static constexpr std::size_t joined_size = ops::template map_size<S.gates().in>;
  static constexpr std::size_t gates_size = ops::template map_size<S.gates().out()>;
  static constexpr std::size_t cells = (static_cast<std::size_t>(S.out().size()) + 3) / 4 * 4;

 public:
  static constexpr std::size_t packed_size = gates::packed_size;
  static constexpr std::size_t gradient_packed_size = 0, kept_size = 0, gradient_scratch_size = 0;
  static constexpr std::size_t scratch_size = joined_size + gates_size + 2 * cells;

  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    gates::pack(weights, bias, packed);
  }

  template <class Group>
  CALOTYPE_HD static void forward(Group const& g, float const* in, float const* packed, float* out,
                                  float* scratch) {
    using join = cuda_task::lstm_join<S, typename ops::maps>;
    using cell_task = cuda_task::lstm_cell<S, typename ops::maps>;
    using show = cuda_task::lstm_show<S, typename ops::maps>;
    constexpr lstm_shape s = S;
    float* const gate = scratch + joined_size;
    float* const cell = gate + gates_size;
    float* const hidden = cell + cells;
    // What lies beside the joined map is read as zeros; other layers use the same memory.
    using clear = cuda_task::clear<joined_size>;
    g.each(clear::count, clear{scratch});
    for (int step = 0; step < s.steps; ++step) {
      g.each(join::count, join{in, step == 0 ? nullptr : hidden, scratch, step});
      gates::template forward<false, false>(g, scratch, packed, nullptr, gate);
      g.each(cell_task::count, cell_task{gate, cell, hidden, step == 0});
    }
    g.each(show::count, show{hidden, out});
  }
};

}  // namespace calotype::kernel
