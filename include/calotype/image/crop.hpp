// Windows cut out of images: round photons, round jets.
//
//   struct photon { static constexpr auto image() { return ct::cms::photon_crop({ct::ecal_energy()}); } };   //
//   1 x 32 x 32 ct::crop_builder<photon> crops; crops.read(event); bool const whole =
//   crops.cut(ct::cms::hottest_crystal(event), target);
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/crop_layout.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/image.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/tensor/view.hpp>

namespace calotype {

// Cuts the window around `center` out of every channel. False if it does not fit; `to` is then all zero.
inline bool cut(plane_view<float const> from, pixel center, crop_window w, plane_view<float> to) noexcept {
  plane_shape const shape = from.shape();
  bool const possible = fits(shape, center, w);
  for (int c = 0; c < shape.channels; ++c)
    for (int r = 0; r < w.rows; ++r) {
      float* const out = to.row_data(c, r);
      std::fill_n(out, w.cols, 0.0F);
      int const row = center.row - w.center_row + r;
      if (!possible || row < 0 || row >= shape.rows) continue;
      float const* const in = from.row_data(c, row);
      for (int k = 0; k < w.cols; ++k) {
        int col = center.col - w.center_col + k;
        if (w.periodic_cols) col = (col % shape.cols + shape.cols) % shape.cols;
        if (col >= 0 && col < shape.cols) out[k] = in[col];
      }
    }
  return possible;
}

// The largest pixel of one channel (the first in raster order); none if no pixel is above zero.
inline pixel hottest(plane_view<float const> plane, int channel) noexcept {
  pixel best;
  float most = 0;
  for (int r = 0; r < plane.shape().rows; ++r)
    for (int c = 0; c < plane.shape().cols; ++c)
      if (float const p = plane(channel, r, c); p > most) {
        most = p;
        best = {r, c};
      }
  return best;
}
// The same within `reach` pixels of `around`; columns are periodic.
inline pixel hottest(plane_view<float const> plane, int channel, pixel around, int reach) noexcept {
  pixel best;
  float most = 0;
  plane_shape const shape = plane.shape();
  for (int r = std::max(around.row - reach, 0); r <= std::min(around.row + reach, shape.rows - 1); ++r)
    for (int k = around.col - reach; k <= around.col + reach; ++k) {
      int const c = (k % shape.cols + shape.cols) % shape.cols;
      if (float const p = plane(channel, r, c); p > most) {
        most = p;
        best = {r, c};
      }
    }
  return best;
}

namespace detail {

// The image that a crop is cut from.
template <class Name>
struct whole {
  static constexpr auto image() {
    auto description = Name::image();
    description.crop = {};
    return description;
  }
};

}  // namespace detail

// Cuts any number of crops out of each event. Builds the whole image into its own memory, once per event;
// allocates at construction only.
template <class Name, class Policy = exec::cpu<>, std::uint64_t Signature = image_traits<Name>::signature>
class crop_builder {
  using traits = image_traits<Name>;
  using whole = detail::whole<Name>;
  static_assert(
      traits::is_crop,
      "calotype::crop_builder: Name is a whole image; use image_builder, or say what to cut with crop()");

 public:
  static constexpr crop_window window = traits::crop;
  static constexpr std::size_t workspace_bytes =
      image_builder<whole, Policy>::workspace_bytes +
      static_cast<std::size_t>(image_traits<whole>::size()) * sizeof(float);

  explicit crop_builder(Policy policy = {}) : builder_(policy) {}

  // Makes the image that the next cuts come from.
  template <concepts::event Event>
  image_report read(Event const& event) noexcept {
    return builder_.build(event, image_.target<whole>());
  }
  // The plane that crops are cut from.
  plane_view<float const> plane() const noexcept { return image_.plane(window.plane); }

  // The crop around a pixel of that plane; overwrites all of the target. False, and a target of zeros, if it
  // does not fit.
  bool cut(pixel center, image_target<Name> const& target) noexcept {
    plane_view<float> const into(target[0].data, traits::plane(0), target[0].channel_stride,
                                 target[0].row_stride);
    return calotype::cut(plane(), center, window, into);
  }

 private:
  image_builder<whole, Policy> builder_;
  calotype::image image_ = calotype::image::of<whole>();
};

namespace cms {

// The HCAL tower that a jet's crop is centred on.
struct jet_seed {
  int ieta = 0, iphi = 0;  // 0, 0: the direction hits neither HB nor HE
  float energy = 0;        // of the tower's depth 1; 0 if nothing was recorded around
  pixel tower{};           // in the 56 x 72 grid of towers
  pixel center{};          // in the 280 x 360 image

  explicit operator bool() const { return ieta != 0; }
};

// The most energetic depth-1 hit of HB and HE within `reach` towers of the one that (eta, phi) points at: 3
// looks at 7 x 7 towers, as the public code does, 4 at 9 x 9, as the paper says. iphi goes round; ieta = 0,
// which does not exist, counts as a place of the window; |ieta| = 29 is not looked at. The tower pointed at
// wins ties, and is the seed if nothing is found.
template <concepts::event Event>
jet_seed find_jet_seed(Event const& event, float eta, float phi, int reach = 3) noexcept {
  double const e = static_cast<double>(eta), p = static_cast<double>(phi);
  constexpr double end_of_hb = 1.392;
  bool const barrel = e >= -end_of_hb && e <= end_of_hb;
  // At exactly 1.392 HB's own cells end.
  constexpr double last_of_hb = 1.3919;
  int const start = barrel ? segmentation<hb>::find(e > last_of_hb    ? last_of_hb
                                                    : e < -last_of_hb ? -last_of_hb
                                                                      : e,
                                                    p, 1)
                           : segmentation<he>::find(e, p, 1);
  if (start < 0) return {};
  hcal_cell const from = barrel ? segmentation<hb>::cell(start) : segmentation<he>::cell(start);

  jet_seed seed{.ieta = from.ieta, .iphi = from.iphi};
  auto const look = [&]<class D>(segmentation<D> cells, auto&& consider) {
    for (hit const h : event.hits(cells.collection)) {
      if (!calotype::detail::positive_and_finite(h.energy)) continue;
      int const cell = cells.unpack(h.id);
      if (cell < 0) continue;
      hcal_cell const at = cells.cell(cell);
      int const ring = at.ieta < 0 ? -at.ieta : at.ieta;
      if (at.depth == 1 && ring <= 28) consider(at, h.energy);
    }
  };
  auto const at_start = [&](hcal_cell at, float energy) {
    if (at.ieta == from.ieta && at.iphi == from.iphi) seed.energy = energy;
  };
  auto const around = [&](hcal_cell at, float energy) {
    int const along = at.ieta - from.ieta, turned = (at.iphi - from.iphi + 72 + 36) % 72 - 36;
    if (along < -reach || along > reach || turned < -reach || turned > reach || !(energy > seed.energy)) return;
    seed.ieta = at.ieta;
    seed.iphi = at.iphi;
    seed.energy = energy;
  };
  look(segmentation<hb>{}, at_start);
  look(segmentation<he>{}, at_start);
  look(segmentation<hb>{}, around);
  look(segmentation<he>{}, around);

  int const ring = std::min(seed.ieta < 0 ? -seed.ieta : seed.ieta, 28);
  seed.tower = {seed.ieta < 0 ? 28 - ring : 27 + ring, (seed.iphi + 1) % 72};
  seed.center = {5 * seed.tower.row + 2, 5 * seed.tower.col + 2};
  return seed;
}

}  // namespace cms
}  // namespace calotype
