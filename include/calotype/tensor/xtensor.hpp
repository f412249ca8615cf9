// xtensor views of our planes, for analysis and plotting; hot loops never use them. Needs xtensor (Debian:
// libxtensor-dev).
#pragma once

#include <array>
#include <cstddef>

#include <xtensor/xadapt.hpp>

#include <calotype/tensor/view.hpp>

namespace calotype {

// A three-dimensional xtensor expression (channel, row, col) over the view's own memory: writing to it writes
// to the plane. The plane must outlive it.
template <class T>
auto as_xtensor(plane_view<T> plane) {
  std::array<std::size_t, 3> const shape{static_cast<std::size_t>(plane.shape().channels),
                                         static_cast<std::size_t>(plane.shape().rows),
                                         static_cast<std::size_t>(plane.shape().cols)};
  std::array<std::ptrdiff_t, 3> const strides{plane.channel_stride(), plane.row_stride(), 1};
  // xtensor insists on a size equal to the number of elements, also for strided memory.
  return xt::adapt(plane.data(), static_cast<std::size_t>(plane.shape().size()), xt::no_ownership(), shape,
                   strides);
}

}  // namespace calotype
