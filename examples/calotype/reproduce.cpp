// calotype reproduce: a paper's study from its events to its tables and figures.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
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
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/io/output.hpp>
#include <calotype/io/safetensors.hpp>

namespace program {

namespace {

namespace fs = std::filesystem;
namespace study = event_study;

enum class paper { event };
choices<paper> const papers{{"event-paper", paper::event}};
// CvM compares groups of 200 events of similar mass with all events of their class.
constexpr std::uint64_t least_events = 300;
// Simulated events that are compared with recorded ones, of which there are few.
constexpr std::uint64_t most_validated = 3000;
// Stands for the names of all trainings.
constexpr char const* all_trainings = "all";

choices<study::size const*> const budgets{
    {"small", &study::sizes[0]}, {"standard", &study::sizes[1]}, {"paper", &study::sizes[2]}};

struct reproduce_options {
  program::paper paper = paper::event;
  study::size const* budget = &study::sizes[0];
  std::uint64_t events = 0;  // 0: those of the budget
  int epochs = 0;
  std::string out = "event-paper";
  std::uint64_t seed = 1;
  int seeds = 1;
  bool paper_split = false;
  std::vector<std::string> particles;
  std::string library;
  std::string weights;            // a folder of weights that need no training
  std::string recorded;           // a folder of recorded events
  std::vector<std::string> only;  // the trainings to be done, without tests and report; empty: all of the study
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

// Training, validation and test.
constexpr std::size_t parts = 3;

// A library of soft collisions, of which every part of the events has its own.
struct pile_up {
  ct::sim::hit_library library;
  std::vector<ct::sim::overlays> of{};  // a part; empty without a library

