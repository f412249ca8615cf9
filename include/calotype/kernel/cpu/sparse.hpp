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
//   read(row, to, channel, filled)      makes the numbers at `to` a row of the image, pixel 0 of channel c at
//                                       to[c * channel]; `filled` marks what is not zero, before and after
//   in_memory()                         optional: the rows_in_memory that they are; null pixels if they are not
// Rows are painted into a window that slides over the image. A band that holds too much goes through the dense
// kernel, and so does a whole image in memory, where it is.
template <class Arch, conv_shape S, pool_shape P>
struct sparse_pooled {
  using v = simd<Arch>;
  static constexpr strides pooled = map_strides(P.out());
  static constexpr int rows = P.out().rows;
  static constexpr int cols = P.out().cols;

  // Bands that are done before the window moves on, and the input rows that they see.
  static constexpr int bands = 8;
  static constexpr int band_step = P.size * S.stride;
  static constexpr int band_rows = (P.size - 1) * S.stride + S.kernel;
  static constexpr int window_rows = (bands - 1) * band_step + band_rows;

  // One block of filters, windows that lie side by side: the first layers of all models. Convolutions of
  // narrow images are left alone, they cost nothing; so are those whose first band may lie before the image.
  static constexpr bool applies = blocks_of(S.filters) == 1 && P.size == P.stride && S.stride <= S.kernel &&
                                  S.padding <= band_rows && S.kernel * S.kernel * S.in.channels >= 16 &&
                                  S.in.cols >= 16;

  // Rows begin where registers are stored best; the zeros behind one are also those before the next.
  static constexpr int aligned = 16;
  static constexpr strides from = [] {
    strides s = image_strides(S.in);
    s.row = ratio_up(S.in.cols + s.halo, aligned) * aligned;
    s.channel = window_rows * s.row;
    return s;
  }();
  // Reals of a thread's window.
  static constexpr std::size_t window_size = static_cast<std::size_t>(aligned + S.in.channels * from.channel);

  // `memory` holds a window for each thread of the policy: zero, and left zero. `filled`, if not null, becomes
  // a set of the outputs that see a filled pixel.
  template <bool Relu, class Policy, class Rows>
  static void all(Policy const& p, Rows const& image, float const* bias, float const* weights, float* out,
                  float* memory, pixel_word* filled) {
    if constexpr (requires { image.in_memory(); }) {
      if (auto const here = image.in_memory(); here.pixels != nullptr && is_full(here)) {
        if (filled != nullptr) pixel_set<P.out()>::fill(filled);
        return in_place<Relu>(p, here, bias, weights, out, memory);
      }
    }
    for_each_run(p, [&](int worker, int begin, int end) {
      sliding_window window(memory + static_cast<std::size_t>(worker) * window_size + aligned,
                            first_row(begin));
      ring_of_rows lists;
      int next = first_row(begin);
      for (int y = begin; y < end; ++y) {
        int const first = first_row(y);
        window.show(first);
        for (; next < first + band_rows; ++next) {
          window.read(image, next);
          lists[next].count(window.filled(next));
        }
        int entries = 0;
        bool fits = true;
        for (int row = first; row < next; ++row) {
          entries += lists[row].size;
          fits = fits && lists[row].size <= row_list::capacity;
        }
        pixel_word* const outputs = filled != nullptr ? filled + y * words_in_row(P.out()) : nullptr;
        if (entries == 0) {
          empty<Relu>(bias, y, out);
          if (outputs != nullptr) window_set{}.copy_to(outputs);
        } else if (fits && entries < most_entries) {
          for (int row = first; row < next; ++row) lists[row].make(window.row(row), window.filled(row));
          band<Relu>(lists, bias, weights, y, out, outputs);
        } else {
          dense::template row<Relu>(window.row(first) + S.padding * from.row, bias, weights, taps, 0, 0,
                                    out + y * pooled.row);
          if (outputs != nullptr) pixel_set<P.out()>::fill_row(outputs);
        }
      }
      window.wipe();
    });
  }

 private:
  static constexpr kernel::cpu::window taps{S.kernel, S.kernel, -S.padding, -S.padding, 1, S.stride};
  using dense = pooled_chains<Arch, layer{from, map_strides(S.out()), S.stride, 1}, pooled, P.size>;

  // Runs of bands, one for each thread's turn.
  template <class Policy, class Function>
  static void for_each_run(Policy const& p, Function const& f) {
    constexpr int length = has_threads<Policy> ? bands : rows;
    constexpr long long work = rows * band_work * block_size;
    for_each_part(p, ratio_up(rows, length), work, [&](int worker, int part) {
      f(worker, part * length, smaller_of((part + 1) * length, rows));
    });
  }

