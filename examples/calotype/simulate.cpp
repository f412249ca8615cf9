// calotype simulate: events as CMS would have recorded them.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "matched.hpp"
#include "simulation.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/parallel.hpp>
#include <calotype/io/library_npz.hpp>

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

// Which of how many parts of a library.
struct library_part {
  std::size_t which = 0, of = 1;
};

struct simulate_options {
  process_list process;
  std::vector<std::string> particles;
  std::string minimum_bias;
  std::string library;
  std::string part = "0/1";
  std::optional<std::uint64_t> count;
  std::uint64_t skip = 0;
  simulation_options simulation;
  bool matched = false;
  std::vector<std::string> of_collisions;  // the options that only they have and that were given
  std::string out;
  bool compress = false;
  bool force = false;
  bool json = false;
};

// "1/3"; nothing for anything else.
std::optional<library_part> part_of(std::string const& text) {
  library_part part;
  char const* const end = text.data() + text.size();
  auto const which = std::from_chars(text.data(), end, part.which);
  if (which.ec != std::errc{} || which.ptr == end || *which.ptr != '/') return {};
  auto const of = std::from_chars(which.ptr + 1, end, part.of);
  if (of.ec != std::errc{} || of.ptr != end || part.which >= part.of) return {};
  return part;
}

int report_events(simulate_options const& o, std::string const& process,
                  std::map<int, std::uint64_t> const& labels) {
  std::uint64_t total = 0;
  for (auto const& [label, events] : labels) total += events;
  if (o.json) {
    nlohmann::ordered_json report{{"out", o.out}, {"process", process}, {"events", total}};
    for (auto const& [label, events] : labels)
      report["labels"].push_back({{"label", label}, {"events", events}});
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s: %s simulated events\n", o.out.c_str(), grouped(total).c_str());
  }
  return success;
}

// Leaves the matched sample, with its weights.
ct::result<void> match(labelled_events& events, bool guns) {
  std::vector<std::string> const names = guns ? std::vector<std::string>{"electron", "photon"}
                                              : std::vector<std::string>{"H->gg", "gg", "gamma+jet"};
  auto const factors = matching_factors(events, names, "--matched");
  if (!factors) return *factors.error();
  std::size_t next = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto const weight = static_cast<float>(static_cast<double>(events[i].weight) * (*factors)[i]);
    if (!(weight > 0)) continue;
    events[i].weight = weight;
    if (next != i) events[next] = std::move(events[i]);
    ++next;
  }
  events.resize(next);
  return {};
}

// Writes the events that make(use) passes to `use`.
template <class Make>
int write_events(simulate_options const& o, std::string const& process,
                 std::map<std::string, std::string> metadata, Make const& make) {
  metadata.insert({{"process", process},
                   {"sample", description(o.simulation)},
                   {"first_event", std::to_string(o.skip)},
                   {"labels", "0 H->gg, 1 gg, 2 gamma+jet"},
                   {"command", command_line()}});
  for (std::size_t k = 0; o.simulation.eras && k < ct::sim::run_eras.size(); ++k) {
    metadata["eras"] += (k > 0 ? ", " : "") + std::to_string(k) + " " + std::string(ct::sim::run_eras[k].name);
  }
  if (o.matched) metadata["matched"] = about_matching;
  auto file = ct::io::event_writer::create(o.out, metadata, {.force = o.force, .compress = o.compress},
                                           ct::io::with_pulses{o.simulation.digis});
  if (!file) return fail(*file.error());
  std::map<int, std::uint64_t> labels;
  labelled_events waiting;  // for weights that are known at the end
  auto const made = make([&](ct::sim::simulated_event&& e) -> ct::result<void> {
    if (o.matched) {
      waiting.push_back(labelled(std::move(e)));
      return {};
    }
    ++labels[e.label];
    return file->append(e.event, labels_of(e));
  });
  if (!made) return fail(*made.error());
  if (o.matched) {
    bool const guns = o.particles.empty() && ct::sim::is_gun(o.process.front());
    if (auto matched = match(waiting, guns); !matched) return fail(*matched.error());
  }
  for (auto const& e : waiting) {
    ++labels[e.label];
    if (auto written = file->append(e); !written) return fail(*written.error());
  }
  if (auto closed = file->close(); !closed) return fail(*closed.error());
  return report_events(o, process, labels);
}

