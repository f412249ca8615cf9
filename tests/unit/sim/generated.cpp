#include <doctest/doctest.h>

#include <calotype/sim/generated.hpp>

namespace {

namespace sim = calotype::sim;
using fate = sim::particle_role::fate;

}  // namespace

TEST_CASE("what a particle is to the detector") {
  CHECK(sim::role_of(22).kind == sim::species::photon);
  CHECK(sim::role_of(11).kind == sim::species::electron);
  CHECK(sim::role_of(11).charge == -1);
  CHECK(sim::role_of(-11).charge == 1);
  CHECK(sim::role_of(-13).charge == 1);
  CHECK(sim::role_of(-211).charge == -1);
  CHECK(sim::role_of(-2212).charge == -1);
  CHECK(sim::role_of(3312).charge == -1);
  CHECK(sim::role_of(-3312).charge == 1);
  CHECK(sim::role_of(-2112).kind == sim::species::neutral_hadron);
  CHECK(sim::role_of(310).charge == 0);
  CHECK(sim::role_of(-14).what == fate::unseen);
  CHECK(sim::role_of(111).what == fate::unknown);
  CHECK(sim::role_of(15).what == fate::unknown);
}

TEST_CASE("every event has its own particles") {
  sim::generated_events events;
  events.start({.number = 7});
  events.add({sim::species::photon, 10, 0, 0, 0});
  events.start({.number = 8});
  events.start({.number = 9});
  events.add({sim::species::muon, 20, 0, 0, 1});
  events.add({sim::species::electron, 30, 0, 0, 1});
  REQUIRE(events.size() == 3);
  CHECK(events[1].number == 8);
  CHECK(events.particles(0).size() == 1);
  CHECK(events.particles(1).empty());
  REQUIRE(events.particles(2).size() == 2);
  CHECK(events.particles(2)[1].pt == 30.0);
  events.clear();
  CHECK(events.size() == 0);
  events.start({});
  CHECK(events.particles(0).empty());
}
