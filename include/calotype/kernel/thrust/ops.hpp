// Kernels as plain Thrust algorithms: one for_each over the outputs of an operation. Layouts and bits are those
// of the scalar reference. A failing device (out of memory, lost) ends the program, as every operation is
// noexcept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <thrust/copy.h>
#include <thrust/fill.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/memory.h>
#include <thrust/transform.h>

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/kernel/thrust/functors.hpp>

static_assert(!CALOTYPE_FAST_MATH, "calotype::exec::on_thrust: a strict policy; compile without -ffast-math");

namespace calotype::kernel {

template <class System>
struct ops<exec::on_thrust<System>> {
  using policy_type = exec::on_thrust<System>;
  using real_type = float;

  // Memory of the system; movable, not copyable. Throws std::bad_alloc.
  class buffer {
   public:
    buffer() = default;
    explicit buffer(std::size_t n) : data_(allocate(n)), size_(n) {
      ::thrust::fill_n(System{}, data_, static_cast<std::ptrdiff_t>(n), 0.0F);
    }
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    buffer& operator=(buffer&& other) noexcept {
      std::swap(data_, other.data_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~buffer() {
      if (data_ != nullptr) ::thrust::free(System{}, ::thrust::pointer<float, System>(data_));
    }

    float* data() noexcept { return data_; }
    float const* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }

   private:
    static float* allocate(std::size_t n) {
      if (n == 0) return nullptr;
      float* const block = ::thrust::raw_pointer_cast(::thrust::malloc<float>(System{}, n));
      if (block == nullptr) throw std::bad_alloc();
      return block;
    }

    float* data_ = nullptr;
    std::size_t size_ = 0;
  };

  static void to_policy(policy_type const&, std::size_t n, float const* host, float* to) noexcept {
    ::thrust::copy_n(host, n, ::thrust::pointer<float, System>(to));
  }
  static void to_host(policy_type const&, std::size_t n, float const* from, float* host) noexcept {
    ::thrust::copy_n(::thrust::pointer<float const, System>(from), n, host);
  }

  template <map_shape M>
  static constexpr std::size_t map_size = static_cast<std::size_t>(M.size());

  template <map_shape M>
  static constexpr std::size_t image_size = map_size<M>;

  template <map_shape M>
  static constexpr plane_target image_target(float* image) noexcept {
    return {image, std::ptrdiff_t{M.rows} * M.cols, M.cols};
  }

  template <map_shape M>
  static void set_input(policy_type const& p, float const* host, float* image) noexcept {
    if (host != nullptr) {
      to_policy(p, map_size<M>, host, image);
    } else {
      ::thrust::fill_n(System{}, image, M.size(), 0.0F);
    }
  }

  template <map_shape M>
  static void import_image(policy_type const&, float const* image, float* map) noexcept {
    copy(map_size<M>, image, map);
  }

  template <conv_shape S, bool FromImage>
  struct conv {
    static constexpr std::size_t packed_size = static_cast<std::size_t>(S.weights() + S.filters);
    static constexpr std::size_t gradient_packed_size = static_cast<std::size_t>(S.weights());

    template <pool_shape>
    static constexpr bool pools = false;

    static void pack(float const* weights, float const* bias, float* packed) noexcept {
      copy(gradient_packed_size, weights, packed);
      copy(static_cast<std::size_t>(S.filters), bias, packed + S.weights());
    }
    static void pack_gradient(float const* weights, float* packed) noexcept {
      copy(gradient_packed_size, weights, packed);
    }

    template <bool Relu, bool Shortcut>
    static void forward(policy_type const&, float const* in, float const* packed, float const* shortcut,
                        float* out) noexcept {
      each(S.out().size(), functor::conv_forward<S, Relu, Shortcut>{in, packed, shortcut, out});
    }

    static void input_gradient(policy_type const&, float const* dout, float const* packed, float const* added,
                               float* din) noexcept {
      each(S.in.size(), functor::conv_input_gradient<S>{dout, packed, added, din});
    }

    static void weight_gradient(policy_type const&, float const* in, float const* dout, float* dweights,
                                float* dbias) noexcept {
      each(S.weights(), functor::conv_weight_gradient<S>{in, dout, dweights});
      each(S.filters, functor::conv_bias_gradient<S>{dout, dbias});
    }
  };

  template <map_shape M>
  static void relu_gradient(policy_type const&, float const* out, float* dout) noexcept {
    each(M.size(), functor::relu_gradient{out, dout});
  }

  template <pool_shape S>
  struct max_pool {
    static void forward(policy_type const&, float const* in, float* out) noexcept {
      each(S.out().size(), functor::pool_forward<S>{in, out});
    }
    static void gradient(policy_type const&, float const* in, float const* out, float const* dout,
                         float* din) noexcept {
      each(S.in.size(), functor::pool_gradient<S>{in, out, dout, din});
    }
  };

  template <map_shape M>
  struct global_max_pool {
    static void forward(policy_type const&, float const* in, float* vector) noexcept {
      each(M.channels, functor::global_pool_forward<M>{in, vector});
    }
    static void gradient(policy_type const&, float const* in, float const* vector, float const* dvector,
                         float* din) noexcept {
      each(M.channels, functor::global_pool_gradient<M>{in, vector, dvector, din});
    }
  };

