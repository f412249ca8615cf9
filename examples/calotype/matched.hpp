// Samples of several classes made alike in the kinematics of their photons (`--matched`): a network of images
// that still tells them apart sees more than these.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "networks.hpp"

#include <calotype/core/result.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/image/event.hpp>

namespace program {

// ET of the two leading photon candidates in GeV, and their |eta|; nothing where one of them has less than 40
// GeV.
using kinematics = std::optional<std::array<double, 4>>;
inline constexpr std::array kinematics_names{"pT1", "pT2", "|eta1|", "|eta2|"};
kinematics kinematics_of(ct::event const& e);

// Events of every class that are needed.
inline constexpr std::size_t least_matched = 20;

// Factors from 0 to 1 for the weights of events that give all classes the same distribution of these
// quantities; 0 for events without. Fails where a class has too few with: `names` are those of the classes,
// `where` the events are from.
ct::result<std::vector<double>> matching_factors(std::span<int const> labels, std::span<double const> weights,
                                                 std::span<kinematics const> of,
                                                 std::span<std::string const> names, std::string const& where);
ct::result<std::vector<double>> matching_factors(labelled_events const& events,
                                                 std::span<std::string const> names, std::string const& where);

// How well each of the quantities alone, whichever way round, still tells class `signal` from class
// `background` (eval::all_others: from the rest) on a matched sample with its weights: areas from 0.5 on.
std::array<double, 4> remaining_areas(ct::eval::predictions const& matched, std::span<kinematics const> of,
                                      int signal, int background);

// In words, for pages and files.
inline constexpr char const* about_matching =
    "both photon candidates above 40 GeV, and weights that give all classes one distribution of pT1, pT2 and "
    "|eta|";

}  // namespace program
