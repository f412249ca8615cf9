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
#include <calotype/kernel/cpu/pooled.hpp>
#include <calotype/kernel/cpu/rows.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// Convolution S and pool P over bands: all outputs of a row of pool windows. `image` is anything with
//   read(row, to, channel, filled)      paints a row of the image into zeros: pixel 0 of channel c at
//                                       to[c * channel]; marks in `filled` what is not zero
// Rows are painted into a window that slides over the image. A band that holds too much goes through the dense
// kernel.
template <class Arch, conv_shape S, pool_shape P>
struct sparse_pooled {
  using v = simd<Arch>;
  static constexpr strides pooled = map_strides(P.out());
  static constexpr int rows = P.out().rows;
  static constexpr int cols = P.out().cols;

  // One block of filters, windows that lie side by side: the first layers of all models. Convolutions of
  // narrow images are left alone, they cost nothing.
  static constexpr bool applies = blocks_of(S.filters) == 1 && P.size == P.stride && S.stride <= S.kernel &&
                                  S.kernel * S.kernel * S.in.channels >= 16 && S.in.cols >= 16;

  // Rows of windows that one thread does in a go, and the input rows that they see.
  static constexpr int bands = 8;
  static constexpr int band_rows = (P.size - 1) * S.stride + S.kernel;
  static constexpr int part_rows = (bands - 1) * P.size * S.stride + band_rows;
  static constexpr strides from = [] {
    strides s = image_strides(S.in);
    s.row = larger_of(s.row, ratio_up(s.halo + 64 * words_in_row(S.in), 8) * 8);  // whole words are wiped
    s.channel = part_rows * s.row;
    return s;
  }();
  // Reals of a thread's window.
  static constexpr std::size_t window_size = static_cast<std::size_t>(S.in.channels * from.channel);

  // `memory` holds a window for each thread of the policy: zero, and left zero. `filled`, if not null, becomes
  // a set of the outputs that see a filled pixel.
  template <bool Relu, class Policy, class Rows>
  static void all(Policy const& p, Rows const& image, float const* bias, float const* weights, float* out,
                  float* memory, pixel_word* filled) {
    constexpr long long work = rows * band_work * block_size;
    for_each_part(p, ratio_up(rows, bands), work, [&](int worker, int part) {
      int const begin = part * bands, end = smaller_of(begin + bands, rows), top = first_row(begin);
      float* const window = memory + static_cast<std::size_t>(worker) * window_size + from.halo;
      int const first = larger_of(top, 0);
      int next = first;
      ring_of_rows lists;
      auto const wipe_row = [&](int row) { wipe(window + (row - top) * from.row, lists[row].filled); };
      for (int y = begin; y < end; ++y) {
        for (; next < end_row(y); ++next) {
          if (next - first >= band_rows) wipe_row(next - band_rows);
          lists[next].filled = {};
          image.read(next, window + (next - top) * from.row, from.channel, lists[next].filled);
          lists[next].count();
        }
        int entries = 0;
        bool fits = true;
        for (int row = larger_of(first_row(y), 0); row < end_row(y); ++row) {
          entries += lists[row].size;
          fits = fits && lists[row].size <= row_list::capacity;
        }
        pixel_word* const outputs = filled != nullptr ? filled + y * words_in_row(P.out()) : nullptr;
        if (entries == 0) {
          empty<Relu>(bias, y, out);
          if (outputs != nullptr) window_set{}.copy_to(outputs);
        } else if (fits && entries < most_entries) {
          for (int row = larger_of(first_row(y), 0); row < end_row(y); ++row) {
            lists[row].make(window + (row - top) * from.row);
          }
          band<Relu>(lists, bias, weights, y, out, outputs);
        } else {
          dense::template row<Relu>(window + S.padding * from.row, bias, weights, taps, 0, y - begin,
                                    out + begin * pooled.row);
          if (outputs != nullptr) pixel_set<P.out()>::fill_row(outputs);
        }
      }
      for (int row = larger_of(first, next - band_rows); row < next; ++row) wipe_row(row);
    });
  }

 private:
  static constexpr kernel::cpu::window taps{S.kernel, S.kernel, -S.padding, -S.padding, 1, S.stride};
  using dense = pooled_chains<Arch, layer{from, map_strides(S.out()), S.stride, 1}, pooled, P.size>;

  // Multiply-adds with registers of one block in a dense band.
  static constexpr long long band_work =
      static_cast<long long>(P.size) * P.size * cols * S.kernel * S.kernel * S.in.channels;
  // A filled pixel of one channel takes as long as so many of them.
  static constexpr int cost_of_entry = 40;
  static constexpr int most_entries = static_cast<int>(band_work / cost_of_entry);

  // The input rows of a band.
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
    int size;
    bool listed;
    marks_of_row<S.in> filled;
    window_set seen;
    entry list[static_cast<std::size_t>(capacity + S.in.channels)];

    void count() {
      size = 0;
      listed = false;
      for (auto const& channel : filled.of) {
        for (pixel_word w : channel) size += std::popcount(w);
      }
    }

    // Precondition: size <= capacity.
    void make(float const* row) {
      if (std::exchange(listed, true)) return;
      seen = {};
      int i = 0;
      for (int word = 0; word < words_in_row(S.in); ++word) {
        pixel_word any = 0;
        for (auto const& channel : filled.of) any |= channel[word];
        for (; any != 0; any &= any - 1) {
          int const bit = std::countr_zero(any), x = word * 64 + bit;
          // Counted from the margin on: output o sees the pixel through tap `padded` - o stride.
          int const padded = x + S.padding + margin * S.stride;
          int const left = (padded - S.kernel + S.stride) / S.stride;
          int const tap = padded - left * S.stride;
          CALOTYPE_UNROLL for (int w = 0; w < windows_in_reach; ++w) seen.add(left / P.size + w);
          for (int c = 0; c < S.in.channels; ++c) {
            list[i] = {row[c * from.channel + x], static_cast<std::uint16_t>(tap * S.in.channels + c),
                       static_cast<std::uint16_t>(left)};
            i += static_cast<int>(filled.of[c][word] >> bit & 1);
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

  static void wipe(float* row, marks_of_row<S.in> const& marks) {
    for (int c = 0; c < S.in.channels; ++c) {
      for (int word = 0; word < words_in_row(S.in); ++word) {
        if (marks.of[c][word] == 0) continue;
        float* const pixels = row + c * from.channel + word * 64;
        for (int x = 0; x < 64; x += v::lanes) v::store(pixels + x, v::broadcast(0.f));
      }
    }
  }

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
          best = Relu ? v::broadcast(0.f) : v::load(sum);  // as pooled_chains
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
