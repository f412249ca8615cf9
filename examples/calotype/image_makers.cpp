#include <cstddef>
#include <utility>

#include "images.hpp"

#include <calotype/image/builder.hpp>
#include <calotype/image/presets/cms_run1.hpp>

namespace program {

namespace {

// The descriptions are types; every combination of options is one.
template <layout Layout, ct::smear Smear, ct::upsample Upsample, ct::hcal_source Source>
struct raw_image {
  static constexpr auto image() {
    constexpr ct::channel_list channels{ct::track_pt(), ct::ecal_energy(), ct::hcal_energy()};
    constexpr ct::image_options options{.ee_smear = Smear, .hcal_upsample = Upsample, .hcal = Source};
    if constexpr (Layout == layout::central) {
      return ct::cms::central(channels, options);
    } else if constexpr (Layout == layout::ecal_centric) {
      return ct::cms::ecal_centric(channels, options);
    } else {
      return ct::cms::hcal_centric(channels, options);
    }
  }
};

template <class Name>
class image_maker_of final : public image_maker {
  using traits = ct::image_traits<Name>;

 public:
  image_maker_of() : pixels_(static_cast<std::size_t>(traits::size())) {
    std::size_t at = 0;
    for (int p = 0; p < traits::planes; ++p) {
      auto const shape = traits::plane(p);
      target_[static_cast<std::size_t>(p)] = {pixels_.data() + at, shape.pixels(), shape.cols};
      planes_.push_back({std::string(traits::plane_name(p)), shape.rows, shape.cols, pixels_.data() + at});
      at += static_cast<std::size_t>(shape.size());
    }
  }
  void build(ct::event const& e) override { builder_.build(e, target_); }
  std::vector<image_plane_view> const& planes() const override { return planes_; }
  std::uint64_t signature() const override { return traits::signature; }

 private:
  std::vector<float> pixels_;
  ct::image_target<Name> target_{};
  std::vector<image_plane_view> planes_{};
  ct::image_builder<Name> builder_{};
};

template <layout Layout, ct::smear Smear, ct::upsample Upsample>
std::unique_ptr<image_maker> make(ct::hcal_source hcal) {
  using enum ct::hcal_source;
  if (hcal == hits) return std::make_unique<image_maker_of<raw_image<Layout, Smear, Upsample, hits>>>();
  return std::make_unique<image_maker_of<raw_image<Layout, Smear, Upsample, towers>>>();
}

template <layout Layout, ct::smear Smear>
std::unique_ptr<image_maker> make(ct::upsample pixels, ct::hcal_source hcal) {
  return pixels == ct::upsample::copy ? make<Layout, Smear, ct::upsample::copy>(hcal)
                                      : make<Layout, Smear, ct::upsample::divide>(hcal);
}

}  // namespace

std::unique_ptr<image_maker> make_image_maker(layout where, ct::smear ee, ct::upsample hcal_pixels,
                                              ct::hcal_source hcal) {
  using enum ct::smear;
  // Only the stitched layout smears the endcaps.
  if (where == layout::central) return make<layout::central, none>(hcal_pixels, hcal);
  if (where == layout::ecal_centric) return make<layout::ecal_centric, none>(hcal_pixels, hcal);
  switch (ee) {
    case none:
      return make<layout::hcal_centric, none>(hcal_pixels, hcal);
    case conserve:
      return make<layout::hcal_centric, conserve>(hcal_pixels, hcal);
    case legacy_quarter:
      return make<layout::hcal_centric, legacy_quarter>(hcal_pixels, hcal);
  }
  return nullptr;
}

}  // namespace program
