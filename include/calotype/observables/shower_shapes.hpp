// Shower shapes of photon and electron candidates in the ECAL, as CMS defines them: sums over windows of
// crystals around a seed, straight from the hits. Negative energies count in the sums, unlike in images.
// Sources: CMSSW RecoEcal/EgammaCoreTools (EcalClusterTools); checked against the values in recorded files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <calotype/core/math.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>

namespace calotype {

// The energies of one hit list by dense cell index, without memory of its own: each look is a search. The ids
// of the list ascend, as those of `event` do. Cells are searched in the first layout of the description's ids.
template <class D, std::uint64_t Signature = segmentation<D>::signature()>
class energy_search {
 public:
  using segmentation_type = segmentation<D>;

  explicit energy_search(std::span<hit const> hits) noexcept : hits_(hits) {}

  // Energy in a cell, GeV; 0 for cell -1, without a hit, or where it is not finite.
  float operator[](int cell) const noexcept {
    if (cell < 0) return 0;
    std::uint32_t const id = segmentation_type::pack(cell);
    std::span<hit const> rest = hits_;
    while (!rest.empty()) {
      std::size_t const middle = rest.size() / 2;
      hit const h = rest[middle];
      if (h.id == id) return h.energy - h.energy == 0 ? h.energy : 0;
      rest = h.id < id ? rest.subspan(middle + 1) : rest.first(middle);
    }
    return 0;
  }

 private:
  std::span<hit const> hits_;
};

namespace cms {

// The crystal `along` steps on in ieta (EE: ix) and `across` in iphi (EE: iy); -1 where there is none. ieta
// passes from -1 to 1, iphi from 360 to 1; EB and EE do not touch.
constexpr int crystal_at(segmentation<eb>, int cell, int along, int across) {
  int const row = cell / 360 + along, column = (cell % 360 + across) % 360;
  return row < 0 || row >= 170 ? -1 : row * 360 + (column < 0 ? column + 360 : column);
}
constexpr int crystal_at(segmentation<ee>, int cell, int along, int across) {
  auto const from = segmentation<ee>::cell(cell);
  return segmentation<ee>::index({from.ix + along, from.iy + across, from.zside});
}

}  // namespace cms

// Sums in GeV over windows around a seed; "n x m" is n crystals in ieta (EE: ix) by m in iphi (EE: iy).
struct shower_shapes {
  float e3x3 = 0;
  float e5x5 = 0;
  float e1x5 = 0;
  float e2x5 = 0;             // the seed's 1 x 5 and the better of its two neighbours
  float max_energy = 0;       // of the 5 x 5
  float sigma_ieta_ieta = 0;  // 0 where e5x5 is not positive

  // E(3x3) over the raw energy of the supercluster; 0 without one.
  float r9(float raw_energy) const { return raw_energy > 0 ? e3x3 / raw_energy : 0; }
};

namespace detail {

// Where a crystal counts to be along the direction of sigma_ieta_ieta, in crystals, and what a crystal is in
// eta.
constexpr double shower_position(segmentation<cms::eb>, int cell) { return cell / 360; }
constexpr double shower_position(segmentation<cms::ee>, int cell) {
  auto const at = segmentation<cms::ee>::cell(cell);
  auto const from_axis = [](int i) { return i > 50 ? i - 50 : i - 51; };  // there is no 0
  int const x = from_axis(at.ix), y = from_axis(at.iy);
  return math::sqrt(static_cast<double>(x * x + y * y));
}
constexpr double crystal_width(segmentation<cms::eb>) { return 0.01745; }
constexpr double crystal_width(segmentation<cms::ee>) { return 0.0447; }

}  // namespace detail

// The shapes of the shower around crystal `seed` (a dense index). sigma_ieta_ieta is the spread along ieta with
// weights w = max(0, 4.7 + ln(E / E(5x5))), about the energy-weighted mean of the crystals with E > 0, times
// the width of a crystal. Sums run in double, in raster order. Energies: an energy_search, or an
// energy_map (observables/energy_map.hpp).
template <class Energies>
shower_shapes shapes_around(Energies const& energies, int seed) noexcept {
  typename Energies::segmentation_type const cells;
  double e3x3 = 0, e5x5 = 0;
  std::array<double, 5> rows{};  // 1 x 5 sums
  float most = energies[seed];
  for (int i = -2; i <= 2; ++i)
    for (int j = -2; j <= 2; ++j) {
      float const energy = energies[cms::crystal_at(cells, seed, i, j)];
      auto const e = static_cast<double>(energy);
      e5x5 += e;
      rows[static_cast<std::size_t>(i + 2)] += e;
      if (i * i <= 1 && j * j <= 1) e3x3 += e;
      if (energy > most) most = energy;
    }

  double sigma = 0;
  if (e5x5 > 0) {
    double energy_sum = 0, mean = 0, weight_sum = 0, square = 0;
    auto const for_lit = [&](auto f) {
      for (int i = -2; i <= 2; ++i)
        for (int j = -2; j <= 2; ++j) {
          int const cell = cms::crystal_at(cells, seed, i, j);
          if (energies[cell] > 0) f(static_cast<double>(energies[cell]), detail::shower_position(cells, cell));
        }
    };
    for_lit([&](double e, double position) {
      energy_sum += e;
      mean = math::fma(e, position, mean);
    });
    mean /= energy_sum;
    for_lit([&](double e, double position) {
      double const weight = 4.7 + math::log(e / e5x5);
      if (!(weight > 0)) return;
      weight_sum += weight;
      double const away = position - mean;
      square = math::fma(weight * away, away, square);
    });
    if (weight_sum > 0) sigma = detail::crystal_width(cells) * math::sqrt(square / weight_sum);
  }

  double const side = rows[1] > rows[3] ? rows[1] : rows[3];
  return {.e3x3 = static_cast<float>(e3x3),
          .e5x5 = static_cast<float>(e5x5),
          .e1x5 = static_cast<float>(rows[2]),
          .e2x5 = static_cast<float>(rows[2] + side),
          .max_energy = most,
          .sigma_ieta_ieta = static_cast<float>(sigma)};
}

// The most energetic crystal within `reach` crystals (in both directions) of the one at (eta, phi); -1 where
// there is no crystal at (eta, phi) or none with energy around it. Of equals the first in raster order.
template <class Energies>
int seed_near(Energies const& energies, float eta, float phi, int reach = 5) noexcept {
  typename Energies::segmentation_type const cells;
  int const center = cells.find(static_cast<double>(eta), static_cast<double>(phi));
  int best = -1;
  if (center < 0) return best;
  for (int i = -reach; i <= reach; ++i)
    for (int j = -reach; j <= reach; ++j) {
      int const cell = cms::crystal_at(cells, center, i, j);
      if (energies[cell] > energies[best]) best = cell;
    }
  return best;
}

}  // namespace calotype
