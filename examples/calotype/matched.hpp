// Samples of several classes made alike in the kinematics of their photons (`--matched`): what a network of
// images still tells apart there, it sees in the images.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>

namespace program {

namespace ct = calotype;

// ET of the two leading photon candidates in GeV, and their |eta|; nothing where one of them has less than 40
// GeV.
using kinematics = std::optional<std::array<double, 4>>;
kinematics kinematics_of(ct::event const& e);

// Factors from 0 to 1 for the weights of events that give all classes the same distribution of these
// quantities; 0 for events without. Fails where a class has too few with.
ct::result<std::vector<double>> matching_factors(std::span<int const> labels, std::span<double const> weights,
                                                 std::span<kinematics const> of);

// In words, for pages and files.
inline constexpr char const* about_matching =
    "both photon candidates above 40 GeV, and weights that give all classes one distribution of pT1, pT2 and "
    "|eta|";

}  // namespace program
