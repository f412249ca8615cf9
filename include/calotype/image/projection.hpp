// Ready-made projections for layouts, and the look-up of rows by pseudorapidity. Light: descriptions include
// it. Signatures are never named (see segmentation).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <calotype/detector/segmentation.hpp>
#include <calotype/image/layout.hpp>

namespace calotype {

// Cell i of a segmentation with Rows x Cols cells, counted row by row, becomes pixel (i / Cols, i % Cols) of a
// plane, shifted down by Row. Sum; energy kept.
template <quantity Quantity, class Source, int Plane, int Rows, int Cols, int Row = 0,
          std::uint64_t Signature = segmentation<Source>::signature()>
struct cells_to_pixels {
  static constexpr quantity fills = Quantity;
  using source = Source;
  static constexpr std::uint64_t signature() { return Signature; }
  static constexpr std::array<region, 1> regions(image_options) {
    static_assert(
        segmentation<Source>::size() == Rows * Cols,
        "calotype::cells_to_pixels: the segmentation must have Rows x Cols cells, counted row by row");
    return {{{.plane = Plane, .row = Row, .rows = Rows, .cols = Cols}}};
  }
  static constexpr block at(image_options, int cell) { return {.row = cell / Cols, .col = cell % Cols}; }
};

// The same for a segmentation that is coarser by whole numbers: a cell covers BlockRows x BlockCols pixels.
// Copied or divided, as image_options::hcal_upsample says.
template <quantity Quantity, class Source, int Plane, int Rows, int Cols, int BlockRows, int BlockCols,
          std::uint64_t Signature = segmentation<Source>::signature()>
struct cells_to_blocks {
  static constexpr quantity fills = Quantity;
  using source = Source;
  static constexpr std::uint64_t signature() { return Signature; }
  static constexpr std::array<region, 1> regions(image_options o) {
    static_assert(
        segmentation<Source>::size() == Rows * Cols,
        "calotype::cells_to_blocks: the segmentation must have Rows x Cols cells, counted row by row");
    return {{{.plane = Plane,
              .rows = Rows,
              .cols = Cols,
              .block_rows = BlockRows,
              .block_cols = BlockCols,
              .divisor = o.hcal_upsample == upsample::copy ? 1 : BlockRows * BlockCols}}};
  }
  static constexpr block at(image_options, int cell) { return {.row = cell / Cols, .col = cell % Cols}; }
};

// Every cell of a segmentation to the pixel of another one that its centre falls in, e.g. a coarse or
// differently cut calorimeter drawn on the grid of Target (Rows x Cols cells, counted row by row). Cells whose
// centre Target does not cover are dropped. Sum; energy of the covered cells kept.
template <quantity Quantity, class Source, class Target, int Plane, int Rows, int Cols,
          std::uint64_t SourceSignature = segmentation<Source>::signature(),
          std::uint64_t TargetSignature = segmentation<Target>::signature()>
struct centers_to_pixels {
  static constexpr quantity fills = Quantity;
  using source = Source;
  static constexpr bool tabulated = true;
  static constexpr std::uint64_t signature() {
    return hasher{}.add(SourceSignature).add(TargetSignature).value();
  }
  static constexpr std::array<region, 1> regions(image_options) {
    static_assert(segmentation<Target>::size() == Rows * Cols,
                  "calotype::centers_to_pixels: the target must have Rows x Cols cells, counted row by row");
    return {{{.plane = Plane, .rows = Rows, .cols = Cols}}};
  }
  static constexpr block at(image_options, int cell) {
    auto const center = segmentation<Source>::center(cell);
    int const target = segmentation<Target>::find(center.u, center.v);
    return target < 0 ? block{} : block{.row = target / Cols, .col = target % Cols};
  }
};

// Tracks to the cell that their direction points at, drawn where Projection draws that cell.
template <class Projection, std::uint64_t Signature = Projection::signature()>
struct tracks_to_cells {
  static constexpr quantity fills = quantity::track_pt;
  static constexpr std::uint64_t signature() { return Signature; }
  static constexpr auto regions(image_options) {
    auto list = Projection::regions(image_options{});
    for (region& r : list) r.divisor = 1;
    return list;
  }
  struct locator {
    block operator()(float eta, float phi) const noexcept {
      int const cell =
          segmentation<typename Projection::source>::find(static_cast<double>(eta), static_cast<double>(phi));
      return cell < 0 ? block{} : Projection::at(image_options{}, cell);
    }
  };
};

// Finds the row r with edge[r] <= eta < edge[r + 1]; -1 outside and for NaN. Edges are rounded to float once,
// so that a track written on an edge in decimal lies on it. One look-up and at most a step or two; exact for
// any edges.
template <int Rows>
class eta_rows {
  static constexpr int guesses = 512;

 public:
  constexpr explicit eta_rows(std::array<float, Rows + 1> const& edges) : edges_(edges) {
    scale_ = static_cast<float>(guesses) / (edges_[Rows] - edges_[0]);
    int row = 0;
    for (int g = 0; g < guesses; ++g) {
      float const eta = edges_[0] + static_cast<float>(g) / scale_;
      while (row + 1 < Rows && edges_[static_cast<std::size_t>(row + 1)] <= eta) ++row;
      guess_[static_cast<std::size_t>(g)] = static_cast<std::uint16_t>(row);
    }
  }

  constexpr int find(float eta) const noexcept {
    if (!(eta >= edges_[0] && eta < edges_[Rows])) return -1;
    int const g = static_cast<int>((eta - edges_[0]) * scale_);
    int row = guess_[static_cast<std::size_t>(g < guesses ? g : guesses - 1)];
    while (eta >= edges_[static_cast<std::size_t>(row + 1)]) ++row;
    while (eta < edges_[static_cast<std::size_t>(row)]) --row;
    return row;
  }

 private:
  std::array<float, Rows + 1> edges_;
  std::array<std::uint16_t, guesses> guess_{};
  float scale_ = 0;
};

}  // namespace calotype
