// From hits to the first layer of the cpu policy without an image: each stage keeps an event's energies in a
// few kilobytes until the first layer asks for a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/exec/cpu.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/rows.hpp>
#include <calotype/kernel/image.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel {

namespace detail {

// A stage whose blocks are pixels: the energies in the order in which they came, each linked to the next in its
// row. Once there are too many, they are summed pixel by pixel.
template <class Arch, image_stage S>
class pixel_rows {
  static constexpr int capacity = S.blocks() / 8 + 64;
  static constexpr auto links = static_cast<std::size_t>(capacity + S.rows);
  static constexpr auto rows = static_cast<std::size_t>(S.rows);
  static constexpr auto blocks = static_cast<std::size_t>(S.blocks());

 public:
  static constexpr std::size_t workspace_bytes =
      sizeof(float) * (capacity + blocks) + sizeof(std::int32_t) * (capacity + links + rows);
  static constexpr std::size_t block_bytes =
      workspace::bytes_of<float>(capacity) + workspace::bytes_of<float>(blocks) +
      workspace::bytes_of<std::int32_t>(capacity) + workspace::bytes_of<std::int32_t>(links) +
      workspace::bytes_of<std::int32_t>(rows);

  pixel_rows() : energies_(capacity), where_(capacity), next_(links), last_(rows), sums_(blocks) {}
  explicit pixel_rows(workspace& from) noexcept
      : energies_(capacity, from),
        where_(capacity, from),
        next_(links, from),
        last_(rows, from),
        sums_(blocks, from) {}

  void begin() noexcept {
    if (summed()) sums_.fill(0);
    size_ = 0;
    for (int r = 0; r < S.rows; ++r) last_[static_cast<std::size_t>(r)] = capacity + r;
  }

  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    std::int32_t const where = row * S.cols + col;
    if (summed()) {
      sums_[static_cast<std::size_t>(where)] += energy;
      return;
    }
    auto const i = static_cast<std::size_t>(size_);
    energies_[i] = energy;
    where_[i] = where;
    std::int32_t& last = last_[static_cast<std::size_t>(row)];
    next_[static_cast<std::size_t>(last)] = size_;
    last = size_;
    if (++size_ == capacity) sum();
  }

  void finish(pixel_rule rule) noexcept { rule_ = rule; }

  void read(int row, float* to, pixel_word* filled) const noexcept {
    int const r = row - S.row;
    pixel_word own[words_in_row({.cols = S.plane_cols})] = {};
    constexpr int words = static_cast<int>(sizeof own / sizeof own[0]);
    if (summed()) {
      for (int x = 0; x < S.cols; x += 64) {
        int const n = cpu::smaller_of(S.cols - x, 64);
        float const* const from = sums_.data() + r * S.cols + x;
        pixel_word const bits = cpu::not_zeros<Arch>(n, from);
        if (bits == 0) continue;
        cpu::mark(own, S.col + x, bits);
        cpu::copy_pixels<Arch>(n, from, to + S.col + x);
      }
    } else {
      std::int32_t const last = last_[static_cast<std::size_t>(r)];
      for (std::int32_t i = capacity + r; i != last;) {
        i = next_[static_cast<std::size_t>(i)];
        int const x = where_[static_cast<std::size_t>(i)] - r * S.cols + S.col;
        to[x] += energies_[static_cast<std::size_t>(i)];
        own[x / 64] |= pixel_word{1} << x % 64;
      }
    }
    if (!rule_.identity()) {
      cpu::for_each_marked(own, words, [&](int x) { to[x] = pixel_value(to[x], 1, rule_); });
    }
    for (int w = 0; w < words; ++w) filled[w] |= own[w];
  }

 private:
  bool summed() const { return size_ == capacity; }

  // Not for hits of real events.
  [[gnu::noinline]] void sum() noexcept {
    for (std::size_t i = 0; i < energies_.size(); ++i) {
      sums_[static_cast<std::size_t>(where_[i])] += energies_[i];
    }
  }

  pixel_rule rule_{};
  std::int32_t size_ = 0;
  buffer<float> energies_;
  buffer<std::int32_t> where_;
  buffer<std::int32_t> next_;  // of an energy; behind them the first of every row
  buffer<std::int32_t> last_;  // of every row
  buffer<float> sums_;
};

// A stage of larger blocks: their sums, painted row by row.
template <image_stage S>
class block_rows {
  static constexpr int words = words_in_row({.cols = S.cols});
  static constexpr auto blocks = static_cast<std::size_t>(S.blocks());
  static constexpr auto marks = static_cast<std::size_t>(S.rows * words);

 public:
  static constexpr std::size_t workspace_bytes = sizeof(float) * blocks + sizeof(pixel_word) * marks;
  static constexpr std::size_t block_bytes =
      workspace::bytes_of<float>(blocks) + workspace::bytes_of<pixel_word>(marks);

  block_rows() : sums_(blocks), filled_(marks) {}
  explicit block_rows(workspace& from) noexcept : sums_(blocks, from), filled_(marks, from) {}

