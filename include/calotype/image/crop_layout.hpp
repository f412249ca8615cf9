// Descriptions of windows cut out of images (crop.hpp cuts them), and crops of the barrel's crystals straight
// from the hits.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/tensor/shape.hpp>

namespace calotype {

// Where the centre pixel lies in a crop of that many pixels, unless said otherwise: the middle, of an even
// number the pixel before the middle.
constexpr int crop_center(int size) { return size % 2 == 1 ? size / 2 : size / 2 - 1; }

// An image with a window cut out of it; image_traits then gives the shape of the crop.
template <class Layout>
constexpr image_description<Layout> crop(image_description<Layout> image, crop_window window) {
  image.crop = window;
  return image;
}

// Whether a window around `center` can be cut out of a plane of that shape.
constexpr bool fits(plane_shape plane, pixel center, crop_window w) {
  if (center.row < 0 || center.row >= plane.rows || center.col < 0 || center.col >= plane.cols) return false;
  if (w.pad) return true;
  int const row = center.row - w.center_row, col = center.col - w.center_col;
  if (row < 0 || row + w.rows + w.spare > plane.rows) return false;
  return w.periodic_cols || (col >= 0 && col + w.cols + w.spare <= plane.cols);
}

namespace cms {

// The two conventions of 32 x 32 crops around a barrel crystal.
//   supercluster  the crystal at (15, 15); phi goes round; rows 15 .. 153 can be centres (authors' SCRegressor)
//   whole_barrel  the crystal at (16, 16); no crop near the ends of the barrel nor of the columns (authors'
//   crop_EBcrops)
enum class photon_crop_at { supercluster, whole_barrel };

constexpr crop_window photon_window(photon_crop_at where) {
  if (where == photon_crop_at::supercluster)
    return {.rows = 32, .cols = 32, .center_row = 15, .center_col = 15, .pad = false};
  return {.rows = 32,
          .cols = 32,
          .center_row = 16,
          .center_col = 16,
          .periodic_cols = false,
          .pad = false,
          .spare = 1};
}

constexpr image_description<central_layout> photon_crop(channel_list channels, image_options options = {},
                                                        photon_crop_at where = photon_crop_at::supercluster) {
  return crop(central(channels, options), photon_window(where));
}

// 125 x 125 pixels of the HCAL-centric image around a jet's seed tower. Refused where rows are missing, that is
// beyond |ieta| = 16 of the seed.
inline constexpr crop_window jet_window{
    .rows = 125, .cols = 125, .center_row = crop_center(125), .center_col = crop_center(125), .pad = false};

constexpr image_description<hcal_centric_layout> jet_crop(channel_list channels, image_options options = {}) {
  return crop(hcal_centric(channels, options), jet_window);
}

// The most energetic barrel crystal of an event, as a pixel of the barrel plane of `central`; the first in the
// list of equals, none without energy.
template <concepts::event Event>
pixel hottest_crystal(Event const& event) noexcept {
  pixel best;
  float most = 0;
  for (hit const h : event.hits(collection::eb)) {
    int const cell = segmentation<eb>::unpack(h.id);
    if (cell < 0 || !(h.energy > most) || !(h.energy - h.energy == 0)) continue;
    most = h.energy;
    best = {cell / 360, cell % 360};
  }
  return best;
}

// The crop Name of an event around a pixel of the barrel, where it shows the crystals' energies alone: the same
// numbers as crop_builder's, without the image that they are cut from. All zero where the crop does not fit.
template <class Name, concepts::event Event>
std::array<float, static_cast<std::size_t>(image_traits<Name>::size())> crystals_around(Event const& event,
                                                                                        pixel center) noexcept {
  using traits = image_traits<Name>;
  constexpr crop_window window = traits::crop;
  constexpr channel shown = traits::channel(0);
  static_assert(traits::is_crop && std::is_same_v<typename traits::layout_type, central_layout> &&
                    traits::channels == 1 && shown.what == quantity::ecal_energy &&
                    traits::options.divide_by == divisor::none,
                "calotype::cms::crystals_around: Name must be a crop of the barrel with the undivided "
                "ecal_energy as its only channel; use crop_builder for others");
  constexpr plane_shape plane{1, 170, 360};
  std::array<float, static_cast<std::size_t>(traits::size())> out{};
  if (!fits(plane, center, window)) return out;
  for (hit const h : event.hits(collection::eb)) {
    int const cell = segmentation<eb>::unpack(h.id);
    if (cell < 0 || !(h.energy > 0) || !(h.energy - h.energy == 0)) continue;
    int const row = cell / plane.cols - center.row + window.center_row;
    int col = cell % plane.cols - center.col + window.center_col;
    if (window.periodic_cols) col = (col % plane.cols + plane.cols) % plane.cols;
    if (row < 0 || row >= window.rows || col < 0 || col >= window.cols) continue;
    out[static_cast<std::size_t>(row * window.cols + col)] += h.energy;
  }
  constexpr auto scale = static_cast<float>(shown.scale), least = static_cast<float>(shown.zero_suppression);
  for (float& p : out) p = p < least ? 0 : p * scale;
  return out;
}

// The pulses of the crystals in a window around a pixel of the barrel: sample x row x column.
// Zero beyond the barrel's ends, where an event has no pulse, and all of it without a pixel. An input whose
// compute() calls this says so: static constexpr bool reads_pulses = true (nn/input.hpp).
template <int Rows, int Cols, class Event>
std::array<float, static_cast<std::size_t>(pulse_samples* Rows* Cols)> pulses_around(
    Event const& event, pixel center, pixel center_in_window) noexcept {
  static_assert(concepts::event_with_pulses<Event>,
                "calotype::cms::pulses_around: this event does not offer its digitised pulses; give it "
                "pulses(), noexcept, a std::span<pulse const> sorted by id, or choose an input of energies");
  std::array<float, static_cast<std::size_t>(pulse_samples * Rows * Cols)> out{};
  if constexpr (concepts::event_with_pulses<Event>) {
    if (center.row < 0) return out;
    for (pulse const& p : event.pulses()) {
      int const cell = segmentation<eb>::unpack(p.id);
      if (cell < 0) continue;
      int const row = cell / 360 - center.row + center_in_window.row;
      int const col = (cell % 360 - center.col + center_in_window.col + 720) % 360;
      if (row < 0 || row >= Rows || col >= Cols) continue;
      for (int k = 0; k < pulse_samples; ++k) {
        float const sample = p.samples[static_cast<std::size_t>(k)];
        out[static_cast<std::size_t>((k * Rows + row) * Cols + col)] = sample - sample == 0 ? sample : 0;
      }
    }
  }
  return out;
}

}  // namespace cms
}  // namespace calotype
