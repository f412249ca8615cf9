// A whole training run: epochs, validation, the best parameters so far, time to go.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/hash.hpp>
#include <calotype/core/parallel.hpp>
#include <calotype/core/result.hpp>
#include <calotype/eval/cvm.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/nn/session.hpp>
#include <calotype/train/check.hpp>
#include <calotype/train/team.hpp>
#include <calotype/train/trainer.hpp>

namespace calotype::train {

// Scores every sample of a data set, on `threads` threads of every process of a team; in the order of the data.
// Log-odds are always given, masses where the data know them.
template <class Net, class Policy, concepts::dataset Data, std::uint64_t Signature = nn::signature<Net>>
eval::predictions predict(nn::model<Net> const& model, Data const& data, int threads, Policy policy,
                          team& together) {
  using session_type = session<Net, Policy>;
  constexpr auto outputs = static_cast<std::size_t>(session_type::outputs);
  eval::predictions p;
  p.classes = session_type::outputs;
  p.scores.resize(data.size() * outputs);
  p.labels.resize(data.size());
  p.weights.resize(data.size());
  p.log_odds.resize(data.size());
  if constexpr (concepts::massive_dataset<Data>) p.masses.resize(data.size());
  share_of const part{data.size(), together.size()};
  std::size_t const first = part.begin(together.rank());
  std::size_t const count = part.begin(together.rank() + 1) - first;
  auto const take = [&](std::size_t n, auto const& scores, double log_odds) {
    for (std::size_t k = 0; k < outputs; ++k) p.scores[(first + n) * outputs + k] = scores[k];
    p.log_odds[first + n] = log_odds;
  };
  if constexpr (requires { session_type::scores_batches; }) {
    constexpr int batch = 512;
    policy.host_threads = threads < 1 ? 1 : threads;
    session_type scorer(model, policy, batch);
    std::vector<typename session_type::scores> scores(count), logits(count);
    scorer.score_each([&](std::size_t n) -> decltype(auto) { return data.sample(first + n); },
                      std::span(scores), std::span(logits));
    for (std::size_t n = 0; n < count; ++n) take(n, scores[n], nn::log_odds_of(logits[n]));
  } else {
    std::vector<session_type> sessions;
    for (int t = 0; t < (threads < 1 ? 1 : threads); ++t) sessions.emplace_back(model, policy);
    for_each_item(static_cast<int>(sessions.size()), count, [&](int worker, std::size_t n) {
      auto& session = sessions[static_cast<std::size_t>(worker)];
      auto const s = session(data.sample(first + n));
      take(n, s, session.log_odds());
    });
  }
  share_out(together, part, std::span(p.scores), outputs);
  share_out(together, part, std::span(p.log_odds));
  for (std::size_t i = 0; i < data.size(); ++i) {
    if constexpr (concepts::massive_dataset<Data>) p.masses[i] = static_cast<double>(data.mass(i));
    p.labels[i] = data.label(i);
    p.weights[i] = static_cast<double>(data.weight(i));
  }
  return p;
}

template <class Net, class Policy, concepts::dataset Data, std::uint64_t Signature = nn::signature<Net>>
eval::predictions predict(nn::model<Net> const& model, Data const& data, int threads, Policy policy = {}) {
  alone by_itself;
  return predict<Net, Policy>(model, data, threads, policy, by_itself);
}

// What is known after an epoch.
struct epoch_report {
  std::uint64_t epoch = 0;     // from 1
  double loss = 0;             // mean over the training batches, each before its step, decorrelation included
  double validation_loss = 0;  // cross-entropy alone
  double validation_auc = 0;   // class 0 against the rest
  eval::cvm_figure validation_cvm{};  // of the decorrelated class; no windows where there are too few events
  double seconds = 0;                 // of this epoch, validation included
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
  std::vector<float> best_parameters;  // of the best epoch's model, the first of equals
  double best_auc = -1;