bool has_fake(ct::sim::process p) {
  return p == ct::sim::process::gamma_jet || p == ct::sim::process::gamma_pi0;
}

int simulate_embedded(simulate_options const& o) {
  if (o.count.value_or(0) == 0) return fail({"no event is asked for", "command line", "say how many with -n"});
  if (o.skip > any_count - *o.count) {
    return fail(
        {"--skip and -n together go beyond the last event of a seed", "command line", "take a smaller --skip"});
  }
  std::map<std::string, std::string> metadata;
  if (ct::sim::is_gun(o.process.front())) {
    if (!o.of_collisions.empty()) {
      return fail({o.of_collisions.front() + " has no effect on the particles of a gun", "command line",
                   "leave the option out"});
    }
    metadata["labels"] = "0 electron, 1 photon";
  } else if (auto const& given = o.of_collisions;
             std::find(given.begin(), given.end(), "--fragmentation") != given.end() &&
             std::none_of(o.process.begin(), o.process.end(), has_fake)) {
    return fail({"--fragmentation has no effect on events without a jet that fakes a photon", "command line",
                 "leave the option out"});
  }
  return write_events(o, name_of(processes, o.process), metadata, [&](auto const& use) {
    return simulate_events(o.process, o.simulation, o.skip, *o.count, "simulating", use);
  });
}

int simulate_particles(simulate_options const& o) {
  if (o.count == std::uint64_t{0}) {
    return fail({"no event is asked for", "command line", "say how many with -n, or leave it out"});
  }
  std::vector<ct::io::particle_file> files;
  std::string names, sources;
  for (auto const& path : o.particles) {
    if (auto apart = check_apart(o.out, {path}); !apart) return fail(*apart.error());
    auto file = open_particles(path, o.skip);
    if (!file) return fail(*file.error());
    auto const name = file->metadata().find("process");
    if (name != file->metadata().end()) names += (names.empty() ? "" : ", ") + name->second;
    sources += (sources.empty() ? "" : ", ") + path;
    files.push_back(std::move(*file));
  }
  return write_events(o, names, {{"particles", sources}},
                      [&](auto const& use) { return simulate_generated(files, o.simulation, o.count, use); });
}

int make_library(simulate_options const& o) {
  if (auto apart = check_apart(o.out, {o.minimum_bias}); !apart) return fail(*apart.error());
  auto file = open_particles(o.minimum_bias, o.skip);
  if (!file) return fail(*file.error());
  ct::sim::soft_response const respond(o.simulation.seed);
  ct::sim::hit_library library;
  auto const total = std::min<std::uint64_t>(o.count.value_or(any_count), file->size() - o.skip);
  progress bar("simulating", total);
  ct::sim::generated_events collisions;
  std::vector<ct::sim::soft_response::left> left;
  while (library.size() < total) {
    auto const read = file->read(collisions, std::min<std::size_t>(256, total - library.size()));
    if (!read) return fail(*read.error());
    left.resize(collisions.size());
    ct::for_each_item(o.simulation.threads, left.size(),
                      [&](int, std::size_t i) { left[i] = respond(collisions[i], collisions.particles(i)); });
    for (auto const& l : left) library.add(l.cells, l.tracks);
    bar.step(library.size());
  }
  auto const saved = ct::io::save_library(
      o.out, library,
      {{"particles", o.minimum_bias}, {"seed", std::to_string(o.simulation.seed)}, {"command", command_line()}},
      {.force = o.force, .compress = o.compress});
  if (!saved) return fail(*saved.error());
  if (o.json) {
    nlohmann::ordered_json const report{{"out", o.out}, {"collisions", library.size()}};
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s: %s soft collisions\n", o.out.c_str(), grouped(library.size()).c_str());
  }
  return success;
}

