// calotype train: weights from labelled or simulated events.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "networks.hpp"
#include "simulation.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/hash.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/model.hpp>
#include <calotype/io/output.hpp>

namespace program {

namespace {

struct train_options {
  std::string model;
  std::string data;
  std::uint64_t simulate = 0;
  simulation_options simulation;
  double validation = 0.1;
  program::arithmetic arithmetic = program::arithmetic::winograd;
  ct::train::options training;
  std::string out;
  std::vector<std::string> simulated;  // options of the simulation that were given
  bool resume = false;
  std::vector<std::string> set;  // those that a resumed run must not contradict and that were given
  bool force = false;
  bool json = false;
};

// Events without two photon candidates have no image that is divided by m_gg.
bool usable(ct::event const& e) { return ct::diphoton_mass(e.photons()) > 0; }

int classes_of(network_info const& net) { return std::max(2, static_cast<int>(net.classes.size())); }

// What a training run sees of events: labels, weights, photons, hits and tracks.
void add_content(ct::hasher& h, labelled_events const& events) {
  h.add(static_cast<std::uint64_t>(events.size()));
  auto const pair = [&h](std::uint32_t a, float b) {
    h.add(std::uint64_t{a} << 32 | std::bit_cast<std::uint32_t>(b));
  };
  for (auto const& e : events) {
    pair(static_cast<std::uint32_t>(e.label), e.weight);
    h.add(e.m_gg);
    for (auto const& p : e.photons()) h.add(p.et).add(p.eta).add(p.phi).add(p.energy);
    for (int c = 0; c < ct::max_collections; ++c)
      for (auto const& hit : e.hits(c)) pair(hit.id, hit.energy);
    for (auto const& t : e.tracks()) h.add(t.pt).add(t.eta).add(t.phi);
    for (auto const& p : e.pulses()) {
      for (float const sample : p.samples) h.add(sample);
    }
  }
}

// Moves the last block of each class that has none for validation yet, where another one stays; tells of the
// classes that have one only. `blocks` counts those of each class.
void complete_validation(labelled_events& training, labelled_events& validation, network_info const& net,
                         std::map<int, std::uint64_t> const& blocks) {
  for (auto const& [label, count] : blocks) {
    auto const is_of_class = [wanted = label](auto const& e) { return e.label == wanted; };
    if (std::any_of(validation.begin(), validation.end(), is_of_class)) continue;
    if (count < 2) {
      auto const place = static_cast<std::size_t>(label);
      std::fprintf(stderr, "not validated: %s, of which there is one event or block\n",
                   place < net.classes.size() ? net.classes[place].c_str() : "rest");
      continue;
    }
    auto const block = std::find_if(training.rbegin(), training.rend(), is_of_class)->block;
    auto const is_moved = [&](auto const& e) { return is_of_class(e) && e.block == block; };
    std::copy_if(training.begin(), training.end(), std::back_inserter(validation), is_moved);
    std::erase_if(training, is_moved);
  }
}

ct::result<void> from_file(train_options const& o, network_info const& net, training_request& r) {
  auto source = event_source::open(o.data);
  if (!source) return *source.error();
  if (!source->has_labels()) {
    return ct::error{"the events have no labels", o.data,
                     "train on an .npz file, as 'calotype simulate' writes it"};
  }
  if (auto readable = check_digis(*source, net); !readable) return readable;
  progress bar("reading", source->size());
  std::uint64_t done = 0;
  std::uint64_t left_out = 0;
  std::map<int, std::uint64_t> blocks;  // of each class, so that both parts hold all classes
  std::map<std::pair<int, std::int64_t>, bool> for_validation;  // by class and block, which stays together
  auto const read = source->visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
    bar.step(++done);
    bool const three_for_one = net.classes.size() == 1 && t.label > 0;
    if (t.label < 0 || (t.label >= classes_of(net) && !three_for_one)) {
      return ct::error{"the label " + std::to_string(t.label) + " is none of the network's classes",
                       o.data + ", event " + std::to_string(done - 1) + " (counted from 0)",
                       "correct the label"};
    }
    if (!(t.weight > 0)) {
      return ct::error{"the weight is not positive",
                       o.data + ", event " + std::to_string(done - 1) + " (counted from 0)",
                       "leave the event out"};
    }
    if (net.needs_photons && !usable(e)) {
      ++left_out;
      return {};
    }
    // An event without a block is one of its own; blocks of files are not negative.
    std::int64_t const block = t.block < 0 ? -static_cast<std::int64_t>(done) : t.block;
    auto const [decided, fresh] = for_validation.try_emplace({t.label, block});
    if (fresh) {
      auto const before = static_cast<double>(blocks[t.label]++);
      decided->second = std::floor((before + 1) * o.validation) > std::floor(before * o.validation);
    }
    auto& list = decided->second ? r.validation : r.training;
    ct::io::labelled_event& kept = list.emplace_back();
    static_cast<ct::event&>(kept) = e;
    kept.label = t.label;
    kept.weight = t.weight;
    kept.block = block;
    kept.m_gg = static_cast<float>(t.m_gg);
    return {};
  });
  if (!read) return read;
  if (left_out > 0) {
    std::fprintf(stderr, "left out: %s events without two photon candidates\n", grouped(left_out).c_str());
  }
  if (blocks.size() == 1) {
    return ct::error{"all events are of one class, so that there is nothing to tell apart", o.data,
                     "give a file of several classes"};
  }
  if (o.validation > 0) complete_validation(r.training, r.validation, net, blocks);
  ct::hasher digest;
  add_content(digest, r.training);
  add_content(digest, r.validation);
  r.data = "file " + std::filesystem::path(o.data).filename().string() + ", " +
           std::to_string(r.training.size()) + " events and " + std::to_string(r.validation.size()) +
           " for validation, content " + ct::io::detail::hexadecimal(digest.value());
  return {};
}

