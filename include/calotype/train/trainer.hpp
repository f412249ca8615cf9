// Minibatch training of a network description with any policy; the same bits for any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <calotype/kernel/element/adam.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/normalised_engine.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/train/batch_engine.hpp>
#include <calotype/train/dataset.hpp>
#include <calotype/train/decorrelation.hpp>
#include <calotype/train/normalised_batch.hpp>
#include <calotype/train/options.hpp>
#include <calotype/train/team.hpp>

namespace calotype::train {

// Everything that decides how a run goes on: what a checkpoint stores.
struct progress {
  std::uint64_t steps = 0;   // optimiser steps done
  std::uint64_t epochs = 0;  // whole passes done
};

// Holds parameters and optimiser state of one run. The loss of a batch is the weighted mean of the events'
// losses: softmax cross-entropy, or binary cross-entropy with one logit (event paper 5.3, jet paper). With
// options::decorrelation, its strength times the CvM loss is added, for data that know the mass; the scores of
// the whole batch are needed for that, so that its events of the class are computed forward twice, but
// where batches are normalised.
//
// A network with batch_norm needs the whole batch in one process: where a team trains it, each does all of it.
//
// Gradients of the events of a batch are added pairwise by their place in the batch (0+1, 2+3, then those sums,
// ...), whatever thread computed them, or whatever process of a team: the bits of a strict policy depend on
// neither.
template <class Net, class Policy, std::uint64_t Signature = nn::signature<Net>>
class trainer {
 public:
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;
  static constexpr int outputs = nn::plan_of<Net>.shape(nn::plan_of<Net>.result).channels;
  using trained_numbers = nn::trained_numbers<Net>;
  static constexpr std::size_t size = trained_numbers::size;
  static_assert(
      requires { typename ops::buffer; },
      "calotype::train: this policy scores only; train with exec::cpu, exec::on_thrust<System> or, with "
      "train/cuda.hpp, exec::cuda<exec::fp32>, whose weights are for every policy");
  static_assert(
      !nn::detail::has_team<Policy>,
      "calotype::train: events are shared out among the trainer's threads; train with exec::single in "
      "place of exec::pool");

  // Precondition: `together` is no null pointer, and start and options are the same in all of its processes,
  // but for the number of threads. What one restores, all must.
  trainer(nn::model<Net> const& start, options const& o, Policy policy = {},
          std::shared_ptr<train::team> together = std::make_shared<alone>())
      : options_(o),
        policy_(policy),
        team_(std::move(together)),
        engine_(policy, start, o.threads < 1 ? 1 : o.threads,
                static_cast<std::size_t>(o.batch_size < 1 ? 1 : o.batch_size)),
        parameters_(size),
        first_(size),
        second_(size),
        gradient_(size) {
    upload(trained_numbers::of(start), parameters_);
  }

  options const& settings() const noexcept { return options_; }
  Policy const& policy() const noexcept { return policy_; }
  train::team& team() const noexcept { return *team_; }
  train::progress const& done() const noexcept { return done_; }
  nn::model<Net> model() const { return trained_numbers::model_of(download(parameters_)); }

  // One optimiser step on the samples data[batch[i]], by all processes of the team; returns the batch's loss
  // before the step.
  template <concepts::dataset Data>
  double step(Data const& data, std::span<std::size_t const> batch) {
    double const loss = gradient(data, batch);
    keep_in_ring();
    ++done_.steps;
    auto const& a = options_.optimiser;
    ops::adam(
        policy_, size,
        kernel::adam_step_at(learning_rate(), a.beta1, a.beta2, a.epsilon, static_cast<long long>(done_.steps)),
        gradient_.data(), first_.data(), second_.data(), parameters_.data());
    if constexpr (takes_whole_batches) engine_.keep(parameters_);
    return loss;
  }

  // Of the epoch that is under way.
  double learning_rate() const noexcept {
    return options_.optimiser.learning_rate * kernel::whole_power(options_.optimiser.rate_decay, done_.epochs);
  }

