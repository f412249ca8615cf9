// An owning block of numbers at a 64-byte boundary (a cache line, an AVX-512 register).
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace calotype {

// A block of memory that the caller gives, and keeps for as long as the buffers in it live: handed out from the
// front to one buffer after another, each at a 64-byte boundary.
class workspace {
 public:
  static constexpr std::size_t alignment = 64;
  // What a block needs besides, to begin anywhere.
  static constexpr std::size_t slack = alignment - 1;

  // What `size` numbers take of a block.
  template <class T>
  static constexpr std::size_t bytes_of(std::size_t size) {
    return (size * sizeof(T) + alignment - 1) / alignment * alignment;
  }

  explicit workspace(std::span<std::byte> block) noexcept {
    auto const past = reinterpret_cast<std::uintptr_t>(block.data()) % alignment;
    rest_ = block.subspan(past == 0 ? 0 : alignment - past);
  }

  // Precondition: the block is long enough.
  template <class T>
  void* take(std::size_t size) noexcept {
    assert(bytes_of<T>(size) <= rest_.size());
    void* const front = rest_.data();
    rest_ = rest_.subspan(bytes_of<T>(size));
    return front;
  }

 private:
  std::span<std::byte> rest_;
};

// `size` numbers, zero at first. Moves, never copies by accident: say `clone()`. Allocates in the constructor
// only and throws std::bad_alloc there; a buffer in a workspace does neither.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>, "calotype::buffer: holds plain numbers only");

 public:
  static constexpr std::size_t alignment = workspace::alignment;

  buffer() = default;
  explicit buffer(std::size_t size)
      : data_(static_cast<T*>(
            ::operator new (std::max<std::size_t>(size, 1) * sizeof(T), std::align_val_t{alignment}))),
        size_(size) {
    std::uninitialized_value_construct_n(data_.get(), size);
  }
  buffer(std::size_t size, workspace& from) noexcept
      : data_(static_cast<T*>(from.take<T>(size)), release{.owned = false}), size_(size) {
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
  void fill(T value) noexcept { std::fill_n(data(), size_, value); }

 private:
  struct release {
    bool owned = true;
    void operator()(T* p) const noexcept {
      if (owned) ::operator delete (p, std::align_val_t{alignment});
    }
  };
  std::unique_ptr<T, release> data_;
  std::size_t size_ = 0;
};

}  // namespace calotype