// The samples whose labels are the network's classes.
std::vector<ct::sim::process> samples_of(network_info const& net) {
  using enum ct::sim::process;
  if (net.classes.front() == "electron") return {electron, photon};
  return {higgs, born, gamma_jet};
}

ct::result<void> from_simulation(train_options const& o, network_info const& net, training_request& r) {
  auto const all = samples_of(net);
  auto const validation = static_cast<std::uint64_t>(std::ceil(static_cast<double>(o.simulate) * o.validation));
  auto const into = [](labelled_events& list) {
    return [&list](ct::sim::simulated_event&& e) -> ct::result<void> {
      list.push_back(labelled(std::move(e)));
      return {};
    };
  };
  auto made = simulate_events(all, o.simulation, 0, o.simulate, "simulating", into(r.training));
  if (made && validation > 0) {
    made = simulate_events(all, o.simulation, o.simulate, validation, "simulating", into(r.validation));
  }
  r.data = "simulated, " + std::to_string(o.simulate) + " events per class and " + std::to_string(validation) +
           " for validation, " + description(o.simulation);
  return made;
}

// Finds out before the work, not after it, whether the results can be written.
ct::result<void> check_outputs(train_options const& o, std::string const& checkpoint) {
  for (auto const& output : {o.out, checkpoint}) {
    if (auto apart = check_apart(output, {o.data}); !apart) return apart;
  }
  auto const out = ct::io::output_file::create(o.out, {.force = o.force});
  if (!out) return *out.error();
  std::error_code unknown;
  bool const begun = std::filesystem::exists(checkpoint, unknown);
  if (o.resume && !begun) {
    return ct::error{"there is no checkpoint to resume from", checkpoint, "start without --resume"};
  }
  if (begun && !o.resume && !o.force) {
    return ct::error{"an earlier run left its checkpoint here", checkpoint,
                     "go on with --resume, or start anew with --force"};
  }
  return {};
}

// Whose CvM is quoted.
std::string decorrelated_class(network_info const& net, ct::train::options const& o) {
  return class_name(net, o.decorrelation.label);
}

void report_epoch(ct::train::epoch_report const& e, std::string const& decorrelated, int epochs,
                  bool validated) {
  std::fprintf(stderr, "epoch %2llu of %d: loss %.4f, ", static_cast<unsigned long long>(e.epoch), epochs,
               e.loss);
  if (validated) {
    std::fprintf(stderr, "validation loss %.4f, AUC %.4f", e.validation_loss, e.validation_auc);
    if (e.validation_cvm.windows > 0) {
      std::fprintf(stderr, ", CvM(%s) %.4f", decorrelated.c_str(), e.validation_cvm.value);
    }
    std::fputs(e.best ? " *" : "  ", stderr);
  } else {
    std::fputs("no validation events", stderr);
  }
  std::fprintf(stderr, "  (%.0f s)\n", e.seconds);
}

using json = nlohmann::ordered_json;

json as_json(ct::eval::cvm_figure const& f) {
  if (f.windows == 0) return {};
  return {{"value", f.value}, {"floor", f.floor}, {"floor_error", f.floor_error}, {"events", f.events}};
}

json as_json(train_options const& o, training_request const& r, double seconds,
             std::vector<ct::train::epoch_report> const& history, ct::train::epoch_report const& best) {
  auto const if_validated = [&r](double number) { return r.validation.empty() ? json() : json(number); };
  json report{{"out", o.out},
              {"model", o.model},
              {"data", r.data},
              {"seconds", seconds},
              {"best_epoch", best.epoch},
              {"validation_auc", if_validated(best.validation_auc)},
              {"validation_cvm", as_json(best.validation_cvm)}};
  for (auto const& e : history) {
    report["epochs"].push_back({{"epoch", e.epoch},
                                {"loss", e.loss},
                                {"validation_loss", if_validated(e.validation_loss)},
                                {"validation_auc", if_validated(e.validation_auc)},
                                {"validation_cvm", as_json(e.validation_cvm)},
                                {"seconds", e.seconds}});
  }
  return report;
}

