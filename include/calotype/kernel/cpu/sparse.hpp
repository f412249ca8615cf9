// The first convolution of a detector image, with its ReLU and pool: most pixels hold nothing, so the others
// are scattered to the outputs that see them. Every output gets the same multiply-adds in the same order as in
// the dense kernel, but for those with zero, which change no bit.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/pixel_set.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// Convolution S and pool P over bands: all outputs of a row of pool windows. A band that holds too much is left
// to Dense, a pooled_chains (conv.hpp). `filled`, if not null: a set of the windows that see a filled pixel
// (kernel/ops.hpp).
template <class Arch, conv_shape S, pool_shape P, class Dense>
struct sparse_pooled {
  using v = simd<Arch>;
  static constexpr strides from = image_strides(S.in);
  static constexpr strides pooled = map_strides(P.out());
  static constexpr int rows = P.out().rows;
  static constexpr int cols = P.out().cols;

  // One block of filters, windows that lie side by side: the first layers of all models. Convolutions of
  // narrow images are left alone, they cost nothing.
  static constexpr bool applies = blocks_of(S.filters) == 1 && P.size == P.stride && S.stride <= S.kernel &&
                                  S.kernel * S.kernel * S.in.channels >= 16 && S.in.cols >= 16;

  template <bool Relu, class Policy>
  static void all(Policy const& p, float const* in, float const* bias, float const* weights, window taps,
                  float* out, pixel_word* filled) {
    constexpr long long work = rows * band_work * block_size;
    for_each_part(p, ratio_up(rows, bands), work, [&](int, int part) {
      int const end = smaller_of((part + 1) * bands, rows);
      ring_of_rows lists;
      int next = larger_of(first_row(part * bands), 0);
      for (int y = part * bands; y < end; ++y) {
        for (; next < end_row(y); ++next) lists[next].count(in + next * from.row);
        int entries = 0;
        bool fits = true;
        for (int row = larger_of(first_row(y), 0); row < end_row(y); ++row) {
          entries += lists[row].size;
          fits = fits && lists[row].size <= row_list::capacity;
        }
        pixel_word* const marks = filled != nullptr ? filled + y * words_in_row(P.out()) : nullptr;
        if (entries == 0) {
          empty<Relu>(bias, y, out);
          if (marks != nullptr) window_set{}.copy_to(marks);
        } else if (fits && entries < most_entries) {
          for (int row = larger_of(first_row(y), 0); row < end_row(y); ++row) {
            lists[row].make(in + row * from.row);
          }
          band<Relu>(lists, bias, weights, y, out, marks);
        } else {
          Dense::template row<Relu>(in, bias, weights, taps, 0, y, out);
          if (marks != nullptr) pixel_set<P.out()>::fill_row(marks);
        }
      }
    });
  }

 private:
  // Rows of windows that one thread does in a go.
  static constexpr int bands = 4;
  // Multiply-adds with registers of one block in a dense band.
  static constexpr long long band_work =
      static_cast<long long>(P.size) * P.size * cols * S.kernel * S.kernel * S.in.channels;
  // A filled pixel of one channel takes as long as so many of them.
  static constexpr int cost_of_entry = 40;
  static constexpr int most_entries = static_cast<int>(band_work / cost_of_entry);

  // Input rows that a band sees.
  static constexpr int band_rows = (P.size - 1) * S.stride + S.kernel;
  static constexpr int first_row(int y) { return y * P.size * S.stride - S.padding; }
  static constexpr int end_row(int y) { return smaller_of(first_row(y) + band_rows, S.in.rows); }

