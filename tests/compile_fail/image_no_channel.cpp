// expect: calotype::image: an image shows 1 to 8 channels
#include <calotype/image/presets/cms_run1.hpp>

namespace ct = calotype;

struct blind {
  static constexpr auto image() { return ct::cms::hcal_centric(ct::channel_list{}); }
};

int main() { return ct::image_traits<blind>::planes; }