  // The loss of a batch and its gradient (gradients()), without a step. Precondition: the batch is not empty.
  template <concepts::dataset Data>
  double gradient(Data const& data, std::span<std::size_t const> batch) {
    engine_.use(parameters_);
    double total_weight = 0;
    for (std::size_t i : batch) total_weight += static_cast<double>(data.weight(i));
    std::size_t const leaves = (batch.size() + events_per_leaf - 1) / events_per_leaf;
    losses_.assign(batch.size(), 0.0);
    double loss = decorrelate(data, batch);
    if (leaf_sums_.size() < leaves) leaf_sums_.resize(leaves);
    share_of const part{leaves, processes()};
    std::size_t const first = part.begin(rank()), behind = part.begin(rank() + 1);
    bool const added = engine_.sums(
        data, batch, first, behind, processes() == 1, dropout_keys(),
        [&](std::size_t place, auto const& logits) {
          return slope_of(data, batch, place, logits, total_weight);
        },
        leaf_sums_);
    // Pairwise over the leaves, in place; what a process lacks is sent to it.
    for (std::size_t width = 1; width < leaves && !added; width *= 2) {
      for (std::size_t i = 0; i + width < leaves; i += 2 * width) {
        add_leaves(part.owner(i), leaf_sums_[i], part.owner(i + width), leaf_sums_[i + width]);
      }
    }
    detail::make_room(size, leaf_sums_[0]);
    std::swap(gradient_, leaf_sums_[0]);
    if (processes() > 1) {
      give_all(part.owner(0), gradient_);
      share_out(*team_, part, std::span(losses_), events_per_leaf);
    }
    for (double l : losses_) loss += l;
    return loss;
  }

  // In the order of trained_numbers.
  std::vector<float> gradients() const { return download(gradient_); }

  // One pass over all samples in the epoch's order; progress(steps done, steps of the epoch, loss of the batch)
  // after every step. Returns the mean loss. An incomplete last batch is used as it is.
  template <concepts::dataset Data, class Progress>
  double epoch(Data const& data, Progress&& progress) {
    bool const stratified = options_.decorrelation.strength > 0 && options_.decorrelation.ring == 0;
    auto const order = stratified ? stratified_order(data, options_.seed, done_.epochs)
                                  : epoch_order(data.size(), options_.seed, done_.epochs);
    auto const batch = static_cast<std::size_t>(options_.batch_size < 1 ? 1 : options_.batch_size);
    std::size_t const steps = (order.size() + batch - 1) / batch;
    double sum = 0;
    for (std::size_t s = 0; s < steps; ++s) {
      std::size_t const from = s * batch, count = std::min(batch, order.size() - from);
      double const loss = step(data, std::span<std::size_t const>(order).subspan(from, count));
      sum += loss * static_cast<double>(count);
      progress(s + 1, steps, loss);
    }
    ++done_.epochs;
    return order.empty() ? 0.0 : sum / static_cast<double>(order.size());
  }

  // What a checkpoint stores besides the options, and how it comes back (sizes must be `size`).
  struct snapshot {
    std::vector<float> parameters, first_moment, second_moment;
    train::progress done;
    score_ring ring;
  };
  snapshot save() const { return {download(parameters_), download(first_), download(second_), done_, ring_}; }
  void restore(snapshot const& s) {
    upload(s.parameters, parameters_);
    upload(s.first_moment, first_);
    upload(s.second_moment, second_);
    done_ = s.done;
    ring_ = s.ring;
  }

 private:
  using buffer = typename ops::buffer;
  using engine_type = batch_engine<Net, Policy>;
  // The scores of a batch depend on all of its events.
  static constexpr bool takes_whole_batches = requires { engine_type::takes_whole_batches; };

  // Those that share a batch, and the place of this one among them.
  int processes() const noexcept { return takes_whole_batches ? 1 : team_->size(); }
  int rank() const noexcept { return takes_whole_batches ? 0 : team_->rank(); }

  void upload(std::span<float const> from, buffer& to) const {
    std::vector<real> const numbers(from.begin(), from.end());
    ops::to_policy(policy_, size, numbers.data(), to.data());
  }
  std::vector<float> download(buffer const& from) const {
    std::vector<real> numbers(size);
    ops::to_host(policy_, size, from.data(), numbers.data());
    return {numbers.begin(), numbers.end()};
  }

  // Adds what process `from` holds to what process `to` does.
  void add_leaves(int to, buffer& sum, int from, buffer& other) {
    int const here = team_->rank();
    if (to != from && here == from) {
      ops::to_host(policy_, size, other.data(), passage().data());
      team_->send(std::as_bytes(std::span(passage_)), to);
    }
    if (here != to) return;
    if (to != from) {
      detail::make_room(size, other);
      team_->receive(std::as_writable_bytes(std::span(passage())), from);
      ops::to_policy(policy_, size, passage_.data(), other.data());
    }
    ops::add(policy_, size, other.data(), sum.data());
  }