int simulate(simulate_options& o) {
  if (!o.minimum_bias.empty()) return make_library(o);
  if (o.matched && (o.particles.empty() ? o.process.size() : o.particles.size()) < 2) {
    return fail({"samples are matched with each other, and there is one class only", "--matched",
                 "simulate several processes"});
  }
  if (o.matched && o.count && *o.count < least_matched) {
    return fail(
        {"samples of fewer than " + std::to_string(least_matched) + " events per class cannot be matched",
         "--matched", "ask for more with -n"});
  }
  if (o.simulation.scaled_pt && o.simulation.selection == ct::sim::selection::none) {
    return fail({"--scaled-pt has no effect with --selection none", "command line", "leave one of them out"});
  }
  ct::sim::hit_library library;
  std::optional<ct::sim::overlays> pile_up;
  if (!o.library.empty()) {
    auto const part = part_of(o.part);
    if (!part) {
      return fail({"'" + o.part + "' is no part of a library", "--library-part",
                   "give K/M with K below M, such as 0/3"});
    }
    if (auto apart = check_apart(o.out, {o.library}); !apart) return fail(*apart.error());
    auto loaded = load_library(o.library, part->of);
    if (!loaded) return fail(*loaded.error());
    library = std::move(*loaded);
    pile_up.emplace(library, part->which, part->of);
    o.simulation.overlays = &*pile_up;
    o.simulation.library = o.library + " part " + o.part;
  }
  return o.particles.empty() ? simulate_embedded(o) : simulate_particles(o);
}

}  // namespace

ct::result<ct::io::particle_file> open_particles(std::string const& path, std::uint64_t skip) {
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto file = ct::io::open_particles(path);
  if (!file) return *file.error();
  if (skip >= file->size()) {
    return ct::error{"no event is left to read", path, "it has " + std::to_string(file->size()) + " events"};
  }
  if (auto skipped = file->skip(static_cast<std::size_t>(skip)); !skipped) return *skipped.error();
  return file;
}

ct::result<ct::sim::hit_library> load_library(std::string const& path, std::size_t parts) {
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto library = ct::io::load_library(path);
  if (library && library->size() < parts) {
    return ct::error{"the library has too few collisions for " + std::to_string(parts) +
                         " parts: " + std::to_string(library->size()),
                     path, "make one of more collisions"};
  }
  return library;
}

ct::io::event_labels labels_of(ct::sim::simulated_event const& e) {
  return {e.label, e.weight, e.m_gg, e.era, e.truth.interactions, e.block, e.prompt_pair()};
}

ct::io::labelled_event labelled(ct::sim::simulated_event&& e) {
  ct::io::labelled_event kept;
  static_cast<ct::io::event_labels&>(kept) = labels_of(e);
  static_cast<ct::event&>(kept) = std::move(e.event);
  return kept;
}

std::string description(simulation_options const& o, int revision) {
  char pile_up[32], fragmentation[32];
  std::snprintf(pile_up, sizeof pile_up, "%g", o.pile_up);
  std::snprintf(fragmentation, sizeof fragmentation, "%g", o.fragmentation);
  return (revision > 1 ? "simulation " + std::to_string(revision) + ", " : std::string()) + "seed " +
         std::to_string(o.seed) + ", pile-up " + (o.eras ? "by run era" : pile_up) +
         (o.library.empty() ? "" : " from " + o.library) + ", fragmentation " + fragmentation + ", selection " +
         name_of(selections, o.selection) + ", " + name_of(collections, o.collections) + " collections" +
         (o.scaled_pt ? ", pT above m/3 and m/4" : "") + (o.digis ? ", digis" : "");
}

namespace {

ct::sim::simulator simulator_of(ct::sim::process p, simulation_options const& o) {
  return ct::sim::simulator({.process = p,
                             .seed = o.seed,
                             .pile_up = o.pile_up,
                             .collections = o.collections,
                             .selection = o.selection,
                             .scaled_pt = o.scaled_pt,
                             .fragmentation = o.fragmentation,
                             .eras = o.eras,
                             .digis = o.digis},
                            o.overlays);
}

// How many of `count` events each era gets: its share, the largest remainders rounded up.
std::array<std::uint64_t, ct::sim::run_eras.size()> shares(std::uint64_t count, ct::sim::selection which) {
  constexpr std::size_t eras = ct::sim::run_eras.size();
  std::array<std::uint64_t, eras> share{}, order{};
  std::array<double, eras> remainder{};
  double total = 0;
  for (auto const& era : ct::sim::run_eras) total += events_of(era, which);
  std::uint64_t left = count;
  for (std::size_t k = 0; k < eras; ++k) {
    double const exact = static_cast<double>(count) * events_of(ct::sim::run_eras[k], which) / total;
    share[k] = static_cast<std::uint64_t>(exact);
    remainder[k] = exact - static_cast<double>(share[k]);
    left -= share[k];
  }
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return remainder[a] > remainder[b] || (remainder[a] == remainder[b] && a < b);
  });
  for (std::size_t k = 0; k < left; ++k) ++share[order[k]];
  return share;
}

