// calotype simulate: events as CMS would have recorded them.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "simulation.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/parallel.hpp>

namespace program {

namespace {

using process_list = std::vector<ct::sim::process>;

choices<process_list> const processes{
    {"higgs", {ct::sim::process::higgs}},
    {"born", {ct::sim::process::born}},
    {"gamma-jet", {ct::sim::process::gamma_jet}},
    {"gamma-pi0", {ct::sim::process::gamma_pi0}},
    {"electron", {ct::sim::process::electron}},
    {"photon", {ct::sim::process::photon}},
    {"electron-pair", {ct::sim::process::electron_pair}},
    {"photon-pair", {ct::sim::process::photon_pair}},
    {"showers", {ct::sim::process::electron, ct::sim::process::photon}},
    {"shower-pairs", {ct::sim::process::electron_pair, ct::sim::process::photon_pair}},
    {"all", {ct::sim::process::higgs, ct::sim::process::born, ct::sim::process::gamma_jet}},
    {"all-pi0", {ct::sim::process::higgs, ct::sim::process::born, ct::sim::process::gamma_pi0}}};
choices<ct::sim::selection> const selections{{"central", ct::sim::selection::central},
                                             {"forward", ct::sim::selection::forward},
                                             {"none", ct::sim::selection::none}};
choices<ct::sim::collections> const collections{{"reduced", ct::sim::collections::reduced},
                                                {"full", ct::sim::collections::full}};

struct simulate_options {
  process_list process;
  std::uint64_t count = 0;
  std::uint64_t skip = 0;
  simulation_options simulation;
  std::string out;
  bool compress = false;
  bool force = false;
  bool json = false;
};

int simulate(simulate_options const& o) {
  if (o.count == 0) return fail({"no event is asked for", "command line", "say how many with -n"});
  if (o.skip > any_count - o.count) {
    return fail(
        {"--skip and -n together go beyond the last event of a seed", "command line", "take a smaller --skip"});
  }
  auto file = ct::io::event_writer::create(
      o.out,
      {{"process", name_of(processes, o.process)},
       {"sample", description(o.simulation)},
       {"first_event", std::to_string(o.skip)},
       {"labels", ct::sim::is_gun(o.process.front()) ? "0 electron, 1 photon" : "0 H->gg, 1 gg, 2 gamma+jet"},
       {"command", command_line()}},
      {.force = o.force, .compress = o.compress});
  if (!file) return fail(*file.error());
  std::map<int, std::uint64_t> labels;
  auto const made = simulate_events(o.process, o.simulation, o.skip, o.count, "simulating",
                                    [&](ct::sim::simulated_event&& e) {
                                      ++labels[e.label];
                                      return file->append(e.event, e.label, e.weight, e.m_gg);
                                    });
  if (!made) return fail(*made.error());
  if (auto closed = file->close(); !closed) return fail(*closed.error());
  std::uint64_t total = 0;
  for (auto const& [label, events] : labels) total += events;
  if (o.json) {
    nlohmann::ordered_json report{
        {"out", o.out}, {"process", name_of(processes, o.process)}, {"events", total}};
    for (auto const& [label, events] : labels)
      report["labels"].push_back({{"label", label}, {"events", events}});
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s: %s simulated events\n", o.out.c_str(), grouped(total).c_str());
  }
  return success;
}

}  // namespace

std::string description(simulation_options const& o) {
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "seed %llu, pile-up %g, fragmentation %g",
                static_cast<unsigned long long>(o.seed), o.pile_up, o.fragmentation);
  return std::string(numbers) + ", selection " + name_of(selections, o.selection) + ", " +
         name_of(collections, o.collections) + " collections";
}

ct::result<void> simulate_events(std::vector<ct::sim::process> const& list, simulation_options const& o,
                                 std::uint64_t first, std::uint64_t count, std::string const& what,
                                 std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use) {
  std::vector<ct::sim::simulator> simulators;
  for (ct::sim::process p : list) {
    simulators.emplace_back(ct::sim::sample{.process = p,
                                            .seed = o.seed,
                                            .pile_up = o.pile_up,
                                            .collections = o.collections,
                                            .selection = o.selection,
                                            .fragmentation = o.fragmentation});
  }
  constexpr std::uint64_t block = 256;  // events of every process in memory at a time
  std::vector<ct::sim::simulated_event> events;
  progress bar(what, count);
  for (std::uint64_t done = 0; done < count; done += block) {
    std::uint64_t const now = std::min(block, count - done);
    events.resize(static_cast<std::size_t>(now) * list.size());
    ct::for_each_item(o.threads, events.size(), [&](int, std::size_t i) {
      events[i] = simulators[i % list.size()](first + done + i / list.size());
    });
    for (auto& e : events) {
      if (auto used = use(std::move(e)); !used) return used;
    }
    bar.step(done + now);
  }
  return {};
}

void add_simulation(CLI::App& command, simulation_options& o, bool with_selection) {
  o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  command
      .add_option("--pile-up", o.pile_up, "Mean number of simultaneous collisions (default: 18, as in 2012)")
      ->check(finite_in(0, 200))
      ->type_name("MU");
  command
      .add_option(
          "--fragmentation", o.fragmentation,
          "Harden (> 1) or soften (< 1) the meson that fakes a photon: its share of the jet to the power 1/X")
      ->check(finite_in(0.2, 5))
      ->type_name("X");
  if (with_selection) {
    add_choice(command, "--selection", o.selection, selections,
               "Events kept: two photon candidates in the barrel (central, default), or in barrel and\n"
               "endcaps (forward), or whatever comes out of the collision (none)");
    add_choice(command, "--collections", o.collections, collections,
               "Hit lists thinned as the recorded files have them (reduced, default), or all (full)");
  }
  command
      .add_option("--threads", o.threads,
                  "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
}

void add_simulate(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<simulate_options>(app, status, "simulate",
                                          "Simulate collisions and what CMS would record of them",
                                          "Proton collisions at 8 TeV: hits, tracks and photon candidates, "
                                          "with pile-up. Event i of a seed is the same on any\n"
                                          "machine and any number of threads.",
                                          command, simulate);
  add_choice(
      *command, "--process", o.process, processes,
      "higgs: H to two photons; born: two photons; gamma-jet: a photon and a jet that fakes one;\n"
      "gamma-pi0: a photon and a lone pi0, an easier fake; all: N of each of the first three;\n"
      "electron, photon, electron-pair, photon-pair: no collision but one or two particles of pT 50 GeV\n"
      "in the barrel; showers, shower-pairs: N of either kind")
      ->required();
  add_count(*command, "-n,--events", o.count, "How many events (of each process)")->required();
  add_count(*command, "--skip", o.skip, "Begin with event N of the seed's sequence (default: 0)");
  add_count(*command, "--seed", o.simulation.seed, "Seed of the random numbers (default: 1)")->type_name("S");
  command->add_option("--out", o.out, "File to write")->required()->type_name("F.npz");
  add_simulation(*command, o.simulation, true);
  command->add_flag("--compress", o.compress, "Write a compressed file: smaller, slower");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print what was written as a JSON object");
}

}  // namespace program
