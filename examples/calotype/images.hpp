// Detector images of every layout and option that can be asked for at run time, behind one interface.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common.hpp"

#include <calotype/image/channels.hpp>
#include <calotype/image/event.hpp>

namespace program {

enum class layout { central, ecal_centric, hcal_centric };
inline choices<layout> const layouts{{"central", layout::central},
                                     {"ecal-centric", layout::ecal_centric},
                                     {"hcal-centric", layout::hcal_centric}};
inline choices<ct::hcal_source> const hcal_sources{{"hits", ct::hcal_source::hits},
                                                   {"towers", ct::hcal_source::towers}};

// One plane of an image in raw GeV, all three channels: tracks, ECAL, HCAL.
struct image_plane_view {
  std::string name;
  int rows = 0;
  int cols = 0;
  float const* pixels = nullptr;  // 3 x rows x cols
};

// Builds the image of one event after another in its own memory.
class image_maker {
 public:
  virtual ~image_maker() = default;
  virtual void build(ct::event const& e) = 0;
  virtual std::vector<image_plane_view> const& planes() const = 0;
  virtual std::uint64_t signature() const = 0;
};

std::unique_ptr<image_maker> make_image_maker(layout where, ct::smear ee, ct::upsample hcal_pixels,
                                              ct::hcal_source hcal);

}  // namespace program
