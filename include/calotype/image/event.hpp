// What one recorded or simulated collision offers to an image: hits by collection, tracks, photon candidates.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace calotype {

// One reconstructed calorimeter hit: the raw detector id (32 bits, as the experiment packs it) and the energy
// in GeV.
struct hit {
  std::uint32_t id = 0;
  float energy = 0;
};

// What the source says of a track's fit; files without such a flag give unknown.
enum class track_quality : std::uint8_t { unknown, loose, high_purity };

// One reconstructed track, parameters at the point closest to the beam line: pT in GeV, angles in radians,
// charge in units of e, impact parameters in cm (0 where the source has none).
struct track {
  float pt = 0;
  float eta = 0;
  float phi = 0;
  float charge = 0;
  float d0 = 0;
  float z0 = 0;
  track_quality quality = track_quality::unknown;
};

// A photon candidate as the source file gives it; energies in GeV, angles in radians. r9 is
// E(3x3)/E(supercluster raw), 0 where unknown.
struct photon {
  float et = 0;
  float eta = 0;
  float phi = 0;
  float energy = 0;
  float r9 = 0;
  float h_over_e = 0;
};

// The digitised pulse behind a hit: samples 25 ns apart, in GeV above the pedestal.
inline constexpr int pulse_samples = 10;
struct pulse {
  std::uint32_t id = 0;  // that of the hit
  std::array<float, pulse_samples> samples{};
};

// Which hit list of an event a segmentation reads. A detector of another experiment numbers its own lists from
// 0.
inline constexpr int max_collections = 12;

namespace concepts {

// An event: identity, contiguous hits per collection, contiguous tracks; nothing throws.
template <class E>
concept event = requires(E const& e, int collection) {
  { e.run } -> std::convertible_to<std::uint32_t>;
  { e.number } -> std::convertible_to<std::uint64_t>;
  { e.hits(collection) }
  noexcept->std::convertible_to<std::span<hit const>>;
  { e.tracks() }
  noexcept->std::convertible_to<std::span<track const>>;
  { e.photons() }
  noexcept->std::convertible_to<std::span<photon const>>;
};

// An event that offers the digitised pulses behind its hits as well, sorted by id. Events without pulses() are
// events all the same; they serve what reads energies.
template <class E>
concept event_with_pulses = event<E> && requires(E const& e) {
  { e.pulses() }
  noexcept->std::convertible_to<std::span<pulse const>>;
};

}  // namespace concepts

// The library's own event: owns its lists. Hits of a collection are sorted by id and ids are unique (readers
// and the simulation see to that), so sums of several hits in one pixel always run in the same order.
struct event {
  std::uint32_t run = 0;
  std::uint32_t luminosity_block = 0;
  std::uint64_t number = 0;

  std::array<std::vector<hit>, max_collections> hit_lists{};
  std::vector<track> track_list{};
  std::vector<photon> photon_list{};  // by falling transverse energy
  std::vector<pulse> pulse_list{};    // of EB hits, sorted by id; empty where the source has none

  std::span<hit const> hits(int collection) const noexcept {
    return collection >= 0 && collection < max_collections
               ? std::span<hit const>(hit_lists[static_cast<std::size_t>(collection)])
               : std::span<hit const>();
  }
  std::span<track const> tracks() const noexcept { return track_list; }
  std::span<photon const> photons() const noexcept { return photon_list; }
  std::span<pulse const> pulses() const noexcept { return pulse_list; }
};

static_assert(concepts::event_with_pulses<event>);

}  // namespace calotype
