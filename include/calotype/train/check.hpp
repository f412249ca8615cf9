// What a training run refuses before it begins: options and events that no run can be done with.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include <calotype/core/hash.hpp>
#include <calotype/core/result.hpp>
#include <calotype/io/detail/number_text.hpp>
#include <calotype/train/dataset.hpp>
#include <calotype/train/options.hpp>

namespace calotype::train {

// Fails, and names the number, where an option is beyond what a run can be done with and a checkpoint can hold.
inline result<void> check_options(options const& o) {
  constexpr double above_zero = std::numeric_limits<double>::min();
  constexpr double endless = std::numeric_limits<double>::infinity();
  constexpr int many = 1'000'000'000;
  auto const& [rate, decay, beta1, beta2, epsilon] = o.optimiser;
  auto const& d = o.decorrelation;
  struct range {
    char const* what;
    double value, least, below;
  };
  for (range const& r :
       {range{"learning rate", rate, above_zero, endless},
        range{"decay of the learning rate", decay, above_zero, endless}, range{"beta1 of Adam", beta1, 0, 1},
        range{"beta2 of Adam", beta2, 0, 1}, range{"epsilon of Adam", epsilon, above_zero, endless},
        range{"strength of the decorrelation", d.strength, 0, endless},
        range{"bound on CvM", o.cvm_bound, 0, endless}}) {
    if (r.value >= r.least && r.value < r.below) continue;
    return error{std::string("the ") + r.what + " is " + io::detail::short_text(r.value), "training options",
                 std::string("take a finite number ") + (r.least > 0 ? "above 0" : "from 0 on") +
                     (r.below == 1 ? ", below 1" : "")};
  }
  struct count {
    char const* what;
    int value, least;
  };
  for (count const& c : {count{"size of a batch", o.batch_size, 1}, count{"number of epochs", o.epochs, 0},
                         count{"number of neighbours", d.neighbours, 0}, count{"length of the ring", d.ring, 0},
                         count{"class to be decorrelated", d.label, 0}}) {
    if (c.value >= c.least && c.value <= many) continue;
    return error{std::string("the ") + c.what + " is " + std::to_string(c.value), "training options",
                 "take " + std::to_string(c.least) + " to 1,000,000,000"};
  }
  return {};
}

// Fails, and names the event, where a label is no class, a weight is not a finite number above 0, or a mass is
// not finite. `classes`: those of the network's output; `what`: training or validation.
template <concepts::dataset Data>
result<void> check_data(Data const& data, int classes, std::string const& what) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto const where = [&] { return what + " event " + std::to_string(i); };
    int const label = data.label(i);
    if (label < 0 || (classes > 1 && label >= classes)) {
      return error{"label " + std::to_string(label) + " is none of the classes", where(),
                   "labels count from 0, for " + std::to_string(classes) + " classes"};
    }
    auto const weight = static_cast<double>(data.weight(i));
    if (!(weight > 0 && std::isfinite(weight))) {
      return error{"the weight is " + io::detail::short_text(weight), where(),
                   "give weights that are finite and above 0, and leave other events out"};
    }
    if constexpr (concepts::massive_dataset<Data>) {
      if (!std::isfinite(data.mass(i))) {
        return error{"the mass is not a finite number", where(), "give 0 where an event has none"};
      }
    }
  }
  return {};
}

// Adds all options that decide the result of a run, which the number of threads does not.
inline void add_to(hasher& h, options const& o) {
  auto const& [rate, decay, beta1, beta2, epsilon] = o.optimiser;
  auto const& d = o.decorrelation;
  for (double x : {rate, decay, beta1, beta2, epsilon, d.strength, o.cvm_bound}) h.add(x);
  for (int n : {o.batch_size, o.epochs, d.neighbours, d.ring, d.label}) h.add(n);
  h.add(o.seed);
}

// Adds what is known of events without reading them: classes, weights and masses.
template <concepts::dataset Data>
void add_to(hasher& h, Data const& data) {
  h.add(std::uint64_t{data.size()});
  for (std::size_t i = 0; i < data.size(); ++i) {
    h.add(static_cast<int>(data.label(i)));
    h.add(static_cast<float>(data.weight(i)));
    if constexpr (concepts::massive_dataset<Data>) h.add(static_cast<float>(data.mass(i)));
  }
}

}  // namespace calotype::train
