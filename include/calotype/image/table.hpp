// Projections as tables: from the cells of a segmentation to the blocks of an image, made once, read for every
// hit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/detector/segmentation.hpp>
#include <calotype/image/layout.hpp>

namespace calotype {

namespace concepts {

template <class P>
concept hit_projection = requires {
  typename P::source;
};
template <class P>
concept track_projection = requires {
  typename P::locator;
};

}  // namespace concepts

namespace detail {

// A block in 32 bits.
struct packed_block {
  static constexpr int most_rows = 1 << 11, most_regions = 1 << 3, most_cols = (1 << 7) - 1;
  std::uint32_t row : 11, col : 11, region : 3, cols : 7;  // cols == 0: nowhere

  // What does not fit is nowhere, so that its hits are counted as outside.
  static packed_block of(block b) {
    bool const fits = b.row < most_rows && b.col < most_rows && b.region < most_regions && b.cols <= most_cols;
    if (!b || !fits) return {0, 0, 0, 0};
    return {static_cast<std::uint32_t>(b.row) & 0x7ffu, static_cast<std::uint32_t>(b.col) & 0x7ffu,
            static_cast<std::uint32_t>(b.region) & 7u, static_cast<std::uint32_t>(b.cols) & 0x7fu};
  }
  block unpacked() const {
    if (cols == 0) return {};
    return {static_cast<int>(region), static_cast<int>(row), static_cast<int>(col), static_cast<int>(cols)};
  }
};
static_assert(sizeof(packed_block) == 4);

template <class Projection, int Rows, int Cols, int Regions>
struct regions_fit_table {
  static_assert(
      Rows <= packed_block::most_rows && Cols <= packed_block::most_rows,
      "calotype::image: a region of a tabulated projection has at most 2048 rows and columns of blocks "
      "(Projection, Rows, Cols); split it, or compute its blocks (at, without tabulated)");
  static_assert(
      Regions <= packed_block::most_regions,
      "calotype::image: a tabulated projection has at most 8 regions (Projection, Regions); split it, or "
      "compute its blocks (at, without tabulated)");
};
// Largest of all regions.
template <class Projection>
constexpr int most_in_region(int region::*extent) {
  int most = 0;
  for (region const& r : Projection::regions({})) most = r.*extent > most ? r.*extent : most;
  return most;
}
template <class Projection>
inline constexpr bool fits_table =
    sizeof(regions_fit_table<Projection, most_in_region<Projection>(&region::rows),
                             most_in_region<Projection>(&region::cols), region_count<Projection>>) > 0;

template <class P>
concept lists_blocks = requires(image_options o) {
  P::blocks(o, [](int, block) {});
};
template <class P>
concept tabulates = requires {
  requires P::tabulated;
};

}  // namespace detail

// From a hit's cell to its blocks. Three forms, chosen by what the projection offers: computed for every hit, a
// table of one block per cell, or lists of blocks. Immutable after construction.
template <class Projection, std::uint64_t Signature = Projection::signature()>
class hit_table {
 public:
  explicit hit_table(image_options options) : options_(options) {}
  block operator[](int cell) const noexcept { return Projection::at(options_, cell); }
  static constexpr std::size_t bytes() { return 0; }

 private:
  image_options options_;
};

template <class Projection, std::uint64_t Signature>
requires detail::tabulates<Projection>
class hit_table<Projection, Signature> {
  static_assert(detail::fits_table<Projection>);
  static constexpr int cells = segmentation<typename Projection::source>::size();

 public:
  explicit hit_table(image_options options) {
    table_.reserve(static_cast<std::size_t>(cells));
    for (int i = 0; i < cells; ++i) table_.push_back(detail::packed_block::of(Projection::at(options, i)));
  }
  block operator[](int cell) const noexcept { return table_[static_cast<std::size_t>(cell)].unpacked(); }
  static constexpr std::size_t bytes() {
    return static_cast<std::size_t>(cells) * sizeof(detail::packed_block);
  }

 private:
  std::vector<detail::packed_block> table_;
};

template <class Projection, std::uint64_t Signature>
requires detail::lists_blocks<Projection>
class hit_table<Projection, Signature> {
  static_assert(detail::fits_table<Projection>);
  static constexpr int cells = segmentation<typename Projection::source>::size();

 public:
  explicit hit_table(image_options options) : first_(static_cast<std::size_t>(cells) + 1) {
    auto const for_each = [options](auto f) {
      Projection::blocks(options, [&](int cell, block b) {
        auto const packed = detail::packed_block::of(b);
        if (packed.unpacked()) f(static_cast<std::size_t>(cell), packed);
      });
    };
    for_each([&](std::size_t cell, detail::packed_block) { ++first_[cell + 1]; });
    for (std::size_t i = 0; i < static_cast<std::size_t>(cells); ++i) first_[i + 1] += first_[i];
    blocks_.resize(first_.back());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for_each([&](std::size_t cell, detail::packed_block b) { blocks_[next[cell]++] = b; });
  }
  std::span<detail::packed_block const> operator[](int cell) const noexcept {
    auto const i = static_cast<std::size_t>(cell);
    return {blocks_.data() + first_[i], blocks_.data() + first_[i + 1]};
  }
  // An upper bound, known before the table is made.
  static constexpr std::size_t bytes() {
    return (static_cast<std::size_t>(cells) + 1) * sizeof(std::uint32_t) +
           static_cast<std::size_t>(Projection::max_blocks) * sizeof(detail::packed_block);
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<detail::packed_block> blocks_;
};

}  // namespace calotype
