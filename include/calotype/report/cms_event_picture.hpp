// Pictures of CMS events: the paper's three layouts with axes in crystals, eta and phi, and the leading photons
// marked.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/report/event_picture.hpp>

namespace calotype::report {

namespace cms_detail {

namespace projection = calotype::cms::projection;

inline constexpr channel_list all_channels{track_pt(), ecal_energy(), hcal_energy()};

template <hcal_source Source>
struct central {
  static constexpr auto image() { return calotype::cms::central(all_channels, {.hcal = Source}); }
};
template <hcal_source Source>
struct ecal_centric {
  static constexpr auto image() { return calotype::cms::ecal_centric(all_channels, {.hcal = Source}); }
};
template <hcal_source Source>
struct hcal_centric {
  static constexpr auto image() {
    return calotype::cms::hcal_centric(all_channels, {.ee_smear = smear::none, .hcal = Source});
  }
};

// Where a pseudorapidity lies in a plane whose rows have these edges, in rows from the bottom; -1 outside.
template <std::size_t N>
double row_position(std::array<float, N> const& edges, double eta) {
  for (std::size_t row = 0; row + 1 < N; ++row) {
    double const low = static_cast<double>(edges[row]);
    double const high = static_cast<double>(edges[row + 1]);
    if (eta >= low && eta < high) return static_cast<double>(row) + (eta - low) / (high - low);
  }
  return -1;
}

// Columns from the left: column 0 starts at phi = -10 degrees.
inline double column_position(double phi) {
  double const degrees = phi * 180 / std::numbers::pi + 10;
  return degrees - 360 * std::floor(degrees / 360);
}

// The hottest ECAL cell near a place, since a photon's direction is given from the vertex and the plane is seen
// from the centre of the detector.
inline callout snapped(panel const& p, double row, double col, std::string label) {
  constexpr int reach = 7;
  callout c{row, col, 8, std::move(label)};
  float most = 0;
  for (int r = static_cast<int>(row) - reach; r <= static_cast<int>(row) + reach; ++r) {
    for (int k = static_cast<int>(col) - reach; k <= static_cast<int>(col) + reach; ++k) {
      if (r < 0 || r >= p.rows || k < 0 || k >= p.cols || p.ecal.empty()) continue;
      float const value = p.ecal[static_cast<std::size_t>(r * p.cols + k)];
      if (value > most) {
        most = value;
        c.row = r + 0.5;
        c.col = k + 0.5;
      }
    }
  }
  return c;
}

inline std::string photon_label(std::size_t number, photon const& g) {
  return formatted("γ_%d  E_T = %.0f GeV", number + 1, g.et);
}

template <std::size_t N>
std::vector<tick> eta_ticks(std::array<float, N> const& edges, std::span<double const> values) {
  std::vector<tick> ticks;
  for (double eta : values) {
    double const at = row_position(edges, eta);
    if (at >= 0) ticks.push_back({at, eta < 0 ? "−" + detail::number_text(-eta) : detail::number_text(eta)});
  }
  return ticks;
}

// Axes that all planes in iphi share.
inline void set_phi_axes(panel& p) {
  p.x_title = "iφ";
  for (int iphi = 20; iphi <= 360; iphi += 20) {
    bool const major = iphi % 40 == 0;
    p.x_ticks.push_back({iphi - 0.5, major ? std::to_string(iphi) : "", major});
    if (iphi < 360) p.x_guides.push_back(iphi);
  }
  p.top_ticks = {{10, "φ = 0"}, {100, "π/2"}, {190, "±π"}, {280, "−π/2"}};
}

inline std::string signed_text(int n) { return n < 0 ? "−" + std::to_string(-n) : std::to_string(n); }

inline panel barrel_panel() {
  panel p;
  p.rows = 170;
  p.cols = 360;
  p.title = "EB";
  set_phi_axes(p);
  p.y_title = "iη";
  for (int ieta : {-85, -65, -45, -25, 25, 45, 65, 85}) {
    p.y_ticks.push_back({ieta < 0 ? ieta + 85.5 : ieta + 84.5, signed_text(ieta)});
  }
  p.y_ticks.push_back({85, "", false});
  p.y_guides = {20, 40, 60, 85, 110, 130, 150};
  p.right_title = "η";
  constexpr std::array values{-1.4, -1.0, -0.5, 0.0, 0.5, 1.0, 1.4};
  p.right_ticks = eta_ticks(projection::barrel_edges(), values);
  return p;
}

inline panel endcap_panel(int zside) {
  panel p;
  p.rows = 100;
  p.cols = 100;
  p.title = zside < 0 ? "EE−" : "EE+";
  p.x_title = "ix";
  p.y_title = "iy";
  for (int i : {1, 20, 40, 60, 80, 100}) {
    p.x_ticks.push_back({i - 0.5, std::to_string(i)});
    p.y_ticks.push_back({i - 0.5, std::to_string(i)});
  }
  p.cells.resize(10'000);
  for (int iy = 1; iy <= 100; ++iy) {
    for (int ix = 1; ix <= 100; ++ix) {
      p.cells[static_cast<std::size_t>((iy - 1) * 100 + ix - 1)] =
          segmentation<calotype::cms::ee>::index({ix, iy, zside}) >= 0;
    }
  }
  return p;
}

inline panel stitched_panel() {
  panel p;
  p.rows = 280;
  p.cols = 360;
  p.title = "EE− EB EE+";
  set_phi_axes(p);
  p.y_title = "iη′";
  for (int at : {-140, -100, -50, 0, 50, 100, 140}) p.y_ticks.push_back({at + 140.0, signed_text(at)});
  p.y_ticks.push_back({55, "EB", false});
  p.y_ticks.push_back({225, "EB", false});
  p.y_guides = {55, 225};
  p.right_title = "η";
  constexpr std::array values{-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5};
  p.right_ticks = eta_ticks(projection::stitched_edges(), values);
  return p;
}

// The planes of one image in plain memory, and the builder that fills them.
template <class Name, std::uint64_t Signature = image_traits<Name>::signature>
class planes {
  using traits = image_traits<Name>;

 public:
  planes() : numbers_(static_cast<std::size_t>(traits::size())) {
    std::size_t at = 0;
    for (int p = 0; p < traits::planes; ++p) {
      plane_shape const shape = traits::plane(p);
      target_[static_cast<std::size_t>(p)] = {numbers_.data() + at, shape.pixels(), shape.cols};
      at += static_cast<std::size_t>(shape.size());
    }
  }

  template <concepts::event E>
  void fill(E const& event) noexcept {
    builder_.build(event, target_);
  }

  // Gives plane `number` of the image to a panel.
  void show(int number, panel& p) const {
    auto const pixels = static_cast<std::size_t>(traits::plane(number).pixels());
    float const* const first = target_[static_cast<std::size_t>(number)].data;
    p.tracks = {first, pixels};
    p.ecal = {first + pixels, pixels};
    p.hcal = {first + 2 * pixels, pixels};
  }

 private:
  std::vector<float> numbers_;
  image_target<Name> target_{};
  image_builder<Name> builder_{};
};

}  // namespace cms_detail

// What is written above a picture; the event's identity and m_gg are added.
struct cms_picture_text {
  std::string subtitle{};  // such as the scores of a network
  std::string note{};      // at the right end of the title line
};

// Draws events of CMS, one after another; tables and buffers are made once. HCAL from hits or from towers, and
// called so unless the options name it.
template <hcal_source Source = hcal_source::hits>
class cms_event_painter {
 public:
  explicit cms_event_painter(event_picture_options options = {}) : options_(std::move(options)) {
    if (options_.hcal_name == event_picture_options{}.hcal_name) {
      options_.hcal_name = Source == hcal_source::hits ? "HCAL hit energy" : "HCAL tower energy";
    }
  }

