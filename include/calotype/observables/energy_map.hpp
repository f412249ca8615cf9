// The energies of many looks at one event: see shower_shapes.hpp, which reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <calotype/detector/segmentation.hpp>
#include <calotype/image/event.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype {

// The energies of one hit list by dense cell index (in EB the pixel index of the 170 x 360 image). fill()
// forgets the last event at the cost of its hits; nothing is allocated after construction. A cell without a hit
// holds 0.
template <class D, std::uint64_t Signature = segmentation<D>::signature()>
class energy_map {
 public:
  using segmentation_type = segmentation<D>;

  // Unknown ids and energies that are not finite are left out. Hits are unique per id, as event says.
  void fill(std::span<hit const> hits) noexcept {
    for (int i = 0; i < count_; ++i) energy_[index(cells_[index(i)])] = 0;
    count_ = 0;
    for (hit const h : hits) {
      int const cell = segmentation_type::unpack(h.id);
      if (cell < 0 || !(h.energy - h.energy == 0)) continue;
      if (count_ < segmentation_type::size()) cells_[index(count_++)] = cell;
      energy_[index(cell)] = h.energy;
    }
  }

  // Energy in a cell, GeV; 0 for cell -1.
  float operator[](int cell) const noexcept { return cell < 0 ? 0 : energy_[index(cell)]; }
  // Cells with a hit, in the order of the list.
  std::span<std::int32_t const> cells() const noexcept { return {cells_.data(), index(count_)}; }

 private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }

  buffer<float> energy_{static_cast<std::size_t>(segmentation_type::size())};
  buffer<std::int32_t> cells_{static_cast<std::size_t>(segmentation_type::size())};
  int count_ = 0;
};

}  // namespace calotype