  // Outputs that see one pixel, in a direction; for some taps one less.
  static constexpr int reach = ratio_up(S.kernel, S.stride);
  static constexpr int last_tap = (reach - 1) * S.stride;  // from here on all of them
  // Outputs beside a band that a pixel at the border reaches: kept, never used. In windows.
  static constexpr int spare = ratio_up(reach, P.size);
  static constexpr int margin = spare * P.size;
  static constexpr int windows = cols + 2 * spare + ratio_up(S.out().cols - cols * P.size, P.size);
  static constexpr int band_cols = windows * P.size;
  // Sums for nobody (see scatter): several, so that they do not wait for one another.
  static constexpr int nobodies = 8;
  static constexpr int sums_in_row = band_cols + nobodies;
  static constexpr int windows_in_reach = (reach - 1 + P.size - 1) / P.size + 1;
  static_assert(!applies || (S.in.cols - 1 + S.padding) / S.stride + margin < band_cols);

  // A bit for every window.
  struct window_set {
    static constexpr int words = ratio_up(windows + windows_in_reach, 64);
    pixel_word word[words] = {};

    CALOTYPE_INLINE void add(int w) { word[w / 64] |= pixel_word{1} << w % 64; }
    CALOTYPE_INLINE bool has(int w) const { return word[w / 64] >> w % 64 & 1; }
    // Those of a row of the pooled map.
    void copy_to(pixel_word* to) const {
      static_assert(0 < spare && spare < 64);
      constexpr int count = words_in_row(P.out());
      for (int i = 0; i < count; ++i) {
        to[i] = word[i] >> spare | (i + 1 < words ? word[i + 1] << (64 - spare) : 0);
      }
      to[count - 1] &= ~pixel_word{0} >> (64 * count - cols);
    }
  };

  // The filled pixels of a row by column and channel, each with where it goes: to the outputs from `left` on,
  // the first of them through tap `weight` / channels. The list is made when a band wants it.
  struct row_list {
    // More, and the band goes through the dense kernel: twice what is worth it if all rows were alike.
    static constexpr int capacity = smaller_of(most_entries, S.in.channels* S.in.cols / 4);
    struct entry {
      float value;
      std::uint16_t weight;  // tap * channels + channel
      std::uint16_t left;
    };
    static constexpr int groups = ratio_up(S.in.cols, v::lanes);
    int size;
    bool listed;
    std::uint16_t filled[groups][S.in.channels];
    window_set seen;
    entry list[static_cast<std::size_t>(capacity + S.in.channels)];

    void count(float const* row) {
      size = 0;
      listed = false;
      for (int g = 0; g < groups; ++g) {
        int const x = g * v::lanes, n = S.in.cols - x;
        for (int c = 0; c < S.in.channels; ++c) {
          float const* const p = row + c * from.channel + x;
          unsigned const bits = v::not_zero(n >= v::lanes ? v::load(p) : v::load_part(p, n));
          filled[g][c] = static_cast<std::uint16_t>(bits);
          size += std::popcount(bits);
        }
      }
    }

    // Precondition: size <= capacity.
    void make(float const* row) {
      if (std::exchange(listed, true)) return;
      seen = {};
      int i = 0;
      for (int g = 0; g < groups; ++g) {
        unsigned any = 0;
        for (int c = 0; c < S.in.channels; ++c) any |= filled[g][c];
        for (; any != 0; any &= any - 1) {
          int const bit = std::countr_zero(any), x = g * v::lanes + bit;
          // Counted from the margin on: output o sees the pixel through tap `padded` - o stride.
          int const padded = x + S.padding + margin * S.stride;
          int const left = (padded - S.kernel + S.stride) / S.stride;
          int const tap = padded - left * S.stride;
          CALOTYPE_UNROLL for (int w = 0; w < windows_in_reach; ++w) seen.add(left / P.size + w);
          for (int c = 0; c < S.in.channels; ++c) {
            list[i] = {row[c * from.channel + x], static_cast<std::uint16_t>(tap * S.in.channels + c),
                       static_cast<std::uint16_t>(left)};
            i += filled[g][c] >> bit & 1;
          }
        }
      }
    }
  };

  // The rows of a band; those of the next take the place of those that it does not see.
  class ring_of_rows {
   public:
    row_list& operator[](int row) { return rows_[row % band_rows]; }
    row_list const& operator[](int row) const { return rows_[row % band_rows]; }

   private:
    row_list rows_[band_rows];
  };

