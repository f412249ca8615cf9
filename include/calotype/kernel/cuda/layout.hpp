// Where exec::cuda keeps the numbers of images and maps.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel {

// Four channels of a pixel: one load or store.
struct alignas(16) quad {
  float v[4];
};

// Four numbers of a vector, as far as there are so many.
CALOTYPE_INLINE CALOTYPE_HD void store(quad from, int which, int length, float* vector) {
  CALOTYPE_UNROLL
  for (int k = 0; k < 4; ++k) {
    if (4 * which + k < length) vector[4 * which + k] = from.v[k];
  }
}

// A map: four channels together, their pixels row by row, with a column of zeros between rows and a row of
// zeros before and after. A window that is padded by one pixel then lies at one distance from any pixel, and
// pixels next to each other in this order can be computed together, whatever row they are in.
template <map_shape M>
struct quad_map {
  static constexpr map_shape shape = M;
  static constexpr int quads = (M.channels + 3) / 4;
  static constexpr int pitch = M.cols + 1;
  static constexpr int origin = pitch + 1;                // of pixel (0, 0), in quads
  static constexpr int plane = (M.rows + 2) * pitch + 2;  // quads of four channels
  static constexpr int pixels = M.rows * pitch;           // the zeros between rows among them
  // Quads behind the last plane: they may be read, and global pools keep there what rows have.
  static constexpr int slack = quads * M.rows > 512 ? quads* M.rows : 512;
  static constexpr std::size_t size =
      (static_cast<std::size_t>(quads) * static_cast<std::size_t>(plane) + slack) * 4;  // floats

  CALOTYPE_INLINE CALOTYPE_HD static constexpr int at(int channel, int row, int col) {
    return (channel / 4 * plane + origin + row * pitch + col) * 4 + channel % 4;
  }
};

// An image: channel after channel, with `margin` zeros before and at least as many after every row, so that
// windows may reach over its sides, and rows begin on quads.
template <map_shape M>
struct image_plane {
  static constexpr map_shape shape = M;
  static constexpr int margin = 4, rows = M.rows;
  static constexpr int pitch = (M.cols + 2 * margin + 3) / 4 * 4;
  static constexpr std::size_t size =
      static_cast<std::size_t>(M.channels * M.rows) * static_cast<std::size_t>(pitch);

  CALOTYPE_INLINE CALOTYPE_HD static constexpr int at(int channel, int row, int col) {
    return (channel * rows + row) * pitch + margin + col;
  }
};

}  // namespace calotype::kernel
