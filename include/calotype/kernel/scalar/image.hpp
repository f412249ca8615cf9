// Image kernel of the reference policy: every energy into a dense array of blocks, every pixel written. Slow
// and plain.
#pragma once

#include <array>
#include <cstddef>

#include <calotype/exec/policy.hpp>
#include <calotype/kernel/image.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel {

template <std::floating_point Real, image_stage... Stages>
class image_canvas<exec::scalar_of<Real>, Stages...> {
  static constexpr std::size_t count = sizeof...(Stages);
  static constexpr std::array<image_stage, count> stages{Stages...};
  static constexpr std::array<std::size_t, count + 1> first = [] {
    std::array<std::size_t, count + 1> offsets{};
    for (std::size_t s = 0; s < count; ++s)
      offsets[s + 1] = offsets[s] + static_cast<std::size_t>(stages[s].blocks());
    return offsets;
  }();

 public:
  static constexpr std::size_t workspace_bytes = first[count] * sizeof(float);
  static constexpr std::size_t block_bytes = workspace::bytes_of<float>(first[count]);

  explicit image_canvas(exec::scalar_of<Real>) : sums_(first[count]) {}
  image_canvas(exec::scalar_of<Real>, workspace& from) noexcept : sums_(first[count], from) {}

  void begin(plane_target const* planes) noexcept {
    planes_ = planes;
    sums_.fill(0);
  }

  template <int Stage>
  void add(int row, int col, float energy) noexcept {
    sums_[first[Stage] + static_cast<std::size_t>(row * stages[Stage].cols + col)] += energy;
  }

  void finish(pixel_rule const* channels) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      image_stage const s = stages[i];
      plane_target const& plane = planes_[s.plane];
      for (int row = 0; row < s.plane_rows; ++row)
        for (int col = 0; col < s.plane_cols; ++col) {
          int const r = row - s.row, c = col - s.col;
          if (r < 0 || c < 0 || r >= s.rows * s.block_rows || c >= s.cols * s.block_cols) continue;
          float const sum =
              sums_[first[i] + static_cast<std::size_t>(r / s.block_rows * s.cols + c / s.block_cols)];
          plane.data[s.channel * plane.channel_stride + row * plane.row_stride + col] =
              pixel_value(sum, s.divisor, channels[s.channel]);
        }
    }
  }

 private:
  buffer<float> sums_;
  plane_target const* planes_ = nullptr;
};

}  // namespace calotype::kernel
