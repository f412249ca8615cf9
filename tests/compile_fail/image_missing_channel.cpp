// expect: hcal_energy, false>.*calotype::image: no projection|calotype::image: no proj.*hcal_energy, false>
#include <calotype/image/image.hpp>
#include <calotype/image/projection.hpp>

namespace ct = calotype;

struct pad {
  int ieta, iphi;
};
struct ecal {
  using cell_type = pad;
  static constexpr std::string_view name() { return "ecal"; }
  static constexpr auto cells() { return ct::grid{.u = ct::regular{4, -1, 1}, .v = ct::periodic{8}}; }
  static constexpr int collection = 0;
  static constexpr auto ids() {
    return ct::id_layout<2>{
        .fields = {{{.label = 0, .shift = 3, .bits = 2}, {.label = 1, .shift = 0, .bits = 3}}}};
  }
};
struct preshower_only {
  using projections_type = ct::projections<ct::cells_to_pixels<ct::quantity::ecal_energy, ecal, 0, 4, 8>>;
  static constexpr std::string_view name() { return "preshower-only"; }
  static constexpr std::array<ct::image_plane, 1> planes() { return {{{"barrel", 4, 8}}}; }
};
struct wrong {
  static constexpr auto image() {
    return ct::image_description<preshower_only>{{ct::ecal_energy(), ct::hcal_energy()}};
  }
};

ct::image picture_of(ct::event const& e) { return ct::make_image<wrong>(e); }
