#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/sim/channels.hpp>
#include <calotype/sim/reconstruction.hpp>

namespace {

namespace ct = calotype;
namespace sim = calotype::sim;
namespace cms = calotype::cms;

}  // namespace

TEST_CASE("factors belong to the detector: the same for a seed, spread and silent as asked") {
  sim::channel_factors const a, b;
  CHECK(a.eb == b.eb);
  CHECK(a.ee == b.ee);
  CHECK(sim::channel_factors({.seed = 3}).eb != a.eb);
  // not the numbers of an event of the same seed
  ct::stream event(2012, 0, 0);
  CHECK(event.uniform<double>() > 0.001);
  CHECK(a.eb[0] != static_cast<float>(1 + 0.005 * event.normal<double>()));
  double silent = 0, square = 0, alive = 0;
  for (float f : a.eb) {
    if (f == 0) {
      ++silent;
      continue;
    }
    ++alive;
    square += std::pow(static_cast<double>(f) - 1, 2);
  }
  CHECK(silent / 61200 == doctest::Approx(0.007).epsilon(0.2).scale(0));
  CHECK(std::sqrt(square / alive) == doctest::Approx(0.005).epsilon(0.02).scale(0));
}

TEST_CASE("silent crystals are in no list, and others have their factor on the energy") {
  sim::channel_factors factors;
  sim::endcap_map const endcap;
  sim::deposits energies;
  std::size_t const cell = 85 * 360 + 100;
  factors.eb[cell] = 0;
  factors.eb[cell + 1] = 1.5F;
  for (std::size_t k = 0; k < 3; ++k) energies.eb[cell + k] = 100;
  sim::readout reader(endcap, energies, 1, 1, 0, &factors);
  reader.digitise();
  ct::event event;
  reader.write_full(event);
  bool found = false;
  for (auto const& h : event.hits(cms::collection::eb)) {
    auto const at = static_cast<std::size_t>(ct::segmentation<cms::eb>::unpack(h.id));
    CHECK(at != cell);
    if (at != cell + 1) continue;
    found = true;
    CHECK(h.energy == doctest::Approx(150).epsilon(0.002));
  }
  CHECK(found);
}