  // Multiply-adds with registers of one block in a dense band.
  static constexpr long long band_work =
      static_cast<long long>(P.size) * P.size * cols * S.kernel * S.kernel * S.in.channels;
  // A filled pixel of one channel takes as long as so many of them; half as many on CPUs that multiply more
  // slowly.
  static constexpr int cost_of_entry = 64;
  static constexpr int most_entries = static_cast<int>(band_work / cost_of_entry);

  // The first input row of a band; it may lie above the image.
  static constexpr int first_row(int y) { return y * band_step - S.padding; }

  // Behind the last input column that the first n pooled columns see.
  static constexpr int end_of_outputs(int n) { return n * band_step - S.stride + S.kernel - S.padding; }

  // Outputs that see one pixel, in a direction; for some taps one less.
  static constexpr int reach = ratio_up(S.kernel, S.stride);
  static constexpr int last_tap = (reach - 1) * S.stride;  // from here on all of them
  // Outputs beside a band that a pixel at the border reaches: kept, never used. In windows.
  static constexpr int spare = ratio_up(reach, P.size);
  static constexpr int margin = spare * P.size;
  static constexpr int windows = cols + 2 * spare + ratio_up(S.out().cols - cols * P.size, P.size);
  static constexpr int band_cols = windows * P.size;
  static constexpr int windows_in_reach = (reach - 1 + P.size - 1) / P.size + 1;
  // Sums for nobody (see scatter): several, so that they do not wait for one another.
  static constexpr int nobodies = 8;
  static constexpr int first_nobody = (windows + windows_in_reach) * P.size;
  static constexpr int sums_in_row = first_nobody + nobodies;
  static_assert(!applies || (S.in.cols - 1 + S.padding) / S.stride + margin < band_cols);

  // A bit for every window.
  struct window_set {
    static constexpr int words = ratio_up(windows + windows_in_reach, 64);
    pixel_word word[words] = {};

    CALOTYPE_INLINE void add(int w) { word[w / 64] |= pixel_word{1} << w % 64; }
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
    static constexpr int capacity = smaller_of(2 * ratio_up(most_entries, band_rows), S.in.channels* S.in.cols);
    struct entry {
      float value;
      std::uint16_t weight;  // tap * channels + channel
      std::uint16_t left;
    };
    int size;
    bool listed;
    window_set seen;
    entry list[static_cast<std::size_t>(capacity + S.in.channels)];

    void count(marks_of_row<S.in> const& filled) {
      size = 0;
      listed = false;
      for (auto const& channel : filled.of) {
        for (pixel_word w : channel) size += std::popcount(w);
      }
    }