  ct::sim::overlays const* part(std::size_t k) const { return of.empty() ? nullptr : &of[k]; }
};

ct::result<std::unique_ptr<pile_up>> open_library(reproduce_options const& o) {
  auto p = std::make_unique<pile_up>();
  if (o.library.empty()) return p;
  auto loaded = load_library(o.library, parts);
  if (!loaded) return *loaded.error();
  p->library = std::move(*loaded);
  for (std::size_t k = 0; k < parts; ++k) p->of.emplace_back(p->library, k, parts);
  return p;
}

// The generated events of the three classes, from their beginning.
ct::result<std::vector<ct::io::particle_file>> open_generated(reproduce_options const& o) {
  std::vector<ct::io::particle_file> files;
  std::vector<std::string> missing{"higgs", "born", "gamma-jet"};
  for (auto const& path : o.particles) {
    auto file = open_particles(path);
    if (!file) return *file.error();
    auto const name = file->metadata().find("process");
    auto const wanted = name == file->metadata().end()
                            ? missing.end()
                            : std::find(missing.begin(), missing.end(), name->second);
    if (wanted == missing.end()) {
      return ct::error{"the file is of no process that is still needed", path,
                       "give one file each of higgs, born and gamma-jet"};
    }
    missing.erase(wanted);
    files.push_back(std::move(*file));
  }
  if (!missing.empty()) {
    return ct::error{"no file holds " + missing.front() + " events", "--particles",
                     "give one file each of higgs, born and gamma-jet"};
  }
  return files;
}

// One training to be done or given: that of the study, that with another seed, or that which is validated with
// the test events.
struct run {
  study::training const* what = nullptr;
  std::string name;  // of its files
  std::uint64_t seed = 1;
  bool validated_by_test = false;
};

// What the options ask for of a training, that of the study first.
std::vector<run> runs_of(reproduce_options const& o, study::training const& t) {
  std::string const id(t.id);
  auto const is_wanted = [&id](std::string const& name) { return name == id || name == all_trainings; };
  if (!o.only.empty() && std::none_of(o.only.begin(), o.only.end(), is_wanted)) return {};
  std::vector<run> runs{run{&t, id, o.seed}};
  bool const several = std::find(study::reseeded.begin(), study::reseeded.end(), t.id) != study::reseeded.end();
  for (int k = 1; several && k < o.seeds; ++k) {
    auto const seed = o.seed + static_cast<std::uint64_t>(k);
    runs.push_back(run{&t, id + "-seed-" + std::to_string(seed), seed});
  }
  if (o.paper_split && study::published_result(t.id) != nullptr)
    runs.push_back(run{&t, id + "-paper-split", o.seed, true});
  return runs;
}

std::vector<ct::sim::process> processes_of(study::category c) {
  using enum ct::sim::process;
  if (c == study::category::showers) return {electron, photon};
  if (c == study::category::shower_pairs) return {electron_pair, photon_pair};
  return {higgs, born, gamma_jet};
}

bool is_generated(reproduce_options const& o, study::category c) {
  return study::has_collisions(c) && !o.particles.empty();
}

std::string file_name(std::string const& path) { return fs::path(path).filename().string(); }

simulation_options options_of(reproduce_options const& o, study::category c) {
  simulation_options how;
  how.seed = o.seed;
  how.threads = o.threads;
  how.selection = c == study::category::forward ? ct::sim::selection::forward : ct::sim::selection::central;
  how.eras = study::has_collisions(c);
  if (!study::has_collisions(c)) how.pile_up = 0;
  how.digis = c == study::category::showers;
  how.labelled = is_generated(o, c);
  if (study::has_collisions(c) && !o.library.empty()) how.library = "parts of " + file_name(o.library);
  return how;
}

// How the events of a category come about.
std::string data_of(reproduce_options const& o, study::size const& size, study::category c) {
  std::string text = "simulated, " + std::to_string(size.training[static_cast<std::size_t>(c)]) +
                     " events per class, " + std::to_string(size.validation) + " for validation and " +
                     std::to_string(size.test) + " for the test, " + description(options_of(o, c));
  for (std::size_t k = 0; is_generated(o, c) && k < o.particles.size(); ++k)
    text += (k == 0 ? ", of " : " ") + file_name(o.particles[k]);
  return text;
}

// The same, and what a training sees of them.
std::string data_of(reproduce_options const& o, study::size const& size, run const& r) {
  std::string text = data_of(o, size, r.what->where);
  if (r.what->view == study::view::rest_of_event) text += ", crystals within dR 0.7 of the candidates left out";
  if (r.what->view == study::view::overlay) text += ", simultaneous collisions alone";
  if (r.validated_by_test) text += ", validated with the events of the test";
  return text;
}

// What weights say of the training that they are from.
std::string training_note(run const& r) { return r.name + ", strength " + std::to_string(r.what->strength); }

ct::train::adam optimiser_of(study::size const& size) { return {.rate_decay = size.rate_decay}; }

std::string given_weights(reproduce_options const& o, run const& r) {
  return (fs::path(o.weights) / (r.name + ".safetensors")).string();
}
bool is_given(reproduce_options const& o, run const& r) {
  std::error_code unknown;
  return !o.weights.empty() && fs::exists(given_weights(o, r), unknown);
}

// Whether anything of a category is still to be trained.
bool is_trained_here(reproduce_options const& o, study::category c) {
  for (study::training const& t : study::trainings) {
    if (t.where != c) continue;
    auto const runs = runs_of(o, t);
    if (!std::all_of(runs.begin(), runs.end(), [&o](run const& r) { return is_given(o, r); })) return true;
  }
  return false;
}

// The epochs of weights that were given, once these are of this training and these events: an event of the test
// must not be among those that they were trained on.
ct::result<std::vector<ct::train::epoch_report>> history_of(reproduce_options const& o, study::size const& size,
                                                            run const& r) {
  std::string const path = given_weights(o, r);
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto const file = ct::io::safetensors_file::open(path);
  if (!file) return *file.error();
  auto const note = [&file](char const* name) {
    auto const found = file->metadata().find(std::string("provenance.") + name);
    return found == file->metadata().end() ? std::string() : found->second;
  };
  constexpr char const* remedy = "take the budget, seed and options that they were made with";
  auto const data = note("data");
  if (data.empty())
    return ct::error{
        "the weights do not say which events they were trained on, among which those of the test may be", path,
        remedy};
  if (data != data_of(o, size, r)) {
    return ct::error{"the weights were trained on other events (" + ct::one_line(data) +
                         "), among which those of the test may be",
                     path, remedy};
  }
  struct setting {
    char const* key;
    char const* words;
    std::string wanted;
  };
  for (setting const& s :
       {setting{"training", "training", training_note(r)}, setting{"seed", "seed", std::to_string(r.seed)},
        setting{"epochs", "number of epochs", std::to_string(size.epochs)},
        setting{"batch", "size of the batches", std::to_string(size.batch)},
        setting{"learning_rate", "learning rate", learning_rate_note(optimiser_of(size))}}) {
    auto const had = note(s.key);
    if (had == s.wanted) continue;
    return ct::error{std::string("the ") + s.words + " of the weights is " +
                         (had.empty() ? "unknown" : ct::one_line(had)) + " instead of " + s.wanted,
                     path, remedy};
  }
  return history_from(note("history"));
}

std::string kept_weights(reproduce_options const& o, run const& r) {
  return (fs::path(o.out) / (r.name + ".safetensors")).string();
}
std::string checkpoint_of(reproduce_options const& o, run const& r) {
  return kept_weights(o, r) + ".checkpoint";
}

// Whether a training can go on where an earlier one stopped.
ct::result<void> check_kept(reproduce_options const& o, study::size const& size, run const& r) {
  std::string const path = checkpoint_of(o, r);
  if (std::error_code unknown; !fs::exists(path, unknown)) return {};
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto const file = ct::io::safetensors_file::open(path);
  if (!file) return *file.error();
  auto const data = file->metadata().find("note.data");
  if (data != file->metadata().end() && data->second == data_of(o, size, r)) return {};
  return ct::error{
      "the checkpoint was made with other events", path,
      "take the budget, seed and options that it was made with, or name another folder with --out"};
}

// Whether the weights and checkpoints that are there can be used, which should not come out after hours.
ct::result<void> check_found(reproduce_options const& o, study::size const& size) {
  std::error_code unknown;
  if (!o.weights.empty() && !fs::is_directory(o.weights, unknown))
    return ct::error{"there is no such folder", o.weights, "name one with --weights, or leave it out"};
  bool any = false;
  for (study::training const& t : study::trainings) {
    auto const net = find_network(t.model);
    if (!net) return *net.error();
    for (run const& r : runs_of(o, t)) {
      if (!is_given(o, r)) {
        if (auto usable = check_kept(o, size, r); !usable) return usable;
        continue;
      }
      any = true;
      if (auto const history = history_of(o, size, r); !history) return *history.error();
      if (auto const weights = (*net)->load(given_weights(o, r)); !weights) return *weights.error();
    }
  }
  if (!any && !o.weights.empty() && o.only.empty()) {
    return ct::error{"the folder holds no weights of this study", o.weights,
                     "name the folder of an earlier run, or leave --weights out"};
  }
  return {};
}

// The events of a category: three parts that have none in common.
struct samples {
  training_request request;  // with the events to learn from and to choose by
  labelled_events test;
};

// Without events to train on and to validate with where nothing is to be trained.
ct::result<samples> simulate_samples(reproduce_options const& o, study::size const& size, study::category c,
                                     pile_up const& soft) {
  simulation_options how = options_of(o, c);
  bool const generated = is_generated(o, c);
  bool const trains = is_trained_here(o, c);
  std::vector<ct::io::particle_file> files;
  if (generated) {
    auto opened = open_generated(o);
    if (!opened) return *opened.error();
    files = std::move(*opened);
  }
  samples s;
  struct part {
    labelled_events* list;
    std::uint64_t events;
    char const* name;
  };
  std::array<part, parts> const all{
      part{&s.request.training, size.training[static_cast<std::size_t>(c)], "training"},
      part{&s.request.validation, size.validation, "validation"}, part{&s.test, size.test, "test"}};
  std::uint64_t first = 0;
  std::set<std::pair<int, std::int64_t>> taken;  // blocks of earlier parts, which must not be split
  for (std::size_t k = 0; k < parts; ++k) {
    part const& p = all[k];
    bool const wanted = p.list == &s.test ? o.only.empty() || o.paper_split : trains;
    std::set<std::pair<int, std::int64_t>> here;
    auto const keep = [&](ct::sim::simulated_event&& e) -> ct::result<void> {
      if (e.block >= 0) here.insert({e.label, e.block});
      if (wanted) p.list->push_back(labelled(std::move(e)));
      return {};
    };
    auto const fits = [&taken](ct::sim::simulated_event const& e) {
      return e.block < 0 || !taken.contains({e.label, e.block});
    };
    if (study::has_collisions(c)) how.overlays = soft.part(k);
    ct::result<void> made;
    if (generated) {  // where the next part begins is known once this one has been read
      made = simulate_generated(files, how, p.events, keep, fits);
    } else if (wanted) {
      made = simulate_events(processes_of(c), how, first, p.events, std::string("simulating, ") + p.name, keep);
    }
    if (!made) {
      auto problem = *made.error();
      if (generated) problem.where += std::string(", for ") + p.name;
      return problem;
    }
    first += p.events;
    taken.merge(here);
  }
  return s;
}

// Leaves the crystals that are more than 0.7 from both candidates.
void leave_rest_of_event(labelled_events& events) {
  constexpr double radius = 0.7;
  using eb = ct::segmentation<ct::cms::eb>;
  for (auto& e : events) {
    auto const candidates = e.photons().first(std::min<std::size_t>(2, e.photons().size()));
    std::erase_if(e.hit_lists[ct::cms::collection::eb], [&candidates](ct::hit const& h) {
      auto const at = eb::center(eb::unpack(h.id));
      return std::any_of(candidates.begin(), candidates.end(), [&at](ct::photon const& p) {
        return std::hypot(at.u - static_cast<double>(p.eta),
                          std::remainder(at.v - static_cast<double>(p.phi), 2 * ct::math::pi)) < radius;
      });
    });
  }
}

// Leaves what the events' simultaneous collisions, of which `soft` has those of a library, look like alone.
void leave_overlay(labelled_events& events, simulation_options const& how, ct::sim::overlays const* soft) {
  std::vector<ct::sim::simulator> make;  // by label
  for (ct::sim::process p : {ct::sim::process::higgs, ct::sim::process::born, ct::sim::process::gamma_jet}) {
    make.emplace_back(ct::sim::sample{.process = p,
                                      .seed = how.seed,
                                      .pile_up = how.pile_up,
                                      .collections = how.collections,
                                      .selection = ct::sim::selection::none,
                                      .eras = how.eras},
                      soft);
  }
  progress bar("simulating overlays", events.size());
  std::atomic<std::uint64_t> done{0};
  ct::for_each_item(how.threads, events.size(), [&](int worker, std::size_t i) {
    auto& e = events[i];
    ct::sim::generated_event const nothing{.number = static_cast<std::uint64_t>(e.number)};
    auto alone = make[static_cast<std::size_t>(e.label)](nothing, {});
    if (alone) static_cast<ct::event&>(e) = std::move(alone->event);
    if (++done % 64 == 0 && worker == 0) bar.step(done);
  });
}

// Changes the events for a control. What was there is gone, so that controls are the last of their category.
void show(study::view view, samples& s, simulation_options const& how, pile_up const& soft) {
  std::array<labelled_events*, parts> const all{&s.request.training, &s.request.validation, &s.test};
  for (std::size_t k = 0; k < parts; ++k) {
    if (view == study::view::rest_of_event) leave_rest_of_event(*all[k]);
    if (view == study::view::overlay) leave_overlay(*all[k], how, soft.part(k));
  }
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

std::string weights_of(reproduce_options const& o, run const& r) {
  return is_given(o, r) ? given_weights(o, r) : kept_weights(o, r);
}

// The epochs of a training that is done now, goes on where it stopped, or was given.
ct::result<std::vector<ct::train::epoch_report>> train(reproduce_options const& o, study::size const& size,
                                                       run const& what, samples& s) {
  if (is_given(o, what)) return history_of(o, size, what);
  study::training const& t = *what.what;
  auto const net = find_network(t.model);
  if (!net) return *net.error();
  training_request& r = s.request;
  r.options = {};
  r.options.epochs = size.epochs;
  r.options.batch_size = size.batch;
  r.options.optimiser = optimiser_of(size);
  r.options.seed = what.seed;
  r.options.threads = o.threads;
  r.options.decorrelation.strength = t.strength;
  r.options.cvm_bound = t.strength > 0 ? t.where == study::category::central ? 0.002 : 0.004 : 0.0;
  r.out = weights_of(o, what);
  r.checkpoint = checkpoint_of(o, what);
  r.resume = fs::exists(r.checkpoint);
  r.set = {"--batch", "--rate",        "--rate-decay",
           "--seed",  "--decorrelate", "--cvm-bound"};  // a checkpoint of other settings is refused
  r.force = true;
  r.data = data_of(o, size, what);
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
  return history;
}

// The scores that a training gives the test events.
ct::result<study::result> test(reproduce_options const& o, run const& what,
                               std::vector<ct::train::epoch_report> history, labelled_events const& events) {
  auto const net = find_network(what.what->model);
  if (!net) return *net.error();
  auto const trained = (*net)->load(weights_of(o, what));
  if (!trained) return *trained.error();
  auto const start = std::chrono::steady_clock::now();
  auto scores = predict(**trained, static_cast<int>((*net)->info().classes.size()), events, o.threads);
  return study::result{what.what,         what.seed,          is_given(o, what),
                       std::move(scores), std::move(history), minutes_since(start)};
}

// What must be known of the test events of a category besides their scores.
ct::result<void> describe_test(samples const& s, study::category c, study::study& done) {
  auto const place = static_cast<std::size_t>(c);
  auto const is_fake = [](auto const& e) { return e.label == 2; };
  // Files count their blocks for themselves, so that one of every class has the same number. An event without
  // a block is one of its own.
  std::map<std::pair<int, std::int64_t>, std::uint64_t> known;
  constexpr std::uint64_t own = std::uint64_t{1} << 63;
  for (auto const& e : s.test) {
    auto& blocks = done.blocks[place];
    blocks.push_back(e.block < 0 ? own + blocks.size()
                                 : known.emplace(std::pair(e.label, e.block), known.size()).first->second);
    done.prompt_fakes[place].push_back(is_fake(e) && e.prompt_pair);
    if (study::has_collisions(c)) done.momenta[place].push_back(kinematics_of(e));
  }
  if (!study::has_collisions(c)) return {};
  done.shown.push_back(*std::find_if(s.test.begin(), s.test.end(), is_fake));
  std::vector<std::string> const names{"H->gg", "gg", "gamma+jet"};
  auto factors = matching_factors(s.test, names, "the test events");
  if (!factors) return ct::error{factors.error()->what, factors.error()->where, "ask for more with --events"};
  done.matching[place] = std::move(*factors);
  return {};
}

// Trains, and tests where a report is to be written.
ct::result<study::study> perform(reproduce_options const& o, study::size const& size, pile_up const& soft) {
  bool const tested = o.only.empty();
  study::study done;
  done.size = size;
  done.seed = o.seed;
  done.threads = o.threads;
  done.generated = !o.particles.empty();
  done.validation = {std::min(size.test, most_validated), o.recorded, o.threads};
  std::size_t number = 0, total = 0;
  for (study::training const& t : study::trainings) total += runs_of(o, t).size();
  for (study::category c : study::categories) {
    if (!tested && !is_trained_here(o, c)) continue;
    auto const begin = std::chrono::steady_clock::now();
    auto s = simulate_samples(o, size, c, soft);
    if (!s) return *s.error();
    if (tested) {
      if (auto known = describe_test(*s, c, done); !known) return *known.error();
    }
    done.minutes += minutes_since(begin);
    done.samples[static_cast<std::size_t>(c)] = data_of(o, size, c);
    for (study::training const& t : study::trainings) {
      auto const runs = runs_of(o, t);
      if (t.where != c || runs.empty()) continue;
      auto const changing = std::chrono::steady_clock::now();
      show(t.view, *s, options_of(o, c), soft);
      done.minutes += minutes_since(changing);
      for (run const& r : runs) {
        auto const start = std::chrono::steady_clock::now();
        auto history = train(o, size, r, *s);
        if (!history) return *history.error();
        for (auto const& e : *history) done.minutes += e.seconds / 60;
        if (tested) {
          auto result = test(o, r, std::move(*history), s->test);
          if (!result) return *result.error();
          done.minutes += result->test_minutes;
          auto& into = r.validated_by_test ? done.chosen_by_test
                       : r.seed != o.seed  ? done.other_seeds
                                           : done.results;
          into.push_back(std::move(*result));
        }
        std::fprintf(stderr, "%2zu of %zu: %s, %s (%s); %.1f minutes\n", ++number, total,
                     std::string(study::name_of(c)).c_str(), std::string(t.title).c_str(), r.name.c_str(),
                     minutes_since(start));
      }
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
  study::size size = *o.budget;
  if (o.events > 0) {
    size.training.fill(o.events);
    size.validation = size.test = o.events;
  }
  if (o.epochs > 0) size.epochs = o.epochs;
  if (auto const usable = check_found(o, size); !usable) return fail(*usable.error());
  if (auto const usable = check_recorded(o.recorded); !usable) return fail(*usable.error());
  if (!o.particles.empty()) {
    // found out before the work
    if (auto const files = open_generated(o); !files) return fail(*files.error());
  }
  auto const soft = open_library(o);
  if (!soft) return fail(*soft.error());
  if (auto made = make_folder(o.out); !made) return fail(*made.error());
  if (!o.only.empty()) {
    if (auto const done = perform(o, size, **soft); !done) return fail(*done.error());
    for (study::training const& t : study::trainings) {
      for (run const& r : runs_of(o, t)) std::printf("%s\n", weights_of(o, r).c_str());
    }
    return success;
  }
  std::string const page = (fs::path(o.out) / "report.html").string();
  std::string const numbers = (fs::path(o.out) / "report.json").string();
  for (auto const& path : {page, numbers}) {
    if (auto free = ct::io::output_file::create(path, {.force = o.force}); !free) return fail(*free.error());
  }
  auto const done = perform(o, size, **soft);
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
      "Simulates the events, trains every network of the study, tests all on events that none has seen, and\n"
      "writes a page with the paper's tables and figures beside its own numbers. Trainings that are complete\n"
      "are kept, one that was interrupted goes on where it stopped. small: all tables and figures in half an\n"
      "hour on two cores, from too few events for the paper's numbers; standard: hours; paper: the paper's\n"
      "numbers of events and epochs, days.",
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
  command
      ->add_option(
          "--weights", o.weights,
          "Folder of weights as an earlier run of the same budget, seed and options left them, which are not\n"
          "trained anew; others are refused")
      ->type_name("DIR");
  std::vector<std::string> ids{all_trainings};
  for (study::training const& t : study::trainings) ids.emplace_back(t.id);
  command
      ->add_option("--only", o.only,
                   "Do these trainings alone, named as their files are, or 'all', and write no report:\n"
                   "a study in parts")
      ->check(CLI::IsMember(ids))
      ->type_name("ID");
  add_count(*command, "--seed", o.seed, "Seed of events, initial weights and their order (default: 1)")
      ->type_name("S");
  command
      ->add_option(
          "--seeds", o.seeds,
          "Train EB and ECAL with N seeds of initial weights and order, and quote the spread (default: 1)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_flag(
      "--paper-split", o.paper_split,
      "Train the paper's networks once more with the epoch chosen by the test events, as in the paper,\n"
      "and show both");
  command
      ->add_option(
          "--particles", o.particles,
          "Generated events of higgs, born and gamma-jet, as examples/pythia/generate.py writes them,\n"
          "instead of the embedded generators")
      ->type_name("F.npz");
  command
      ->add_option(
          "--library", o.library,
          "Take the pile-up from a library of 'simulate --minimum-bias': training, validation and test\n"
          "share no collision of it")
      ->type_name("F.npz");
  command
      ->add_option("--threads", o.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_recorded(*command, o.recorded);
  add_force(*command, o.force);
  add_json(*command, o.json, "Print the numbers of the report as a JSON object");
  command->get_option("--only")->excludes("--json");
}

}  // namespace program