  // The last epoch that was better than those before it; null before the first.
  epoch_report const* best() const noexcept {
    auto const found =
        std::find_if(history.rbegin(), history.rend(), [](epoch_report const& e) { return e.best; });
    return found == history.rend() ? nullptr : &*found;
  }
};

// Whether an epoch keeps to the bound; every one does where there is none.
inline bool keeps_to(double cvm_bound, epoch_report const& e) noexcept {
  return !(cvm_bound > 0) || (e.validation_cvm.windows > 0 && e.validation_cvm.value <= cvm_bound);
}

// The event paper's choice (5.4): the largest AUC of the signal among the epochs that keep to the bound on CvM.
// Where neither does, the smaller CvM is better, and any is better than none.
inline bool is_better(epoch_report const& e, epoch_report const& than, double cvm_bound) noexcept {
  bool const keeps = keeps_to(cvm_bound, e);
  if (keeps != keeps_to(cvm_bound, than)) return keeps;
  if (keeps) return e.validation_auc > than.validation_auc;
  bool const known = e.validation_cvm.windows > 0;
  if (known != (than.validation_cvm.windows > 0)) return known;
  return e.validation_cvm.value < than.validation_cvm.value;
}

namespace detail {

// Events of the decorrelated class, where their masses are known.
template <concepts::dataset Data>
std::size_t events_with_mass(Data const& data, int label) {
  std::size_t n = 0;
  if constexpr (concepts::massive_dataset<Data>) {
    for (std::size_t i = 0; i < data.size(); ++i) n += is_decorrelated(data, i, label);
  }
  return n;
}

// Whether decorrelation and the bound on CvM can be had with these data.
template <concepts::dataset Data>
result<void> check_decorrelation(options const& o, Data const& training, Data const& validation) {
  auto const& d = o.decorrelation;
  if (d.strength > 0) {
    std::size_t const events = events_with_mass(training, d.label);
    if (events == 0) {
      return error{"no training event is of the class to be decorrelated and has a mass", "decorrelation",
                   "give such events, or leave it out"};
    }
    auto const batch = std::min(training.size(), static_cast<std::size_t>(std::max(o.batch_size, 1)));
    if (auto good = check_neighbourhood(d, batch * events / training.size()); !good) return good;
  }
  std::size_t const least = eval::cvm_options{}.window;
  if (o.cvm_bound > 0 && events_with_mass(validation, d.label) < least) {
    return error{"CvM needs " + std::to_string(least) + " validation events of the class, there are " +
                     std::to_string(events_with_mass(validation, d.label)),
                 "bound on CvM", "validate with more events, or leave the bound out"};
  }
  return {};
}

// Whether all processes of a team begin with the same options, parameters, optimiser, progress and events.
template <class Snapshot, concepts::dataset Data>
result<void> check_team(team& together, options const& o, Snapshot const& s, Data const& training,
                        Data const& validation) {
  if (together.size() == 1) return {};
  hasher h;
  add_to(h, o);
  for (auto const* data : {&training, &validation}) add_to(h, *data);
  for (auto const* list : {&s.parameters, &s.first_moment, &s.second_moment}) {
    for (float x : *list) h.add(x);
  }
  for (std::uint64_t n : {s.done.steps, s.done.epochs, std::uint64_t{s.ring.size()}}) h.add(n);
  std::vector<std::uint64_t> all(static_cast<std::size_t>(together.size()));
  all[static_cast<std::size_t>(together.rank())] = h.value();
  share_out(together, share_of{all.size(), together.size()}, std::span(all));
  if (std::all_of(all.begin(), all.end(), [&all](std::uint64_t x) { return x == all[0]; })) return {};
  return error{"the processes do not begin alike", "training by several processes",
               "give all the same options, the same start or checkpoint, and the same events"};
}

}  // namespace detail

// Trains until settings().epochs are done. on_step(step_report) after every step; on_epoch(epoch_report) after
// every epoch, when trainer and state are complete (the place to write a checkpoint): returns false to stop. In
// a team every process calls both, with the same numbers but for the seconds; what process 0 says of stopping
// counts, and it is the one to write files; a checkpoint is resumed by all.
// Without validation data the last parameters are the best, and all validation numbers stay 0. A validation
// AUC is 0.5 where the data hold one class only. Fails before the first step where an option or an event is
// none that a run can be done with (train/check.hpp), where decorrelation or the bound on CvM is asked for and
// the data do not allow it, and where the processes of a team do not begin alike, or train a network with
// batch_norm; fails, before on_epoch, once a loss, a parameter or the optimiser's state is no longer a finite
// number; `state` is then that of the last good epoch.
template <class Net, class Policy, concepts::dataset Data, class OnStep, class OnEpoch,
          std::uint64_t Signature = nn::signature<Net>>
result<void> fit(trainer<Net, Policy>& t, Data const& training, Data const& validation, run_state<Net>& state,
                 OnStep&& on_step, OnEpoch&& on_epoch) {
  if (nn::plan_of<Net>.normalised_channels() > 0 && t.team().size() > 1) {
    return error{"batch_norm needs the whole batch in one process", "training by several processes",
                 "train with more threads of one, or leave batch_norm out"};
  }
  if (auto good = check_options(t.settings()); !good) return good;
  if (training.size() == 0) { return error{"there are no training events", "training", "give at least one"}; }
  for (auto const& [data, what] : {std::pair{&training, "training"}, std::pair{&validation, "validation"}}) {
    if (auto good = check_data(*data, trainer<Net, Policy>::outputs, what); !good) return good;
  }
  if (auto good = detail::check_team(t.team(), t.settings(), t.save(), training, validation); !good)
    return good;
  if (auto good = detail::check_decorrelation(t.settings(), training, validation); !good) return good;
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
      auto const p = predict<Net, Policy>(t.model(), validation, t.settings().threads, t.policy(), t.team());
      report.validation_loss = eval::cross_entropy(p);
      if (!std::isfinite(report.validation_loss) || !nn::all_finite(p.scores)) {
        return diverged("the validation loss");
      }
      auto const curve = eval::one_versus_rest(p, 0);
      report.validation_auc = curve ? curve->auc() : 0.5;
      if (auto const cvm = eval::cvm(p, t.settings().decorrelation.label)) report.validation_cvm = *cvm;
    }
    auto const* const before = state.best();
    report.best =
        validation.size() == 0 || before == nullptr || is_better(report, *before, t.settings().cvm_bound);
    if (report.best) {
      state.best_auc = report.validation_auc;
      auto const model = t.model();
      state.best_parameters.assign(model.parameters().begin(), model.parameters().end());
    }
    report.seconds = since(epoch_start);
    state.history.push_back(report);
    auto go_on = static_cast<std::byte>(on_epoch(report));
    t.team().broadcast({&go_on, 1}, 0);
    if (go_on == std::byte{0}) return {};
  }
  return {};
}

}  // namespace calotype::train
