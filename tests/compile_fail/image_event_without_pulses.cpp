// expect: calotype::cms::pulses_around: this event does not offer its digitised pulses; give it pulses
#include <calotype/models/shower_paper.hpp>

namespace ct = calotype;

struct recorded {
  std::uint32_t run = 0;
  std::uint64_t number = 0;
  std::span<ct::hit const> hits(int) const noexcept { return {}; }
  std::span<ct::track const> tracks() const noexcept { return {}; }
  std::span<ct::photon const> photons() const noexcept { return {}; }
};
static_assert(ct::concepts::event<recorded> && !ct::concepts::event_with_pulses<recorded>);

auto const refused = ct::models::shower_digis::compute(recorded{});
