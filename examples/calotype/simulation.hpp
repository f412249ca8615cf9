// Simulated events for the commands that need them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common.hpp"

#include <calotype/core/result.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/io/particles_npz.hpp>
#include <calotype/sim/simulate.hpp>

namespace program {

// How events are simulated, wherever the collisions come from.
struct simulation_options {
  std::uint64_t seed = 1;
  double pile_up = 18;
  ct::sim::selection selection = ct::sim::selection::central;
  ct::sim::collections collections = ct::sim::collections::reduced;
  double fragmentation = 1;
  bool scaled_pt = false;
  bool eras = false;
  bool digis = false;
  ct::sim::overlays const* overlays = nullptr;  // pile-up; null: made anew for every event
  std::string library;                          // the file and part they are from
  bool labelled = false;                        // generated events must have the label of their process
  int threads = 1;
};
void add_simulation(CLI::App& command, simulation_options& o, bool with_selection);

// Events first .. first + count - 1 of the samples of several processes, interleaved: event i of each, then
// event i + 1. `use` sees them in order, whatever the number of threads, and ends the simulation with an error.
ct::result<void> simulate_events(std::vector<ct::sim::process> const& processes, simulation_options const& o,
                                 std::uint64_t first, std::uint64_t count, std::string const& what,
                                 std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use);

// What passes the selection of the generated events of several files, in their order, some hundreds of one file
// and then of the next. With a count that many of every file, and with eras as many of each era as its share
// says: the first ones. Where `fits` is given, what it refuses does not count. Fails where a file does not hold
// enough.
ct::result<void> simulate_generated(std::vector<ct::io::particle_file>& files, simulation_options const& o,
                                    std::optional<std::uint64_t> count,
                                    std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use,
                                    std::function<bool(ct::sim::simulated_event const&)> const& fits = {});

// A file of generated events from its event `skip` on.
ct::result<ct::io::particle_file> open_particles(std::string const& path, std::uint64_t skip = 0);

// A library of soft collisions that has enough of them to be taken in parts.
ct::result<ct::sim::hit_library> load_library(std::string const& path, std::size_t parts);

// What is known of a simulated event besides what the detector saw, and the event with it.
ct::io::event_labels labels_of(ct::sim::simulated_event const& e);
ct::io::labelled_event labelled(ct::sim::simulated_event&& e);

// How a sample is made, for provenance. The first revision of the simulation did not name itself.
std::string description(simulation_options const& o, int revision = ct::sim::revision);

}  // namespace program
