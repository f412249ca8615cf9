// Isolation of photon candidates: what else there is in a cone around them, straight from tracks and hits.
// Cones, thresholds and vetoes as in CMSSW's RecoEgamma (PhotonIdentification/isolationCalculator_cfi, cone B;
// EgammaIsolationAlgos: EgammaRecHitIsolation with sizes in crystals). Nothing is subtracted for pile-up.
#pragma once

#include <cstdint>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>

namespace calotype {

namespace detail {

inline constexpr double isolation_cone = 0.3;  // dR

// How far a direction is from the cone's axis.
struct separation {
  double eta, squared;  // |deta|, deta^2 + dphi^2

  separation(double eta1, double phi1, double eta2, double phi2) noexcept
      : eta(math::abs(eta1 - eta2)), squared(0) {
    double turned = math::abs(phi1 - phi2);
    if (turned > math::pi) turned = 2 * math::pi - turned;
    squared = math::fma(eta, eta, turned * turned);
  }
  bool within(double radius) const noexcept { return squared < radius * radius; }
};

// How wide a crystal counts in the vetoes, in eta.
constexpr double veto_width(segmentation<cms::eb>, double) { return 0.0174; }
constexpr double veto_width(segmentation<cms::ee>, double eta) { return 0.00864 * math::abs(math::sinh(eta)); }
// Whether a crystal's energy (GeV), or its transverse energy, is above the noise.
constexpr bool above_noise(segmentation<cms::eb>, double energy, double) { return energy > 0.095; }
constexpr bool above_noise(segmentation<cms::ee>, double, double et) { return et > 0.11; }

}  // namespace detail

// Sum of pT (GeV) of the tracks at 0.04 <= dR < 0.3 from the direction (eta, phi) but for those within 0.015 of
// it in eta: hollow cone and strip leave out the legs of a converted photon. Tracks of all vertices count
// (CMSSW asks for 0.2 cm along the beam and 0.1 cm across).
inline float track_isolation(std::span<track const> tracks, float eta, float phi) noexcept {
  constexpr double hollow = 0.04, strip = 0.015;
  double sum = 0;
  for (track const& t : tracks) {
    detail::separation const away(static_cast<double>(t.eta), static_cast<double>(t.phi),
                                  static_cast<double>(eta), static_cast<double>(phi));
    bool const beside = away.within(detail::isolation_cone) && !away.within(hollow) && away.eta >= strip;
    if (beside && t.pt > 0) sum += static_cast<double>(t.pt);
  }
  return static_cast<float>(sum);
}

// Sum of the transverse energies (GeV) of the crystals of D (cms::eb, cms::ee) within dR = 0.3 of crystal
// `seed`, a dense index, less those of the shower itself: within 3.5 crystals, and, for what its electrons
// spread in phi, within 2.5 crystals in eta. Crystals count above 0.095 GeV (EE: 0.11 GeV transverse).
template <class D, std::uint64_t Signature = segmentation<D>::signature()>
float ecal_isolation(std::span<hit const> hits, int seed) noexcept {
  constexpr double core = 3.5, strip = 2.5;  // crystals
  segmentation<D> const cells;
  position const axis = cells.center(seed);
  double sum = 0;
  for (hit const h : hits) {
    int const cell = cells.unpack(h.id);
    if (cell < 0 || !(h.energy > 0) || !(h.energy - h.energy == 0)) continue;
    position const at = cells.center(cell);
    detail::separation const away(at.u, at.v, axis.u, axis.v);
    if (!away.within(detail::isolation_cone)) continue;
    double const width = detail::veto_width(cells, at.u);
    if (away.eta < strip * width || away.within(core * width)) continue;
    auto const energy = static_cast<double>(h.energy);
    double const et = energy / math::cosh(at.u);
    if (detail::above_noise(cells, energy, et)) sum += et;
  }
  return static_cast<float>(sum);
}

}  // namespace calotype
