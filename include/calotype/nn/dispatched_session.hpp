// session<Net, exec::dispatched<>>: scores events with the widest instructions of the machine, in a program
// that is compiled for none of them. calotype_add_dispatched_model (cmake/calotype_dispatch.cmake) compiles the
// network.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/exec/dispatched.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/session.hpp>

namespace calotype::nn {

namespace detail {

// An event on its way to a unit: pointers and lengths, which no compiler flag lays out differently.
struct event_view {
  std::uint32_t run = 0;
  std::uint64_t number = 0;
  std::array<std::span<hit const>, max_collections> hit_lists{};
  std::span<track const> track_list{};
  std::span<photon const> photon_list{};

  template <concepts::event E>
  static event_view of(E const& e) noexcept {
    event_view v{.run = static_cast<std::uint32_t>(e.run),
                 .number = static_cast<std::uint64_t>(e.number),
                 .track_list = e.tracks(),
                 .photon_list = e.photons()};
    for (int c = 0; c < max_collections; ++c) v.hit_lists[static_cast<std::size_t>(c)] = e.hits(c);
    return v;
  }

  std::span<hit const> hits(int collection) const noexcept {
    return collection >= 0 && collection < max_collections ? hit_lists[static_cast<std::size_t>(collection)]
                                                           : std::span<hit const>();
  }
  std::span<track const> tracks() const noexcept { return track_list; }
  std::span<photon const> photons() const noexcept { return photon_list; }
};

static_assert(concepts::event<event_view>);

// Whether the network's input is made from an event, or given as numbers only.
template <class Net, std::uint64_t Signature = signature<Net>>
constexpr bool reads_events() {
  using input = typename Net::input;
  return input_traits<input>::is_whole_image || requires(event_view const& e) { input::compute(e); };
}

// A network compiled for one instruction set. Nothing of the unit is run before it has been chosen.
struct unit {
  exec::instruction_set set;
  void* (*load)(float const* parameters);  // a model; the numbers are copied
  void (*unload)(void const* model) noexcept;
  void* (*open)(void const* model, int threads);  // a session of the model
  void (*close)(void* session) noexcept;
  void (*score_event)(void* session, event_view const& e, float* scores, float* logits,
                      image_report& report) noexcept;  // null unless reads_events()
  void (*score_numbers)(void* session, float const* numbers, float* scores, float* logits) noexcept;
};

// Where a unit's table stands; defined by the file that is compiled for Set.
template <class Net, class Policy, exec::instruction_set Set, std::uint64_t Signature = signature<Net>>
struct [[gnu::visibility("hidden")]] unit_of {
  static constinit unit const table;
};

using unit_object = std::unique_ptr<void, void (*)(void*) noexcept>;

}  // namespace detail

// The units of a network. Where the linker finds no choose(), calotype_add_dispatched_model has not been called
// for this network, threads and arithmetic in the library or program that makes the session.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
struct [[gnu::visibility("hidden")]] dispatched_model {
  // The widest that the machine supports, up to `widest`.
  static detail::unit const& choose(exec::instruction_set widest) noexcept;
};

}  // namespace calotype::nn

namespace calotype {

// As every session: allocates in the constructor only, a call never throws, allocates, locks or prints, and the
// bits are those of exec::cpu<> with the same arithmetic. An event's own accessors beyond concepts::event do
// not reach a description's compute(). Moved-from sessions can be destroyed and assigned to.
template <class Net, class Threads, class Arithmetic, std::uint64_t Signature>
class session<Net, exec::dispatched<Threads, Arithmetic>, Signature> {
  using policy_type = exec::dispatched<Threads, Arithmetic>;

 public:
  static constexpr int outputs = nn::plan_of<Net>.shape(nn::plan_of<Net>.result).channels;
  using scores = std::array<float, static_cast<std::size_t>(outputs)>;

  explicit session(nn::model<Net> const& model, policy_type policy = {})
      : unit_(&nn::dispatched_model<Net, policy_type>::choose(policy.widest)),
        model_(model.shared(unit_,
                            [&] {
                              return std::shared_ptr<void const>(unit_->load(model.parameters().data()),
                                                                 unit_->unload);
                            })),
        session_(unit_->open(model_.get(), threads_of(policy.threads)), unit_->close) {}

  // The scores of an event.
  template <concepts::event E>
  scores operator()(E const& e) noexcept {
    static_assert(nn::detail::reads_events<Net>(),
                  "calotype: this network's input is not computed from events; give it numbers "
                  "(std::span<float const>)");
    scores p{};
    unit_->score_event(session_.get(), nn::detail::event_view::of(e), p.data(), logits_.data(), report_);
    return p;
  }
  // The scores of an input given as numbers, input_size<Net>() of them.
  scores operator()(std::span<float const> input) noexcept {
    scores p{};
    unit_->score_numbers(session_.get(), input.data(), p.data(), logits_.data());
    report_ = {};
    return p;
  }
  // Many events, one after the other; out must be as long as events.
  template <concepts::event E>
  void operator()(std::span<E const> events, std::span<scores> out) noexcept {
    for (std::size_t i = 0; i < events.size(); ++i) out[i] = (*this)(events[i]);
  }

  image_report const& report() const noexcept { return report_; }
  scores const& logits() const noexcept { return logits_; }

  // What was chosen.
  exec::instruction_set instruction_set() const noexcept { return unit_->set; }

 private:
  static int threads_of(exec::single) noexcept { return 1; }
  template <class Pool>
  static int threads_of(Pool const& pool) noexcept {
    return pool.size();
  }

  nn::detail::unit const* unit_;
  std::shared_ptr<void const> model_;  // the unit's own, shared by all sessions of the model
  nn::detail::unit_object session_;
  scores logits_{};
  image_report report_{};
};

}  // namespace calotype
