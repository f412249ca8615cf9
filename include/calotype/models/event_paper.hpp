// The classifiers of "End-to-End Physics Event Classification with CMS Open Data" (Andrews, Paulini, Gleyzer,
// Poczos 2020), Table 2, by the names the paper gives them. Images are divided by the mass of the two leading
// photons (5.2), so the networks see the angles and the shapes but not the mass; those called mass-aware are
// given images as they are. Further below: variants that the paper mentions in passing.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <calotype/core/math.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/layers.hpp>

namespace calotype::models {

// Order of the classes of the event task.
constexpr auto event_classes() { return labels("H->gg", "gg", "gamma+jet"); }

// --- inputs

inline constexpr image_options per_mass{.divide_by = divisor::m_gg};

// Pixels are 50 E / m_gg: the crystals of the photons then lie near 10 and those of pile-up near 0.1, where the
// network's start-up weights can see both.
inline constexpr channel_options scaled{.scale = 50};

// "We rescale the pixel intensities in the HCAL image by a constant" (5.2): the one with which the 99 %
// quantiles of the pixels that are not zero agree in the barrel. Simulated events of the three classes have
// 0.105 in ECAL and 0.059 in HCAL, in units of m_gg. The endcaps and CMS-II keep to that constant, where their
// own quantiles ask for another: in CMS-II's image, whose ECAL pixels are sums over towers, HCAL's is twice
// ECAL's.
inline constexpr channel_options scaled_hcal{.scale = 1.8 * scaled.scale};

// As `scaled` for undivided images: pixels of the same size at 125 GeV.
inline constexpr channel_options scaled_at_125{.scale = scaled.scale / 125};
inline constexpr channel_options scaled_hcal_at_125{.scale = scaled_hcal.scale / 125};

struct ecal_barrel_image {  // 1 x 170 x 360
  static constexpr auto image() { return cms::central({ecal_energy(scaled)}, per_mass); }
};
struct barrel_image {  // 3 x 170 x 360
  static constexpr auto image() {
    return cms::central({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled_hcal)}, per_mass);
  }
};
struct ecal_image {  // 1 x 170 x 360, 2 x 1 x 100 x 100
  static constexpr auto image() { return cms::ecal_centric({ecal_energy(scaled)}, per_mass); }
};
struct ecal_centric_image {  // 3 x 170 x 360, 2 x 3 x 100 x 100
  static constexpr auto image() {
    return cms::ecal_centric({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled_hcal)}, per_mass);
  }
};
struct hcal_centric_image {  // 3 x 280 x 360
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled_hcal)}, per_mass);
  }
};

struct ecal_barrel_image_mass_aware {
  static constexpr auto image() { return cms::central({ecal_energy(scaled_at_125)}); }
};
struct barrel_image_mass_aware {
  static constexpr auto image() {
    return cms::central({track_pt(scaled_at_125), ecal_energy(scaled_at_125), hcal_energy(scaled_hcal_at_125)});
  }
};
struct ecal_image_mass_aware {
  static constexpr auto image() { return cms::ecal_centric({ecal_energy(scaled_at_125)}); }
};
// Divided by the scalar sum of the two leading photons' pT, which neglects the angle between them.
struct ecal_barrel_image_sum_pt {
  static constexpr auto image() { return cms::central({ecal_energy(scaled)}, {.divide_by = divisor::sum_pt}); }
};

// pT / m_gg and eta of the two leading photons and the cosine of their azimuthal separation (5.1). An event
// with fewer than two photons gives zeros.
struct photon_pair {
  static constexpr auto features() { return labels("pt1/m", "eta1", "pt2/m", "eta2", "cos(dphi)"); }
  template <concepts::event E>
  static bool applies(E const& e) noexcept {
    return diphoton_mass(e.photons()) > 0;
  }
  template <concepts::event E>
  static std::array<float, 5> compute(E const& e) noexcept {
    auto const photons = e.photons();
    auto const [first, second] = leading_photons(photons);
    if (second == nullptr) return {};
    photon const &a = *first, &b = *second;
    auto const mass = static_cast<float>(diphoton_mass(photons));
    if (!(mass > 0)) return {};
    return {a.et / mass, a.eta, b.et / mass, b.eta, math::cos(a.phi - b.phi)};
  }
};

