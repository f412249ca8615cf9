// The kernels behind the steps of a plan.
#pragma once

#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/conv_lstm.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/plan.hpp>

namespace calotype::nn::detail {

// Blocks of memory start on 16 numbers, a cache line of floats.
constexpr std::size_t padded(std::size_t n) { return (n + 15) / 16 * 16; }

// One stream of random numbers per dropout layer of an event.
CALOTYPE_HD constexpr std::uint64_t dropout_key_of_step(std::uint64_t of_event, int step) {
  return of_event * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(step);
}

// Kernels that only a convolution has.
template <class Ops, kernel::conv_shape S, bool FromImage, bool IsConv>
struct conv_kernel_of {
  using type = void;
};
template <class Ops, kernel::conv_shape S, bool FromImage>
struct conv_kernel_of<Ops, S, FromImage, true> {
  using type = typename Ops::template conv<S, FromImage>;
};

template <class Policy, kernel::lstm_shape S, bool IsLstm>
struct lstm_kernel_of {
  using type = void;
};
template <class Policy, kernel::lstm_shape S>
struct lstm_kernel_of<Policy, S, true> {
  using type = kernel::conv_lstm<Policy, S>;
};

// The kernels of step Step of a network under a policy.
template <class Net, class Policy, int Step, std::uint64_t Signature = signature<Net>>
struct step_kernels {
  using ops = kernel::ops<Policy>;
  static constexpr step self = plan_of<Net>.at(Step);
  static constexpr map_shape in_shape = plan_of<Net>.shape(self.in);
  static constexpr map_shape out_shape = plan_of<Net>.shape(self.out);
  static constexpr bool from_image = plan_of<Net>.value_at(self.in).input && !in_shape.is_vector();
  static constexpr kernel::conv_shape conv_shape = plan_of<Net>.conv(Step);
  static constexpr kernel::pool_shape pool_shape = plan_of<Net>.pool(Step);
  static constexpr kernel::dense_shape dense_shape = plan_of<Net>.dense(Step);

  using conv_kernel = typename conv_kernel_of<ops, conv_shape, from_image, self.kind == op::conv>::type;
  using lstm_kernel =
      typename lstm_kernel_of<Policy, plan_of<Net>.lstm(Step), self.kind == op::conv_lstm>::type;

  static constexpr std::size_t packed_size() {
    if constexpr (self.kind == op::conv) {
      return conv_kernel::packed_size;
    } else if constexpr (self.kind == op::conv_lstm) {
      return lstm_kernel::packed_size;
    } else if constexpr (self.kind == op::dense) {
      return ops::template dense<dense_shape>::packed_size;
    } else {
      return 0;
    }
  }
  static constexpr std::size_t gradient_packed_size() {
    if constexpr (self.kind == op::conv && !from_image) {
      return conv_kernel::gradient_packed_size;
    } else if constexpr (self.kind == op::conv_lstm) {
      return lstm_kernel::gradient_packed_size;
    } else {
      return 0;
    }
  }

  // What its kernels need besides their arguments, for the time of a call.
  static constexpr std::size_t scratch_size() {
    if constexpr (self.kind == op::conv) {
      return kernel::scratch_of_forward<conv_kernel>();
    } else if constexpr (self.kind == op::conv_lstm) {
      return lstm_kernel::scratch_size;
    } else {
      return 0;
    }
  }
  static constexpr std::size_t gradient_scratch_size() {
    if constexpr (self.kind == op::conv) {
      return kernel::scratch_of_gradients<conv_kernel>();
    } else if constexpr (self.kind == op::conv_lstm) {
      return lstm_kernel::gradient_scratch_size;
    } else {
      return 0;
    }
  }
  // What its gradient needs of the forward pass, besides its input and its output.
  static constexpr std::size_t kept_size() {
    if constexpr (self.kind == op::conv_lstm) {
      return lstm_kernel::kept_size;
    } else {
      return 0;
    }
  }

