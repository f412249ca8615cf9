// Simulated events for the commands that need them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common.hpp"

#include <calotype/core/result.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/sim/simulate.hpp>

namespace program {

struct simulation_options {
  std::uint64_t seed = 1;
  double pile_up = 18;
  ct::sim::selection selection = ct::sim::selection::central;
  ct::sim::collections collections = ct::sim::collections::reduced;
  double fragmentation = 1;
  int threads = 1;
};
void add_simulation(CLI::App& command, simulation_options& o, bool with_selection);

// Events first .. first + count - 1 of the samples of several processes, interleaved: event i of each, then
// event i + 1. `use` sees them in order, whatever the number of threads, and ends the simulation with an error.
ct::result<void> simulate_events(std::vector<ct::sim::process> const& processes, simulation_options const& o,
                                 std::uint64_t first, std::uint64_t count, std::string const& what,
                                 std::function<ct::result<void>(ct::sim::simulated_event&&)> const& use);

// How a sample is made, for provenance.
std::string description(simulation_options const& o);

}  // namespace program
