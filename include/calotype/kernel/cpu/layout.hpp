// Where the CPU kernels keep numbers. The same for every instruction set:
//   map      [block of 16 channels][row][col][16], one pixel of zeros around each plane, missing channels zero
//   vector   a map of one pixel: its numbers, nothing else
//   image    [channel][row][col] with four pixels of zeros around each plane
// No kernel writes anything but zero around a plane, so borders need no branches.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

inline constexpr int block_size = 16;

CALOTYPE_INLINE constexpr int smaller_of(int a, int b) { return a < b ? a : b; }
CALOTYPE_INLINE constexpr int larger_of(int a, int b) { return a < b ? b : a; }
CALOTYPE_INLINE constexpr int ratio_up(int a, int b) { return (a + b - 1) / b; }
// The largest power of two <= n that is not larger than a block.
CALOTYPE_INLINE constexpr int power_below(int n) {
  int p = 1;
  while (2 * p <= n && 2 * p <= block_size) p *= 2;
  return p;
}
CALOTYPE_INLINE constexpr int blocks_of(int channels) { return ratio_up(channels, block_size); }

// Floats between neighbours, and what a loop over channels has to know.
struct strides {
  int channels = 0;  // in all
  int together = 0;  // channels in one block
  int channel = 0;   // from a channel to the next in its block
  int pixel = 0;
  int row = 0;
  int block = 0;  // from a block to the next
  int rows = 0;   // without halo
  int cols = 0;
  int halo = 0;  // rows and columns of zeros on every side

  // Of pixel (0, 0) in the buffer.
  CALOTYPE_INLINE constexpr int origin() const { return halo * (row + pixel); }
  friend constexpr bool operator==(strides, strides) = default;
};

CALOTYPE_INLINE constexpr strides map_strides(map_shape m) {
  int const halo = m.is_vector() ? 0 : 1;
  int const row = (m.cols + 2 * halo) * block_size;
  return {m.channels, block_size, 1, block_size, row, (m.rows + 2 * halo) * row, m.rows, m.cols, halo};
}

CALOTYPE_INLINE constexpr strides image_strides(map_shape m) {
  int const halo = 4;
  int const row = ratio_up(m.cols + 2 * halo, 8) * 8;
  int const plane = (m.rows + 2 * halo) * row;
  return {m.channels, m.channels, plane, 1, row, 0, m.rows, m.cols, halo};
}

CALOTYPE_INLINE constexpr std::size_t map_reals(map_shape m) {
  return static_cast<std::size_t>(m.is_vector() ? m.channels : blocks_of(m.channels) * map_strides(m).block);
}

CALOTYPE_INLINE constexpr std::size_t image_reals(map_shape m) {
  return static_cast<std::size_t>(m.channels * image_strides(m).channel);
}

// The channels of one block at one pixel, in registers.
template <class Arch>
inline constexpr int registers_per_block = block_size / simd<Arch>::lanes;

// Register `part` of block `block` of a pixel at `p` (its first block). A vector ends in the middle of a
// register.
template <class Arch, map_shape M>
CALOTYPE_INLINE vec<Arch> load_channels(float const* p, int block, int part) {
  constexpr int lanes = simd<Arch>::lanes;
  float const* from = p + block * map_strides(M).block + part * lanes;
  if constexpr (M.is_vector()) {
    int const n = M.channels - block * block_size - part * lanes;
    if (n <= 0) return simd<Arch>::broadcast(0.f);
    if (n < lanes) return simd<Arch>::load_part(from, n);
  }
  return simd<Arch>::load(from);
}

template <class Arch, map_shape M>
CALOTYPE_INLINE void store_channels(float* p, int block, int part, vec<Arch> v) {
  constexpr int lanes = simd<Arch>::lanes;
  float* to = p + block * map_strides(M).block + part * lanes;
  if constexpr (M.is_vector()) {
    int const n = M.channels - block * block_size - part * lanes;
    if (n <= 0) return;
    if (n < lanes) return simd<Arch>::store_part(to, v, n);
  }
  simd<Arch>::store(to, v);
}

// A vector with room for whole blocks, zero where the vector ends.
template <int N>
struct whole_blocks {
  alignas(64) float value[static_cast<std::size_t>(blocks_of(N) * block_size)] = {};

  whole_blocks() = default;
  CALOTYPE_INLINE explicit whole_blocks(float const* from) {
    for (int i = 0; i < N; ++i) value[i] = from[i];
  }
  CALOTYPE_INLINE void copy_to(float* to) const {
    for (int i = 0; i < N; ++i) to[i] = value[i];
  }
};

// n split into `count` parts of nearly equal length: `longer` parts of length + 1 come first, then parts of
// length.
struct parts {
  int count = 0;
  int length = 0;
  int longer = 0;
};

CALOTYPE_INLINE constexpr parts split(int n, int longest) {
  int const count = larger_of(ratio_up(n, longest), 1);
  return {count, n / count, n % count};
}

// For kernels that nobody shares out.
struct caller_alone {};

// f(worker, part) for every part of a job: by the policy's threads if it is worth waking them, else in order by
// this one. Parts are a fixed cut of the job, so who does them decides no bit.
template <class Policy, class Function>
CALOTYPE_INLINE void for_each_part([[maybe_unused]] Policy const& p, int count, long long multiply_adds,
                                   Function const& f) {
  if constexpr (requires { p.threads.crew; }) {
    if (p.threads.crew != nullptr && multiply_adds > 500000) return p.threads.crew->each(count, f);
  }
  (void)multiply_adds;
  for (int i = 0; i < count; ++i) f(0, i);
}
// Whether a policy may have more threads than one.
template <class Policy>
inline constexpr bool has_threads = requires(Policy p) {
  p.threads.crew;
};

}  // namespace calotype::kernel::cpu
