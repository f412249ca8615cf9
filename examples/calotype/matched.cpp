#include "matched.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include <calotype/eval/matching.hpp>

namespace program {

kinematics kinematics_of(ct::event const& e) {
  constexpr float least = 40;  // the harder of the cuts at generation, that of photon + jet
  auto const photons = e.photons();
  if (photons.size() < 2 || !(photons[0].et > least && photons[1].et > least)) return {};
  auto const eta = [](ct::photon const& p) { return std::fabs(static_cast<double>(p.eta)); };
  return std::array{static_cast<double>(photons[0].et), static_cast<double>(photons[1].et), eta(photons[0]),
                    eta(photons[1])};
}

ct::result<std::vector<double>> matching_factors(std::span<int const> labels, std::span<double const> weights,
                                                 std::span<kinematics const> of) {
  std::vector<int> some_labels;
  std::vector<double> some_weights, quantities;
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (!of[i]) continue;
    some_labels.push_back(labels[i]);
    some_weights.push_back(weights[i]);
    quantities.insert(quantities.end(), of[i]->begin(), of[i]->end());
  }
  for (int label : labels) {
    if (std::find(some_labels.begin(), some_labels.end(), label) != some_labels.end()) continue;
    return ct::error{"no event of class " + std::to_string(label) + " has two photon candidates above 40 GeV",
                     "matching", "give more events, or leave --matched out"};
  }
  auto const some =
      ct::eval::matching_factors(some_labels, some_weights, quantities, kinematics::value_type{}.size());
  if (!some) return *some.error();
  std::vector<double> factors;
  auto next = some->begin();
  for (kinematics const& k : of) factors.push_back(k ? *next++ : 0);
  return factors;
}

}  // namespace program
