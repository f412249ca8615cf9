// A whole training run: epochs, validation, the best parameters so far, time to go.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/parallel.hpp>
#include <calotype/core/result.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/nn/session.hpp>
#include <calotype/train/trainer.hpp>

namespace calotype::train {

// Scores every sample of a data set, on `threads` threads; in the order of the data.
template <class Net, class Policy, concepts::dataset Data, std::uint64_t Signature = nn::signature<Net>>
eval::predictions predict(nn::model<Net> const& model, Data const& data, int threads, Policy policy = {}) {
  using session_type = session<Net, Policy>;
  constexpr auto outputs = static_cast<std::size_t>(session_type::outputs);
  eval::predictions p;
  p.classes = session_type::outputs;
  p.scores.resize(data.size() * outputs);
  p.labels.resize(data.size());
  p.weights.resize(data.size());
  std::vector<session_type> sessions;
  for (int t = 0; t < (threads < 1 ? 1 : threads); ++t) sessions.emplace_back(model, policy);
  for_each_item(static_cast<int>(sessions.size()), data.size(), [&](int worker, std::size_t i) {
    auto const s = sessions[static_cast<std::size_t>(worker)](data.sample(i));
    for (std::size_t k = 0; k < outputs; ++k) p.scores[i * outputs + k] = s[k];
    p.labels[i] = data.label(i);
    p.weights[i] = static_cast<double>(data.weight(i));
  });
  return p;
}

// What is known after an epoch.
struct epoch_report {
  std::uint64_t epoch = 0;  // from 1
  double loss = 0;          // mean over the training batches, each before its step
  double validation_loss = 0;
  double validation_auc = 0;  // class 0 against the rest
  double seconds = 0;         // of this epoch, validation included
  bool best = false;
};

// How far a run is, for a progress bar.
struct step_report {
  std::uint64_t epoch = 0;
  std::size_t step = 0, steps = 0;  // of the epoch
  double loss = 0;                  // of the last batch
  double seconds_left = 0;          // of the whole run, from the mean time of a step so far
};

// The state of a run between epochs: what is needed to go on exactly where it stopped.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
struct run_state {
  std::vector<epoch_report> history;
  std::vector<float> best_parameters;  // of the epoch with the largest validation AUC, the first of equals
  double best_auc = -1;
};

// Trains until settings().epochs are done. on_step(step_report) after every step; on_epoch(epoch_report) after
// every epoch, when trainer and state are complete (the place to write a checkpoint): returns false to stop.
// Without validation data the last parameters are the best, and both validation numbers stay 0. A validation
// AUC is 0.5 where the data hold one class only. Fails, before on_epoch, once a loss, a parameter or the
// optimiser's state is no longer a finite number; `state` is then that of the last good epoch.
template <class Net, class Policy, concepts::dataset Data, class OnStep, class OnEpoch,
          std::uint64_t Signature = nn::signature<Net>>
result<void> fit(trainer<Net, Policy>& t, Data const& training, Data const& validation, run_state<Net>& state,
                 OnStep&& on_step, OnEpoch&& on_epoch) {
  using clock = std::chrono::steady_clock;
  auto const since = [](clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  auto const epochs = static_cast<std::uint64_t>(t.settings().epochs);
  auto const start = clock::now();
  std::size_t steps_here = 0;
  while (t.done().epochs < epochs) {
    auto const epoch_start = clock::now();
    epoch_report report;
    report.epoch = t.done().epochs + 1;
    report.loss = t.epoch(training, [&](std::size_t step, std::size_t steps, double loss) {
      ++steps_here;
      std::size_t const left = steps - step + static_cast<std::size_t>(epochs - report.epoch) * steps;
      on_step(step_report{report.epoch, step, steps, loss,
                          since(start) / static_cast<double>(steps_here) * static_cast<double>(left)});
    });
    auto const diverged = [&report](std::string const& what) {
      return error{what + " is no longer a finite number", "epoch " + std::to_string(report.epoch),
                   "start anew with a smaller learning rate"};
    };
    auto const now = t.save();
    if (!std::isfinite(report.loss)) return diverged("the loss");
    if (!nn::all_finite(now.parameters)) return diverged("a parameter");
    if (!nn::all_finite(now.first_moment) || !nn::all_finite(now.second_moment)) {
      return diverged("a gradient's running mean");
    }
    if (validation.size() > 0) {
      auto const p = predict<Net, Policy>(t.model(), validation, t.settings().threads);
      report.validation_loss = eval::cross_entropy(p);
      if (!std::isfinite(report.validation_loss) || !nn::all_finite(p.scores)) {
        return diverged("the validation loss");
      }
      auto const curve = eval::one_versus_rest(p, 0);
      report.validation_auc = curve ? curve->auc() : 0.5;
    }
    report.best = validation.size() == 0 || report.validation_auc > state.best_auc;
    if (report.best) {
      state.best_auc = report.validation_auc;
      state.best_parameters = now.parameters;
    }
    report.seconds = since(epoch_start);
    state.history.push_back(report);
    if (!on_epoch(report)) return {};
  }
  return {};
}

}  // namespace calotype::train
