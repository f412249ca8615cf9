// The benchmark that the event paper names but does not make (1): 4-momenta with shower shapes and isolation.
#pragma once

#include <array>
#include <cstddef>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/layers.hpp>
#include <calotype/observables/isolation.hpp>
#include <calotype/observables/shower_shapes.hpp>

namespace calotype::models {

// photon_pair and, for each of the two, what tells photons from jets in an analysis of reconstructed photons:
// r9 as the event gives it, sigmaIetaIeta (in units of 0.01), and what lies in the cones around it as a
// fraction of its pT. All of them are 0 where there is no such photon or no shower in the ECAL.
struct identified_photon_pair {
  static constexpr auto features() {
    return labels("pt1/m", "eta1", "pt2/m", "eta2", "cos(dphi)", "r9_1", "100 sigma_ieta_ieta_1",
                  "track_iso_1/pt1", "ecal_iso_1/pt1", "r9_2", "100 sigma_ieta_ieta_2", "track_iso_2/pt2",
                  "ecal_iso_2/pt2");
  }
  template <concepts::event E>
  static bool applies(E const& e) noexcept {
    return photon_pair::applies(e);
  }
  template <concepts::event E>
  static std::array<float, 13> compute(E const& e) noexcept {
    std::array<float, 13> f{};
    auto const pair = photon_pair::compute(e);
    for (std::size_t i = 0; i < pair.size(); ++i) f[i] = pair[i];
    auto const leading = leading_photons(e.photons());
    for (std::size_t p = 0; p < 2; ++p) {
      if (leading[p] == nullptr || !(leading[p]->et > 0)) continue;
      photon const& candidate = *leading[p];
      float* const to = f.data() + pair.size() + 4 * p;
      to[0] = candidate.r9;
      to[2] = track_isolation(e.tracks(), candidate.eta, candidate.phi) / candidate.et;
      if (!add_shower<cms::eb>(e, candidate, to)) add_shower<cms::ee>(e, candidate, to);
    }
    return f;
  }

 private:
  template <class D, concepts::event E>
  static bool add_shower(E const& e, photon const& candidate, float* to) noexcept {
    auto const hits = e.hits(segmentation<D>::collection);
    energy_search<D> const energies(hits);
    int const seed = seed_near(energies, candidate.eta, candidate.phi);
    if (seed < 0) return false;
    to[1] = 100 * shapes_around(energies, seed).sigma_ieta_ieta;
    to[3] = ecal_isolation<D>(hits, seed) / candidate.et;
    return true;
  }
};

struct reference {
  using input = identified_photon_pair;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::fully_connected<4>(128); }
};

}  // namespace calotype::models
