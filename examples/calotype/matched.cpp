#include "matched.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <calotype/eval/matching.hpp>
#include <calotype/eval/roc.hpp>
#include <calotype/eval/separation.hpp>
#include <calotype/image/kinematics.hpp>

namespace program {

kinematics kinematics_of(ct::event const& e) {
  constexpr float least = 40;  // the harder of the cuts at generation, that of photon + jet
  auto const [first, second] = ct::leading_photons(e.photons());
  if (second == nullptr || !(second->et > least)) return {};
  auto const eta = [](ct::photon const* p) { return std::fabs(static_cast<double>(p->eta)); };
  return std::array{static_cast<double>(first->et), static_cast<double>(second->et), eta(first), eta(second)};
}

ct::result<std::vector<double>> matching_factors(std::span<int const> labels, std::span<double const> weights,
                                                 std::span<kinematics const> of,
                                                 std::span<std::string const> names, std::string const& where) {
  std::vector<int> some_labels;
  std::vector<double> some_weights, quantities;
  std::map<int, std::size_t> matched;  // of every class
  for (std::size_t i = 0; i < of.size(); ++i) {
    matched[labels[i]] += of[i].has_value();
    if (!of[i]) continue;
    some_labels.push_back(labels[i]);
    some_weights.push_back(weights[i]);
    quantities.insert(quantities.end(), of[i]->begin(), of[i]->end());
  }
  for (auto const& [label, count] : matched) {
    if (count >= least_matched) continue;
    auto const k = static_cast<std::size_t>(label);
    return ct::error{"only " + std::to_string(count) + " events of " +
                         (k < names.size() ? names[k] : "class " + std::to_string(label)) +
                         " have both photon candidates above 40 GeV; " + std::to_string(least_matched) +
                         " are needed",
                     where, "give more events, or leave --matched out"};
  }
  auto const some =
      ct::eval::matching_factors(some_labels, some_weights, quantities, kinematics_names.size(), least_matched);
  if (!some) return ct::error{some.error()->what, where, some.error()->remedy};
  std::vector<double> factors;
  auto next = some->begin();
  for (kinematics const& k : of) factors.push_back(k ? *next++ : 0);
  return factors;
}

ct::result<std::vector<double>> matching_factors(labelled_events const& events,
                                                 std::span<std::string const> names, std::string const& where) {
  std::vector<int> labels;
  std::vector<double> weights;
  std::vector<kinematics> momenta;
  for (auto const& e : events) {
    labels.push_back(e.label);
    weights.push_back(static_cast<double>(e.weight));
    momenta.push_back(kinematics_of(e));
  }
  return matching_factors(labels, weights, momenta, names, where);
}

std::array<double, 4> remaining_areas(ct::eval::predictions const& matched, std::span<kinematics const> of,
                                      int signal, int background) {
  std::array<double, 4> areas{};
  for (std::size_t q = 0; q < areas.size(); ++q) {
    std::vector<double> values, weights;
    std::vector<char> is_signal;
    for (std::size_t i = 0; i < matched.size(); ++i) {
      bool const signals = matched.labels[i] == signal;
      if (!signals && background != ct::eval::all_others && matched.labels[i] != background) continue;
      values.push_back((*of[i])[q]);
      weights.push_back(matched.weight(i));
      is_signal.push_back(signals);
    }
    auto const curve = ct::eval::roc_curve::make(
        std::span<double const>(values), std::span<char const>(is_signal), std::span<double const>(weights));
    areas[q] = curve ? std::max(curve->auc(), 1 - curve->auc()) : std::nan("");
  }
  return areas;
}

}  // namespace program