  template <pool_shape S>
  struct avg_pool {
    static void forward(policy_type const&, float const* in, float* out) noexcept {
      each(S.out().size(), functor::avg_pool_forward<S>{in, out});
    }
    static void gradient(policy_type const&, float const* dout, float* din) noexcept {
      each(S.in.size(), functor::avg_pool_gradient<S>{dout, din});
    }
  };

  template <map_shape M>
  struct global_avg_pool {
    static void forward(policy_type const&, float const* in, float* vector) noexcept {
      each(M.channels, functor::global_avg_pool_forward<M>{in, vector});
    }
    static void gradient(policy_type const&, float const* dvector, float* din) noexcept {
      each(M.size(), functor::global_avg_pool_gradient<M>{dvector, din});
    }
  };

  template <map_shape M>
  struct flatten {
    static void forward(policy_type const&, float const* map, float* vector) noexcept {
      copy(map_size<M>, map, vector);
    }
    static void gradient(policy_type const&, float const* dvector, float* dmap) noexcept {
      copy(map_size<M>, dvector, dmap);
    }
  };

  template <dense_shape S>
  struct dense {
    static constexpr std::size_t packed_size = static_cast<std::size_t>(S.weights() + S.outputs);

    static void pack(float const* weights, float const* bias, float* packed) noexcept {
      copy(static_cast<std::size_t>(S.weights()), weights, packed);
      copy(static_cast<std::size_t>(S.outputs), bias, packed + S.weights());
    }

    template <bool Relu>
    static void forward(policy_type const&, float const* in, float const* packed, float* out) noexcept {
      each(S.outputs, functor::dense_forward<S, Relu>{in, packed, out});
    }
    static void input_gradient(policy_type const&, float const* dout, float const* weights,
                               float* din) noexcept {
      each(S.inputs, functor::dense_input_gradient<S>{dout, weights, din});
    }
    static void weight_gradient(policy_type const&, float const* in, float const* dout, float* dweights,
                                float* dbias) noexcept {
      each(S.weights(), functor::dense_weight_gradient<S>{in, dout, dweights});
      copy(static_cast<std::size_t>(S.outputs), dout, dbias);
    }
  };

  template <map_shape M>
  struct dropout {
    static void forward(policy_type const&, float rate, std::uint64_t key, float const* in,
                        float* out) noexcept {
      each(M.size(), functor::dropout{rate, key, in, out});
    }
    static void gradient(policy_type const& p, float rate, std::uint64_t key, float const* dout,
                         float* din) noexcept {
      forward(p, rate, key, dout, din);
    }
  };

  template <lstm_shape S>
  struct lstm_cells {
    static constexpr auto block = static_cast<std::size_t>(S.out().size());
    static constexpr auto entering = static_cast<std::size_t>(S.channels() * S.in.rows * S.in.cols);

    static void join(policy_type const& p, float const* in, int step, float const* hidden,
                     float* joined) noexcept {
      copy(entering, in + static_cast<std::size_t>(step) * entering, joined);
      if (hidden != nullptr) {
        copy(block, hidden, joined + entering);
      } else {
        zero(p, block, joined + entering);
      }
    }
    static void forward(policy_type const&, float const* gates, float const* before, float* state,
                        float* hidden) noexcept {
      each(S.out().size(), functor::lstm_forward<S>{gates, before, state, hidden});
    }
    static void show(policy_type const&, float const* hidden, float* out) noexcept { copy(block, hidden, out); }
    static void show_gradient(policy_type const&, float const* dout, float* dhidden) noexcept {
      copy(block, dout, dhidden);
    }
    static void gradient(policy_type const&, float const* state, float const* before, float const* dhidden,
                         float* dcell, float* dgates) noexcept {
      each(S.out().size(), functor::lstm_gradient<S>{state, before, dhidden, dcell, dgates});
    }
    static void split(policy_type const&, float const* djoined, int step, float* din, float* dhidden) noexcept {
      copy(entering, djoined, din + static_cast<std::size_t>(step) * entering);
      copy(block, djoined + entering, dhidden);
    }
  };

  template <map_shape M>
  static void copy(policy_type const&, float const* in, float* out) noexcept {
    copy(map_size<M>, in, out);
  }

  static void add(policy_type const&, std::size_t n, float const* from, float* into) noexcept {
    ::thrust::transform(System{}, into, into + n, from, into, functor::add{});
  }
  static void zero(policy_type const&, std::size_t n, float* to) noexcept {
    ::thrust::fill_n(System{}, to, static_cast<std::ptrdiff_t>(n), 0.0F);
  }

  static void adam(policy_type const&, std::size_t n, adam_step step, float const* gradient, float* first,
                   float* second, float* parameters) noexcept {
    each(static_cast<std::ptrdiff_t>(n), functor::adam{step, gradient, first, second, parameters});
  }

 private:
  static void copy(std::size_t n, float const* from, float* to) noexcept {
    ::thrust::copy_n(System{}, from, static_cast<std::ptrdiff_t>(n), to);
  }

  // f(0) ... f(n - 1), in any order, at once where the system can.
  template <class Count, class Function>
  static void each(Count n, Function f) noexcept {
    ::thrust::for_each_n(System{}, ::thrust::counting_iterator<Count>(0), n, f);
  }
};

}  // namespace calotype::kernel
