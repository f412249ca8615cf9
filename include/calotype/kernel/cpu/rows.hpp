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

// Copies n numbers to pixels from `x` on and marks those that are not zero.
template <class Arch>
CALOTYPE_INLINE void copy_and_mark(int n, float const* from, float* pixels, int x, pixel_word* marks) {
  using v = simd<Arch>;
  for (int i = 0; i < n; i += v::lanes) {
    bool const whole = n - i >= v::lanes;
    vec<Arch> const numbers = whole ? v::load(from + i) : v::load_part(from + i, n - i);
    unsigned const bits = v::not_zero(numbers);
    if (bits == 0) continue;
    mark(marks, x + i, bits);
    whole ? v::store(pixels + x + i, numbers) : v::store_part(pixels + x + i, numbers, n - i);
  }
}

// An image in memory: its pixel (0, 0), and the numbers from a channel and from a row to the next.
template <class Arch, map_shape M, int Channel, int Row>
struct rows_in_memory {
  float const* pixels = nullptr;

  void read(int row, float* to, int channel, marks_of_row<M>& filled) const {
    for (int c = 0; c < M.channels; ++c) {
      copy_and_mark<Arch>(M.cols, pixels + c * Channel + row * Row, to + c * channel, 0, filled.of[c]);
    }
  }
};

}  // namespace calotype::kernel::cpu
