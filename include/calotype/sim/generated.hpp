// Collisions of an event generator, as the stable particles that reach the detector.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/sim/particle.hpp>
#include <calotype/sim/process.hpp>

namespace calotype::sim {

// What a stable particle is to the detector, by its PDG number.
struct particle_role {
  enum class fate : std::uint8_t { unknown, unseen, detected };
  fate what = fate::unknown;
  species kind = species::photon;
  int charge = 0;
};

// Neutrinos are unseen; particles that decay within the detector (tau, c, b, pi0 ...) are unknown.
constexpr particle_role role_of(int pdg_id) {
  using enum particle_role::fate;
  int const sign = pdg_id < 0 ? -1 : 1;
  switch (sign * pdg_id) {
    case 22:
      return {detected, species::photon, 0};
    case 11:
      return {detected, species::electron, -sign};
    case 13:
      return {detected, species::muon, -sign};
    case 211:   // pi
    case 321:   // K
    case 2212:  // p
    case 3222:  // Sigma+
      return {detected, species::charged_hadron, sign};
    case 3112:  // Sigma-
    case 3312:  // Xi-
    case 3334:  // Omega-
      return {detected, species::charged_hadron, -sign};
    case 130:   // K long
    case 310:   // K short
    case 2112:  // n
    case 3122:  // Lambda
    case 3322:  // Xi0
      return {detected, species::neutral_hadron, 0};
    case 12:
    case 14:
    case 16:
      return {unseen};
    default:
      return {};
  }
}

// What a generator says of a collision besides its particles.
struct generated_event {
  std::uint64_t number = 0;
  std::int64_t block = -1;  // the same for events that must not be split: hadronisations of the same partons
  int label = -1;           // the class, counted from 0; -1 for none
  float weight = 1;
  bool has_candidates = false;
  std::array<candidate_truth, 2> candidates{};  // the harder first; their seeds are not known
};

// The particles of several events in one list.
class generated_events {
 public:
  std::size_t size() const noexcept { return events_.size(); }
  generated_event const& operator[](std::size_t i) const noexcept { return events_[i]; }
  std::span<particle const> particles(std::size_t i) const noexcept {
    return std::span(particles_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

  void clear() {
    events_.clear();
    particles_.clear();
    offsets_.resize(1);
  }
  // Begins an event; `add` gives it particles.
  void start(generated_event const& e) {
    events_.push_back(e);
    offsets_.push_back(particles_.size());
  }
  void add(particle const& p) {
    particles_.push_back(p);
    ++offsets_.back();
  }

 private:
  std::vector<generated_event> events_;
  std::vector<particle> particles_;
  std::vector<std::size_t> offsets_ = std::vector<std::size_t>(1);
};

}  // namespace calotype::sim