// How many more events of one file are wanted, in all and of each era.
class wanted_events {
 public:
  wanted_events(std::optional<std::uint64_t> count, simulation_options const& o)
      : left_(count), by_era_(o.eras && count) {
    if (by_era_) eras_ = shares(*count, o.selection);
  }

  std::uint64_t left() const { return left_.value_or(any_count); }
  // Whether this event is one of them; it then counts.
  bool take(ct::sim::simulated_event const& e) {
    if (left() == 0) return false;
    if (by_era_) {
      auto& era = eras_[static_cast<std::size_t>(e.era)];
      if (era == 0) return false;
      --era;
    }
    if (left_) --*left_;
    return true;
  }

 private:
  std::optional<std::uint64_t> left_;
  bool by_era_;
  std::array<std::uint64_t, ct::sim::run_eras.size()> eras_{};
};

}  // namespace

ct::result<void> simulate_generated(std::vector<ct::io::particle_file>& files, simulation_options const& o,
                                    std::optional<std::uint64_t> count,
                                    std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use,
                                    std::function<bool(ct::sim::simulated_event const&)> const& fits) {
  struct sample {
    ct::io::particle_file* file;
    ct::sim::simulator make;
    wanted_events wanted;
    std::size_t read = 0;
  };
  std::vector<sample> samples;
  std::uint64_t total = 0;
  for (auto& file : files) {
    auto const name = file.metadata().find("process");
    auto const known = std::find_if(processes.begin(), processes.end(), [&](auto const& p) {
      return name != file.metadata().end() && p.first == name->second && p.second.size() == 1;
    });
    if (known == processes.end()) {
      return ct::error{"the metadata name no process that is known", file.path(),
                       "let 'process' be higgs, born or gamma-jet"};
    }
    samples.push_back({&file, simulator_of(known->second[0], o), wanted_events(count, o)});
    total += count ? *count : file.left();
  }
  constexpr std::size_t block = 256;  // generated events of a file in memory at a time
  ct::sim::generated_events collisions;
  std::vector<std::optional<ct::sim::simulated_event>> seen;
  std::vector<ct::sim::workspace> memory(static_cast<std::size_t>(o.threads));
  progress bar("simulating", total);
  std::uint64_t done = 0;
  for (bool more = true; more;) {
    more = false;
    for (auto& s : samples) {
      if (s.wanted.left() == 0) continue;
      if (s.file->left() == 0) {
        if (!count) continue;
        return ct::error{"only " + std::to_string(*count - s.wanted.left()) + " of " + std::to_string(*count) +
                             " events could be made of the particles",
                         s.file->path(), "generate more of them, or ask for fewer events"};
      }
      if (auto read = s.file->read(collisions, block); !read) return read;
      seen.assign(collisions.size(), {});
      ct::for_each_item(o.threads, seen.size(), [&](int worker, std::size_t i) {
        seen[i] = s.make(collisions[i], collisions.particles(i), memory[static_cast<std::size_t>(worker)]);
      });
      for (auto& e : seen) {
        done += !count;
        if (!e || (fits && !fits(*e))) continue;
        if (int const wanted = ct::sim::label_of(s.make.description().process);
            o.labelled && e->label != wanted) {
          return ct::error{"an event has the label " + std::to_string(e->label) + ", and its process " +
                               std::to_string(wanted),
                           s.file->path(), "let it be 0 in the file of higgs, 1 of born and 2 of gamma-jet"};
        }
        if (!s.wanted.take(*e)) continue;
        done += count.has_value();
        if (auto used = use(std::move(*e)); !used) return used;
      }
      bar.step(done);
      more = true;
    }
  }
  return {};
}

