// The parameters of a network: a value, immutable once made, shared by any number of sessions and threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/nn/engine.hpp>

namespace calotype::nn {

// Purposes of the random streams (core/random.hpp) of networks and their training.
inline constexpr std::uint32_t initial_weights_purpose = 0x6e6e0001;

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

  // PyTorch's default start: weights and biases uniform in +-1/sqrt(fan in), from a counter-based stream of the
  // seed.
  static model initial(std::uint64_t seed) {
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
      std::vector<real> const numbers(state_->numbers.begin(), state_->numbers.end());
      typename ops::buffer staged(numbers.size());
      ops::to_policy(policy, numbers.size(), numbers.data(), staged.data());
      fresh->pack(staged.data());
      return fresh;
    });
  }

  // A T that all sessions of this model share; made on first use by make(), which returns a shared_ptr<T>.
  template <class T, class Make>
  std::shared_ptr<T const> shared(Make&& make) const {
    std::lock_guard const lock(state_->guard);
    for (auto const& [key, made] : state_->made) {
      if (key == &key_of<T>) return std::static_pointer_cast<T const>(made);
    }
    std::shared_ptr<T const> fresh = make();
    state_->made.emplace_back(&key_of<T>, fresh);
    return fresh;
  }

 private:
  // An address of its own for every type; not constant, so that nothing merges two of them.
  template <class T>
  static inline char key_of = 0;

  struct state {
    explicit state(std::vector<float> n) : numbers(std::move(n)) {
      constexpr auto const& p = plan_of<Net>;
      for (int i = 0; i < p.parameter_count; ++i) {
        parameter const& q = p.parameter_at(i);
        if (q.rank != 1) continue;
        for (int k = 0; k < q.size(); ++k) {
          float& bias = numbers[static_cast<std::size_t>(q.offset + k)];
          bias += 0.0f;  // -0 + 0 is +0
        }
      }
    }
    std::vector<float> numbers;
    std::mutex guard;
    std::vector<std::pair<void const*, std::shared_ptr<void const>>> made;
  };
  std::shared_ptr<state> state_;
};

}  // namespace calotype::nn
