// calotype reproduce: a paper's study from its events to its tables and figures.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common.hpp"
#include "event_study/study.hpp"
#include "matched.hpp"
#include "networks.hpp"
#include "simulation.hpp"

#include <calotype/core/parallel.hpp>
#include <calotype/io/output.hpp>

namespace program {

namespace {

namespace fs = std::filesystem;
namespace study = event_study;

enum class paper { event };
choices<paper> const papers{{"event-paper", paper::event}};
// CvM compares groups of 200 events of similar mass with all events of their class.
constexpr std::uint64_t least_events = 300;

choices<study::size const*> const budgets{
    {"small", &study::sizes[0]}, {"standard", &study::sizes[1]}, {"paper", &study::sizes[2]}};

struct reproduce_options {
  program::paper paper = paper::event;
  study::size const* budget = &study::sizes[0];
  std::uint64_t events = 0;  // 0: those of the budget
  int epochs = 0;
  std::string out = "event-paper";
  std::uint64_t seed = 1;
  int threads = 1;
  bool force = false;
  bool json = false;
};

ct::result<void> make_folder(fs::path const& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (fs::is_directory(folder)) return {};
  return ct::error{"the folder cannot be made", folder.string(), "name another with --out"};
}

// The events of a category: three parts that have none in common.
struct samples {
  training_request request;  // with the events to learn from and to choose by
  labelled_events test;
};

std::vector<ct::sim::process> processes_of(study::category c) {
  using enum ct::sim::process;
  if (c == study::category::showers) return {electron, photon};
  if (c == study::category::shower_pairs) return {electron_pair, photon_pair};
  return {higgs, born, gamma_jet};
}

ct::result<samples> simulate_samples(reproduce_options const& o, study::size const& size, study::category c) {
  simulation_options how;
  how.seed = o.seed;
  how.threads = o.threads;
  how.selection = c == study::category::forward ? ct::sim::selection::forward : ct::sim::selection::central;
  how.eras = study::has_collisions(c);
  if (!study::has_collisions(c)) how.pile_up = 0;
  how.digis = c == study::category::showers;
  samples s;
  std::uint64_t first = 0;
  auto const simulate = [&](labelled_events& list, std::uint64_t events, char const* part) {
    auto const made = simulate_events(processes_of(c), how, first, events, std::string("simulating, ") + part,
                                      [&list](ct::sim::simulated_event&& e) -> ct::result<void> {
                                        list.push_back(labelled(std::move(e)));
                                        return {};
                                      });
    first += events;
    return made;
  };
  std::uint64_t const training = size.training[static_cast<std::size_t>(c)];
  if (auto made = simulate(s.request.training, training, "training"); !made) return *made.error();
  if (auto made = simulate(s.request.validation, size.validation, "validation"); !made) return *made.error();
  if (auto made = simulate(s.test, size.test, "test"); !made) return *made.error();
  s.request.data = "simulated, " + std::to_string(training) + " events per class, " +
                   std::to_string(size.validation) + " for validation and " + std::to_string(size.test) +
                   " for the test, " + description(how);
  return s;
}

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

// Trains what has not been trained yet, or goes on where it stopped, and scores the test events.
ct::result<study::result> train_and_test(reproduce_options const& o, study::size const& size,
                                         study::training const& t, samples& s) {
  auto const net = find_network(t.model);
  if (!net) return *net.error();
  training_request& r = s.request;
  r.options = {};
  r.options.epochs = size.epochs;
  r.options.batch_size = size.batch;
  r.options.seed = o.seed;
  r.options.threads = o.threads;
  r.options.decorrelation.strength = t.strength;
  r.options.cvm_bound = t.strength > 0 ? t.where == study::category::central ? 0.002 : 0.004 : 0.0;
  r.out = (fs::path(o.out) / (std::string(t.id) + ".safetensors")).string();
  r.checkpoint = r.out + ".checkpoint";
  r.resume = fs::exists(r.checkpoint);
  r.force = true;
  r.notes = {{"command", command_line()}, {"model", std::string(t.model)}};
  progress bar("training " + std::string(t.id), 0);
  r.on_step = [&](ct::train::step_report const& step) {
    bar.step_of(step.step, step.steps, step.seconds_left, "epoch " + std::to_string(step.epoch));
  };
  r.on_epoch = [](ct::train::epoch_report const&) {};
  auto history = (*net)->train(r);
  bar.finish();
  if (!history) return *history.error();
  auto const trained = (*net)->load(r.out);
  if (!trained) return *trained.error();
  auto const start = std::chrono::steady_clock::now();
  auto test = predict(**trained, static_cast<int>((*net)->info().classes.size()), s.test, o.threads);
  return study::result{&t, std::move(test), std::move(*history), minutes_since(start)};
}

ct::result<study::study> perform(reproduce_options const& o, study::size const& size) {
  study::study done;
  done.size = size;
  done.seed = o.seed;
  done.threads = o.threads;
  std::size_t number = 0;
  for (study::category c : study::categories) {
    auto const begin = std::chrono::steady_clock::now();
    auto s = simulate_samples(o, size, c);
    if (!s) return *s.error();
    done.minutes += minutes_since(begin);
    done.samples[static_cast<std::size_t>(c)] = s->request.data;
    auto const is_fake = [](auto const& e) { return e.label == 2; };
    if (study::has_collisions(c)) done.shown.push_back(*std::find_if(s->test.begin(), s->test.end(), is_fake));
    for (auto const& e : s->test)
      done.prompt_fakes[static_cast<std::size_t>(c)].push_back(is_fake(e) && e.prompt_pair);
    if (study::has_collisions(c)) {
      std::vector<std::string> const names{"H->gg", "gg", "gamma+jet"};
      auto factors = matching_factors(s->test, names, "the test events");
      if (!factors) return *factors.error();
      done.matching[static_cast<std::size_t>(c)] = std::move(*factors);
      for (auto const& e : s->test) done.momenta[static_cast<std::size_t>(c)].push_back(kinematics_of(e));
    }
    for (study::training const& t : study::trainings) {
      if (t.where != c) continue;
      auto const start = std::chrono::steady_clock::now();
      auto result = train_and_test(o, size, t, *s);
      if (!result) return *result.error();
      std::fprintf(stderr, "%2zu of %zu: %s, %s; %.1f minutes\n", ++number, study::trainings.size(),
                   std::string(study::name_of(c)).c_str(), std::string(t.title).c_str(), minutes_since(start));
      done.minutes += result->test_minutes;
      for (auto const& e : result->history) done.minutes += e.seconds / 60;
      done.results.push_back(std::move(*result));
    }
  }
  return done;
}

ct::result<void> write_text(std::string const& path, std::string const& text, bool force) {
  auto file = ct::io::output_file::create(path, {.force = force});
  if (!file) return *file.error();
  if (auto written = file->write(text); !written) return written;
  return file->commit();
}

int reproduce(reproduce_options const& o) {
  if (o.events > 0 && o.events < least_events) {
    return fail(
        {"fewer than " + std::to_string(least_events) + " events per class cannot be tested for the mass",
         "command line", "ask for more with --events"});
  }
  if (auto made = make_folder(o.out); !made) return fail(*made.error());
  std::string const page = (fs::path(o.out) / "report.html").string();
  std::string const numbers = (fs::path(o.out) / "report.json").string();
  for (auto const& path : {page, numbers}) {
    if (auto free = ct::io::output_file::create(path, {.force = o.force}); !free) return fail(*free.error());
  }
  study::size size = *o.budget;
  if (o.events > 0) {
    size.training.fill(o.events);
    size.validation = size.test = o.events;
  }
  if (o.epochs > 0) size.epochs = o.epochs;
  auto const done = perform(o, size);
  if (!done) return fail(*done.error());
  auto const report = study::report_on(*done);
  if (!report) return fail(*report.error());
  if (auto written = write_text(page, report->page, o.force); !written) return fail(*written.error());
  if (auto written = write_text(numbers, report->numbers, o.force); !written) return fail(*written.error());
  if (o.json) {
    std::printf("%s", report->numbers.c_str());
  } else {
    std::printf("%s\n%s\n", page.c_str(), numbers.c_str());
  }
  return success;
}

}  // namespace

void add_reproduce(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<reproduce_options>(
      app, status, "reproduce", "Do a paper's study again, from its events to its tables and figures",
      "Simulates the events, trains every network of the study, tests all on events that none has seen, and "
      "writes a page with\n"
      "the paper's tables and figures beside its own numbers. Trainings that are complete are kept, one that "
      "was interrupted\n"
      "goes on where it stopped. small: all tables and figures in half an hour on two cores, from too few "
      "events "
      "for the\n"
      "paper's numbers; standard: hours; paper: the paper's numbers of events and epochs, days.",
      command, reproduce);
  o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  add_choice(*command, "paper", o.paper, papers, "Which study");
  command->get_option("paper")->required();
  add_choice(*command, "--budget", o.budget, budgets, "How many events and epochs (default: small)");
  add_count(*command, "--events", o.events,
            "Events per class to train on, and as many to choose by and to test, instead of the budget's",
            10'000'000);
  command->add_option("--epochs", o.epochs, "Passes over the events, instead of the budget's")
      ->check(CLI::Range(1, 100000))
      ->type_name("E");
  command
      ->add_option("--out", o.out,
                   "Folder for weights and report; made if it does not exist (default: event-paper)")
      ->type_name("DIR");
  add_count(*command, "--seed", o.seed, "Seed of events, initial weights and their order (default: 1)")
      ->type_name("S");
  command
      ->add_option("--threads", o.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print the numbers of the report as a JSON object");
}

}  // namespace program