int train(train_options o) {
  auto const net = find_network(o.model);
  if (!net) return fail(*net.error());
  if (o.data.empty() == (o.simulate == 0)) {
    return fail(
        {"there is nothing, or too much, to train on", "command line", "give either --data F or --simulate N"});
  }
  bool const guns = o.data.empty() && is_gun(samples_of((*net)->info()).front());
  for (std::string const& option : o.simulated) {
    char const* const has_none = !o.data.empty()                       ? "events from a file"
                                 : guns && option == "--fragmentation" ? "the particles of a gun"
                                                                       : nullptr;
    if (has_none == nullptr) continue;
    return fail({option + " has no effect on " + has_none, "command line", "leave the option out"});
  }
  bool const decorrelates = o.training.decorrelation.strength > 0 || o.training.cvm_bound > 0;
  if (decorrelates && decorrelated_class((*net)->info(), o.training) != "gg") {
    return fail({o.model + " has no class gg, whose score could be kept from knowing m_gg", "command line",
                 "leave --decorrelate and --cvm-bound out"});
  }
  for (char const* option : {"--neighbours", "--ring"}) {
    bool const given = std::find(o.set.begin(), o.set.end(), option) != o.set.end();
    if (given && !o.resume && !(o.training.decorrelation.strength > 0)) {
      return fail({std::string(option) + " has no effect without --decorrelate", "command line",
                   "leave the option out, or decorrelate"});
    }
  }
  training_request r;
  r.out = o.out;
  r.checkpoint = o.out + ".checkpoint";
  r.resume = o.resume;
  r.set = o.set;
  r.force = o.force;
  r.options = o.training;
  r.arithmetic = o.arithmetic;
  r.options.threads = o.simulation.threads;
  o.simulation.seed = o.training.seed;
  o.simulation.digis = (*net)->info().needs_digis;
  // The networks of the barrel are trained on events of the barrel.
  bool const whole = (*net)->info().input.find("centric") != std::string::npos;
  o.simulation.selection = whole ? ct::sim::selection::forward : ct::sim::selection::central;
  if (auto possible = check_outputs(o, r.checkpoint); !possible) return fail(*possible.error());

  auto const start = std::chrono::steady_clock::now();
  auto const have = o.data.empty() ? from_simulation(o, (*net)->info(), r) : from_file(o, (*net)->info(), r);
  if (!have) return fail(*have.error());
  if (r.training.empty()) {
    return fail({"no event is left to train on", o.data, "give more events, or a smaller --validation"});
  }
  std::fprintf(stderr, "training %s on %s\n", o.model.c_str(), r.data.c_str());
  r.notes = {{"command", command_line()}, {"model", o.model}};

  std::string const decorrelated = decorrelated_class((*net)->info(), o.training);
  progress bar("training", 0);
  r.on_step = [&](ct::train::step_report const& s) {
    char note[64];
    std::snprintf(note, sizeof note, "epoch %llu of %d, loss %.3f", static_cast<unsigned long long>(s.epoch),
                  r.options.epochs, s.loss);
    bar.step_of(s.step, s.steps, s.seconds_left, note);
  };
  r.on_epoch = [&](ct::train::epoch_report const& e) {
    bar.finish();
    report_epoch(e, decorrelated, r.options.epochs, !r.validation.empty());
  };
  auto const history = (*net)->train(r);
  bar.finish();
  if (!history) return fail(*history.error());
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ct::train::epoch_report best;
  for (auto const& e : *history) {
    if (e.best) best = e;
  }
  if (!ct::train::keeps_to(r.options.cvm_bound, best)) {
    std::fprintf(stderr,
                 "no epoch keeps to CvM(%s) <= %g; the weights are of the one with the smallest, %.4f\n",
                 decorrelated.c_str(), r.options.cvm_bound, best.validation_cvm.value);
  }
  if (o.json) {
    auto const report = as_json(o, r, seconds, *history, best);
    std::printf("%s\n", report.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else if (r.validation.empty()) {
    std::printf("%s: no validation events, weights of the last epoch, %llu; %.0f s in all\n", o.out.c_str(),
                static_cast<unsigned long long>(best.epoch), seconds);
  } else {
    std::printf(
        "%s: weights of epoch %llu, AUC(%s against the rest) %.4f on the validation events; %.0f s in all\n",
        o.out.c_str(), static_cast<unsigned long long>(best.epoch), (*net)->info().classes.front().c_str(),
        best.validation_auc, seconds);
    auto const& cvm = best.validation_cvm;
    if (cvm.windows > 0) {
      std::printf("CvM of the score and m_gg for true %s events: %.4f, random scores: %.4f +- %.4f\n",
                  decorrelated.c_str(), cvm.value, cvm.floor, cvm.floor_error);
    }
  }
  return success;
}

}  // namespace

void add_train(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<train_options>(app, status, "train", "Train a network on labelled or simulated events",
                                       "Softmax cross-entropy and Adam, as in the event paper. The weights "
                                       "written are those of the epoch with the best\n"
                                       "AUC on events kept for validation; the same command gives the same "
                                       "weights. After every epoch the state of the run\n"
                                       "goes to W.safetensors.checkpoint, for --resume.",
                                       command, train);
  command->add_option("--model", o.model, "Network to train; 'calotype models' lists them")
      ->required()
      ->type_name("M");
  command->add_option("--data", o.data, "Labelled events to train on")->type_name("F.npz");
  add_count(*command, "--simulate", o.simulate,
            "Simulate N events per class to train on, and more for validation; all are kept in memory",
            10'000'000);
  command->add_option("--out", o.out, "Weights to write")->required()->type_name("W.safetensors");
  auto const remember = [&o](char const* option) {
    return [&o, option](std::string const&) { o.set.push_back(option); };
  };
  add_count(*command, "--seed", o.training.seed, "Seed of events, initial weights and their order (default: 1)")
      ->type_name("S")
      ->each(remember("--seed"));
  command->add_option("--epochs", o.training.epochs, "Passes over the events (default: 10)")
      ->check(CLI::Range(1, 100000))
      ->type_name("E");
  command->add_option("--batch", o.training.batch_size, "Events per step (default: 32)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("B")
      ->each(remember("--batch"));
  command->add_option("--rate", o.training.optimiser.learning_rate, "Learning rate of Adam (default: 5e-4)")
      ->check(finite_in(1e-12, 1e5))
      ->type_name("LR")
      ->each(remember("--rate"));
  command
      ->add_option("--rate-decay", o.training.optimiser.rate_decay,
                   "Factor of the learning rate from one epoch to the next (default: 1)")
      ->check(finite_in(1e-3, 1))
      ->type_name("FACTOR")
      ->each(remember("--rate-decay"));
  command
      ->add_option("--validation", o.validation,
                   "Part of a file's events kept for validation, or how many more are simulated (default: 0.1)")
      ->check(finite_in(0, 0.9))
      ->type_name("PART");
  auto& decorrelation = o.training.decorrelation;
  command
      ->add_option("--decorrelate", decorrelation.strength,
                   "Add a CvM loss of this strength, which keeps the score of gg events from knowing m_gg\n"
                   "(event paper: 0.15, with barrel and endcaps 0.2; default: 0, none)")
      ->check(finite_in(0, 1e6))
      ->type_name("LAMBDA")
      ->each(remember("--decorrelate"));
  command
      ->add_option("--neighbours", decorrelation.neighbours,
                   "Its events that are neighbours in m_gg (default: 12)")
      ->check(CLI::Range(1, 10000))
      ->type_name("K")
      ->each(remember("--neighbours"));
  command
      ->add_option("--ring", decorrelation.ring,
                   "Its pairs of m_gg and score kept from earlier batches (default: 240); 0: the batch alone,\n"
                   "which then has its share of every class")
      ->check(CLI::Range(0, 1000000))
      ->type_name("N")
      ->each(remember("--ring"));
  command
      ->add_option(
          "--cvm-bound", o.training.cvm_bound,
          "Choose the epoch with the best AUC among those with CvM(gg) below this on the validation events;\n"
          "where there is none, that with the smallest CvM (event paper: 0.002, with barrel and endcaps 0.004)")
      ->check(finite_in(1e-9, 1))
      ->type_name("CVM")
      ->each(remember("--cvm-bound"));
  add_choice(*command, "--arithmetic", o.arithmetic, arithmetics,
             "Convolutions by Winograd's algorithm (winograd, default: nearly twice as fast, rounded\n"
             "differently) or as scores are always computed (direct); the weights serve both")
      ->each(remember("--arithmetic"));
  add_simulation(*command, o.simulation, false);
  for (char const* option : {"--pile-up", "--fragmentation"}) {
    command->get_option(option)->each([&o, option](std::string const&) { o.simulated.push_back(option); });
  }
  command->add_flag("--resume", o.resume,
                    "Go on from the checkpoint beside the weights, exactly where it stopped, with its batch,\n"
                    "rate, seed, arithmetic and decorrelation");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print the history as a JSON object");
}

}  // namespace program
