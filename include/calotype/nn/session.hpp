// Scores events: one session per thread, any number of sessions per model.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/nn/cost.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype {

namespace nn {

// log(p / (1 - p)) of the probability p of class 0, in double.
template <std::size_t Outputs>
double log_odds_of(std::array<float, Outputs> const& logits) noexcept {
  std::array<double, Outputs> exact{};
  std::copy(logits.begin(), logits.end(), exact.begin());
  return kernel::element::log_odds<static_cast<int>(Outputs)>(exact.data());
}

}  // namespace nn

// Keeps a model's packed parameters alive, owns its activations, and allocates in the constructor only. A call
// returns probabilities in the order of classes() (softmax, or the sigmoid of a single logit); it never throws,
// allocates, locks or prints. The same event gives the same bits in any session, on any machine, under any
// strict policy.
//
// Signature is never named (see nn::signature).
template <class Net, class Policy = exec::cpu<>, std::uint64_t Signature = nn::signature<Net>>
class session {
  // Host memory, and no threads that have scratch memory of their own.
  static constexpr bool takes_workspace = nn::detail::in_host_memory<Policy> && !nn::detail::has_team<Policy>;

 public:
  using ops = kernel::ops<Policy>;
  static constexpr int outputs = nn::inference_engine<Net, Policy>::outputs;
  using scores = std::array<float, static_cast<std::size_t>(outputs)>;

  // batch: of the inputs of a call with many, how many go through the network together. Networks with small
  // maps gain from 8 to 16 (every weight is read once for all of them); for others it changes nothing.
  explicit session(nn::model<Net> const& model, Policy policy = {}, int batch = 1)
      : policy_(policy),
        packed_(model.packed(policy)),
        engine_(policy, batch > 1 ? batch : 1),
        feed_(policy, feed_type::tables_of(model)),
        batch_(batch > 1 ? static_cast<std::size_t>(batch) : 1) {}

  // Bytes of a block of memory that holds a session's buffers, wherever it begins.
  static constexpr std::size_t block_bytes = [] {
    if constexpr (takes_workspace) {
      return nn::inference_engine<Net, Policy>::block_bytes + nn::feed<Net, Policy>::block_bytes() +
             workspace::slack;
    } else {
      return std::size_t{0};
    }
  }();
  // In memory that the caller gives, for as long as the session lives. Only the first session of a model under
  // a policy allocates: the packed parameters and the builder's tables, which the model keeps for all.
  session(nn::model<Net> const& model, std::span<std::byte, block_bytes> block,
          Policy policy = {}) requires takes_workspace : session(model, workspace(block), policy) {}

  // The scores of an event.
  template <concepts::event E>
  scores operator()(E const& e) noexcept {
    feed_(e, engine_);
    return scores_of(engine_.run(*packed_, feed_));
  }
  // The scores of an input given as numbers: all planes one after the other, channel x row x column, as the
  // image builder would make them. Negative and infinite ones and NaN are computed with like any other: a
  // rectified layer takes NaN for 0, so that the scores may look like any, and a NaN that comes out is of no
  // particular kind. report().not_finite counts them where the input is no image of an event. Precondition:
  // input_size<Net>() numbers.
  scores operator()(std::span<float const> input) noexcept {
    feed_(input, engine_);
    return scores_of(engine_.run(*packed_, feed_));
  }
  // Many events, the same bits as one by one. Precondition: out is as long as events.
  template <concepts::event E>
  void operator()(std::span<E const> events, std::span<scores> out) noexcept {
    score_all(out, [&](std::size_t i) { feed_(events[i], engine_); });
  }
  // Many inputs given as numbers. Precondition: input_size<Net>() numbers for each of out.
  void operator()(std::span<float const> inputs, std::span<scores> out) noexcept {
    constexpr std::size_t size = nn::input_size<Net>();
    score_all(out, [&](std::size_t i) { feed_(inputs.subspan(i * size, size), engine_); });
  }

  // What became of the last event's hits and tracks, or numbers: ids that no cell has, numbers that are not
  // finite (which images leave out, while features that hold one mean nothing). Where `scaled` is false the
  // event has no m_gg (or sum of pT) to divide by, its image is empty and its scores mean nothing.
  image_report const& report() const noexcept { return feed_.report(); }

  // The logits behind the last scores.
  scores const& logits() const noexcept { return logits_; }
  // log(p / (1 - p)) of the last score of class 0, which still separates what p rounds to 0 or 1.
  double log_odds() const noexcept { return nn::log_odds_of(logits_); }

 private:
  using engine_type = nn::inference_engine<Net, Policy>;
  using feed_type = nn::feed<Net, Policy>;

  session(nn::model<Net> const& model, workspace from, Policy policy)
      : policy_(policy),
        packed_(model.packed(policy)),
        engine_(policy, from),
        feed_(policy, feed_type::tables_of(model), from) {}

  // load(i): input i into the engine.
  template <class Load>
  void score_all(std::span<scores> out, Load load) noexcept {
    for (std::size_t first = 0; first < out.size(); first += batch_) {
      std::size_t const count = std::min(batch_, out.size() - first);
      if constexpr (engine_type::gains_together) {
        if (count > 1) {
          for (std::size_t i = 0; i < count; ++i) {
            load(first + i);
            engine_.begin(*packed_, feed_, static_cast<int>(i));
          }
          engine_.finish(*packed_, static_cast<int>(count));
          for (std::size_t i = 0; i < count; ++i) {
            out[first + i] = scores_of(engine_.logits(static_cast<int>(i)));
          }
          continue;
        }
      }
      for (std::size_t i = first; i < first + count; ++i) {
        load(i);
        out[i] = scores_of(engine_.run(*packed_, feed_));
      }
    }
  }

  scores scores_of(typename ops::real_type const* logits) noexcept {
    using real = typename ops::real_type;
    std::array<real, static_cast<std::size_t>(outputs)> raw{};
    ops::to_host(policy_, raw.size(), logits, raw.data());
    for (std::size_t i = 0; i < raw.size(); ++i) logits_[i] = static_cast<float>(raw[i]);
    scores p{};
    if constexpr (outputs == 1) {
      p[0] = kernel::element::sigmoid(logits_[0]);
    } else {
      kernel::element::softmax<outputs>(logits_.data(), p.data());
    }
    return p;
  }

  [[no_unique_address]] Policy policy_;
  std::shared_ptr<nn::packed_parameters<Net, Policy> const> packed_;
  engine_type engine_;
  feed_type feed_;
  scores logits_{};
  std::size_t batch_ = 1;
};

}  // namespace calotype
