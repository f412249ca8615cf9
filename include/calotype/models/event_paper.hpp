// The classifiers of "End-to-End Physics Event Classification with CMS Open Data" (Andrews, Paulini, Gleyzer,
// Poczos 2020), Table 2, by the names the paper gives them. Images are divided by the mass of the two leading
// photons (5.2), so the networks see the angles and the shapes but not the mass.
#pragma once

#include <array>

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

struct ecal_barrel_image {  // 1 x 170 x 360
  static constexpr auto image() { return cms::central({ecal_energy(scaled)}, per_mass); }
};
struct barrel_image {  // 3 x 170 x 360
  static constexpr auto image() {
    return cms::central({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled)}, per_mass);
  }
};
struct ecal_image {  // 1 x 170 x 360, 2 x 1 x 100 x 100
  static constexpr auto image() { return cms::ecal_centric({ecal_energy(scaled)}, per_mass); }
};
struct ecal_centric_image {  // 3 x 170 x 360, 2 x 3 x 100 x 100
  static constexpr auto image() {
    return cms::ecal_centric({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled)}, per_mass);
  }
};
struct hcal_centric_image {  // 3 x 280 x 360
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(scaled), ecal_energy(scaled), hcal_energy(scaled)}, per_mass);
  }
};

// pT / m_gg and eta of the two leading photons and the cosine of their azimuthal separation (5.1). An event
// with fewer than two photons gives zeros.
struct photon_pair {
  static constexpr auto features() { return labels("pt1/m", "eta1", "pt2/m", "eta2", "cos(dphi)"); }
  template <concepts::event E>
  static std::array<float, 5> compute(E const& e) noexcept {
    auto const photons = e.photons();
    if (photons.size() < 2) return {};
    photon const &a = photons[0], &b = photons[1];
    auto const mass = static_cast<float>(diphoton_mass(photons));
    if (!(mass > 0)) return {};
    return {a.et / mass, a.eta, b.et / mass, b.eta, math::cos(a.phi - b.phi)};
  }
};

// --- networks

namespace detail {

// Three residual networks, one per plane of the ECAL-centric image, joined by two hidden layers (Figure 3c).
constexpr auto three_trunks() {
  using namespace nn;
  return layers(branches(branch("barrel", resnet15_trunk()), branch("endcap_minus", resnet15_trunk()),
                         branch("endcap_plus", resnet15_trunk())),
                dense{.units = 128, .name = "fcn.0"}, relu{}, dense{.units = 128, .name = "fcn.2"}, relu{},
                logits{.name = "fcn.4"});
}

// Four hidden layers of 128: the published count of parameters, although the text says three.
constexpr auto four_hidden_layers() {
  using namespace nn;
  return layers(dense{.units = 128, .name = "fcn.0"}, relu{}, dense{.units = 128, .name = "fcn.2"}, relu{},
                dense{.units = 128, .name = "fcn.4"}, relu{}, dense{.units = 128, .name = "fcn.6"}, relu{},
                logits{.name = "fcn.8"});
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
// As published: one logit, H->gg against the rest.
struct four_momentum {
  using input = photon_pair;
  static constexpr auto classes() { return labels("H->gg"); }
  static constexpr auto layers() { return detail::four_hidden_layers(); }
};
// The same with three outputs, for the three-class tables.
struct four_momentum_3 {
  using input = photon_pair;
  static constexpr auto classes() { return event_classes(); }
  static constexpr auto layers() { return detail::four_hidden_layers(); }
};

}  // namespace calotype::models