// --- networks

namespace detail {

// Hidden layers of `units`, and the logits.
template <int Hidden>
constexpr auto fully_connected(int units) {
  // as PyTorch counts a sequence of dense layers and ReLUs
  constexpr std::array<std::string_view, 7> names{"fcn.0", "fcn.2",  "fcn.4", "fcn.6",
                                                  "fcn.8", "fcn.10", "fcn.12"};
  static_assert(Hidden < static_cast<int>(names.size()));
  using namespace nn;
  return [&]<std::size_t... Layer>(std::index_sequence<Layer...>) {
    return layers(layers(dense{.units = units, .name = names[Layer]}, relu{})...,
                  logits{.name = names[static_cast<std::size_t>(Hidden)]});
  }
  (std::make_index_sequence<static_cast<std::size_t>(Hidden)>{});
}

// Three residual networks, one per plane of the ECAL-centric image, joined by two hidden layers (Figure 3c).
constexpr auto three_trunks() {
  using namespace nn;
  return layers(branches(branch("barrel", resnet15_trunk()), branch("endcap_minus", resnet15_trunk()),
                         branch("endcap_plus", resnet15_trunk())),
                fully_connected<2>(128));
}

}  // namespace detail

struct eb {
  using input = ecal_barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};
struct cms_b {
  using input = barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};
struct ecal {
  using input = ecal_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::three_trunks(); }
};
struct cms_i {
  using input = ecal_centric_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::three_trunks(); }
};
struct cms_ii {
  using input = hcal_centric_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};
// Four hidden layers of 128: the published count of parameters, although the text says three.
// As published: one logit, H->gg against the rest.
struct four_momentum {
  using input = photon_pair;
  static constexpr auto classes() { return labels("H->gg"); }
  static constexpr auto layers() { return detail::fully_connected<4>(128); }
};
// The same with three outputs, for the three-class tables.
struct four_momentum_3 {
  using input = photon_pair;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::fully_connected<4>(128); }
};

// --- mass-aware, and divided otherwise (5.2)

struct eb_mass_aware {
  using input = ecal_barrel_image_mass_aware;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};
struct cms_b_mass_aware {
  using input = barrel_image_mass_aware;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};
struct ecal_mass_aware {
  using input = ecal_image_mass_aware;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::three_trunks(); }
};
struct eb_sum_pt {
  using input = ecal_barrel_image_sum_pt;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::resnet15(); }
};

// --- what the choices of 5.1 are worth: EB and the 4-momentum network built otherwise

// 23 convolutions instead of 15.
struct eb_deeper {
  using input = ecal_barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::layers(nn::resnet_trunk<5>(), nn::logits{}); }
};
// Means where the paper takes largest values.
struct eb_average_pooling {
  using input = ecal_barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() {
    return nn::layers(nn::resnet_trunk<3>(nn::avg_pool{}, nn::global_avg_pool{}), nn::logits{});
  }
};
// Batches normalised behind every convolution; the paper prefers networks without.
struct eb_batch_norm {
  using input = ecal_barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() {
    return nn::layers(nn::resnet_trunk<3>(nn::max_pool{}, nn::global_max_pool{}, nn::batch_norm{}),
                      nn::logits{});
  }
};
// Two hidden layers of 128 behind the convolutions, as the networks of three planes have them.
struct eb_fcn_head {
  using input = ecal_barrel_image;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return nn::layers(nn::resnet15_trunk(), detail::fully_connected<2>(128)); }
};
// The 4-momentum network with another depth and width.
template <int Hidden, int Units>
struct four_momentum_of {
  using input = photon_pair;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::fully_connected<Hidden>(Units); }
};

}  // namespace calotype::models
