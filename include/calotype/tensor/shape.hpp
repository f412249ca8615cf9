// Shapes of planes: channels x rows x cols, channel outermost, row = eta index, column = phi index.
#pragma once

#include <cstddef>

namespace calotype {

// One plane of an image. Numbers of a channel lie row by row.
struct plane_shape {
  int channels = 0;
  int rows = 0;
  int cols = 0;

  constexpr int pixels() const { return rows * cols; }
  constexpr int size() const { return channels * rows * cols; }
  friend constexpr bool operator==(plane_shape, plane_shape) = default;
};

// A pixel of a plane; row -1 where there is none.
struct pixel {
  int row = -1;
  int col = -1;

  constexpr explicit operator bool() const { return row >= 0; }
  friend constexpr bool operator==(pixel, pixel) = default;
};

}  // namespace calotype
