// A silicon wafer of the CMS high-granularity endcap calorimeter: hexagonal cells on a hexagonal wafer.
#pragma once

#include <array>
#include <string_view>

#include <calotype/detector/segmentation.hpp>

namespace calotype::hgcal {

// A cell of a wafer, 0 .. 2N-1 each.
struct wafer_cell {
  int u, v;
};

namespace detail {

inline constexpr double wafer_width = 0.16744;  // flat to flat, metres

// The 3 N^2 cells with v - u <= N - 1 and u - v <= N around the centre of the wafer. Cells cut by the wafer's
// edge are taken as whole hexagons.
template <int N>
constexpr auto wafer() {
  std::array<row_limits, std::size_t{2 * N}> limits{};
  for (int v = 0; v < 2 * N; ++v)
    limits[static_cast<std::size_t>(v)] = {.first = v < N ? 0 : v - N + 1, .last = v < N ? v + N : 2 * N - 1};
  return hexagonal<std::size_t{2 * N}>{.pitch = wafer_width / (math::sqrt(3.0) * N),
                                       .origin_a = N - 1 / 3.,
                                       .origin_b = N - 2 / 3.,
                                       .cells = mask<std::size_t{2 * N}>{limits}};
}

// cellU and cellV of HGCSiliconDetId; the rest says wafer (0, 0) of layer 1 in front of the electromagnetic
// part, z > 0. Source: CMSSW DataFormats/ForwardDetId/interface/HGCSiliconDetId.h.
constexpr auto cell_id(std::uint32_t type) {
  return id_layout<2>{.prefix = 8U << 28 | type << 26 | 1U << 20,
                      .fields = {{{.label = 0, .shift = 0, .bits = 5}, {.label = 1, .shift = 5, .bits = 5}}}};
}

}  // namespace detail

// The wafer with N = 12, 432 cells of about 0.5 cm^2, and the one with N = 8, 192 cells of about 1.2 cm^2.
// Local coordinates x, y in metres from the wafer's centre.
struct fine_wafer {
  using cell_type = wafer_cell;
  static constexpr std::string_view name() { return "hgcal::fine_wafer"; }
  static constexpr auto cells() { return detail::wafer<12>(); }
  static constexpr auto ids() { return detail::cell_id(0); }
};
struct coarse_wafer {
  using cell_type = wafer_cell;
  static constexpr std::string_view name() { return "hgcal::coarse_wafer"; }
  static constexpr auto cells() { return detail::wafer<8>(); }
  static constexpr auto ids() { return detail::cell_id(1); }
};

}  // namespace calotype::hgcal
