// An owning block of numbers at a 64-byte boundary (a cache line, an AVX-512 register).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace calotype {

// `size` numbers, zero at first. Moves, never copies by accident: say `clone()`. Allocates in the constructor
// only and throws std::bad_alloc there.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>, "calotype::buffer: holds plain numbers only");

 public:
  static constexpr std::size_t alignment = 64;

  buffer() = default;
  explicit buffer(std::size_t size)
      : data_(static_cast<T*>(
            ::operator new (std::max<std::size_t>(size, 1) * sizeof(T), std::align_val_t{alignment}))),
        size_(size) {
    std::uninitialized_value_construct_n(data_.get(), size);
  }
  buffer(buffer&& other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  buffer clone() const {
    buffer copy(size_);
    std::copy_n(data(), size_, copy.data());
    return copy;
  }

  T* data() noexcept { return data_.get(); }
  T const* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return data_.get()[i]; }
  T const& operator[](std::size_t i) const noexcept { return data_.get()[i]; }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size_; }
  T const* begin() const noexcept { return data(); }
  T const* end() const noexcept { return data() + size_; }
  operator std::span<T>() noexcept { return {data(), size_}; }
  operator std::span<T const>() const noexcept { return {data(), size_}; }
  void fill(T value) noexcept { std::fill_n(data(), size_, value); }

 private:
  struct release {
    void operator()(T* p) const noexcept { ::operator delete (p, std::align_val_t{alignment}); }
  };
  std::unique_ptr<T, release> data_;
  std::size_t size_ = 0;
};

}  // namespace calotype
