// Image kernel of the cpu policy: touches only the pixels that hold energy, and remembers them for the next
// event.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <calotype/exec/cpu.hpp>
#include <calotype/kernel/image.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel {

namespace detail {

// The blocks of one stage that hold energy, and how to empty them again.
//
// Blocks that are pixels are summed where they are shown; larger blocks are summed in a small array and painted
// once. A touched block is known by its sum: only positive energies are added, so it is zero exactly before the
// first.
template <image_stage S>
class sparse_stage {
  // A list longer than this would cost more than clearing all pixels.
  static constexpr int capacity = S.direct() ? S.blocks() / 8 + 64 : S.blocks();
  static constexpr std::size_t sum_count = S.direct() ? 0 : static_cast<std::size_t>(S.blocks());

 public:
  static constexpr std::size_t workspace_bytes =
      (capacity + 1) * sizeof(std::int32_t) + sum_count * sizeof(float);
  static constexpr std::size_t block_bytes =
      workspace::bytes_of<std::int32_t>(capacity + 1) + workspace::bytes_of<float>(sum_count);

  sparse_stage() : touched_(capacity + 1), sums_(sum_count) {}
  explicit sparse_stage(workspace& from) noexcept : touched_(capacity + 1, from), sums_(sum_count, from) {}

  // Empties what the last event filled, if it filled this very memory.
  void begin(plane_target const& plane) noexcept {
    float* const channel = plane.data + S.channel * plane.channel_stride;
    if (channel == channel_ && plane.row_stride == stride_) clear();
    channel_ = channel;
    stride_ = plane.row_stride;
    size_ = 0;
  }

  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    float* sum;
    std::int32_t where;
    if constexpr (S.direct()) {
      where = static_cast<std::int32_t>((row + S.row) * stride_ + col + S.col);
      sum = channel_ + where;
    } else {
      where = row * S.cols + col;
      sum = sums_.data() + where;
    }
    touched_[static_cast<std::size_t>(size_)] = where;
    size_ += (*sum == 0) & (size_ < capacity);
    *sum += energy;
  }

  void finish(pixel_rule rule) noexcept {
    if constexpr (S.direct()) {
      if (rule.identity()) return;
      auto const apply = [rule](float& p) { p = pixel_value(p, 1, rule); };
      if (overflowed())
        for_all(apply);
      else
        for (std::ptrdiff_t i = 0; i < size_; ++i) apply(channel_[touched_[static_cast<std::size_t>(i)]]);
    } else {
      for (std::ptrdiff_t i = 0; i < size_; ++i) {
        std::int32_t const b = touched_[static_cast<std::size_t>(i)];
        paint(b, pixel_value(std::exchange(sums_[static_cast<std::size_t>(b)], 0.0f), S.divisor, rule));
      }
    }
  }

 private:
  bool overflowed() const { return S.direct() && size_ == capacity; }

  void clear() noexcept {
    if constexpr (S.direct()) {
      if (overflowed()) return for_all([](float& p) { p = 0; });
      for (std::ptrdiff_t i = 0; i < size_; ++i) channel_[touched_[static_cast<std::size_t>(i)]] = 0;
    } else {
      for (std::ptrdiff_t i = 0; i < size_; ++i) paint(touched_[static_cast<std::size_t>(i)], 0.0f);
    }
  }

  template <class F>
  void for_all(F f) noexcept {
    for (int r = 0; r < S.rows; ++r) {
      float* const row = channel_ + (r + S.row) * stride_ + S.col;
      for (int c = 0; c < S.cols; ++c) f(row[c]);
    }
  }

  CALOTYPE_INLINE void paint(std::int32_t b, float value) noexcept {
    constexpr bool rows_clipped = S.row < 0 || S.row + S.rows * S.block_rows > S.plane_rows;
    constexpr bool cols_clipped = S.col < 0 || S.col + S.cols * S.block_cols > S.plane_cols;
    int const row = b / S.cols * S.block_rows + S.row, col = b % S.cols * S.block_cols + S.col;
    for (int r = row; r < row + S.block_rows; ++r) {
      if (rows_clipped && (r < 0 || r >= S.plane_rows)) continue;
      std::ptrdiff_t const start = r * stride_ + col;
      for (int c = 0; c < S.block_cols; ++c)
        if (!cols_clipped || (col + c >= 0 && col + c < S.plane_cols)) channel_[start + c] = value;
    }
  }

  float* channel_ = nullptr;
  std::ptrdiff_t stride_ = 0;
  std::ptrdiff_t size_ = 0;
  buffer<std::int32_t> touched_;
  buffer<float> sums_;
};

template <int Index, image_stage S>
struct indexed_stage : sparse_stage<S> {
  using sparse_stage<S>::sparse_stage;
};

template <class Indices, image_stage... Stages>
struct sparse_stages;
template <int... Index, image_stage... Stages>
struct sparse_stages<std::integer_sequence<int, Index...>, Stages...> : indexed_stage<Index, Stages>... {
  static constexpr std::size_t workspace_bytes = (sparse_stage<Stages>::workspace_bytes + ... + 0);
  static constexpr std::size_t block_bytes = (sparse_stage<Stages>::block_bytes + ... + 0);

  sparse_stages() = default;
  explicit sparse_stages(workspace& from) noexcept : indexed_stage<Index, Stages>(from)... {}

  void begin(plane_target const* planes) noexcept { (stage<Index>(*this).begin(planes[Stages.plane]), ...); }

  template <int Stage>
  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    stage<Stage>(*this).add(row, col, energy);
  }

  void finish(pixel_rule const* channels) noexcept {
    (stage<Index>(*this).finish(channels[Stages.channel]), ...);
  }

 private:
  template <int Place, image_stage S>
  static indexed_stage<Place, S>& stage(indexed_stage<Place, S>& s) {
    return s;
  }
};

}  // namespace detail

// Clears only what it wrote last: `begin` costs a store per touched pixel. Nothing is allocated after
// construction.
template <class... Choices, image_stage... Stages>
class image_canvas<exec::cpu<Choices...>, Stages...>
    : public detail::sparse_stages<std::make_integer_sequence<int, static_cast<int>(sizeof...(Stages))>,
                                   Stages...> {
  using stages_type =
      detail::sparse_stages<std::make_integer_sequence<int, static_cast<int>(sizeof...(Stages))>, Stages...>;

 public:
  explicit image_canvas(exec::cpu<Choices...>) {}
  image_canvas(exec::cpu<Choices...>, workspace& from) noexcept : stages_type(from) {}
};

}  // namespace calotype::kernel