  // Whether it is faster for several inputs at once.
  static constexpr bool gains_together() {
    if constexpr (self.kind == op::conv) {
      return kernel::gains_together<conv_kernel>();
    } else {
      return false;
    }
  }

  // Whether it can compute a part of its output only.
  static constexpr bool follows() {
    if constexpr (self.kind == op::conv) {
      return kernel::follows<conv_kernel>();
    } else {
      return false;
    }
  }
  // Whether it says which pixels see energy, with the max pool after it.
  static constexpr bool finds_filled() {
    if constexpr (pools_next()) {
      return kernel::reads_rows<conv_kernel, self.relu, plan_of<Net>.pool(Step + 1)>();
    } else {
      return false;
    }
  }

  // Whether this convolution and the max pool after it are one kernel in inference.
  static constexpr bool pools_next() {
    if constexpr (self.kind == op::conv && self.shortcut < 0 && Step + 1 < plan_of<Net>.step_count) {
      constexpr step next = plan_of<Net>.at(Step + 1);
      if constexpr (next.kind == op::max_pool && next.in == self.out && plan_of<Net>.uses(self.out) == 1) {
        return conv_kernel::template pools<plan_of<Net>.pool(Step + 1)>;
      } else {
        return false;
      }
    } else {
      return false;
    }
  }

  // Whether it takes the rows of an input plane, which nothing else reads.
  static constexpr bool reads_rows() { return finds_filled() && plan_of<Net>.uses(self.in) == 1; }
  static constexpr std::size_t window_size() {
    if constexpr (finds_filled()) {
      return conv_kernel::template window_size<plan_of<Net>.pool(Step + 1)>;
    } else {
      return 0;
    }
  }
};

// A step as a kernel of its own (all but dropout); at(v) is where value v is kept. kept: kept_size() numbers
// for its gradient, null where none is wanted.
template <class Kernels, class Policy, class At, class Real>
CALOTYPE_INLINE void forward_step(Policy& policy, At at, Real const* packed, Real* scratch,
                                  [[maybe_unused]] Real* kept = nullptr) noexcept {
  using k = Kernels;
  using ops = typename k::ops;
  constexpr step s = k::self;
  if constexpr (s.kind == op::conv) {
    using conv_kernel = typename k::conv_kernel;
    Real const* shortcut = nullptr;
    if constexpr (s.shortcut >= 0) shortcut = at(s.shortcut);
    kernel::run_forward<conv_kernel, s.relu, (s.shortcut >= 0)>(policy, at(s.in), packed, shortcut, at(s.out),
                                                                scratch);
  } else if constexpr (s.kind == op::conv_lstm) {
    k::lstm_kernel::forward(policy, at(s.in), packed, at(s.out), kept, scratch);
  } else if constexpr (s.kind == op::max_pool) {
    ops::template max_pool<k::pool_shape>::forward(policy, at(s.in), at(s.out));
  } else if constexpr (s.kind == op::global_max_pool) {
    ops::template global_max_pool<k::in_shape>::forward(policy, at(s.in), at(s.out));
  } else if constexpr (s.kind == op::avg_pool) {
    ops::template avg_pool<k::pool_shape>::forward(policy, at(s.in), at(s.out));
  } else if constexpr (s.kind == op::global_avg_pool) {
    ops::template global_avg_pool<k::in_shape>::forward(policy, at(s.in), at(s.out));
  } else if constexpr (s.kind == op::flatten) {
    ops::template flatten<k::in_shape>::forward(policy, at(s.in), at(s.out));
  } else if constexpr (s.kind == op::dense) {
    ops::template dense<k::dense_shape>::template forward<s.relu>(policy, at(s.in), packed, at(s.out));
  } else {
    static_assert(s.kind == op::image_import);
    ops::template import_image<k::in_shape>(policy, at(s.in), at(s.out));
  }
}

}  // namespace calotype::nn::detail
