// expect: calotype::image: a channel is listed twice
#include <calotype/image/presets/cms_run1.hpp>

namespace ct = calotype;

struct doubled {
  static constexpr auto image() {
    return ct::cms::central({ct::track_pt(), ct::ecal_energy(), ct::track_pt()});
  }
};

int main() { return ct::image_traits<doubled>::planes; }
