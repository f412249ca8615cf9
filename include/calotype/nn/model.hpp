// The parameters of a network: a value, immutable once made, shared by any number of sessions and threads.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/nn/constant_weights.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/input.hpp>

namespace calotype::nn {

namespace detail {

// For the compiler's message; the numbers are signatures.
template <class Net, std::uint64_t Got, std::uint64_t Want>
struct weights_fit_the_input {
  static_assert(Got == Want,
                "calotype::nn::model: these constant weights were made for another input (layout, channels, "
                "preprocessing) than the network reads; convert weights of this network");
};
template <class Net, std::uint64_t Got, std::uint64_t Want>
struct weights_fit_the_network {
  static_assert(Got == Want,
                "calotype::nn::model: these constant weights were made for a network with other layers or "
                "classes; convert weights of this network");
};
template <class Net, std::uint64_t Layout, std::uint64_t Network>
constexpr void check_weights() {
  constexpr std::uint64_t layout = input_traits<typename Net::input>::signature();
  (void)sizeof(weights_fit_the_input<Net, Layout, layout>);
  if constexpr (Layout == layout) (void)sizeof(weights_fit_the_network<Net, Network, signature<Net>>);
}

}  // namespace detail

// Purposes of the random streams (core/random.hpp) of networks and their training.
inline constexpr std::uint32_t initial_weights_purpose = 0x6e6e0001;

// Whether no number is infinite or none at all.
inline bool all_finite(std::span<float const> numbers) noexcept {
  for (float x : numbers) {
    if (!std::isfinite(x)) return false;
  }
  return true;
}

// One number per parameter, flat, in the order and layout of PyTorch's state dict (plan_of<Net> has names and
// places). Copies are cheap and share the numbers. All numbers are finite; a bias of -0 is kept as +0
// (kernel/ops.hpp).
template <class Net, std::uint64_t Signature = signature<Net>>
class model {
 public:
  using network = Net;
  static constexpr int size = plan_of<Net>.total_parameters();

  // Precondition: parameters.size() == size and every number finite (io::load checks files).
  explicit model(std::vector<float> parameters) : state_(std::make_shared<state>(std::move(parameters))) {}

  // A view of constant data, which must outlive the model: nothing is copied. Weights for another network do
  // not compile.
  template <std::uint64_t Layout, std::uint64_t Network, int Size, int Outputs>
  explicit model(constant_weights<Layout, Network, Size, Outputs> const& weights)
      : state_(std::make_shared<state>(std::span<float const>(weights.numbers))) {
    detail::check_weights<Net, Layout, Network>();
    static_assert(Network != signature<Net> || Size == size);
  }
  template <std::uint64_t Layout, std::uint64_t Network, int Size, int Outputs>
  explicit model(constant_weights<Layout, Network, Size, Outputs> const&&) = delete;

  // PyTorch's default start: weights and biases uniform in +-1/sqrt(fan in), from a counter-based stream of the
  // seed. The forget gates of a conv_lstm begin with biases that are 1 higher, so that cells keep what they
  // hold (Jozefowicz, Zaremba and Sutskever, ICML 2015); the shifts of a batch_norm begin with 0.
  static model random(std::uint64_t seed) { return model(random_numbers(seed)); }

  // Where a training should start: as random(), but what a residual block adds to its short cut, its last
  // convolution, begins with 0 and grows as it is learned (Zhang, Dauphin and Ma, ICLR 2019). Blocks that
  // normalise do not need it. Of 6,000 events per class EB's validation loss was 0.79 after four epochs (with
  // biases of 0 in all convolutions), and 0.89 from random().
  static model initial(std::uint64_t seed) {
    auto numbers = random_numbers(seed);
    constexpr auto const& p = plan_of<Net>;
    auto const clear = [&](int i) {
      if (i < 0) return;
      parameter const& q = p.parameter_at(i);
      std::fill_n(numbers.begin() + q.offset, q.size(), 0.0f);
    };
    for (int i = 0; i < p.step_count; ++i) {
      auto const& s = p.at(i);
      if (s.kind != op::conv || s.shortcut < 0 || s.normalised) continue;
      clear(s.weight);
      clear(s.bias);
    }
    return model(std::move(numbers));
  }

