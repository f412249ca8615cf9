// The operations of kernel/ops.hpp for policies that name an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/batch_norm.hpp>
#include <calotype/kernel/cpu/conv.hpp>
#include <calotype/kernel/cpu/conv_gradient.hpp>
#include <calotype/kernel/cpu/conv_winograd.hpp>
#include <calotype/kernel/cpu/dense.hpp>
#include <calotype/kernel/cpu/elementwise.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/lstm_cells.hpp>
#include <calotype/kernel/cpu/pool.hpp>
#include <calotype/kernel/cpu/rows.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel::cpu {

template <class Policy>
struct operations {
  using arch = typename Policy::arch_type;
  using real_type = float;
  using buffer = calotype::buffer<float>;

  static void to_policy(Policy const&, std::size_t n, float const* host, float* to) noexcept {
    cpu::copy<arch>(n, host, to);
  }
  static void to_host(Policy const&, std::size_t n, float const* from, float* host) noexcept {
    cpu::copy<arch>(n, from, host);
  }

  template <map_shape M>
  static constexpr std::size_t image_size = image_reals(M);
  template <map_shape M>
  static constexpr std::size_t map_size = map_reals(M);

  template <map_shape M>
  using number_rows = cpu::rows_in_memory<arch, M, M.rows * M.cols, M.cols>;
  template <map_shape M>
  static constexpr auto image_rows(float const* image) noexcept {
    constexpr strides s = image_strides(M);
    return cpu::rows_in_memory<arch, M, s.channel, s.row>{image + s.origin()};
  }
  template <map_shape M>
  static constexpr plane_target image_target(float* image) noexcept {
    constexpr strides s = image_strides(M);
    return {image + s.origin(), s.channel, s.row};
  }
  template <map_shape M>
  static void set_input(Policy const&, float const* host, float* image) noexcept {
    cpu::set_input<arch, M>(host, image);
  }
  template <map_shape M>
  static void import_image(Policy const&, float const* image, float* map) noexcept {
    cpu::import_image<arch, M>(image, map);
  }

  template <conv_shape S, bool FromImage>
  using conv = cpu::layer_of<Policy, S, FromImage>;

  template <map_shape M>
  static void relu_gradient(Policy const&, float const* out, float* dout) noexcept {
    cpu::relu_gradient<arch, M>(out, dout);
  }

  template <pool_shape P>
  using max_pool = cpu::max_pool<Policy, P>;
  template <map_shape M>
  using global_max_pool = cpu::global_max_pool<Policy, M>;
  template <pool_shape P>
  using avg_pool = cpu::avg_pool<Policy, P>;
  template <map_shape M>
  using global_avg_pool = cpu::global_avg_pool<Policy, M>;
  template <dense_shape S>
  using dense = cpu::dense<Policy, S>;

  static constexpr bool normalises_batches = true;
  template <map_shape M>
  using batch_norm = cpu::batch_norm<Policy, M>;

  template <map_shape M>
  struct flatten {
    static void forward(Policy const&, float const* map, float* vector) noexcept {
      cpu::flatten<arch, M>(map, vector);
    }
    static void gradient(Policy const&, float const* dvector, float* dmap) noexcept {
      cpu::unflatten<arch, M>(dvector, dmap);
    }
  };

  template <lstm_shape S>
  using lstm_cells = cpu::lstm_cells<Policy, S>;

  template <map_shape M>
  struct dropout {
    static void forward(Policy const&, float rate, std::uint64_t key, float const* in, float* out) noexcept {
      cpu::dropout<arch, M>(rate, key, in, out);
    }
    static void gradient(Policy const&, float rate, std::uint64_t key, float const* dout, float* din) noexcept {
      cpu::dropout<arch, M>(rate, key, dout, din);
    }
  };

  template <map_shape M>
  static void copy(Policy const&, float const* in, float* out) noexcept {
    cpu::copy<arch>(map_size<M>, in, out);
  }
  static void add(Policy const&, std::size_t n, float const* from, float* into) noexcept {
    cpu::add<arch>(n, from, into);
  }
  static void zero(Policy const&, std::size_t n, float* to) noexcept { cpu::zero<arch>(n, to); }
  static void adam(Policy const&, std::size_t n, adam_step step, float const* gradient, float* first,
                   float* second, float* parameters) noexcept {
    cpu::adam<arch>(n, step, gradient, first, second, parameters);
  }
};

}  // namespace calotype::kernel::cpu
