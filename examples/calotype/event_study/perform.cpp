#include "perform.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../common.hpp"
#include "../events.hpp"
#include "../matched.hpp"
#include "../networks.hpp"

#include <calotype/core/parallel.hpp>

namespace program::event_study {

namespace {

namespace fs = std::filesystem;

// Simulated events that are compared with recorded ones, of which there are few.
constexpr std::uint64_t most_validated = 3000;

// The scores of events, in their order.
ct::eval::predictions predict(trained_network const& net, int classes, labelled_events const& events,
                              int threads) {
  std::vector<std::unique_ptr<scorer>> scorers;
  for (int t = 0; t < threads; ++t) scorers.push_back(net.make_scorer());
  auto const width = static_cast<std::size_t>(classes);
  ct::eval::predictions p;
  p.classes = classes;
  p.scores.resize(events.size() * width);
  p.log_odds.resize(events.size());
  for (auto const& e : events) {
    p.labels.push_back(e.label);
    p.weights.push_back(static_cast<double>(e.weight));
    p.masses.push_back(static_cast<double>(e.m_gg));
  }
  progress bar("testing", events.size());
  std::atomic<std::uint64_t> done{0};
  ct::for_each_item(threads, events.size(), [&](int worker, std::size_t i) {
    auto& score = *scorers[static_cast<std::size_t>(worker)];
    auto const s = score(events[i]);
    std::copy(s.begin(), s.end(), p.scores.begin() + static_cast<std::ptrdiff_t>(i * width));
    p.log_odds[i] = score.log_odds();
    if (++done % 64 == 0 && worker == 0) bar.step(done);
  });
  return p;
}

double minutes_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
}

// A training that is done now, goes on where it stopped, or was given.
ct::result<record> train(request const& asked, run const& what, samples& s) {
  if (what.given) return record_of(asked, what);
  training const& t = *what.what;
  auto const net = find_network(t.model);
  if (!net) return *net.error();
  training_request& r = s.learn;
  r.options = training_options(asked, what);
  r.out = weights_of(asked, what);
  r.checkpoint = checkpoint_of(asked, what);
  r.resume = fs::exists(r.checkpoint);
  r.force = asked.force || r.resume;
  r.data = data_of(asked, what);
  r.notes = {{"command", command_line()}, {"model", std::string(t.model)}, {"training", training_note(what)}};
  progress bar("training " + what.name, 0);
  r.on_step = [&](ct::train::step_report const& step) {
    bar.step_of(step.step, step.steps, step.seconds_left, "epoch " + std::to_string(step.epoch));
  };
  r.on_epoch = [](ct::train::epoch_report const&) {};
  if (what.validated_by_test) std::swap(r.validation, s.test);
  auto history = (*net)->train(r);
  if (what.validated_by_test) std::swap(r.validation, s.test);
  bar.finish();
  if (!history) return *history.error();
  return record{std::move(*history)};
}

// The scores that a training gives the test events.
ct::result<result> test(request const& asked, run const& what, record past, labelled_events const& events) {
  auto const net = find_network(what.what->model);
  if (!net) return *net.error();
  auto const trained = (*net)->load(weights_of(asked, what));
  if (!trained) return *trained.error();
  auto const start = std::chrono::steady_clock::now();
  auto scores = predict(**trained, static_cast<int>((*net)->info().classes.size()), events, asked.threads);
  return result{what.what,       what.seed,           what.given, std::move(scores), std::move(past.history),
                past.simulation, minutes_since(start)};
}

// What must be known of the test events of a category besides their scores.
ct::result<void> describe_test(samples const& s, category c, study& done) {
  auto const place = static_cast<std::size_t>(c);
  auto const is_fake = [](auto const& e) { return e.label == 2; };
  block_numbers number_of_block;
  for (auto const& e : s.test) {
    done.blocks[place].push_back(number_of_block(e.label, e.block));
    done.prompt_fakes[place].push_back(is_fake(e) && e.prompt_pair);
    if (!has_collisions(c)) continue;
    done.momenta[place].push_back(kinematics_of(e));
    if (e.era >= 0) ++done.eras[place][static_cast<std::size_t>(e.label)][static_cast<std::size_t>(e.era)];
  }
  if (!has_collisions(c)) return {};
  done.shown.emplace_back(c, *std::find_if(s.test.begin(), s.test.end(), is_fake));
  std::vector<std::string> const names{"H->gg", "gg", "gamma+jet"};
  auto factors = matching_factors(s.test, names, "the test events");
  if (!factors) return ct::error{factors.error()->what, factors.error()->where, "ask for more with --events"};
  done.matching[place] = std::move(*factors);
  return {};
}

}  // namespace

ct::result<study> perform(request const& asked, pile_up const& soft, shower_list const& showers) {
  bool const tested = asked.only.empty();
  study done;
  done.size = asked.size;
  done.seed = asked.seed;
  done.threads = asked.threads;
  done.generated = !asked.particles.empty();
  done.validation = {std::min(asked.size.test.front(), most_validated), asked.recorded, asked.threads};
  auto const runs_to_do = [&](training const& t) {
    auto runs = runs_of(asked, t);
    if (!tested) std::erase_if(runs, [](run const& r) { return r.given; });
    return runs;
  };
  std::size_t number = 0, total = 0;
  for (training const& t : trainings) total += runs_to_do(t).size();
  for (category c : categories) {
    auto const is_wanted = [&](training const& t) { return t.where == c && !runs_to_do(t).empty(); };
    if (std::none_of(trainings.begin(), trainings.end(), is_wanted)) continue;
    auto const begin = std::chrono::steady_clock::now();
    auto s = simulate_samples(asked, c, soft);
    if (!s) return *s.error();
    if (tested) {
      if (auto known = describe_test(*s, c, done); !known) return *known.error();
    }
    done.minutes += minutes_since(begin);
    done.samples[static_cast<std::size_t>(c)] = data_of(asked, c);
    for (training const& t : trainings) {
      auto const runs = runs_to_do(t);
      if (t.where != c || runs.empty()) continue;
      auto const changing = std::chrono::steady_clock::now();
      show(t.view, *s, options_of(asked, c), soft);
      done.minutes += minutes_since(changing);
      for (run const& r : runs) {
        auto const start = std::chrono::steady_clock::now();
        auto past = train(asked, r, *s);
        if (!past) return *past.error();
        for (auto const& e : past->history) done.minutes += e.seconds / 60;
        if (tested) {
          auto result = test(asked, r, std::move(*past), s->test);
          if (!result) return *result.error();
          done.minutes += result->test_minutes;
          auto& into = r.validated_by_test    ? done.chosen_by_test
                       : r.seed != asked.seed ? done.other_seeds
                                              : done.results;
          into.push_back(std::move(*result));
        }
        std::fprintf(stderr, "%2zu of %zu: %s, %s (%s); %.1f minutes\n", ++number, total,
                     std::string(name_of(c)).c_str(), std::string(t.title).c_str(), r.name.c_str(),
                     minutes_since(start));
      }
    }
  }
  if (tested) {
    auto judged = judge_showers(asked, done, showers);
    if (!judged) return *judged.error();
    done.other_showers = std::move(*judged);
  }
  return done;
}

}  // namespace program::event_study
