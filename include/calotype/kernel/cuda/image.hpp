// Images of exec::cuda: the host sums an event's energies block by block and lists what is shown; the threads
// that score the event paint the list, and take it away again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/image.hpp>

namespace calotype::kernel {

// The pixels of one block of an image, of all stages numbered through.
struct shown_block {
  std::int32_t block;
  float value;
};

// begin() takes the end of a list, which finish() moves behind an event's blocks, each of them once.
template <class Precision, class Where, image_stage... Stages>
class image_canvas<exec::cuda<Precision, Where>, Stages...> {
  static constexpr std::size_t count = sizeof...(Stages);
  static constexpr std::array<image_stage, count> stages{Stages...};
  static constexpr std::array<int, count + 1> first = [] {
    std::array<int, count + 1> offsets{};
    for (std::size_t s = 0; s < count; ++s) offsets[s + 1] = offsets[s] + stages[s].blocks();
    return offsets;
  }();

 public:
  static constexpr auto blocks = static_cast<std::size_t>(first[count]);
  static constexpr std::size_t workspace_bytes = blocks * (sizeof(float) + sizeof(std::int32_t));

  explicit image_canvas(exec::cuda<Precision, Where>) : sums_(blocks) {
    for (std::size_t s = 0; s < count; ++s) touched_[s].reserve(static_cast<std::size_t>(stages[s].blocks()));
  }

  // Precondition: the list has room for `blocks` more.
  void begin(shown_block** end) noexcept { end_ = end; }

  template <int Stage>
  CALOTYPE_INLINE void add(int row, int col, float energy) noexcept {
    if (!(energy > 0)) return;  // a part of an energy so small that nothing is left
    int const block = first[Stage] + row * stages[Stage].cols + col;
    float& sum = sums_[static_cast<std::size_t>(block)];
    if (sum == 0) touched_[Stage].push_back(block);
    sum += energy;
  }

  void finish(pixel_rule const* rules) noexcept {
    for (std::size_t s = 0; s < count; ++s) {
      for (std::int32_t const block : touched_[s]) {
        float& sum = sums_[static_cast<std::size_t>(block)];
        *(*end_)++ = {block, pixel_value(sum, stages[s].divisor, rules[stages[s].channel])};
        sum = 0;
      }
      touched_[s].clear();
    }
  }

 private:
  std::vector<float> sums_;
  std::array<std::vector<std::int32_t>, count> touched_;
  shown_block** end_ = nullptr;
};

// Blocks [begin, end) of a list: those of one event.
struct block_range {
  std::int32_t begin, end;
};

// Where a plane of an image lies in an input, in pixels.
struct plane_place {
  int offset;  // of pixel (0, 0) of channel 0
  int channel_stride;
  int row_stride;
};

namespace cuda_task {

// The pixels of block i of a list: its value, or zeros. Places::get(): a plane_place for every plane.
template <class Precision, class Places, image_stage... Stages>
struct paint {
  shown_block const* list;
  float* input;
  bool zeros;

  CALOTYPE_HD void operator()(int i) const {
    constexpr image_stage stages[] = {Stages...};
    constexpr auto places = Places::get();
    shown_block const shown = list[i];
    int stage = 0, first = 0;
    while (shown.block - first >= stages[stage].blocks()) first += stages[stage++].blocks();
    image_stage const s = stages[stage];
    plane_place const plane = places[static_cast<std::size_t>(s.plane)];
    int const channel = plane.offset + s.channel * plane.channel_stride;
    float const value = zeros ? 0.0F : shown.value;
    int const row = s.row + (shown.block - first) / s.cols * s.block_rows;
    int const col = s.col + (shown.block - first) % s.cols * s.block_cols;
    for (int r = row; r < row + s.block_rows; ++r) {
      for (int c = col; c < col + s.block_cols; ++c) {
        if (r >= 0 && r < s.plane_rows && c >= 0 && c < s.plane_cols) {
          set_pixel<Precision>(input, channel + r * plane.row_stride + c, value);
        }
      }
    }
  }
};

}  // namespace cuda_task
}  // namespace calotype::kernel
