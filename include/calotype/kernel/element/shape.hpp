// Index arithmetic that the element functions share. Maps are dense: channel, row, column, the column running
// fastest.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::element {

// Where a number sits in a map.
struct place {
  int channel;
  int row;
  int col;
};

// The place of flat index i in a map of shape M.
template <map_shape M>
CALOTYPE_INLINE CALOTYPE_HD constexpr place place_of(int i) {
  constexpr map_shape m = M;
  return {i / (m.rows * m.cols), i / m.cols % m.rows, i % m.cols};
}

// Half-open range of integers; empty when end <= begin.
struct range {
  int begin;
  int end;
};

// The taps k of a window of `kernel` that begins at `first` (perhaps before the edge) with first + k inside [0,
// extent).
CALOTYPE_INLINE CALOTYPE_HD constexpr range taps_inside(int first, int kernel, int extent) {
  int const past = extent - first;
  return {first < 0 ? -first : 0, past < kernel ? past : kernel};
}

// The windows o (`count` of them, `stride` apart, the first one beginning at -padding) whose tap k lies inside
// [0, extent).
CALOTYPE_INLINE CALOTYPE_HD constexpr range windows_with_tap_inside(int k, int stride, int padding, int extent,
                                                                    int count) {
  int const before = padding - k;  // o stride >= before
  int const last = extent - 1 + padding - k;
  int const end = last < 0 ? 0 : last / stride + 1;
  return {before > 0 ? (before + stride - 1) / stride : 0, end < count ? end : count};
}

// The windows (of `size`, `stride` apart, no padding, `count` of them) that cover position x.
CALOTYPE_INLINE CALOTYPE_HD constexpr range windows_over(int x, int size, int stride, int count) {
  int const after = x - size + 1;  // o stride >= after
  int const end = x / stride + 1;
  return {after > 0 ? (after + stride - 1) / stride : 0, end < count ? end : count};
}

}  // namespace calotype::kernel::element
