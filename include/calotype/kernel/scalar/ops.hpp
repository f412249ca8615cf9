// The reference kernels: plain loops over the element functions, one thread, dense maps, weights as PyTorch
// stores them (a packed convolution or dense layer is its weights followed by its biases). Every other strict
// policy equals these bits.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/element/adam.hpp>
#include <calotype/kernel/element/batch_norm.hpp>
#include <calotype/kernel/element/conv.hpp>
#include <calotype/kernel/element/dense.hpp>
#include <calotype/kernel/element/dropout.hpp>
#include <calotype/kernel/element/lstm.hpp>
#include <calotype/kernel/element/pool.hpp>
#include <calotype/kernel/element/relu.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel {

template <std::floating_point Real>
struct ops<exec::scalar_of<Real>> {
  using policy_type = exec::scalar_of<Real>;
  using real_type = Real;

  using buffer = calotype::buffer<Real>;

  static void to_policy(policy_type const&, std::size_t n, Real const* host, Real* to) noexcept {
    copy(n, host, to);
  }
  static void to_host(policy_type const&, std::size_t n, Real const* from, Real* host) noexcept {
    copy(n, from, host);
  }

  template <map_shape M>
  static constexpr std::size_t map_size = static_cast<std::size_t>(M.size());

  template <map_shape M>
  static constexpr std::size_t image_size = map_size<M>;

  template <map_shape M>
  static constexpr plane_target image_target(Real* image) noexcept requires std::same_as<Real, float> {
    return {image, std::ptrdiff_t{M.rows} * M.cols, M.cols};
  }

  template <map_shape M>
  static void set_input(policy_type const&, float const* host, Real* image) noexcept {
    for (int i = 0; i < M.size(); ++i) image[i] = host != nullptr ? Real{host[i]} : Real{0};
  }

  template <map_shape M>
  static void import_image(policy_type const&, Real const* image, Real* map) noexcept {
    copy(map_size<M>, image, map);
  }

  template <conv_shape S, bool FromImage>
  struct conv {
    static constexpr std::size_t packed_size = static_cast<std::size_t>(S.weights() + S.filters);
    static constexpr std::size_t gradient_packed_size = static_cast<std::size_t>(S.weights());

    template <pool_shape>
    static constexpr bool pools = false;

    static void pack(Real const* weights, Real const* bias, Real* packed) noexcept {
      copy(gradient_packed_size, weights, packed);
      copy(static_cast<std::size_t>(S.filters), bias, packed + S.weights());
    }
    static void pack_gradient(Real const* weights, Real* packed) noexcept {
      copy(gradient_packed_size, weights, packed);
    }

    template <bool Relu, bool Shortcut>
    static void forward(policy_type const&, Real const* in, Real const* packed, Real const* shortcut,
                        Real* out) noexcept {
      each<S.out()>([=](int i, element::place at) {
        Real const sum = element::conv_forward<S>(in, packed, packed + S.weights(), at);
        out[i] = element::finished<Relu, Shortcut>(sum, shortcut, i);
      });
    }

    static void input_gradient(policy_type const&, Real const* dout, Real const* packed, Real const* added,
                               Real* din) noexcept {
      each<S.in>([=](int i, element::place at) {
        Real const sum = element::conv_input_gradient<S>(dout, packed, at);
        din[i] = added != nullptr ? kernel::add(sum, added[i]) : sum;
      });
    }

    static void weight_gradient(policy_type const&, Real const* in, Real const* dout, Real* dweights,
                                Real* dbias) noexcept {
      for (int filter = 0; filter < S.filters; ++filter) {
        each<map_shape{S.in.channels, S.kernel, S.kernel}>([=](int i, element::place tap) {
          dweights[filter * (S.weights() / S.filters) + i] =
              element::conv_weight_gradient<S>(in, dout, filter, tap.channel, tap.row, tap.col);
        });
        dbias[filter] = element::conv_bias_gradient<S>(dout, filter);
      }
    }
  };

  template <map_shape M>
  static void relu_gradient(policy_type const&, Real const* out, Real* dout) noexcept {
    for (int i = 0; i < M.size(); ++i) dout[i] = element::relu_gradient(out[i], dout[i]);
  }

  template <pool_shape S>
  struct max_pool {
    static void forward(policy_type const&, Real const* in, Real* out) noexcept {
      each<S.out()>([=](int i, element::place at) { out[i] = element::pool_forward<S>(in, at); });
    }
    static void gradient(policy_type const&, Real const* in, Real const* out, Real const* dout,
                         Real* din) noexcept {
      each<S.in>([=](int i, element::place at) { din[i] = element::pool_gradient<S>(in, out, dout, at); });
    }
  };

