// The simulated response beside recorded events.
#pragma once

#include <cstdint>
#include <string>

#include "common.hpp"
#include <nlohmann/json_fwd.hpp>

#include <calotype/core/result.hpp>
#include <calotype/report/page.hpp>

namespace program {

struct validation_options {
  std::uint64_t events = 1000;  // simulated ones of each of two samples
  std::string recorded;         // a folder of the event display's files of 2012; empty: the simulation alone
  int threads = 1;
};
void add_recorded(CLI::App& command, std::string& recorded);

// Fails where the folder lacks a file; found out before hours of work.
ct::result<void> check_recorded(std::string const& folder);

// Appends the comparison to a page, and returns its numbers.
ct::result<nlohmann::ordered_json> add_validation(ct::report::page& page, validation_options const& o);

}  // namespace program