  void begin() noexcept {
    for_each_filled([](float& sum) { sum = 0; });
    filled_.fill(0);
  }

  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    sums_[static_cast<std::size_t>(row * S.cols + col)] += energy;
    filled_[static_cast<std::size_t>(row * words + col / 64)] |= pixel_word{1} << col % 64;
  }

  void finish(pixel_rule rule) noexcept {
    for_each_filled([rule](float& sum) { sum = pixel_value(sum, S.divisor, rule); });
  }

  void read(int row, float* to, pixel_word* filled) const noexcept {
    int const r = (row - S.row) / S.block_rows;
    float const* const values = sums_.data() + r * S.cols;
    cpu::for_each_marked(filled_.data() + r * words, words,
                         [&](int col) { paint(S.col + col * S.block_cols, values[col], to, filled); });
  }

 private:
  // Pixels that lie beyond the plane are left out.
  CALOTYPE_INLINE static void paint(int first, float value, float* to, pixel_word* filled) {
    constexpr bool clipped = S.col < 0 || S.col + S.cols * S.block_cols > S.plane_cols;
    if constexpr (clipped) {
      int const begin = cpu::larger_of(first, 0), end = cpu::smaller_of(first + S.block_cols, S.plane_cols);
      for (int x = begin; x < end; ++x) to[x] = value;
      cpu::mark_run(filled, begin, end - begin);
    } else {
      for (int x = 0; x < S.block_cols; ++x) to[first + x] = value;
      cpu::mark_run(filled, first, S.block_cols);
    }
  }

  template <class Function>
  void for_each_filled(Function f) noexcept {
    for (int r = 0; r < S.rows; ++r) {
      cpu::for_each_marked(filled_.data() + r * words, words,
                           [&](int c) { f(sums_[static_cast<std::size_t>(r * S.cols + c)]); });
    }
  }

  buffer<float> sums_;
  buffer<pixel_word> filled_;
};

template <class Arch, image_stage S>
constexpr auto rows_of_stage() {
  if constexpr (S.direct()) {
    return std::type_identity<pixel_rows<Arch, S>>{};
  } else {
    return std::type_identity<block_rows<S>>{};
  }
}

template <int Index, class Arch, image_stage S>
struct indexed_rows : decltype(rows_of_stage<Arch, S>())::type {
  using base = typename decltype(rows_of_stage<Arch, S>())::type;
  using base::base;

  // Of a plane's row; nothing if it does not reach this stage.
  template <int Plane, map_shape M>
  CALOTYPE_INLINE void read_plane(int row, float* to, int channel,
                                  cpu::marks_of_row<M>& filled) const noexcept {
    if constexpr (S.plane == Plane) {
      if (row < S.row || row >= S.row + S.rows * S.block_rows) return;
      base::read(row, to + S.channel * channel, filled.of[S.channel]);
    }
  }
};

template <class Indices, class Arch, image_stage... Stages>
struct stages_by_rows;
template <int... Index, class Arch, image_stage... Stages>
struct stages_by_rows<std::integer_sequence<int, Index...>, Arch, Stages...>
    : indexed_rows<Index, Arch, Stages>... {
  static constexpr std::size_t workspace_bytes = (indexed_rows<Index, Arch, Stages>::workspace_bytes + ... + 0);
  static constexpr std::size_t block_bytes = (indexed_rows<Index, Arch, Stages>::block_bytes + ... + 0);

  stages_by_rows() = default;
  explicit stages_by_rows(workspace& from) noexcept : indexed_rows<Index, Arch, Stages>(from)... {}

  void begin() noexcept { (stage<Index>(*this).begin(), ...); }

  template <int Stage>
  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    stage<Stage>(*this).add(row, col, energy);
  }

  void finish(pixel_rule const* channels) noexcept {
    (stage<Index>(*this).finish(channels[Stages.channel]), ...);
  }

  template <int Plane, map_shape M>
  void read(int row, float* to, int channel, cpu::marks_of_row<M>& filled) const noexcept {
    cpu::wipe<Arch>(to, channel, filled);
    (stage<Index>(*this).template read_plane<Plane>(row, to, channel, filled), ...);
  }

 private:
  template <int Place, image_stage S>
  static indexed_rows<Place, Arch, S>& stage(indexed_rows<Place, Arch, S>& s) {
    return s;
  }
  template <int Place, image_stage S>
  static indexed_rows<Place, Arch, S> const& stage(indexed_rows<Place, Arch, S> const& s) {
    return s;
  }
};

}  // namespace detail

template <class Arch, class... Choices, image_stage... Stages>
class event_rows<exec::cpu<Arch, Choices...>, Stages...>
    : public detail::stages_by_rows<std::make_integer_sequence<int, static_cast<int>(sizeof...(Stages))>, Arch,
                                    Stages...> {
  using stages_type =
      detail::stages_by_rows<std::make_integer_sequence<int, static_cast<int>(sizeof...(Stages))>, Arch,
                             Stages...>;

 public:
  explicit event_rows(exec::cpu<Arch, Choices...>) {}
  event_rows(exec::cpu<Arch, Choices...>, workspace& from) noexcept : stages_type(from) {}
};

}  // namespace calotype::kernel
