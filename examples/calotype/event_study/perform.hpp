// A study done: its events simulated, its networks trained and tested.
#pragma once

#include "other_showers.hpp"
#include "runs.hpp"
#include "samples.hpp"
#include "study.hpp"

#include <calotype/core/result.hpp>

namespace program::event_study {

// Trains, and tests where a report is to be written.
ct::result<study> perform(request const& asked, pile_up const& soft, shower_list const& showers);

}  // namespace program::event_study