  std::span<float const> parameters() const noexcept { return state_->numbers; }

  // The parameters as the policy's kernels read them; made on first use, then shared by all sessions of this
  // model.
  template <class Policy>
  std::shared_ptr<packed_parameters<Net, Policy> const> packed(Policy const& policy = {}) const {
    using packed_type = packed_parameters<Net, Policy>;
    return shared<packed_type>([&] {
      auto fresh = std::make_shared<packed_type>();
      using ops = kernel::ops<Policy>;
      using real = typename ops::real_type;
      if constexpr (detail::in_host_memory<Policy> && std::same_as<real, float>) {
        fresh->pack(state_->numbers.data());
      } else {
        std::vector<real> const numbers(state_->numbers.begin(), state_->numbers.end());
        typename ops::buffer staged(numbers.size());
        ops::to_policy(policy, numbers.size(), numbers.data(), staged.data());
        fresh->pack(staged.data());
      }
      fresh->remember_empty_event(policy);
      return fresh;
    });
  }

  // A T that all sessions of this model share; made on first use by make(), which returns a shared_ptr<T>.
  template <class T, class Make>
  std::shared_ptr<T const> shared(Make&& make) const {
    return std::static_pointer_cast<T const>(
        shared(&key_of<T>, [&]() -> std::shared_ptr<void const> { return make(); }));
  }
  // The same, of a type that only the address `key` knows.
  template <class Make>
  std::shared_ptr<void const> shared(void const* key, Make&& make) const {
    std::lock_guard const lock(state_->guard);
    for (auto const& [known, made] : state_->made) {
      if (known == key) return made;
    }
    return state_->made.emplace_back(key, make()).second;
  }

 private:
  static std::vector<float> random_numbers(std::uint64_t seed) {
    std::vector<float> numbers(static_cast<std::size_t>(size));
    constexpr auto const& p = plan_of<Net>;
    for (int i = 0; i < p.parameter_count; ++i) {
      parameter const& q = p.parameter_at(i);
      stream numbers_of_tensor(seed, static_cast<std::uint64_t>(i), initial_weights_purpose);
      float const bound = 1.0f / std::sqrt(static_cast<float>(q.fan_in));
      for (int k = 0; k < q.size(); ++k) {
        numbers[static_cast<std::size_t>(q.offset + k)] = numbers_of_tensor.uniform(-bound, bound);
      }
    }
    for (int i = 0; i < p.step_count; ++i) {
      if (p.at(i).normalised) {
        parameter const& shift = p.parameter_at(p.at(i).bias);
        for (int k = 0; k < shift.size(); ++k) numbers[static_cast<std::size_t>(shift.offset + k)] = 0;
      }
      if (p.at(i).kind != op::conv_lstm) continue;
      int const cells = p.lstm(i).filters, first = p.parameter_at(p.at(i).bias).offset + cells;
      for (int k = first; k < first + cells; ++k) numbers[static_cast<std::size_t>(k)] += 1;
    }
    return numbers;
  }

  // An address of its own for every type; not constant, so that nothing merges two of them.
  template <class T>
  static inline char key_of = 0;

  struct state {
    explicit state(std::span<float const> constant) noexcept : numbers(constant) {}
    explicit state(std::vector<float> given) : owned(std::move(given)), numbers(owned) {
      assert(owned.size() == static_cast<std::size_t>(size));
      constexpr auto const& p = plan_of<Net>;
      for (int i = 0; i < p.parameter_count; ++i) {
        parameter const& q = p.parameter_at(i);
        if (q.rank != 1) continue;
        for (int k = 0; k < q.size(); ++k) {
          float& bias = owned[static_cast<std::size_t>(q.offset + k)];
          bias += 0.0f;  // -0 + 0 is +0
        }
      }
    }
    std::vector<float> owned;
    std::span<float const> numbers;
    std::mutex guard;
    std::vector<std::pair<void const*, std::shared_ptr<void const>>> made;
  };
  std::shared_ptr<state> state_;
};

}  // namespace calotype::nn
