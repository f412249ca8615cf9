// Scores events on an NVIDIA device in batches: session<Net, exec::cuda<...>>.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/cuda/device.hpp>
#include <calotype/kernel/cuda/image.hpp>
#include <calotype/kernel/cuda/ops.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/nn/device_events.hpp>
#include <calotype/nn/device_program.hpp>
#include <calotype/nn/session.hpp>

namespace calotype {

// The calls of any session; with the bits of any strict policy where Precision is fp32. Every block of threads
// takes one event after the other through the whole network, so that a batch should hold some hundreds; a
// single event is all threads'. Of events the host's threads (exec::cuda::host_threads) sum the energies and
// send what the images show, those of the next batch while the device works.
//
// Belongs to one thread and to the device that is current when it is made; so do a model's weights there, which
// all its sessions share. Everything is allocated in the constructor, on host and device, but for networks on
// images what numbers need: that at the first call with numbers.
template <class Net, class Precision, class Where, std::uint64_t Signature>
class session<Net, exec::cuda<Precision, Where>, Signature> {
  using policy_type = exec::cuda<Precision, Where>;
  using device = kernel::device<Where>;
  using queue = typename device::queue;
  template <class T>
  using array = kernel::device_array<T, Where>;
  template <class Source>
  using program = nn::device_program<Net, policy_type, Source>;
  using of_numbers = program<nn::dense_inputs>;
  using traits = nn::input_traits<typename Net::input>;
  static constexpr bool reads_events = traits::is_whole_image;
  using main_program = std::conditional_t<reads_events, program<nn::listed_inputs>, of_numbers>;
  static constexpr int most_batch = 1 << 17;

 public:
  static constexpr bool scores_batches = true;
  static constexpr int outputs = of_numbers::outputs;
  using scores = std::array<float, static_cast<std::size_t>(outputs)>;

  // batch: the inputs that go to the device at once.
  explicit session(nn::model<Net> const& model, policy_type policy = {}, int batch = 1)
      : batch_(static_cast<std::size_t>(std::clamp(batch, 1, most_batch))),
        blocks_(std::min(device::template blocks<main_program>(), static_cast<int>(batch_))),
        spread_blocks_(device::template spread_blocks<main_program>()),
        packed_(packed_of(model, queue_)),
        workspace_(static_cast<std::size_t>(blocks_) * main_program::workspace_size),
        events_(model, policy, batch_),
        logits_(batch_ * outputs_size),
        host_logits_(batch_ * outputs_size) {
    if constexpr (!reads_events) numbers_.emplace(numbers_at_once(batch_, blocks_));
  }

  template <concepts::event E>
  scores operator()(E const& e) noexcept {
    scores s{};
    (*this)(std::span<E const>(&e, 1), std::span<scores>(&s, 1));
    return s;
  }
  // Precondition: input_size<Net>() numbers, all planes one after the other, channel x row x column.
  scores operator()(std::span<float const> input) noexcept {
    scores s{};
    (*this)(input, std::span<scores>(&s, 1));
    return s;
  }
  // Precondition: out is as long as events.
  template <concepts::event E>
  void operator()(std::span<E const> events, std::span<scores> out) noexcept {
    score_each([&](std::size_t i) -> E const& { return events[i]; }, out);
  }
  // Precondition: input_size<Net>() numbers for each of out.
  void operator()(std::span<float const> inputs, std::span<scores> out) noexcept {
    constexpr std::size_t each = nn::input_size<Net>();
    score_each([&](std::size_t i) { return inputs.subspan(i * each, each); }, out);
  }
  // The same for whatever sample(i) gives, an event or numbers; several threads may call it. logits: as long as
  // out, or empty.
  template <class Sample>
  void score_each(Sample sample, std::span<scores> out, std::span<scores> logits = {}) noexcept {
    using sample_type = std::remove_cvref_t<decltype(sample(std::size_t{}))>;
    if constexpr (concepts::event<sample_type> && reads_events) {
      events_.score(*this, sample, out, logits);
    } else if constexpr (concepts::event<sample_type>) {
      static_assert(
          requires { Net::input::compute(sample(std::size_t{})); },
          "calotype::nn: this network's input is not computed from events; give it numbers "
          "(std::span<float const>), or add a static compute(event) to the input description");
      score_numbers([&](std::size_t i) { return Net::input::compute(sample(i)); }, out, logits);
    } else {
      score_numbers(sample, out, logits);
    }
  }

  // Of the last event, as in every session.
  image_report const& report() const noexcept { return report_; }
  scores const& logits() const noexcept { return last_; }
  double log_odds() const noexcept { return nn::log_odds_of(last_); }

 private:
  static constexpr auto outputs_size = static_cast<std::size_t>(outputs);

