// Where exec::cuda keeps the numbers of images and maps.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cuda/number.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel {

// Four channels of a pixel: one load or store.
struct alignas(16) quad {
  float v[4];
};

// Four numbers of a vector, as far as there are so many.
CALOTYPE_INLINE CALOTYPE_HD void store(quad from, int which, int length, float* vector) {
  CALOTYPE_DEVICE_UNROLL
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
  static constexpr bool is_vector = M.is_vector();
  static constexpr int numbers = 4,
                       bundles = (M.channels + 3) / 4;  // read together, and how many such there are
  static constexpr int quads = bundles;
  static constexpr int pitch = M.cols + 1;
  static constexpr int origin = pitch + 1;                // of pixel (0, 0), in quads
  static constexpr int plane = (M.rows + 2) * pitch + 2;  // quads of four channels
  static constexpr int pixels = M.rows * pitch;           // the zeros between rows among them
  // Quads behind the last plane: they may be read, and global pools keep there what rows have.
  static constexpr int slack = quads * M.rows > 512 ? quads* M.rows : 512;
  static constexpr std::size_t size =
      (static_cast<std::size_t>(quads) * static_cast<std::size_t>(plane) + slack) * 4;  // floats

  // A map of one pixel is a vector.
  CALOTYPE_INLINE CALOTYPE_HD static constexpr int at(int channel, int row, int col) {
    if constexpr (is_vector) return channel;
    return (channel / 4 * plane + origin + row * pitch + col) * 4 + channel % 4;
  }
  // Four channels of a pixel.
  CALOTYPE_INLINE CALOTYPE_HD static quad quad_at(float const* map, int which, int row, int col) {
    if constexpr (is_vector) {
      constexpr int length = M.channels;
      quad r;
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) r.v[k] = 4 * which + k < length ? map[4 * which + k] : 0.0F;
      return r;
    } else {
      return reinterpret_cast<quad const*>(map)[at(4 * which, row, col) / 4];
    }
  }
  CALOTYPE_INLINE CALOTYPE_HD static void load(float const* map, int which, int row, int col,
                                               float (&v)[numbers]) {
    quad const q = quad_at(map, which, row, col);
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) v[k] = q.v[k];
  }
  CALOTYPE_INLINE CALOTYPE_HD static void store(float* map, int which, int row, int col,
                                                float const (&v)[numbers]) {
    constexpr int length = M.channels;
    quad const q{v[0], v[1], v[2], v[3]};
    if constexpr (is_vector) {
      kernel::store(q, which, length, map);
    } else {
      reinterpret_cast<quad*>(map)[at(4 * which, row, col) / 4] = q;
    }
  }
  // Where global pools keep what rows have.
  CALOTYPE_INLINE CALOTYPE_HD static float* behind(float* map) { return map + 4 * quads * plane; }
  CALOTYPE_INLINE CALOTYPE_HD static float get(float const* map, int channel, int row, int col) {
    return map[at(channel, row, col)];
  }
  CALOTYPE_INLINE CALOTYPE_HD static void set(float* map, int channel, int row, int col, float value) {
    map[at(channel, row, col)] = value;
  }
};

// A map for tensor cores: chunks of neighbouring channels of a pixel; row by row, of a row chunk by chunk, of
// those column by column, with a chunk of zeros behind each, which is also what lies before the first column.
// Windows that are padded by one column read it; what is above and below a map is not read.
template <class Precision, map_shape M>
struct chunk_map {
  static constexpr map_shape shape = M;
  static constexpr bool is_vector = M.is_vector();
  static constexpr int numbers = in_chunk<Precision>, bundles = (M.channels + numbers - 1) / numbers;
  static constexpr int pairs =
      (M.channels + 2 * numbers - 1) / (2 * numbers);  // two chunks are multiplied at once
  static constexpr int chunks = 2 * pairs;
  static constexpr int pitch = M.cols + 1;
  static constexpr int row_pitch = chunks * pitch;
  static constexpr int origin = 1;  // of pixel (0, 0), in chunks
  static constexpr int cells = origin + M.rows * row_pitch;
  // Chunks behind the last row: the windows of sixteen pixels may reach there, and global pools keep there what
  // rows have, as floats.
  static constexpr int reach = 64, of_rows = (M.rows * M.channels + 3) / 4;
  static constexpr int slack = of_rows > reach ? of_rows : reach;
  static constexpr std::size_t size = static_cast<std::size_t>(cells + slack) * 4;  // floats

  CALOTYPE_INLINE CALOTYPE_HD static constexpr int at(int which, int row, int col) {
    return origin + row * row_pitch + which * pitch + col;
  }
  CALOTYPE_INLINE CALOTYPE_HD static void load(float const* map, int which, int row, int col,
                                               float (&v)[numbers]) {
    chunk const c = reinterpret_cast<chunk const*>(map)[at(which, row, col)];
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < numbers; ++k) v[k] = chunk_number<Precision>(c, k);
  }
  CALOTYPE_INLINE CALOTYPE_HD static void store(float* map, int which, int row, int col,
                                                float const (&v)[numbers]) {
    constexpr int length = M.channels;
    if constexpr (is_vector) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < numbers; ++k) {
        if (which * numbers + k < length) map[which * numbers + k] = v[k];
      }
    } else {
      reinterpret_cast<chunk*>(map)[at(which, row, col)] = chunk_of<Precision>(v);
    }
  }
  CALOTYPE_INLINE CALOTYPE_HD static float* behind(float* map) { return map + 4 * cells; }
  CALOTYPE_INLINE CALOTYPE_HD static float get(float const* map, int channel, int row, int col) {
    if constexpr (is_vector) return map[channel];  // a map of one pixel, of floats
    chunk const& c = reinterpret_cast<chunk const*>(map)[at(channel / numbers, row, col)];
    return chunk_number<Precision>(c, channel % numbers);
  }
  CALOTYPE_INLINE CALOTYPE_HD static void set(float* map, int channel, int row, int col, float value) {
    if constexpr (is_vector) {
      map[channel] = value;
    } else {
      using bits = typename number<Precision>::bits;
      reinterpret_cast<bits*>(map)[at(channel / numbers, row, col) * numbers + channel % numbers] =
          number<Precision>::rounded(value);
    }
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

// Pixels behind an image that the windows of its last row may reach; they count for nothing.
template <class Precision>
inline constexpr std::size_t image_slack = 2 * in_chunk<Precision>;

// Number i of an image in a precision; images begin on floats.
template <class Precision>
CALOTYPE_INLINE CALOTYPE_HD float get_pixel(float const* image, int i) {
  using n = number<Precision>;
  return n::value(reinterpret_cast<typename n::bits const*>(image)[i]);
}
template <class Precision>
CALOTYPE_INLINE CALOTYPE_HD void set_pixel(float* image, int i, float value) {
  using n = number<Precision>;
  reinterpret_cast<typename n::bits*>(image)[i] = n::rounded(value);
}

// The layouts of maps, by name.
struct quad_maps {
  template <map_shape M>
  using map = quad_map<M>;
};
template <class Precision>
struct chunk_maps {
  template <map_shape M>
  using map = chunk_map<Precision, M>;
};

}  // namespace calotype::kernel