  // The ECAL barrel and what lies behind and before it (Figure 1a).
  template <concepts::event E>
  picture central(E const& event, cms_picture_text const& text = {}) {
    central_.fill(event);
    panel barrel = barrel_panel_;
    central_.show(0, barrel);
    mark_by_rows(event, cms::projection::barrel_edges(), barrel);
    return draw_event({title(event), text.subtitle, text.note, {{std::move(barrel)}}}, options_);
  }

  // Barrel, EE- and EE+ in one picture (Figures 1a and 1b).
  template <concepts::event E>
  picture ecal_centric(E const& event, cms_picture_text const& text = {}) {
    ecal_centric_.fill(event);
    panel barrel = barrel_panel_;
    ecal_centric_.show(0, barrel);
    mark_by_rows(event, cms::projection::barrel_edges(), barrel);
    std::vector<panel> endcaps = endcap_panels_;
    for (int side : {0, 1}) {
      ecal_centric_.show(side + 1, endcaps[static_cast<std::size_t>(side)]);
      mark_endcap(event, side == 0 ? -1 : 1, endcaps[static_cast<std::size_t>(side)]);
    }
    return draw_event({title(event), text.subtitle, text.note, {{std::move(barrel)}, std::move(endcaps)}},
                      options_);
  }

  // Barrel and endcaps stitched together on the HCAL's towers (Figure 2); endcap crystals are not smeared here.
  template <concepts::event E>
  picture hcal_centric(E const& event, cms_picture_text const& text = {}) {
    hcal_centric_.fill(event);
    panel all = stitched_panel_;
    hcal_centric_.show(0, all);
    mark_by_rows(event, cms::projection::stitched_edges(), all);
    return draw_event({title(event), text.subtitle, text.note, {{std::move(all)}}}, options_);
  }

