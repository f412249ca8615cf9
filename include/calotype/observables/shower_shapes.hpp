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
#include <calotype/tensor/buffer.hpp>

namespace calotype {

// The energies of one hit list by dense cell index (in EB the pixel index of the 170 x 360 image). fill()
// forgets the last event at the cost of its hits; nothing is allocated after construction. A cell without a hit
// holds 0.
template <class D, std::uint64_t Signature = segmentation<D>::signature()>
class energy_map {
 public:
  using segmentation_type = segmentation<D>;

  // Unknown ids and energies that are not finite are left out. Hits are unique per id, as event says.
  void fill(std::span<hit const> hits) noexcept {
    for (int i = 0; i < count_; ++i) energy_[index(cells_[index(i)])] = 0;
    count_ = 0;
    for (hit const h : hits) {
      int const cell = segmentation_type::unpack(h.id);
      if (cell < 0 || !(h.energy - h.energy == 0)) continue;
      if (count_ < segmentation_type::size()) cells_[index(count_++)] = cell;
      energy_[index(cell)] = h.energy;
    }
  }

  // Energy in a cell, GeV; 0 for cell -1.
  float operator[](int cell) const noexcept { return cell < 0 ? 0 : energy_[index(cell)]; }
  // Cells with a hit, in the order of the list.
  std::span<std::int32_t const> cells() const noexcept { return {cells_.data(), index(count_)}; }

 private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }

  buffer<float> energy_{static_cast<std::size_t>(segmentation_type::size())};
  buffer<std::int32_t> cells_{static_cast<std::size_t>(segmentation_type::size())};
  int count_ = 0;
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
// the width of a crystal. Sums run in double, in raster order.
template <class D, std::uint64_t Signature>
shower_shapes shapes_around(energy_map<D, Signature> const& energies, int seed) noexcept {
  segmentation<D> const cells;
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
template <class D, std::uint64_t Signature>
int seed_near(energy_map<D, Signature> const& energies, float eta, float phi, int reach = 5) noexcept {
  segmentation<D> const cells;
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