  static constexpr int registers = registers_per_block<Arch>;

  template <bool Relu>
  static void empty(float const* bias, int y, float* out) {
    float* const to = out + y * pooled.row;
    CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
      vec<Arch> const start = v::load(bias + n * v::lanes);
      for (int x = 0; x < cols; ++x) {
        v::store(to + x * pooled.pixel + n * v::lanes, Relu ? rectified<Arch>(start) : start);
      }
    }
  }

  template <bool Relu>
  static void band(ring_of_rows const& lists, float const* bias, float const* weights, int y, float* out,
                   pixel_word* marks) {
    vec<Arch> start[registers];
    CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) start[n] = v::load(bias + n * v::lanes);
    int const first = first_row(y);

    window_set seen;
    for (int row = larger_of(first, 0); row < end_row(y); ++row) {
      for (int i = 0; i < window_set::words; ++i) seen.word[i] |= lists[row].seen.word[i];
    }
    if (marks != nullptr) seen.copy_to(marks);
    alignas(64) float sums[P.size][sums_in_row * block_size];
    for (int i = 0; i < window_set::words; ++i) {
      for (pixel_word left = seen.word[i]; left != 0; left &= left - 1) {
        int const w = i * 64 + std::countr_zero(left);
        if (w >= windows) break;
        for (int r = 0; r < P.size; ++r) {
          CALOTYPE_UNROLL for (int c = 0; c < P.size; ++c) {
            CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
              v::store(sums[r] + (w * P.size + c) * block_size + n * v::lanes, start[n]);
            }
          }
        }
      }
    }
    // Input row by input row, so that every output sees its pixels in their order.
    for (int row = larger_of(first, 0); row < end_row(y); ++row) {
      for (int r = 0; r < P.size; ++r) {
        int const ky = row - first - r * S.stride;
        if (ky >= 0 && ky < S.kernel) {
          scatter(lists[row], weights + ky * S.kernel * S.in.channels * block_size, sums[r]);
        }
      }
    }

    float* to = out + y * pooled.row;
    for (int x = 0; x < cols; ++x, to += pooled.pixel) {
      int const w = x + spare;
      bool const filled = seen.has(w);
      CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
        vec<Arch> best = start[n];
        if (filled) {
          float const* const sum = sums[0] + w * P.size * block_size + n * v::lanes;
          best = v::load(sum);
          CALOTYPE_UNROLL for (int r = 0; r < P.size; ++r) {
            CALOTYPE_UNROLL for (int c = 0; c < P.size; ++c) {
              best = v::greater_of(v::load(sum + (r * sums_in_row + c) * block_size), best);
            }
          }
        }
        v::store(to + n * v::lanes, Relu ? rectified<Arch>(best) : best);
      }
    }
  }

  // The pixels of an input row into the outputs of a row that see them: one after the other, since their sums
  // overlap. An output that a tap does not reach is replaced by one for nobody: cheaper than a branch.
  static void scatter(row_list const& row, float const* weights, float* sums) {
    float* const nobody = sums + band_cols * block_size;
    for (int k = 0; k < nobodies * block_size; k += v::lanes) v::store(nobody + k, v::broadcast(0.f));
    for (int i = 0; i < row.size; ++i) {
      auto const e = row.list[i];
      vec<Arch> const value = v::broadcast(e.value);
      float const* const weight = weights + e.weight * block_size;
      float* const sum = sums + e.left * block_size;
      CALOTYPE_UNROLL for (int x = 0; x < reach; ++x) {
        constexpr bool always = last_tap == 0 || S.kernel - S.stride >= last_tap;
        bool const used = always || x + 1 < reach || e.weight >= last_tap * S.in.channels;
        float* const s = used ? sum + x * block_size : nobody + i % nobodies * block_size;
        float const* const w = used ? weight - x * S.stride * S.in.channels * block_size : weight;
        CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
          v::store(s + n * v::lanes, v::fma(value, v::load(w + n * v::lanes), v::load(s + n * v::lanes)));
        }
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
