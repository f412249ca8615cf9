// The voxels of the Fast Calorimeter Simulation Challenge: cylinders around the shower axis, another grid in
// each layer.
#pragma once

#include <array>
#include <string_view>

#include <calotype/detector/segmentation.hpp>

namespace calotype::calochallenge {

// A voxel: angular bin, radial bin, layer.
struct voxel {
  int angle, radius, layer;
};

namespace detail {

// One layer: u the angle in radians, counted from -pi, v the radius in millimetres; the radius runs fastest.
template <std::size_t Edges>
constexpr auto polar_layer(int number, int angles, std::array<double, Edges> radii) {
  return layer{
      .number = number,
      .cells = grid{.u = periodic{.bins = angles, .offset = 0.5 * angles}, .v = edges<Edges>{.at = radii}}};
}

}  // namespace detail

// Data set 1, photons: 368 voxels in layers 0, 1, 2, 3 and 12; the dense index is the column of the data set.
// Source: CaloChallenge/homepage, code/binning_dataset_1_photons.xml and code/XMLHandler.py.
struct photons {
  using cell_type = voxel;
  static constexpr std::string_view name() { return "calochallenge::photons"; }
  static constexpr auto cells() {
    using detail::polar_layer;
    return unite(polar_layer(0, 1, std::array{0., 5., 10., 30., 50., 100., 200., 400., 600.}),
                 polar_layer(1, 10,
                             std::array{0., 2., 4., 6., 8., 10., 12., 15., 20., 30., 40., 50., 70., 90., 120.,
                                        150., 200.}),
                 polar_layer(2, 10, std::array{0.,  2.,  5.,   10.,  15.,  20.,  25.,  30.,  40.,  50.,
                                               60., 80., 100., 130., 160., 200., 250., 300., 350., 400.}),
                 polar_layer(3, 1, std::array{0., 50., 100., 200., 400., 600.}),
                 polar_layer(12, 1, std::array{0., 100., 200., 400., 1000., 2000.}));
  }
};

}  // namespace calotype::calochallenge