  template <map_shape M>
  struct global_max_pool {
    static void forward(policy_type const&, Real const* in, Real* vector) noexcept {
      for (int c = 0; c < M.channels; ++c) vector[c] = element::global_pool_forward<M>(in, c);
    }
    static void gradient(policy_type const&, Real const* in, Real const* vector, Real const* dvector,
                         Real* din) noexcept {
      for (int c = 0; c < M.channels; ++c) {
        int const chosen = element::first_maximum<M>(in, vector[c], c);
        for (int i = 0; i < M.rows * M.cols; ++i)
          din[c * M.rows * M.cols + i] = i == chosen ? dvector[c] : Real{0};
      }
    }
  };

  template <pool_shape S>
  struct avg_pool {
    static void forward(policy_type const&, Real const* in, Real* out) noexcept {
      each<S.out()>([=](int i, element::place at) { out[i] = element::avg_pool_forward<S>(in, at); });
    }
    static void gradient(policy_type const&, Real const* dout, Real* din) noexcept {
      each<S.in>([=](int i, element::place at) { din[i] = element::avg_pool_gradient<S>(dout, at); });
    }
  };

  template <map_shape M>
  struct global_avg_pool {
    static void forward(policy_type const&, Real const* in, Real* vector) noexcept {
      for (int c = 0; c < M.channels; ++c) vector[c] = element::global_avg_pool_forward<M>(in, c);
    }
    static void gradient(policy_type const&, Real const* dvector, Real* din) noexcept {
      each<M>([=](int i, element::place at) {
        din[i] = element::global_avg_pool_gradient<M>(dvector[at.channel]);
      });
    }
  };

  static constexpr bool normalises_batches = true;
  template <map_shape M>
  struct batch_norm {
    using norm = channel_norm<Real>;
    using slope = channel_slope<Real>;

    static void sums(policy_type const&, Real const* map, double* sum) noexcept {
      for (int c = 0; c < M.channels; ++c) {
        sum[c] = of_rows([=](int i, Real row) { return kernel::add(row, map[i]); }, c);
      }
    }
    static void squares(policy_type const&, Real const* map, Real const* mean, double* sum) noexcept {
      for (int c = 0; c < M.channels; ++c) {
        auto const square = [=](int i, Real row) {
          Real const d = kernel::add(map[i], -mean[c]);
          return kernel::fma(d, d, row);
        };
        sum[c] = of_rows(square, c);
      }
    }
    template <bool Relu, bool Shortcut>
    static void forward(policy_type const&, Real const* map, norm const& n, Real const* shortcut,
                        Real* out) noexcept {
      each<M>([=](int i, element::place at) {
        out[i] = element::batch_norm_forward<Relu, Shortcut>(map[i], n, at.channel, shortcut, i);
      });
    }
    static void slopes(policy_type const&, Real const* map, norm const& n, Real const* dout,
                       double* sum) noexcept {
      for (int c = 0; c < M.channels; ++c) {
        sum[c] = of_rows([=](int i, Real row) { return kernel::add(row, dout[i]); }, c);
        auto const product = [=](int i, Real row) {
          return kernel::fma(dout[i], element::standardised(map[i], n.mean[c], n.inverse[c]), row);
        };
        sum[M.channels + c] = of_rows(product, c);
      }
    }
    static void gradient(policy_type const&, Real const* map, norm const& n, slope const& means,
                         Real const* dout, Real* din) noexcept {
      each<M>([=](int i, element::place at) {
        din[i] = element::batch_norm_gradient(map[i], dout[i], n, means, at.channel);
      });
    }

   private:
    // next(index, sum of the row so far) for the pixels of channel c.
    template <class Next>
    static double of_rows(Next next, int c) noexcept {
      double sum = 0;
      for (int row = 0; row < M.rows; ++row) {
        Real of_row = 0;
        for (int col = 0; col < M.cols; ++col) of_row = next((c * M.rows + row) * M.cols + col, of_row);
        sum += static_cast<double>(of_row);
      }
      return sum;
    }
  };

  template <map_shape M>
  struct flatten {
    static void forward(policy_type const&, Real const* map, Real* vector) noexcept {
      copy(map_size<M>, map, vector);
    }
    static void gradient(policy_type const&, Real const* dvector, Real* dmap) noexcept {
      copy(map_size<M>, dvector, dmap);
    }
  };

  template <dense_shape S>
  struct dense {
    static constexpr std::size_t packed_size = static_cast<std::size_t>(S.weights() + S.outputs);