ct::result<void> simulate_events(std::vector<ct::sim::process> const& list, simulation_options const& o,
                                 std::uint64_t first, std::uint64_t count, std::string const& what,
                                 std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use) {
  std::vector<ct::sim::simulator> simulators;
  for (ct::sim::process p : list) simulators.push_back(simulator_of(p, o));
  constexpr std::uint64_t block = 256;  // events of every process in memory at a time
  std::vector<ct::sim::simulated_event> events;
  std::vector<ct::sim::workspace> memory(static_cast<std::size_t>(o.threads));
  progress bar(what, count);
  for (std::uint64_t done = 0; done < count; done += block) {
    std::uint64_t const now = std::min(block, count - done);
    events.resize(static_cast<std::size_t>(now) * list.size());
    ct::for_each_item(o.threads, events.size(), [&](int worker, std::size_t i) {
      events[i] =
          simulators[i % list.size()](first + done + i / list.size(), memory[static_cast<std::size_t>(worker)]);
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
               "Events kept: exactly two photon candidates in the barrel (central, default), or in barrel and\n"
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
  auto* const source = command->add_option_group("source", "Where the collisions come from, one of");
  add_choice(
      *source, "--process", o.process, processes,
      "Made here. higgs: H to two photons; born: two photons; gamma-jet: a photon and a jet that fakes "
      "one;\n"
      "gamma-pi0: a photon and a lone pi0, an easier fake; all: N of each of the first three;\n"
      "electron, photon, electron-pair, photon-pair: no collision but one or two particles of pT 50 GeV\n"
      "in the barrel; showers, shower-pairs: N of either kind");
  source
      ->add_option("--particles", o.particles,
                   "Generated events, as examples/pythia/generate.py writes them; all of a file that pass\n"
                   "the selection, or the first N")
      ->type_name("F.npz");
  source
      ->add_option("--minimum-bias", o.minimum_bias,
                   "Generated soft collisions: what they leave becomes a library for --library")
      ->type_name("F.npz");
  source->require_option(1);
  add_count(*command, "-n,--events", o.count,
            "How many events of each process (required), or of a file (default: all)");
  add_count(*command, "--skip", o.skip, "Begin with event N of the seed's sequence, or of a file (default: 0)");
  add_count(*command, "--seed", o.simulation.seed, "Seed of the random numbers (default: 1)")->type_name("S");
  command->add_option("--out", o.out, "File to write")->required()->type_name("F.npz");
  add_simulation(*command, o.simulation, true);
  auto* const eras = command->add_flag(
      "--eras", o.simulation.eras,
      "Draw the run era of every event, and with it the mean pile-up, as the event paper has them");
  command->add_flag("--scaled-pt", o.simulation.scaled_pt,
                    "Keep events only whose two candidates have pT above m_gg/3 and m_gg/4, too");
  command->add_flag("--digis", o.simulation.digis,
                    "Write the ten samples of the pulse behind every hit of the barrel, too");
  auto* const library =
      command
          ->add_option("--library", o.library, "Take the pile-up from such a library instead of making it anew")
          ->type_name("F.npz");
  command
      ->add_option("--library-part", o.part,
                   "Part K of M of the library, which shares no collision with the others")
      ->needs(library)
      ->type_name("K/M");
  // what would have no effect is refused
  for (char const* const option : {"--fragmentation", "--selection", "--scaled-pt"}) {
    command->get_option(option)->each(
        [&o, option](std::string const&) { o.of_collisions.emplace_back(option); });
  }
  eras->excludes("--pile-up");
  command->get_option("--fragmentation")->excludes("--particles")->excludes("--minimum-bias");
  for (char const* const option :
       {"--pile-up", "--selection", "--scaled-pt", "--collections", "--eras", "--digis", "--library"}) {
    command->get_option(option)->excludes("--minimum-bias");
  }
  command
      ->add_flag("--matched", o.matched,
                 "Write those with both photon candidates above 40 GeV, weighted so that all classes have one\n"
                 "distribution of pT1, pT2 and |eta|; all events are kept in memory until then")
      ->excludes("--minimum-bias");
  command->add_flag("--compress", o.compress, "Write a compressed file: smaller, slower");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print what was written as a JSON object");
}

}  // namespace program
