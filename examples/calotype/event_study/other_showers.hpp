// Electrons and photons that no simulation of this program made, told apart by the networks on crops.
#pragma once

#include <vector>

#include "../../shower_samples.hpp"
#include "runs.hpp"
#include "study.hpp"

#include <calotype/core/result.hpp>

namespace program::event_study {

using shower_list = std::vector<shower_samples::sample>;

// The showers of the files that are given (--showers). Refused where the study has no network for them.
ct::result<shower_list> read_showers(request const& asked);

// What the study's networks on crops of energies make of them.
ct::result<std::vector<judged_showers>> judge_showers(request const& asked, study const& done,
                                                      shower_list const& showers);

}  // namespace program::event_study
