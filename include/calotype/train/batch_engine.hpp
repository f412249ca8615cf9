// Gradients of the events of a batch, event by event on a few threads of the host.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <calotype/core/parallel.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>

namespace calotype::train {

// A leaf of the sum over a batch: a power of two, so that leaves are whole subtrees.
inline constexpr std::size_t events_per_leaf = 4;

namespace detail {

template <class Buffer>
void make_room(std::size_t n, Buffer& numbers) {
  if (numbers.size() == 0) numbers = Buffer(n);
}

}  // namespace detail

// What a trainer asks of a policy. Policies with another way of their own specialise it (train/cuda.hpp).
//
//   use(parameters)  the flat list that is used from now on, which stays where it is
//   logits(...)      receive(k, logits) for the events at places[0], places[1] ... of a batch, on any thread,
//   in
//                    any order
//   sums(...)        leaves [first, behind) of a batch: sums[leaf] becomes the sum of its events' gradients,
//   and
//                    gets room where it has none. It returns whether sums[0] is that of all leaves instead, for
//                    which `first` is 0 and `alone` true. slope(place, logits), on any thread: the gradient of
//                    the loss of the event at a place of the batch by its logits
// key(i): of sample i's dropout. Networks with batch_norm have one of their own (train/normalised_batch.hpp).
template <class Net, class Policy, std::uint64_t Signature = nn::signature<Net>>
class batch_engine {
 public:
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;
  using buffer = typename ops::buffer;
  static constexpr int outputs = nn::plan_of<Net>.shape(nn::plan_of<Net>.result).channels;
  using logits_type = std::array<real, static_cast<std::size_t>(outputs)>;
  static constexpr auto size = static_cast<std::size_t>(nn::plan_of<Net>.total_parameters());
  static_assert(nn::plan_of<Net>.normalised_channels() == 0,
                "calotype::train: this policy does not normalise batches (batch_norm); train with exec::cpu or "
                "exec::scalar, whose weights are for every policy");

  // batch: of events, usually.
  batch_engine(Policy policy, nn::model<Net> const& m, int threads, [[maybe_unused]] std::size_t batch)
      : policy_(policy), packed_(true) {
    for (int t = 0; t < threads; ++t) workers_.push_back(std::make_unique<worker>(policy, m));
  }

  void use(buffer const& parameters) {
    parameters_ = parameters.data();
    packed_.pack(parameters_);
  }

  template <class Data, class Key, class Receive>
  void logits(Data const& data, std::span<std::size_t const> batch, std::span<std::size_t const> places,
              Key key, Receive receive) {
    for_each_item(static_cast<int>(workers_.size()), places.size(), [&](int w, std::size_t k) {
      receive(k, logits_of(*workers_[static_cast<std::size_t>(w)], data, batch[places[k]], key));
    });
  }

  template <class Data, class Key, class Slope>
  bool sums(Data const& data, std::span<std::size_t const> batch, std::size_t first, std::size_t behind,
            bool /*alone*/, Key key, Slope slope, std::vector<buffer>& sums) {
    for (std::size_t leaf = first; leaf < behind; ++leaf) detail::make_room(size, sums[leaf]);
    for_each_item(static_cast<int>(workers_.size()), behind - first, [&](int w, std::size_t k) {
      std::size_t const leaf = first + k, from = leaf * events_per_leaf;
      std::size_t const count = std::min(events_per_leaf, batch.size() - from);
      real* const sum = sums[leaf].data();
      worker& mine = *workers_[static_cast<std::size_t>(w)];
      // Four events: (0+1) + (2+3).
      for (std::size_t i = 0; i < count; ++i) {
        real* const into = i == 0 ? sum : mine.pending[i - 1].data();
        auto const of_event = slope(from + i, logits_of(mine, data, batch[from + i], key));
        ops::to_policy(policy_, of_event.size(), of_event.data(), mine.engine.logit_gradient());
        mine.engine.backward(packed_, parameters_, into);
        if (i == 1) ops::add(policy_, size, mine.pending[0].data(), sum);
        if (i == 3) ops::add(policy_, size, mine.pending[2].data(), mine.pending[1].data());
      }
      if (count > 2) ops::add(policy_, size, mine.pending[1].data(), sum);
    });
    return false;
  }

 private:
  using feed_type = nn::feed<Net, Policy, nn::training_engine<Net, Policy>>;

  // What one thread needs.
  struct worker {
    worker(Policy policy, nn::model<Net> const& m) : engine(policy), feed(policy, feed_type::tables_of(m)) {
      for (auto& p : pending) p = buffer(size);
    }
    nn::training_engine<Net, Policy> engine;
    feed_type feed;
    std::array<buffer, events_per_leaf - 1> pending;
  };

  template <class Data, class Key>
  logits_type logits_of(worker& w, Data const& data, std::size_t index, Key key) {
    w.feed(data.sample(index), w.engine);
    real const* const on_policy = w.engine.forward(packed_, key(index));
    logits_type host{};
    ops::to_host(policy_, host.size(), on_policy, host.data());
    return host;
  }

  [[no_unique_address]] Policy policy_;
  nn::packed_parameters<Net, Policy> packed_;
  real const* parameters_ = nullptr;
  std::vector<std::unique_ptr<worker>> workers_;
};

}  // namespace calotype::train