    // Precondition: size <= capacity.
    void make(float const* row, marks_of_row<S.in> const& filled) {
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

  // Rows of the image, and zeros above and below it. They stay where they are until the window moves on.
  class sliding_window {
   public:
    sliding_window(float* pixels, int top) : pixels_(pixels), top_(top) {}

    float* row(int row) { return pixels_ + (row - top_) * from.row; }
    marks_of_row<S.in>& filled(int row) { return filled_[row - top_]; }

    // Makes room for the rows of a band; those that the one before it has seen too are kept.
    void show(int first) {
      if (first + band_rows <= top_ + window_rows) return;
      for (int i = 0; i < band_rows - band_step; ++i) {
        rows_in_memory<Arch, S.in, from.channel, from.row>{row(first)}.read(i, pixels_ + i * from.row,
                                                                            from.channel, filled_[i]);
      }
      top_ = first;
    }
    template <class Rows>
    void read(Rows const& image, int r) {
      if (0 <= r && r < S.in.rows) {
        image.read(r, row(r), from.channel, filled(r));
      } else {
        cpu::wipe<Arch>(row(r), from.channel, filled(r));
      }
    }
    void wipe() {
      for (int i = 0; i < window_rows; ++i) {
        cpu::wipe<Arch>(pixels_ + i * from.row, from.channel, filled_[i]);
      }
    }

   private:
    float* pixels_;
    int top_;
    marks_of_row<S.in> filled_[window_rows];
  };

  // By a look at every sixteenth row.
  template <class Rows>
  static bool is_full(Rows const& image) {
    long long entries = 0, looked_at = 0;
    for (int row = S.in.rows % 16 / 2; row < S.in.rows; row += 16, ++looked_at) {
      for_each_word<S.in>([&](int c, int, int first, int n) {
        float const* const pixels = image.pixels + c * Rows::channel_step + row * Rows::row_step + first;
        entries += std::popcount(not_zeros<Arch>(n, pixels));
      });
    }
    return entries * band_rows > most_entries * looked_at;
  }

  // The dense kernel on an image without zeros around it: what is to see them is copied.
  template <bool Relu, class Policy, class Rows>
  static void in_place(Policy const& p, Rows const& image, float const* bias, float const* weights, float* out,
                       float* memory) {
    constexpr strides there = [] {
      strides s = from;
      s.row = Rows::row_step;
      s.channel = Rows::channel_step;
      return s;
    }();
    using inner = pooled_chains<Arch, layer{there, map_strides(S.out()), S.stride, 1}, pooled, P.size>;
    constexpr int tiles = dense::across.count;
    // Beyond the sides see the first tile, and the last one if the outputs go so far.
    constexpr int begin_inside = 1;
    constexpr int end_inside = end_of_outputs(cols) > S.in.cols ? tiles - 1 : tiles;
    constexpr bool between = S.padding <= band_step && begin_inside < end_inside;
    constexpr int left = end_of_outputs(dense::first_of_tile(begin_inside));
    constexpr int right =
        end_inside < tiles ? dense::first_of_tile(end_inside) * band_step - S.padding : S.in.cols;
    for_each_run(p, [&](int worker, int begin, int end) {
      float* const window = memory + static_cast<std::size_t>(worker) * window_size + aligned;
      for (int y = begin; y < end; ++y) {
        int const first = first_row(y);
        bool const inside = between && first >= 0 && first + band_rows <= S.in.rows;
        for (int c = 0; c < S.in.channels; ++c) {
          for (int r = 0; r < band_rows; ++r) {
            float* const to = window + c * from.channel + r * from.row;
            float const* const row = image.pixels + c * there.channel + (first + r) * there.row;
            if (inside) {
              copy_pixels<Arch>(left, row, to);
              copy_pixels<Arch>(S.in.cols - right, row + right, to + right);
            } else if (0 <= first + r && first + r < S.in.rows) {
              copy_pixels<Arch>(S.in.cols, row, to);
            } else {
              clear<Arch>(S.in.cols, to);
            }
          }
        }
        float const* const copy = window + S.padding * from.row;
        float* const to = out + y * pooled.row;
        if (inside) {
          dense::template row<Relu>(copy, bias, weights, taps, 0, 0, to, 0, begin_inside);
          inner::template row<Relu>(image.pixels, bias, weights, taps, 0, y, out, begin_inside, end_inside);
          dense::template row<Relu>(copy, bias, weights, taps, 0, 0, to, end_inside);
        } else {
          dense::template row<Relu>(copy, bias, weights, taps, 0, 0, to);
        }
      }
      for (int c = 0; c < S.in.channels; ++c) {
        for (int r = 0; r < band_rows; ++r) clear<Arch>(S.in.cols, window + c * from.channel + r * from.row);
      }
    });
  }

  // The rows of a band; those of the next take the place of those that it does not see.
  class ring_of_rows {
   public:
    row_list& operator[](int row) { return rows_[(row + band_rows) % band_rows]; }
    row_list const& operator[](int row) const { return rows_[(row + band_rows) % band_rows]; }

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
    for (int row = first; row < first + band_rows; ++row) {
      for (int i = 0; i < window_set::words; ++i) seen.word[i] |= lists[row].seen.word[i];
    }
    pixel_word pooled_seen[words_in_row(P.out())];
    seen.copy_to(pooled_seen);
    if (marks != nullptr) seen.copy_to(marks);
    empty<Relu>(bias, y, out);
    alignas(64) float sums[sums_in_row * block_size];
    for (int r = 0; r < P.size; ++r) {
      for_each_marked(seen.word, window_set::words, [&](int w) {
        CALOTYPE_UNROLL for (int c = 0; c < P.size; ++c) {
          CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
            v::store(sums + (w * P.size + c) * block_size + n * v::lanes, start[n]);
          }
        }
      });
      // Input row by input row, so that every output sees its pixels in their order.
      for (int ky = 0; ky < S.kernel; ++ky) {
        scatter(lists[first + r * S.stride + ky], weights + ky * S.kernel * S.in.channels * block_size, sums);
      }
      for_each_marked(pooled_seen, words_in_row(P.out()), [&](int x) {
        float* const to = out + y * pooled.row + x * pooled.pixel;
        CALOTYPE_UNROLL for (int n = 0; n < registers; ++n) {
          float const* const sum = sums + (x + spare) * P.size * block_size + n * v::lanes;
          vec<Arch> best = Relu ? v::broadcast(0.f) : v::load(sum);  // as pooled_chains
          if (r > 0) best = v::load(to + n * v::lanes);
          CALOTYPE_UNROLL for (int c = 0; c < P.size; ++c) {
            best = v::greater_of(v::load(sum + c * block_size), best);
          }
          v::store(to + n * v::lanes, best);
        }
      });
    }
  }

  // The pixels of an input row into the outputs of a row that see them: one after the other, since their sums
  // overlap. An output that a tap does not reach is replaced by one for nobody: cheaper than a branch.
  static void scatter(row_list const& row, float const* weights, float* sums) {
    float* const nobody = sums + first_nobody * block_size;
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
