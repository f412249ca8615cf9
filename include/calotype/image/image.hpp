// An image that owns its pixels: for pictures, files and tests. Sessions build straight into their own memory
// instead.
#pragma once

#include <cstddef>
#include <vector>

#include <calotype/image/builder.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/tensor/buffer.hpp>
#include <calotype/tensor/view.hpp>

namespace calotype {

// The planes of one image, one after the other, each channels x rows x cols. Zero at first.
class image {
 public:
  template <class Name, std::uint64_t Signature = image_traits<Name>::signature>
  static image of() {
    image i;
    for (int p = 0; p < image_traits<Name>::planes; ++p) i.shapes_.push_back(image_traits<Name>::plane(p));
    i.pixels_ = buffer<float>(static_cast<std::size_t>(image_traits<Name>::size()));
    return i;
  }

  int planes() const noexcept { return static_cast<int>(shapes_.size()); }
  plane_view<float> plane(int p) noexcept {
    return {pixels_.data() + start(p), shapes_[static_cast<std::size_t>(p)]};
  }
  plane_view<float const> plane(int p) const noexcept {
    return {pixels_.data() + start(p), shapes_[static_cast<std::size_t>(p)]};
  }
  // All numbers, plane after plane.
  std::span<float const> pixels() const noexcept { return pixels_; }
  std::span<float> pixels() noexcept { return pixels_; }

  // Where a builder writes. Precondition: made by of<Name>(), or an image of the same planes.
  template <class Name, std::uint64_t Signature = image_traits<Name>::signature>
  image_target<Name> target() noexcept {
    image_target<Name> t{};
    for (int p = 0; p < image_traits<Name>::planes; ++p) {
      auto const view = plane(p);
      t[static_cast<std::size_t>(p)] = {view.data(), view.channel_stride(), view.row_stride()};
    }
    return t;
  }

 private:
  std::ptrdiff_t start(int p) const noexcept {
    std::ptrdiff_t n = 0;
    for (int i = 0; i < p; ++i) n += shapes_[static_cast<std::size_t>(i)].size();
    return n;
  }

  std::vector<plane_shape> shapes_;
  buffer<float> pixels_;
};

// The image of one event. Makes tables and memory anew each time: for many events keep an image_builder.
template <class Name, class Policy = exec::cpu<>, concepts::event Event,
          std::uint64_t Signature = image_traits<Name>::signature>
image make_image(Event const& event) {
  image i = image::of<Name>();
  image_builder<Name, Policy>().build(event, i.target<Name>());
  return i;
}

}  // namespace calotype
