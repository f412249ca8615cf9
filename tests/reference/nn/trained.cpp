#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/calotype.hpp>
#include <calotype/io/model.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/sim/simulate.hpp>

namespace {

namespace ct = calotype;

// The logits of events of every class, as one tensor: the largest difference between the two arithmetics, as a
// fraction of the largest number. (The logits of a single event may nearly vanish, and then no fraction of them
// says much.)
template <class Net>
double between_arithmetics(std::string const& name) {
  auto const model = ct::io::load<Net>(CALOTYPE_SOURCE_DIR "/examples/weights/" + name + ".safetensors");
  REQUIRE(model);
  ct::session<Net> direct(*model);
  ct::session<Net, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, ct::exec::winograd>> winograd(*model);
  double difference = 0, largest = 0;
  int apart = 0;  // events whose logits differ at all; those of a few agree by chance
  for (auto process : {ct::sim::process::higgs, ct::sim::process::born, ct::sim::process::gamma_jet}) {
    ct::sim::simulator const simulate({.process = process, .seed = 20121126});
    for (std::uint64_t i = 0; i < 20; ++i) {
      auto const event = simulate(i).event;
      direct(event);
      winograd(event);
      apart += winograd.logits() != direct.logits();
      for (std::size_t k = 0; k < 3; ++k) {
        double const d = static_cast<double>(direct.logits()[k]), w = static_cast<double>(winograd.logits()[k]);
        largest = std::max(largest, std::abs(d));
        difference = std::max(difference, std::isfinite(w) ? std::abs(w - d) : 1e30);
      }
    }
  }
  CHECK(apart > 50);
  MESSAGE(name, ": ", difference / largest, " of ", largest);
  return difference / largest;
}

}  // namespace

TEST_CASE("trained networks: winograd is within 5e-6 of direct") {
  CHECK(between_arithmetics<ct::models::eb>("eb") < 5e-6);
  CHECK(between_arithmetics<ct::models::cms_b>("cms-b") < 5e-6);
}
