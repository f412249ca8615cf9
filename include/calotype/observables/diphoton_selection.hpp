// Which pairs of photon candidates the event paper selects (its section 2): the same cuts for simulated and
// recorded events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/observables/superclusters.hpp>

namespace calotype {

// What two photon candidates make of an event. central: both within |eta| < 1.44; forward: both within 2.3
// without 1.44 .. 1.54, central ones among them; none: no pair to be classified.
enum class pair_category : std::uint8_t { none, central, forward };

// Where a category's acceptance ends. Here and below: of central or forward, none has no acceptance.
constexpr double pair_eta_max(pair_category c) noexcept { return c == pair_category::forward ? 2.3 : 1.44; }

constexpr bool in_acceptance(pair_category c, double eta) noexcept {
  double const size = math::abs(eta);
  return size < 1.44 || (size > 1.54 && size < pair_eta_max(c));
}

// Little hadronic energy behind a candidate: H/E < 0.5. Others are no photon candidates of the paper.
constexpr bool passes_h_over_e(photon const& p) noexcept { return p.h_over_e < 0.5F; }

// Whether a candidate counts as one of a category's photons: H/E, ET > 20 GeV, and in the acceptance as seen
// from the vertex. Where the direction from the origin is known, which files do not tell, it must lie there as
// well.
constexpr bool counts_in(pair_category c, photon const& p) noexcept {
  return passes_h_over_e(p) && p.et > 20 && in_acceptance(c, static_cast<double>(p.eta));
}
constexpr bool counts_in(pair_category c, photon_candidate const& p) noexcept {
  return counts_in(c, p.seen) && in_acceptance(c, p.direction.u);
}

// Whether of some candidates (photon or photon_candidate, by falling ET) exactly the first two count, and their
// mass is above 90 GeV. As in the paper's public code (MLAnalyzer, RHAnalyzer_runEvtSel.cc) a third one counts
// where it lies in the acceptance too; the two must be the hardest of all, since m_gg is theirs.
template <class Candidates>
constexpr bool selects_pair(pair_category c, Candidates const& candidates, double mass) noexcept {
  if (candidates.size() < 2 || !(mass > 90)) return false;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    if (counts_in(c, candidates[k]) != (k < 2)) return false;
  }
  return true;
}

// The category of an event's candidates as its file gives them, by falling ET.
inline pair_category category_of(std::span<photon const> candidates) noexcept {
  double const mass = diphoton_mass(candidates);
  if (selects_pair(pair_category::central, candidates, mass)) return pair_category::central;
  if (selects_pair(pair_category::forward, candidates, mass)) return pair_category::forward;
  return pair_category::none;
}

}  // namespace calotype
