// session<Net, exec::dispatched<>>: scores events with the widest instructions of the machine, in a program
// that is compiled for none of them. calotype_add_dispatched_model (cmake/calotype_dispatch.cmake) compiles the
// network.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

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

// A network compiled for one instruction set. Nothing of the unit is run before it has been chosen. `scores`:
// the session's, one for each input; logits and report are those of the last one.
struct unit {
  exec::instruction_set set;
  void* (*load)(float const* parameters);  // a model; the numbers are copied
  void (*unload)(void const* model) noexcept;
  void* (*open)(void const* model, int threads, int batch);  // a session of the model
  void (*close)(void* session) noexcept;
  void (*score_events)(void* session, event_view const* events, std::size_t count, void* scores, float* logits,
                       image_report& report) noexcept;  // null unless reads_events()
  void (*score_numbers)(void* session, float const* numbers, std::size_t count, void* scores, float* logits,
                        image_report& report) noexcept;
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

  // batch: as in session<Net, exec::cpu<>>.
  explicit session(nn::model<Net> const& model, policy_type policy = {}, int batch = 1)
      : unit_(&nn::dispatched_model<Net, policy_type>::choose(policy.widest)),
        model_(model.shared(unit_,
                            [&] {
                              return std::shared_ptr<void const>(unit_->load(model.parameters().data()),
                                                                 unit_->unload);
                            })),
        session_(unit_->open(model_.get(), threads_of(policy.threads), batch), unit_->close),
        views_(nn::detail::reads_events<Net>() && batch > 1 ? static_cast<std::size_t>(batch) : 1) {}

  // The scores of an event.
  template <concepts::event E>
  scores operator()(E const& e) noexcept {
    scores p{};
    (*this)(std::span<E const>(&e, 1), std::span(&p, 1));
    return p;
  }
  // The scores of an input given as numbers. Precondition: input_size<Net>() of them.
  scores operator()(std::span<float const> input) noexcept {
    scores p{};
    (*this)(input, std::span(&p, 1));
    return p;
  }
  // Many events, the same bits as one by one. Precondition: out is as long as events.
  template <concepts::event E>
  void operator()(std::span<E const> events, std::span<scores> out) noexcept {
    static_assert(nn::detail::reads_events<Net>(),
                  "calotype: this network's input is not computed from events; give it numbers "
                  "(std::span<float const>)");
    for (std::size_t first = 0; first < events.size(); first += views_.size()) {
      auto const some = events.subspan(first, std::min(views_.size(), events.size() - first));
      std::transform(some.begin(), some.end(), views_.begin(),
                     [](E const& e) { return nn::detail::event_view::of(e); });
      unit_->score_events(session_.get(), views_.data(), some.size(), out.data() + first, logits_.data(),
                          report_);
    }
  }
  // Many inputs given as numbers. Precondition: input_size<Net>() numbers for each of out.
  void operator()(std::span<float const> inputs, std::span<scores> out) noexcept {
    unit_->score_numbers(session_.get(), inputs.data(), out.size(), out.data(), logits_.data(), report_);
  }

  image_report const& report() const noexcept { return report_; }
  scores const& logits() const noexcept { return logits_; }
  double log_odds() const noexcept { return nn::log_odds_of(logits_); }

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
  std::vector<nn::detail::event_view> views_;  // of the events that go to the unit in one call
  scores logits_{};
  image_report report_{};
};

}  // namespace calotype
