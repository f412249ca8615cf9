// expect: calotype::image_builder: hits are known by their ids, but the segmentation that this projection
#include "one_detector.hpp"

#include <calotype/image/image.hpp>
#include <calotype/image/projection.hpp>

struct barrel {
  using projections_type = ct::projections<ct::cells_to_pixels<ct::quantity::ecal_energy, ecal, 0, 4, 8>>;
  static constexpr std::string_view name() { return "barrel"; }
  static constexpr std::array<ct::image_plane, 1> planes() { return {{{"barrel", 4, 8}}}; }
};
struct wrong {
  static constexpr auto image() { return ct::image_description<barrel>{{ct::ecal_energy()}}; }
};

ct::image picture_of(ct::event const& e) { return ct::make_image<wrong>(e); }
