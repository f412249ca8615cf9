// expect: hcal_energy, false>.*calotype::image: no projection|calotype::image: no proj.*hcal_energy, false>
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

int main() { return ct::image_traits<wrong>::planes; }
