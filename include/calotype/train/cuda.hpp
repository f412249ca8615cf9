// Training on an NVIDIA device: train::trainer<Net, exec::cuda<exec::fp32>>, with the bits of every strict
// policy.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/core/parallel.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/cuda/device.hpp>
#include <calotype/kernel/cuda/gradient.hpp>
#include <calotype/nn/cuda_session.hpp>
#include <calotype/nn/device_events.hpp>
#include <calotype/nn/device_training.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/train/batch_engine.hpp>

namespace calotype::train {

// A block of threads takes an event through all layers, forward and, when the host knows what its loss is,
// back; then the gradients of all events are added. Parameters and what the optimiser keeps stay on the device.
// The trainer's threads (train::options) make the samples and list what their images show.
//
// What layers show is kept, some megabytes for each event (nn::detail::device_training): of as many events at
// once as half of the device's free memory has room for, and of four at least.
template <class Net, class Where, std::uint64_t Signature>
class batch_engine<Net, exec::cuda<exec::fp32, Where>, Signature> {
  using policy_type = exec::cuda<exec::fp32, Where>;
  using device = kernel::device<Where>;
  template <class T>
  using array = kernel::device_array<T, Where>;
  template <class T>
  using host_array = kernel::host_array<T, Where>;
  template <class Source>
  using forward_program = nn::device_forward<Net, policy_type, Source>;
  template <class Source>
  using backward_program = nn::device_backward<Net, policy_type, Source>;
  using training = typename forward_program<nn::dense_inputs>::training;
  static constexpr bool reads_events = nn::input_traits<typename Net::input>::is_whole_image;

 public:
  using ops = kernel::ops<policy_type>;
  using real = float;
  using buffer = typename ops::buffer;
  static constexpr int outputs = training::outputs;
  using logits_type = std::array<float, static_cast<std::size_t>(outputs)>;
  static constexpr auto size = training::parameters;
  static_assert(
      nn::plan_of<Net>.normalised_channels() == 0,
      "calotype::train: exec::cuda does not normalise batches (batch_norm); train with exec::cpu, whose "
      "weights are for every policy");

  batch_engine(policy_type policy, nn::model<Net> const& m, int threads, std::size_t batch)
      : capacity_(capacity_for(batch)),
        listers_(m, with_threads(policy, threads), capacity_),
        threads_(threads),
        memory_(capacity_ * event_size()),
        gradients_(capacity_ * size),
        keys_(capacity_),
        logits_(capacity_ * width),
        slopes_(capacity_ * width),
        host_keys_(capacity_),
        host_logits_(capacity_ * width),
        host_slopes_(capacity_ * width),
        forward_{places_of<false>()},
        backward_{places_of<true>()} {}

  void use(buffer const& parameters) {
    parameters_ = parameters.data();
    forward_.take(parameters_);
    backward_.take(parameters_);
    device::queue_of_thread().finish();  // another thread may go on
  }

  template <class Data, class Key, class Receive>
  void logits(Data const& data, std::span<std::size_t const> batch, std::span<std::size_t const> places,
              Key key, Receive receive) {
    for (std::size_t first = 0; first < places.size();) {
      auto const part = [&](std::size_t k) { return batch[places[first + k]]; };
      first += with_source(data, std::min(capacity_, places.size() - first), part,
                           [&](auto const& source, std::size_t count) {
                             forward(source, count, part, key, true);
                             for (std::size_t k = 0; k < count; ++k) receive(first + k, logits_at(k));
                             return count;
                           });
    }
  }

  template <class Data, class Key, class Slope>
  bool sums(Data const& data, std::span<std::size_t const> batch, std::size_t first, std::size_t behind,
            bool alone, Key key, Slope slope, std::vector<buffer>& sums) {
    std::size_t const end = std::min(behind * events_per_leaf, batch.size());
    bool whole = false;
    for (std::size_t place = first * events_per_leaf; place < end;) {
      auto const index = [&](std::size_t k) { return batch[place + k]; };
      place +=
          with_source(data, std::min(capacity_, end - place), index, [&](auto const& source, std::size_t n) {
            // Whole leaves, but for the last one.
            std::size_t const count = place + n < end ? n / events_per_leaf * events_per_leaf : n;
            forward(source, n, index, key, false);
            for (std::size_t k = 0; k < n; ++k) {
              auto const of_event = k < count ? slope(place + k, logits_at(k)) : logits_type{};
              std::copy(of_event.begin(), of_event.end(), host_slopes_.data() + k * width);
            }
            backward(source, n);
            whole = alone && first == 0 && place == 0 && count == end;
            if (whole) {
              add(0, count, sums[0]);
            } else {
              for (std::size_t k = 0; k < count; k += events_per_leaf) {
                add(k, std::min(events_per_leaf, count - k), sums[(place + k) / events_per_leaf]);
              }
            }
            return count;
          });
    }
    device::queue_of_thread().finish();
    return whole;
  }

 private:
  static constexpr auto width = static_cast<std::size_t>(outputs);

  // Of the two sources the larger.
  static constexpr std::size_t event_size() {
    if constexpr (reads_events) {
      return nn::device_forward<Net, policy_type, nn::listed_inputs>::training::event_size;
    } else {
      return training::event_size;
    }
  }
  static constexpr std::size_t bytes_of_event =
      (event_size() + training::input_size + size) * sizeof(float) + 2 * 4096 * sizeof(kernel::shown_block);