    static void pack(Real const* weights, Real const* bias, Real* packed) noexcept {
      copy(static_cast<std::size_t>(S.weights()), weights, packed);
      copy(static_cast<std::size_t>(S.outputs), bias, packed + S.weights());
    }

    template <bool Relu>
    static void forward(policy_type const&, Real const* in, Real const* packed, Real* out) noexcept {
      for (int o = 0; o < S.outputs; ++o)
        out[o] = element::dense_forward<S, Relu>(in, packed, packed + S.weights(), o);
    }
    static void input_gradient(policy_type const&, Real const* dout, Real const* weights, Real* din) noexcept {
      for (int i = 0; i < S.inputs; ++i) din[i] = element::dense_input_gradient<S>(dout, weights, i);
    }
    static void weight_gradient(policy_type const&, Real const* in, Real const* dout, Real* dweights,
                                Real* dbias) noexcept {
      for (int o = 0; o < S.outputs; ++o) {
        for (int i = 0; i < S.inputs; ++i)
          dweights[o * S.inputs + i] = element::dense_weight_gradient(in, dout, o, i);
        dbias[o] = dout[o];
      }
    }
  };

  template <map_shape M>
  struct dropout {
    static void forward(policy_type const&, Real rate, std::uint64_t key, Real const* in, Real* out) noexcept {
      for (int i = 0; i < M.size(); ++i) out[i] = element::dropped(rate, key, i, in[i]);
    }
    static void gradient(policy_type const& p, Real rate, std::uint64_t key, Real const* dout,
                         Real* din) noexcept {
      forward(p, rate, key, dout, din);
    }
  };

  template <lstm_shape S>
  struct lstm_cells {
    static constexpr auto block = static_cast<std::size_t>(S.out().size());
    static constexpr auto entering = static_cast<std::size_t>(S.channels() * S.in.rows * S.in.cols);

    static void join(policy_type const& p, Real const* in, int step, Real const* hidden,
                     Real* joined) noexcept {
      copy(entering, in + static_cast<std::size_t>(step) * entering, joined);
      if (hidden != nullptr) {
        copy(block, hidden, joined + entering);
      } else {
        zero(p, block, joined + entering);
      }
    }
    static void forward(policy_type const&, Real const* gates, Real const* before, Real* state,
                        Real* hidden) noexcept {
      for (std::size_t i = 0; i < block; ++i) element::lstm_forward_at<block>(gates, before, state, hidden, i);
    }
    static void show(policy_type const&, Real const* hidden, Real* out) noexcept { copy(block, hidden, out); }
    static void show_gradient(policy_type const&, Real const* dout, Real* dhidden) noexcept {
      copy(block, dout, dhidden);
    }
    static void gradient(policy_type const&, Real const* state, Real const* before, Real const* dhidden,
                         Real* dcell, Real* dgates) noexcept {
      for (std::size_t i = 0; i < block; ++i)
        element::lstm_gradient_at<block>(state, before, dhidden, dcell, dgates, i);
    }
    static void split(policy_type const&, Real const* djoined, int step, Real* din, Real* dhidden) noexcept {
      copy(entering, djoined, din + static_cast<std::size_t>(step) * entering);
      copy(block, djoined + entering, dhidden);
    }
  };

  template <map_shape M>
  static void copy(policy_type const&, Real const* in, Real* out) noexcept {
    copy(map_size<M>, in, out);
  }

  static void add(policy_type const&, std::size_t n, Real const* from, Real* into) noexcept {
    for (std::size_t i = 0; i < n; ++i) into[i] = kernel::add(into[i], from[i]);
  }
  static void zero(policy_type const&, std::size_t n, Real* to) noexcept {
    for (std::size_t i = 0; i < n; ++i) to[i] = 0;
  }

  static void adam(policy_type const&, std::size_t n, adam_step step, Real const* gradient, Real* first,
                   Real* second, Real* parameters) noexcept {
    for (std::size_t i = 0; i < n; ++i)
      element::adam_update(step, gradient[i], first[i], second[i], parameters[i]);
  }

 private:
  static void copy(std::size_t n, Real const* from, Real* to) noexcept {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }

  // f(flat index, place) for every number of a map, in storage order.
  template <map_shape M, class Function>
  static void each(Function f) noexcept {
    int i = 0;
    for (int channel = 0; channel < M.channels; ++channel) {
      for (int row = 0; row < M.rows; ++row) {
        for (int col = 0; col < M.cols; ++col) f(i++, element::place{channel, row, col});
      }
    }
  }
};

}  // namespace calotype::kernel
