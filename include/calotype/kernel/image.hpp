// The joint between image builders and the kernels that fill their pixels: integers and pointers only.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel {

// A rectangle of one channel of one plane, filled in blocks: block (r, c) covers block_rows x block_cols pixels
// from (row + r * block_rows, col + c * block_cols) on. Pixels outside the plane are dropped.
struct image_stage {
  int plane = 0;
  int channel = 0;
  int row = 0;
  int col = 0;
  int rows = 0;
  int cols = 0;
  int block_rows = 1;
  int block_cols = 1;
  int divisor = 1;
  int plane_rows = 0;
  int plane_cols = 0;

  constexpr int blocks() const { return rows * cols; }
  constexpr bool clipped() const {
    return row < 0 || col < 0 || row + rows * block_rows > plane_rows || col + cols * block_cols > plane_cols;
  }
  // Blocks are pixels: energies can be added where they are shown.
  constexpr bool direct() const { return block_rows == 1 && block_cols == 1 && divisor == 1 && !clipped(); }
  friend constexpr bool operator==(image_stage, image_stage) = default;
};

// What becomes of a channel's raw pixels in one event.
struct pixel_rule {
  float zero_below = 0;
  float factor = 1;

  constexpr bool identity() const { return zero_below <= 0 && factor == 1; }
};

// The value of the pixels of a block. Energies are summed before anything is divided or multiplied.
CALOTYPE_HD inline float pixel_value(float sum, int divisor, pixel_rule rule) {
  float const raw = divisor == 1 ? sum : sum / static_cast<float>(divisor);
  return raw < rule.zero_below ? 0.0f : raw * rule.factor;
}

// Where the energies of one event are collected and become pixels. A specialisation for a policy provides, for
// stages numbered as in the pack (stages of one channel do not overlap):
//
//   image_canvas(Policy)               allocates everything it will ever need
//   image_canvas(Policy, workspace&)   takes it from there, block_bytes of it (host policies)
//   begin(plane_target const*)         clears what the last event left; the target is all zero, or as this
//   canvas
//                                      left it
//   add<Stage>(row, col, energy)       one positive energy into a block; sums run in the order of the calls
//   finish(pixel_rule const*)          writes the pixels; one rule for each channel
//   workspace_bytes                    of everything allocated
template <class Policy, image_stage... Stages>
class image_canvas {
  static_assert(
      sizeof(Policy) == 0,
      "calotype::image_builder: this policy has no image kernels; include the header that brings them, e.g. "
      "<calotype/kernel/thrust/image.hpp>, or build the image with exec::cpu");
};

// The same without an image, for a first layer that reads rows (kernel/ops.hpp): where the energies of one
// event wait for it. In place of a target it provides
//
//   begin()                            forgets the last event
//   finish(pixel_rule const*)          ends the event: rows may be read, by several threads at once
//   read<Plane>(row, to, channel, filled)    a row of a plane in place of what is `filled`, as the convolution
//                                            wants it
template <class Policy, image_stage... Stages>
class event_rows {
  static_assert(sizeof(Policy) == 0, "calotype::kernel::event_rows: this policy makes images of events");
};

}  // namespace calotype::kernel
