// Rows of images whose first layer looks at the filled pixels alone (sparse.hpp).
#pragma once

#include <bit>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// The filled pixels of a row, channel by channel. A pixel that holds zero may be among them: multiply-adds with
// zero change no bit.
template <map_shape M>
struct marks_of_row {
  pixel_word of[M.channels][words_in_row(M)] = {};
};

// Marks pixels from `x` on, up to 64: those whose bit is set.
CALOTYPE_INLINE void mark(pixel_word* marks, int x, pixel_word bits) {
  int const shift = x % 64;
  marks[x / 64] |= bits << shift;
  if (shift > 0 && bits >> (64 - shift) != 0) marks[x / 64 + 1] |= bits >> (64 - shift);
}

// Marks n pixels from `x` on.
CALOTYPE_INLINE void mark_run(pixel_word* marks, int x, int n) {
  for (; n > 0; x += 64, n -= 64) mark(marks, x, ~pixel_word{0} >> (64 - smaller_of(n, 64)));
}

// f(x) for every marked pixel.
template <class Function>
CALOTYPE_INLINE void for_each_marked(pixel_word const* marks, int words, Function f) {
  for (int w = 0; w < words; ++w) {
    if (marks[w] == ~pixel_word{0}) {
      for (int i = 0; i < 64; ++i) f(w * 64 + i);
    } else {
      for (pixel_word left = marks[w]; left != 0; left &= left - 1) f(w * 64 + std::countr_zero(left));
    }
  }
}

// Whether numbers are not zero: a bit for each of up to 64.
template <class Arch>
CALOTYPE_INLINE pixel_word not_zeros(int n, float const* numbers) {
  using v = simd<Arch>;
  pixel_word bits = 0;
  int i = 0;
  CALOTYPE_UNROLL for (; i + v::lanes <= n; i += v::lanes) {
    bits |= pixel_word{v::not_zero(v::load(numbers + i))} << i;
  }
  if (i < n) bits |= pixel_word{v::not_zero(v::load_part(numbers + i, n - i))} << i;
  return bits;
}

template <class Arch>
CALOTYPE_INLINE void copy_pixels(int n, float const* from, float* to) {
  using v = simd<Arch>;
  int i = 0;
  CALOTYPE_UNROLL for (; i + v::lanes <= n; i += v::lanes) v::store(to + i, v::load(from + i));
  if (i < n) v::store_part(to + i, v::load_part(from + i, n - i), n - i);
}

template <class Arch>
CALOTYPE_INLINE void clear(int n, float* pixels) {
  using v = simd<Arch>;
  vec<Arch> const zero = v::broadcast(0.f);
  int i = 0;
  CALOTYPE_UNROLL for (; i + v::lanes <= n; i += v::lanes) v::store(pixels + i, zero);
  if (i < n) v::store_part(pixels + i, zero, n - i);
}

// f(channel, word, first pixel, pixels) for every word of the marks of a row.
template <map_shape M, class Function>
CALOTYPE_INLINE void for_each_word(Function f) {
  constexpr int whole = M.cols / 64;
  for (int c = 0; c < M.channels; ++c) {
    for (int w = 0; w < whole; ++w) f(c, w, w * 64, 64);
    if constexpr (M.cols % 64 != 0) f(c, whole, whole * 64, M.cols % 64);
  }
}

// Puts zero where a row holds something.
template <class Arch, map_shape M>
CALOTYPE_INLINE void wipe(float* row, int channel, marks_of_row<M>& filled) {
  for_each_word<M>([&](int c, int w, int first, int n) {
    if (filled.of[c][w] != 0) clear<Arch>(n, row + c * channel + first);
  });
  filled = {};
}

// An image in memory: its pixel (0, 0), and the numbers from a channel and from a row to the next.
template <class Arch, map_shape M, int Channel, int Row>
struct rows_in_memory {
  static constexpr int channel_step = Channel;
  static constexpr int row_step = Row;
  float const* pixels = nullptr;

  rows_in_memory in_memory() const { return *this; }
  void read(int row, float* to, int channel, marks_of_row<M>& filled) const {
    for_each_word<M>([&](int c, int w, int first, int n) {
      float const* const from = pixels + c * Channel + row * Row + first;
      pixel_word const bits = not_zeros<Arch>(n, from);
      if ((bits | filled.of[c][w]) != 0) copy_pixels<Arch>(n, from, to + c * channel + first);
      filled.of[c][w] = bits;
    });
  }
};

}  // namespace calotype::kernel::cpu
