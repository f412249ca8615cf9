// Sets of pixels (kernel/ops.hpp), a word of 64 columns at a time. Bits beyond the last column stay zero.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

template <map_shape M>
struct pixel_set {
  static constexpr int words = words_in_row(M);
  static constexpr pixel_word last = ~pixel_word{0} >> (64 * words - M.cols);

  // A row that holds all its pixels.
  CALOTYPE_INLINE static void fill_row(pixel_word* row) {
    for (int i = 0; i < words; ++i) row[i] = ~pixel_word{0};
    row[words - 1] = last;
  }
  static void fill(pixel_word* set) {
    for (int y = 0; y < M.rows; ++y) fill_row(set + y * words);
  }

  // Every pixel that is in `from` or beside one of it, diagonally too.
  static void spread(pixel_word const* from, pixel_word* to) {
    pixel_word row[words];
    for (int y = 0; y < M.rows; ++y, to += words) {
      for (int i = 0; i < words; ++i) {
        row[i] = from[y * words + i];
        if (y > 0) row[i] |= from[(y - 1) * words + i];
        if (y + 1 < M.rows) row[i] |= from[(y + 1) * words + i];
      }
      for (int i = 0; i < words; ++i) {
        to[i] = row[i] | row[i] << 1 | row[i] >> 1;
        if (i > 0) to[i] |= row[i - 1] >> 63;
        if (i + 1 < words) to[i] |= row[i + 1] << 63;
      }
      to[words - 1] &= last;
    }
  }

  // Every pixel of a tile of Rows x Cols (Cols a power of two) that holds one of `from`.
  template <int Rows, int Cols>
  static void whole_tiles(pixel_word const* from, pixel_word* to) {
    for (int y = 0; y < M.rows; y += Rows) {
      int const end = smaller_of(y + Rows, M.rows);
      for (int i = 0; i < words; ++i) {
        pixel_word any = 0;
        for (int r = y; r < end; ++r) any |= from[r * words + i];
        for (int step = 1; step < Cols; step *= 2) any |= any >> step;
        any &= first_columns<Cols>;
        for (int step = 1; step < Cols; step *= 2) any |= any << step;
        if (i == words - 1) any &= last;
        for (int r = y; r < end; ++r) to[r * words + i] = any;
      }
    }
  }

  // The first column of every tile.
  template <int Cols>
  static constexpr pixel_word first_columns = [] {
    pixel_word w = 0;
    for (int x = 0; x < 64; x += Cols) w |= pixel_word{1} << x;
    return w;
  }();
};

}  // namespace calotype::kernel::cpu