  void give_all(int from, buffer& numbers) {
    if (team_->rank() == from) ops::to_host(policy_, size, numbers.data(), passage().data());
    team_->broadcast(std::as_writable_bytes(std::span(passage())), from);
    if (team_->rank() != from) ops::to_policy(policy_, size, passage_.data(), numbers.data());
  }

  // Host memory that what is sent goes through.
  std::vector<real>& passage() {
    passage_.resize(size);
    return passage_;
  }

  // Fills the slopes of the CvM loss, for every place of the batch, and returns its part of the loss.
  template <class Data>
  double decorrelate(Data const& data, std::span<std::size_t const> batch) {
    auto const& d = options_.decorrelation;
    slopes_.assign(batch.size(), 0.0);
    fresh_.clear();
    if constexpr (concepts::massive_dataset<Data>) {
      if (!(d.strength > 0)) return 0;
      std::vector<std::size_t> places;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (is_decorrelated(data, batch[i], d.label)) places.push_back(i);
      }
      fresh_.resize(places.size());
      share_of const part{places.size(), processes()};
      std::size_t const first = part.begin(rank()), count = part.begin(rank() + 1) - first;
      engine_.logits(data, batch, std::span<std::size_t const>(places).subspan(first, count), dropout_keys(),
                     [&](std::size_t k, auto const& logits) {
                       std::size_t const i = batch[places[first + k]];
                       fresh_[first + k] = {
                           static_cast<float>(data.mass(i)),
                           static_cast<float>(kernel::element::log_odds<outputs>(logits.data())),
                           static_cast<float>(data.weight(i))};
                     });
      if (processes() > 1) share_out(*team_, part, std::span(fresh_));
      std::vector<scored_mass> events(fresh_);
      events.insert(events.end(), ring_.begin(), ring_.end());
      bool const gathering = ring_.size() < static_cast<std::size_t>(std::max(d.ring, 0));
      if (gathering && events.size() < least_events(d)) return 0;
      std::vector<double> slopes(fresh_.size());
      double const loss = cvm_loss(events, static_cast<std::size_t>(d.neighbours), slopes);
      for (std::size_t j = 0; j < places.size(); ++j) {
        slopes_[places[j]] = static_cast<double>(math::strict<double>(d.strength) * slopes[j]);
      }
      return static_cast<double>(math::strict<double>(d.strength) * loss);
    }
    return 0;
  }

  void keep_in_ring() {
    ring_.insert(ring_.end(), fresh_.begin(), fresh_.end());
    auto const most = static_cast<std::size_t>(std::max(options_.decorrelation.ring, 0));
    if (ring_.size() > most) ring_.erase(ring_.begin(), ring_.end() - static_cast<std::ptrdiff_t>(most));
  }

  auto dropout_keys() const noexcept {
    return [this](std::size_t index) { return dropout_key(options_.seed, done_.epochs, index); };
  }

  // The gradient of an event's loss by its logits; keeps the loss itself.
  template <class Data, class Logits>
  Logits slope_of(Data const& data, std::span<std::size_t const> batch, std::size_t place, Logits const& logits,
                  double total_weight) noexcept {
    std::size_t const index = batch[place];
    Logits slope{};
    auto const weight = static_cast<real>(static_cast<double>(data.weight(index)) / total_weight);
    real loss{};
    if constexpr (outputs == 1) {
      loss = kernel::element::binary_cross_entropy(logits[0], data.label(index) == 0 ? 1 : 0, weight, slope[0]);
    } else {
      loss = kernel::element::softmax_cross_entropy<outputs>(logits.data(), data.label(index), weight,
                                                             slope.data());
    }
    losses_[place] = static_cast<double>(loss);
    if (slopes_[place] != 0) add_log_odds_slope<outputs>(logits.data(), slopes_[place], slope.data());
    return slope;
  }

  options options_;
  train::progress done_{};
  [[no_unique_address]] Policy policy_;
  std::shared_ptr<train::team> team_;
  engine_type engine_;
  buffer parameters_, first_, second_, gradient_;
  std::vector<buffer> leaf_sums_;
  std::vector<real> passage_;
  std::vector<double> losses_;
  std::vector<double> slopes_;      // of the CvM loss by the log-odds, at every place of the batch
  std::vector<scored_mass> fresh_;  // of the batch, to go into the ring with its step
  score_ring ring_;
};

}  // namespace calotype::train
