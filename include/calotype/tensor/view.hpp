// A view of one plane in someone else's memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include <calotype/tensor/shape.hpp>

namespace calotype {

// channels x rows x cols numbers; columns are contiguous, rows and channels lie `row_stride` and
// `channel_stride` numbers apart (so a view may look into a buffer with a halo, or at a window of a larger
// plane). Trivially copyable.
template <class T>
class plane_view {
 public:
  constexpr plane_view() = default;
  // Dense: rows follow each other, then channels.
  constexpr plane_view(T* data, plane_shape shape)
      : plane_view(data, shape, static_cast<std::ptrdiff_t>(shape.pixels()), shape.cols) {}
  constexpr plane_view(T* data, plane_shape shape, std::ptrdiff_t channel_stride, std::ptrdiff_t row_stride)
      : data_(data), shape_(shape), channel_stride_(channel_stride), row_stride_(row_stride) {}
  // Of constant numbers, from a view that may change them.
  template <class Mutable>
  requires(!std::is_const_v<Mutable> &&
           std::same_as<Mutable const, T>) constexpr plane_view(plane_view<Mutable> other)
      : plane_view(other.data(), other.shape(), other.channel_stride(), other.row_stride()) {}

  constexpr T* data() const { return data_; }
  constexpr plane_shape shape() const { return shape_; }
  constexpr std::ptrdiff_t channel_stride() const { return channel_stride_; }
  constexpr std::ptrdiff_t row_stride() const { return row_stride_; }
  constexpr bool dense() const { return row_stride_ == shape_.cols && channel_stride_ == shape_.pixels(); }

  // @pre the indices lie within shape()
  constexpr T& operator()(int channel, int row, int col) const { return row_data(channel, row)[col]; }
  constexpr T* row_data(int channel, int row) const {
    return data_ + channel * channel_stride_ + row * row_stride_;
  }

  // The window of rows x cols pixels whose first pixel is (row, col), all channels.
  constexpr plane_view window(int row, int col, int rows, int cols) const {
    return {row_data(0, row) + col, {shape_.channels, rows, cols}, channel_stride_, row_stride_};
  }
  constexpr plane_view channel(int c) const {
    return {row_data(c, 0), {1, shape_.rows, shape_.cols}, channel_stride_, row_stride_};
  }

 private:
  T* data_ = nullptr;
  plane_shape shape_{};
  std::ptrdiff_t channel_stride_ = 0;
  std::ptrdiff_t row_stride_ = 0;
};

static_assert(std::is_trivially_copyable_v<plane_view<float>>);

}  // namespace calotype