  static std::size_t capacity_for(std::size_t batch) {
    std::size_t const fits = device::free_memory() / 2 / bytes_of_event / events_per_leaf * events_per_leaf;
    return std::max(std::min(batch, fits), events_per_leaf);
  }

  static policy_type with_threads(policy_type policy, int threads) {
    policy.host_threads = threads;
    return policy;
  }

  // Parameters in the order in which a pass reads them.
  struct packed {
    packed(std::vector<std::int32_t> const& from)
        : places(from.size()), numbers(from.size()), count(from.size()) {
      device::queue_of_thread().upload(count, from.data(), places.data());
    }
    void take(float const* parameters) {
      kernel::launch_for_all<Where>(count,
                                    kernel::cuda_task::gather{parameters, places.data(), numbers.data()});
    }
    array<std::int32_t> places;
    array<float> numbers;
    std::size_t count;
  };
  // Packs numbers that tell where they come from; floats count as far as there are parameters.
  template <bool Gradient>
  static std::vector<std::int32_t> places_of() {
    static_assert(size < (std::size_t{1} << 24), "calotype::train: too many parameters for exec::cuda");
    std::vector<float> numbered(size);
    std::iota(numbered.begin(), numbered.end(), 1.0F);
    auto const p = nn::detail::packed_for_device<Net, policy_type, Gradient>(numbered.data());
    return {p.begin(), p.end()};
  }

  // f(source, events) for as many of n samples as go at once; returns what f does.
  template <class Data, class Index, class Function>
  std::size_t with_source(Data const& data, std::size_t n, Index index, Function f) {
    using sample_type = std::remove_cvref_t<decltype(data.sample(0))>;
    auto const& queue = device::queue_of_thread();
    if constexpr (concepts::event<sample_type> && reads_events) {
      return listers_.with(
          n, [&](std::size_t k) -> decltype(auto) { return data.sample(index(k)); }, queue, f);
    } else {
      if (!numbers_) numbers_.emplace(capacity_);
      for_each_item(threads_, n, [&](int, std::size_t k) {
        auto const& sample = data.sample(index(k));
        if constexpr (concepts::event<sample_type>) {
          auto const computed = Net::input::compute(sample);
          numbers_->set(k, computed.data());
        } else {
          numbers_->set(k, std::span<float const>(sample).data());
        }
      });
      return f(numbers_->send(n, queue), n);
    }
  }

  template <class Source, class Index, class Key>
  void forward(Source source, std::size_t n, Index index, Key key, bool alone) {
    auto const& queue = device::queue_of_thread();
    for (std::size_t k = 0; k < n; ++k) host_keys_.data()[k] = key(index(k));
    queue.send(n, host_keys_.data(), keys_.data());
    launch(forward_program<Source>{source, forward_.numbers.data(), keys_.data(), memory_.data(),
                                   logits_.data(), static_cast<int>(n), alone});
    queue.fetch(n * width, logits_.data(), host_logits_.data(), 0);
    queue.wait(0);
  }
  logits_type logits_at(std::size_t k) const noexcept {
    logits_type l;
    std::copy_n(host_logits_.data() + k * width, width, l.begin());
    return l;
  }

  template <class Source>
  void backward(Source source, std::size_t n) {
    device::queue_of_thread().send(n * width, host_slopes_.data(), slopes_.data());
    launch(backward_program<Source>{source, backward_.numbers.data(), parameters_, keys_.data(), slopes_.data(),
                                    memory_.data(), gradients_.data(), static_cast<int>(n)});
  }

  template <class Program>
  static void launch(Program const& run) {
    device::queue_of_thread().launch(run, std::min(device::template blocks<Program>(), run.count));
  }

  void add(std::size_t first, std::size_t count, buffer& sum) {
    detail::make_room(size, sum);
    kernel::launch_for_all<Where>(
        size, kernel::cuda_task::add_pairwise{gradients_.data() + first * size, sum.data(), size,
                                              static_cast<int>(count)});
  }

  // Events, listed by several threads.
  struct event_batch {
    using listers = nn::detail::event_listers<Net, policy_type, Where>;
    event_batch(nn::model<Net> const& m, policy_type policy, std::size_t batch)
        : all(m, policy, batch, events_per_leaf), list(all.make_list()) {}

    template <class Event, class Function>
    std::size_t with(std::size_t n, Event event, typename device::queue const& queue, Function f) {
      all.fill(list, n, event);
      return f(all.send(list, queue, false), list.count);
    }

    listers all;
    typename listers::list_type list;
  };
  std::size_t capacity_;  // events on the device at once
  [[no_unique_address]] std::conditional_t<reads_events, event_batch, nn::detail::no_events> listers_;
  int threads_;
  array<float> memory_, gradients_;
  array<std::uint64_t> keys_;
  array<float> logits_, slopes_;
  host_array<std::uint64_t> host_keys_;
  host_array<float> host_logits_, host_slopes_;
  packed forward_, backward_;
  std::optional<nn::detail::device_numbers<Net, policy_type, Where>> numbers_;
  float const* parameters_ = nullptr;
};

}  // namespace calotype::train
