// Helpers of the tests of kernel/cpu: canonical numbers in, the policy's layout and back, bits compared with
// exec::scalar.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>

namespace calotype::test {

using numbers = std::vector<float>;
using reference = kernel::ops<exec::scalar>;
template <class Arch>
using cpu_ops = kernel::ops<exec::cpu<Arch>>;

inline numbers random_numbers(std::size_t n, std::uint32_t seed) {
  numbers x(n);
  std::uint32_t state = seed * 2654435761u + 1u;
  for (float& v : x) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-31f;
    if (state % 5 == 0) v = 0;
  }
  return x;
}

inline std::uint32_t bits(float x) {
  std::uint32_t u;
  std::memcpy(&u, &x, sizeof u);
  return u;
}

// FNV-1a over the bits of numbers.
class fingerprint {
 public:
  fingerprint& add(float const* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      for (int byte = 0; byte < 4; ++byte) {
        hash_ = (hash_ ^ (bits(x[i]) >> (8 * byte) & 0xff)) * 0x100000001b3u;
      }
    }
    return *this;
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

// The number of values whose bits differ.
inline int differences(numbers const& a, numbers const& b) {
  REQUIRE(a.size() == b.size());
  int n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += bits(a[i]) != bits(b[i]);
  return n;
}

// A number that nobody may read: it would show in every sum.
inline constexpr float poison = std::numeric_limits<float>::quiet_NaN();

// A map in the layout of the CPU kernels. Made here from the description of the layout, not with the library's
// loops.
template <kernel::map_shape M>
class cpu_map {
 public:
  cpu_map() : buffer_(kernel::cpu::map_reals(M)) {}

  // An output: everything that a kernel must write is poisoned, the halo is zero.
  static cpu_map poisoned() {
    cpu_map m;
    m.each_written([](float& x) { x = poison; });
    return m;
  }
  static cpu_map of(numbers const& canonical) {
    cpu_map m;
    m.each([&](float& x, std::size_t i) { x = canonical[i]; });
    return m;
  }

  float* data() { return buffer_.data(); }
  numbers canonical() {
    numbers x(static_cast<std::size_t>(M.size()));
    each([&](float& v, std::size_t i) { x[i] = v; });
    return x;
  }
  // Halo and missing channels.
  bool rest_is_zero() {
    numbers all(buffer_.begin(), buffer_.end());
    each([&](float& v, std::size_t) { all[static_cast<std::size_t>(&v - buffer_.data())] = 0; });
    for (float v : all) {
      if (bits(v) != 0) return false;
    }
    return true;
  }

 private:
  static constexpr int halo = M.is_vector() ? 0 : 1;
  float& at(int channel, int row, int col) {
    int const rows = M.rows + 2 * halo;
    int const cols = M.cols + 2 * halo;
    return buffer_[static_cast<std::size_t>((((channel / 16) * rows + row + halo) * cols + col + halo) * 16 +
                                            channel % 16)];
  }
  template <class F>
  void each(F f) {
    std::size_t i = 0;
    for (int c = 0; c < M.channels; ++c) {
      for (int y = 0; y < M.rows; ++y) {
        for (int x = 0; x < M.cols; ++x) f(at(c, y, x), i++);
      }
    }
  }
  template <class F>
  void each_written(F f) {
    int const channels = M.is_vector() ? M.channels : (M.channels + 15) / 16 * 16;
    for (int c = 0; c < channels; ++c) {
      for (int y = 0; y < M.rows; ++y) {
        for (int x = 0; x < M.cols; ++x) f(at(c, y, x));
      }
    }
  }

  buffer<float> buffer_;
};

// An image in the policy's layout.
template <class Arch, kernel::map_shape M>
buffer<float> image_of(numbers const& canonical) {
  buffer<float> image(cpu_ops<Arch>::template image_size<M>);
  kernel::plane_target const to = cpu_ops<Arch>::template image_target<M>(image.data());
  for (int c = 0; c < M.channels; ++c) {
    for (int y = 0; y < M.rows; ++y) {
      for (int x = 0; x < M.cols; ++x) {
        to.data[c * to.channel_stride + y * to.row_stride + x] =
            canonical[static_cast<std::size_t>((c * M.rows + y) * M.cols + x)];
      }
    }
  }
  return image;
}

}  // namespace calotype::test

// The instruction sets that this translation unit is compiled for.
#if defined(__AVX512F__)
#define CALOTYPE_TEST_ARCHS calotype::exec::portable, xsimd::sse2, xsimd::fma3<xsimd::avx2>, xsimd::avx512f
#elif defined(__AVX2__) && defined(__FMA__)
#define CALOTYPE_TEST_ARCHS calotype::exec::portable, xsimd::sse2, xsimd::fma3<xsimd::avx2>
#else
#define CALOTYPE_TEST_ARCHS calotype::exec::portable, calotype::exec::best_arch
#endif