  using number_batch = nn::detail::device_numbers<Net, policy_type, Where>;
  // Large inputs go in parts, which are some for each block still.
  static std::size_t numbers_at_once(std::size_t batch, int blocks) {
    constexpr std::size_t usual = std::size_t{1} << 26;  // floats
    return std::min(batch, std::max(usual / of_numbers::input_size, 4 * static_cast<std::size_t>(blocks)));
  }

  // Two batches of events: one is listed and sent while the device works at the other.
  struct event_batches {
    using listers = nn::detail::event_listers<Net, policy_type, Where>;

    struct one {
      typename listers::list_type events;
      array<float> logits;
      kernel::host_array<float, Where> host_logits;
    };

    event_batches(nn::model<Net> const& model, policy_type policy, std::size_t batch)
        : all(model, policy, batch) {
      for (int k = 0; k < 2; ++k) {
        two.push_back({all.make_list(), array<float>(batch * outputs_size),
                       kernel::host_array<float, Where>(batch * outputs_size)});
      }
    }

    template <class Event>
    void score(session& s, Event event, std::span<scores> out, std::span<scores> logits) noexcept {
      std::size_t const events = out.size();
      std::size_t listed = 0;
      auto const begin = [&](int which, bool beside) {
        one& b = two[static_cast<std::size_t>(which)];
        all.fill(b.events, events - listed, [&](std::size_t i) -> decltype(auto) { return event(listed + i); });
        listed += b.events.count;
        s.start(all.send(b.events, s.queue_, beside), b.events.count, b.logits);
        s.queue_.fetch(b.events.count * outputs_size, b.logits.data(), b.host_logits.data(), which);
      };
      if (out.empty()) return;
      begin(0, false);
      for (int now = 0; !out.empty(); now = 1 - now) {
        if (listed < events) begin(1 - now, true);
        one& b = two[static_cast<std::size_t>(now)];
        s.queue_.wait(now);
        s.take(b.host_logits.data(), b.events.count, out, logits);
      }
      s.report_ = all.report();
    }

    listers all;
    std::vector<one> two;
  };
  using events_type = std::conditional_t<reads_events, event_batches, nn::detail::no_events>;

  // Known by its type, so that no other policy's are taken for these.
  struct packed_parameters {
    array<float> numbers;
  };
  static std::shared_ptr<packed_parameters const> packed_of(nn::model<Net> const& model, queue const& to) {
    return model.template shared<packed_parameters>([&] {
      auto const numbers = of_numbers::pack(model.parameters().data());
      auto on_device = std::make_shared<packed_parameters>();
      on_device->numbers = array<float>(numbers.size());
      to.upload(numbers.size(), numbers.data(), on_device->numbers.data());
      return on_device;
    });
  }

  // numbers(i): of input i.
  template <class Numbers>
  void score_numbers(Numbers numbers, std::span<scores> out, std::span<scores> logits) noexcept {
    report_ = {};
    if (!numbers_) numbers_.emplace(numbers_at_once(batch_, blocks_));
    for (std::size_t first = 0; !out.empty();) {
      std::size_t const count = std::min(numbers_->size, out.size());
      for (std::size_t i = 0; i < count; ++i) {
        auto const& input = numbers(first + i);
        numbers_->set(i, std::span<float const>(input).data());
      }
      start(numbers_->send(count, queue_), count, logits_);
      queue_.download(count * outputs_size, logits_.data(), host_logits_.data());
      take(host_logits_.data(), count, out, logits);
      first += count;
    }
  }

  template <class Source>
  void start(Source source, std::size_t events, array<float> const& logits) noexcept {
    auto const count = static_cast<int>(events);
    program<Source> const all{source, packed_->numbers.data(), workspace_.data(), logits.data(), count};
    if (count == 1 && spread_blocks_ > 0) {
      queue_.spread(all, spread_blocks_);
    } else {
      queue_.launch(all, std::min(blocks_, count));
    }
  }

  // The scores and logits of the next so many events.
  void take(float const* from, std::size_t count, std::span<scores>& out, std::span<scores>& logits) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = scores_of(from + i * outputs_size);
      if (!logits.empty()) logits[i] = last_;
    }
    out = out.subspan(count);
    if (!logits.empty()) logits = logits.subspan(count);
  }

  scores scores_of(float const* logits) noexcept {
    std::copy(logits, logits + outputs, last_.data());
    scores p{};
    if constexpr (outputs == 1) {
      p[0] = kernel::element::sigmoid(last_[0]);
    } else {
      kernel::element::softmax<outputs>(last_.data(), p.data());
    }
    return p;
  }

  std::size_t batch_;
  int blocks_, spread_blocks_;
  [[no_unique_address]] queue queue_;
  std::shared_ptr<packed_parameters const> packed_;
  array<float> workspace_;
  std::optional<number_batch> numbers_;
  [[no_unique_address]] events_type events_;
  array<float> logits_;
  std::vector<float> host_logits_;
  image_report report_{};
  scores last_{};
};

}  // namespace calotype
