// A user's first program: an image and a network of his own, scored with weights that the library made up.
#if defined(SINGLE_HEADER)
#include <calotype.hpp>
#else
#include <calotype/calotype.hpp>
#endif

#if defined(USE_ig)
#include <calotype/io/ig.hpp>
#endif
#if defined(USE_npz)
#include <calotype/io/npz.hpp>
#endif
#if defined(USE_safetensors)
#include <calotype/io/safetensors.hpp>
#endif

#include <cmath>
#include <cstdio>

namespace ct = calotype;

namespace mine {

struct barrel {
  static constexpr auto image() { return ct::cms::central({ct::ecal_energy()}); }
};

struct tagger {
  using input = barrel;
  static constexpr auto classes() { return ct::labels("signal", "background"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 2, .kernel = 7, .stride = 5}, relu{}, global_max_pool{}, logits{});
  }
};

}  // namespace mine

static_assert(ct::nn::cost<mine::tagger>.parameters == 2 * 7 * 7 + 2 + 2 * 2 + 2);

int main() {
  auto const model = ct::nn::model<mine::tagger>::random(1);
  ct::session<mine::tagger> score{model};
  ct::event event;
  event.hit_lists[ct::cms::collection::eb].push_back({ct::segmentation<ct::cms::eb>::pack(1000), 12.5F});
  auto const empty = score(ct::event{});
  auto const hit = score(event);
  std::printf("calotype %d.%d.%d: %.6f %.6f\n", ct::version_major, ct::version_minor, ct::version_patch,
              static_cast<double>(empty[0]), static_cast<double>(hit[0]));
  bool const probabilities = std::abs(hit[0] + hit[1] - 1.0F) < 1e-6F && hit[0] != empty[0];
  return probabilities ? 0 : 1;
}
