// Events on their way to a device: what their images show, listed by the threads of the host.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <calotype/exec/pool.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/cuda/device.hpp>
#include <calotype/kernel/cuda/image.hpp>
#include <calotype/nn/device_program.hpp>
#include <calotype/nn/model.hpp>

namespace calotype::nn::detail {

// What an event shows, block by block.
template <class Image, class Policy, std::uint64_t Signature = image_traits<Image>::signature>
class block_lister : public calotype::detail::collector<
                         Image, Policy, typename calotype::detail::canvas_of<Image, Policy>::image, Signature> {
  using canvas = typename calotype::detail::canvas_of<Image, Policy>::image;
  using base = calotype::detail::collector<Image, Policy, canvas, Signature>;

 public:
  using base::base;
  static constexpr std::size_t most = canvas::blocks;

  template <concepts::event E>
  image_report list(E const& e, kernel::shown_block*& end) noexcept {
    return base::collect(e, &end);
  }
};

// Plain numbers, input_size<Net>() of them, as the planes of an input of a device; what lies between rows stays
// as it is.
template <class Net, class Policy>
void lay_out_for_device(float const* from, float* to) noexcept {
  using program = device_program<Net, Policy, dense_inputs>;
  using traits = input_traits<typename Net::input>;
  for_each_index<traits::planes()>([&](auto p) {
    constexpr kernel::map_shape shape = traits::plane(p);
    float* const plane = to + program::template plane_offset<p>;
    if constexpr (shape.is_vector()) {
      std::copy(from, from + shape.size(), plane);
      from += shape.size();
    } else {
      using place = kernel::image_plane<shape>;
      for (int c = 0; c < shape.channels; ++c) {
        for (int row = 0; row < shape.rows; ++row, from += shape.cols) {
          for (int col = 0; col < shape.cols; ++col) {
            kernel::set_pixel<typename program::ops::precision>(plane, place::at(c, row, col), from[col]);
          }
        }
      }
    }
  });
}

// Inputs given as numbers, on the host and on the device; what lies between rows stays zero.
template <class Net, class Policy, class Where>
struct device_numbers {
  static constexpr std::size_t each = device_program<Net, Policy, dense_inputs>::input_size;

  explicit device_numbers(std::size_t inputs) : size(inputs), host(inputs * each), on_device(inputs * each) {}

  void set(std::size_t i, float const* numbers) noexcept {
    lay_out_for_device<Net, Policy>(numbers, host.data() + i * each);
  }
  // Of the first `count`; not to be set again before what was asked of the queue is done.
  dense_inputs send(std::size_t count, typename kernel::device<Where>::queue const& to) const {
    to.send(count * each, host.data(), on_device.data());
    return dense_inputs{on_device.data()};
  }

  std::size_t size;
  kernel::host_array<float, Where> host;
  kernel::device_array<float, Where> on_device;
};

// In place of what networks that read no events need for them.
struct no_events {
  template <class... Anything>
  explicit no_events(Anything const&...) {}
};

// Lists of some events, on the host and on the device. Each thread of the host has a part of a list.
template <class Where>
struct event_list {
  event_list(std::size_t blocks, std::size_t events)
      : list(blocks), of_events(events), device_list(blocks), device_of_events(events) {}

  kernel::host_array<kernel::shown_block, Where> list;
  kernel::host_array<kernel::block_range, Where> of_events;
  kernel::device_array<kernel::shown_block, Where> device_list;
  kernel::device_array<kernel::block_range, Where> device_of_events;
  std::size_t count = 0;              // events
  std::vector<std::size_t> of_parts;  // blocks
};

template <class Net, class Policy, class Where>
class event_listers {
  using lister = block_lister<typename Net::input, Policy>;
  static constexpr std::size_t usual = 4096;  // blocks of an event; those of a list may differ

 public:
  using list_type = event_list<Where>;

  // least: so many have room, whatever they show.
  event_listers(nn::model<Net> const& model, Policy policy, std::size_t batch, std::size_t least = 1)
      : batch_(batch),
        team_(std::make_unique<exec::team>(static_cast<int>(
            std::min(static_cast<std::size_t>(exec::pool{policy.host_threads}.size()), batch)))),
        parts_(static_cast<std::size_t>(team_->size())),
        room_(std::max((batch + parts_ - 1) / parts_ * usual + lister::most, least * lister::most)) {
    auto const tables = model.template shared<typename lister::tables_type>(
        [] { return std::make_shared<typename lister::tables_type const>(); });
    for (std::size_t i = 0; i < parts_; ++i) workers_.push_back({lister(tables, policy)});
  }

  list_type make_list() const {
    list_type l(parts_ * room_, batch_);
    l.of_parts.resize(parts_);
    return l;
  }

  // As many of `wanted` events, from the first on, as are a batch and have room. event(i): event i; called by
  // several threads.
  template <class Event>
  void fill(list_type& to, std::size_t wanted, Event event) noexcept {
    std::size_t const count = std::min(wanted, batch_);
    auto const begin_of = [&](std::size_t part) { return count * part / parts_; };
    team_->each(static_cast<int>(parts_), [&](int, int part) {
      auto const p = static_cast<std::size_t>(part);
      worker& mine = workers_[p];
      kernel::shown_block* const first = to.list.data() + p * room_;
      kernel::shown_block* end = first;
      std::size_t i = begin_of(p);
      for (; i < begin_of(p + 1) && room_ - static_cast<std::size_t>(end - first) >= lister::most; ++i) {
        auto const begin = static_cast<std::int32_t>(end - to.list.data());
        mine.report = mine.blocks.list(event(i), end);
        to.of_events.data()[i] = {begin, static_cast<std::int32_t>(end - to.list.data())};
      }
      mine.listed = i;
      to.of_parts[p] = static_cast<std::size_t>(end - first);
    });
    to.count = 0;
    for (std::size_t p = 0; p < parts_; ++p) {
      if (workers_[p].listed > begin_of(p)) last_ = workers_[p].report;
      to.count = workers_[p].listed;
      if (to.count < begin_of(p + 1)) break;  // the events after it come next time
    }
  }

  // beside: while the device computes, which the next launch need not wait for.
  listed_inputs send(list_type const& from, typename kernel::device<Where>::queue const& to,
                     bool beside) const {
    auto const copy = [&](std::size_t n, auto const* host, auto* device) {
      if (n == 0) return;
      if (beside) {
        to.send_beside(n, host, device);
      } else {
        to.send(n, host, device);
      }
    };
    for (std::size_t p = 0; p < parts_; ++p) {
      copy(from.of_parts[p], from.list.data() + p * room_, from.device_list.data() + p * room_);
    }
    copy(from.count, from.of_events.data(), from.device_of_events.data());
    if (beside) to.join();
    return listed_inputs{from.device_list.data(), from.device_of_events.data()};
  }

  // Of the last event of the list that was filled last.
  image_report const& report() const noexcept { return last_; }

 private:
  struct worker {
    lister blocks;
    image_report report{};
    std::size_t listed = 0;  // up to this event
  };

  std::size_t batch_;
  std::unique_ptr<exec::team> team_;
  std::size_t parts_;
  std::size_t room_;  // blocks of a part
  std::vector<worker> workers_;
  image_report last_{};
};

}  // namespace calotype::nn::detail
