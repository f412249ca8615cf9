// Image kernel of the Thrust policies: energies are listed by the host, sorted by block where the policy
// computes, summed block by block in the order of the list, and painted. No atomics: every block is one
// thread's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <thrust/copy.h>
#include <thrust/fill.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/memory.h>
#include <thrust/sort.h>
#include <thrust/unique.h>

#include <calotype/core/config.hpp>
#include <calotype/exec/policy.hpp>
#include <calotype/kernel/image.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::kernel {

namespace functor {

// Block sums: the first entry of every run of equal blocks adds the whole run, on top of what the block holds
// already.
struct sum_runs {
  std::int32_t const* blocks;
  float const* energies;
  float* sums;
  int count;

  CALOTYPE_HD void operator()(int i) const {
    std::int32_t const block = blocks[i];
    if (i > 0 && blocks[i - 1] == block) return;
    float sum = sums[block];
    for (int k = i; k < count && blocks[k] == block; ++k) sum += energies[k];
    sums[block] = sum;
  }
};

// Planes and channel rules of one event, by value.
template <int Planes, int Channels>
struct image_frame {
  plane_target planes[Planes];
  pixel_rule rules[Channels];
};

// Writes the pixels of a block from its sum and empties the sum. With zeros, the block is cleared. `Stages`
// numbers the blocks of all stages through.
template <int Planes, int Channels, image_stage... Stages>
struct paint_block {
  image_frame<Planes, Channels> frame;
  float* sums;

  CALOTYPE_HD void operator()(std::int32_t block) const {
    constexpr image_stage stages[] = {Stages...};
    int stage = 0, first = 0;
    while (block - first >= stages[stage].blocks()) first += stages[stage++].blocks();
    image_stage const s = stages[stage];
    plane_target const plane = frame.planes[s.plane];
    float const value = pixel_value(sums[block], s.divisor, frame.rules[s.channel]);
    sums[block] = 0;
    int const row = s.row + (block - first) / s.cols * s.block_rows,
              col = s.col + (block - first) % s.cols * s.block_cols;
    for (int r = row; r < row + s.block_rows; ++r)
      for (int c = col; c < col + s.block_cols; ++c)
        if (r >= 0 && r < s.plane_rows && c >= 0 && c < s.plane_cols)
          plane.data[s.channel * plane.channel_stride + r * plane.row_stride + c] = value;
  }
};

}  // namespace functor

// Sorting takes temporary memory of the system for every event; everything else is allocated at construction.
template <class System, image_stage... Stages>
class image_canvas<exec::on_thrust<System>, Stages...> {
  static constexpr int stage_count = static_cast<int>(sizeof...(Stages));
  static constexpr std::array<image_stage, sizeof...(Stages)> stages{Stages...};
  static constexpr std::array<int, sizeof...(Stages) + 1> first = [] {
    std::array<int, sizeof...(Stages) + 1> offsets{};
    for (std::size_t s = 0; s < sizeof...(Stages); ++s) offsets[s + 1] = offsets[s] + stages[s].blocks();
    return offsets;
  }();
  static constexpr int blocks = first[sizeof...(Stages)];
  static constexpr int planes = [] {
    int n = 0;
    for (image_stage const& s : stages) n = s.plane + 1 > n ? s.plane + 1 : n;
    return n;
  }();
  static constexpr int channels = [] {
    int n = 0;
    for (image_stage const& s : stages) n = s.channel + 1 > n ? s.channel + 1 : n;
    return n;
  }();
  // Energies listed before they are summed. An event with more is summed in pieces, and painted and cleared as
  // a whole.
  static constexpr int capacity = 16'384;

  using frame_type = functor::image_frame<planes, channels>;
  using paint_type = functor::paint_block<planes, channels, Stages...>;

  // Memory of the system.
  template <class T>
  class array {
   public:
    explicit array(int n)
        : data_(::thrust::raw_pointer_cast(::thrust::malloc<T>(System{}, static_cast<std::size_t>(n)))) {
      if (data_ == nullptr) throw std::bad_alloc();
      ::thrust::fill_n(System{}, data_, n, T{});
    }
    array(array&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
    array& operator=(array&& other) noexcept {
      std::swap(data_, other.data_);
      return *this;
    }
    ~array() {
      if (data_ != nullptr) ::thrust::free(System{}, ::thrust::pointer<T, System>(data_));
    }
    T* data() noexcept { return data_; }

   private:
    T* data_;
  };

 public:
  static constexpr std::size_t workspace_bytes =
      static_cast<std::size_t>(blocks) * sizeof(float) +
      std::size_t{capacity} * (2 * sizeof(float) + 3 * sizeof(std::int32_t));

  explicit image_canvas(exec::on_thrust<System>) {}

  void begin(plane_target const* targets) noexcept {
    bool same = started_;
    for (int p = 0; p < planes; ++p) {
      same = same && frame_.planes[p].data == targets[p].data &&
             frame_.planes[p].row_stride == targets[p].row_stride &&
             frame_.planes[p].channel_stride == targets[p].channel_stride;
      frame_.planes[p] = targets[p];
    }
    if (same) paint();  // all sums are zero now
    started_ = true;
    listed_ = 0;
    touched_count_ = 0;
    all_ = false;
  }

  template <int Stage>
  void add(int row, int col, float energy) noexcept {
    if (listed_ == capacity) {
      sum();
      all_ = true;
    }
    host_blocks_[static_cast<std::size_t>(listed_)] = first[Stage] + row * stages[Stage].cols + col;
    host_energies_[static_cast<std::size_t>(listed_)] = energy;
    ++listed_;
  }

  void finish(pixel_rule const* rules) noexcept {
    sum();
    for (int c = 0; c < channels; ++c) frame_.rules[c] = rules[c];
    paint();
  }

 private:
  void sum() noexcept {
    ::thrust::copy_n(host_blocks_.data(), listed_, ::thrust::pointer<std::int32_t, System>(blocks_.data()));
    ::thrust::copy_n(host_energies_.data(), listed_, ::thrust::pointer<float, System>(energies_.data()));
    ::thrust::stable_sort_by_key(System{}, blocks_.data(), blocks_.data() + listed_, energies_.data());
    ::thrust::for_each_n(System{}, ::thrust::counting_iterator<int>(0), listed_,
                         functor::sum_runs{blocks_.data(), energies_.data(), sums_.data(), listed_});
    touched_count_ = static_cast<int>(
        ::thrust::unique_copy(System{}, blocks_.data(), blocks_.data() + listed_, touched_.data()) -
        touched_.data());
    listed_ = 0;
  }

  void paint() noexcept {
    paint_type const painter{frame_, sums_.data()};
    if (all_)
      ::thrust::for_each_n(System{}, ::thrust::counting_iterator<std::int32_t>(0), blocks, painter);
    else
      ::thrust::for_each_n(System{}, touched_.data(), touched_count_, painter);
  }

  frame_type frame_{};
  bool started_ = false, all_ = false;
  int listed_ = 0, touched_count_ = 0;
  calotype::buffer<std::int32_t> host_blocks_{capacity};
  calotype::buffer<float> host_energies_{capacity};
  array<std::int32_t> blocks_{capacity}, touched_{capacity};
  array<float> energies_{capacity}, sums_{blocks};
};

}  // namespace calotype::kernel