 private:
  template <class E>
  static std::string title(E const& event) {
    double const mass = diphoton_mass(event.photons());
    auto const text = formatted("Run %d,  event %d", static_cast<std::uint32_t>(event.run),
                                static_cast<std::uint64_t>(event.number));
    return mass > 0 ? text + formatted("      m_{γγ} = %.1f GeV", mass) : text;
  }

  template <class E, std::size_t N>
  static void mark_by_rows(E const& event, std::array<float, N> const& edges, panel& p) {
    auto const photons = leading_photons(event.photons());
    for (std::size_t i = 0; i < photons.size() && photons[i] != nullptr; ++i) {
      auto const phi = static_cast<double>(photons[i]->phi);
      double const row = cms_detail::row_position(edges, static_cast<double>(photons[i]->eta));
      if (row < 0 || !is_azimuth(phi)) continue;
      p.callouts.push_back(cms_detail::snapped(p, row, cms_detail::column_position(phi),
                                               cms_detail::photon_label(i, *photons[i])));
    }
  }

  template <class E>
  static void mark_endcap(E const& event, int zside, panel& p) {
    auto const photons = leading_photons(event.photons());
    for (std::size_t i = 0; i < photons.size() && photons[i] != nullptr; ++i) {
      auto const eta = static_cast<double>(photons[i]->eta);
      int const found = segmentation<cms::ee>::find(eta, static_cast<double>(photons[i]->phi));
      if (found < 0 || eta * zside < 0) continue;
      auto const crystal = segmentation<cms::ee>::cell(found);
      p.callouts.push_back(
          cms_detail::snapped(p, crystal.iy - 0.5, crystal.ix - 0.5, cms_detail::photon_label(i, *photons[i])));
    }
  }

  event_picture_options options_;
  panel const barrel_panel_ = cms_detail::barrel_panel();
  panel const stitched_panel_ = cms_detail::stitched_panel();
  std::vector<panel> const endcap_panels_{cms_detail::endcap_panel(-1), cms_detail::endcap_panel(1)};
  cms_detail::planes<cms_detail::central<Source>> central_{};
  cms_detail::planes<cms_detail::ecal_centric<Source>> ecal_centric_{};
  cms_detail::planes<cms_detail::hcal_centric<Source>> hcal_centric_{};
};

}  // namespace calotype::report
