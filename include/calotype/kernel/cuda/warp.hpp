// A warp, whose 32 threads multiply matrices together on tensor cores, and its stand-in on the host.
#pragma once

#include <concepts>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/number.hpp>

namespace calotype::kernel {

// What a thread ("lane") of a warp has of the matrices of a product of 16 pixels, 2 chunks of channels and 8
// filters. With g = lane / 4 and t = lane % 4:
//   pixel_words   words t of pixel g and of g + 8, of the first chunk, then of the second
//   weight_words  words t of filter g, of both chunks
//   pixel_sums    filters 2 t and 2 t + 1 of pixel g, then of g + 8
struct pixel_words {
  std::uint32_t v[4];
};
struct alignas(8) weight_words {
  std::uint32_t v[2];
};
struct alignas(16) pixel_sums {
  float v[4];
};

inline constexpr int lanes_of_warp = 32;

// of_lanes<T>: a T of every lane, [lane]; each(f): f(lane) for all of them.

struct host_warp {
  template <class T>
  struct of_lanes {
    T v[lanes_of_warp];
    CALOTYPE_HD T& operator[](int lane) { return v[lane]; }
    CALOTYPE_HD T const& operator[](int lane) const { return v[lane]; }
  };
  template <class Function>
  CALOTYPE_HD void each(Function f) const {
    for (int lane = 0; lane < lanes_of_warp; ++lane) f(lane);
  }
};

// One thread of a device's warp.
struct device_warp {
  template <class T>
  struct of_lanes {
    T v;
    CALOTYPE_HD T& operator[](int) { return v; }
    CALOTYPE_HD T const& operator[](int) const { return v; }
  };
  int lane;
  template <class Function>
  CALOTYPE_INLINE CALOTYPE_HD void each(Function f) const {
    f(lane);
  }
};

// to = from + pixels x weights, on the host: exact products, one after the other.
template <class Precision>
CALOTYPE_HD void multiply_add(host_warp, host_warp::of_lanes<pixel_sums>& to,
                              host_warp::of_lanes<pixel_sums> const& from,
                              host_warp::of_lanes<pixel_words> const& pixels,
                              host_warp::of_lanes<weight_words> const& weights) {
  using n = number<Precision>;
  constexpr int words = 8, numbers = words * n::in_word;
  auto const unpack = [](std::uint32_t word, float* at) {
    if constexpr (n::in_word == 1) {
      *at = n::value(word);
    } else {
      at[0] = n::value(static_cast<std::uint16_t>(word));
      at[1] = n::value(static_cast<std::uint16_t>(word >> 16));
    }
  };
  float a[16][numbers], b[8][numbers];
  for (int k = 0; k < words; ++k) {
    int const lane = k % 4, which = k / 4;
    for (int m = 0; m < 16; ++m) unpack(pixels[m % 8 * 4 + lane].v[2 * which + m / 8], a[m] + k * n::in_word);
    for (int f = 0; f < 8; ++f) unpack(weights[f * 4 + lane].v[which], b[f] + k * n::in_word);
  }
  for (int m = 0; m < 16; ++m) {
    for (int f = 0; f < 8; ++f) {
      int const lane = m % 8 * 4 + f / 2, which = m / 8 * 2 + f % 2;
      float sum = from[lane].v[which];
      for (int k = 0; k < numbers; ++k) sum = fma(a[m][k], b[f][k], sum);
      to[lane].v[which] = sum;
    }
  }
}

#if defined(__CUDACC__)

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
inline constexpr bool has_tensor_cores = false;
#else
inline constexpr bool has_tensor_cores = true;
#endif

template <class Precision>
CALOTYPE_INLINE CALOTYPE_HD void multiply_add([[maybe_unused]] device_warp,
                                              device_warp::of_lanes<pixel_sums>& to,
                                              device_warp::of_lanes<pixel_sums> const& from,
                                              device_warp::of_lanes<pixel_words> const& pixels,
                                              device_warp::of_lanes<weight_words> const& weights) {
  static_assert(
      has_tensor_cores && sizeof(Precision) > 0,
      "calotype::exec::cuda: fp16, bf16 and tf32 need compute capability 8.0; compile with -arch=sm_90");
#if defined(__CUDA_ARCH__)
  float(&d)[4] = to.v.v;
  float const(&c)[4] = from.v.v;
  std::uint32_t const(&a)[4] = pixels.v.v;
  std::uint32_t const(&b)[2] = weights.v.v;
  if constexpr (std::same_as<Precision, exec::fp16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),
          "f"(c[3]));
  } else if constexpr (std::same_as<Precision, exec::bf16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),
          "f"(c[3]));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),
          "f"(c[3]));
  }
#endif
}

#endif

// 16 pixels of two chunks: pixel p's first at first[p * apart], its second `second` chunks further. Shared:
// they lie in a block's shared memory.
template <bool Shared>
CALOTYPE_HD void load_pixels(host_warp w, chunk const* first, int apart, int second,
                             host_warp::of_lanes<pixel_words>& to) {
  w.each([&](int lane) {
    int const g = lane / 4, t = lane % 4;
    for (int k = 0; k < 4; ++k) to[lane].v[k] = first[(g + k % 2 * 8) * apart + k / 2 * second].word[t];
  });
}

#if defined(__CUDACC__)

template <bool Shared>
CALOTYPE_INLINE CALOTYPE_HD void load_pixels([[maybe_unused]] device_warp w,
                                             [[maybe_unused]] chunk const* first, [[maybe_unused]] int apart,
                                             [[maybe_unused]] int second,
                                             [[maybe_unused]] device_warp::of_lanes<pixel_words>& to) {
#if defined(__CUDA_ARCH__)
  std::uint32_t(&v)[4] = to.v.v;
  if constexpr (Shared) {
    // Lanes 8 k to 8 k + 7 name the pixels of matrix k.
    chunk const* const mine = first + (w.lane % 16) * apart + w.lane / 16 * second;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(mine)))
                 : "memory");
  } else {
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < 4; ++k) {
      v[k] = first[(w.lane / 4 + k % 2 * 8) * apart + k / 2 * second].word[w.lane % 4];
    }
  }
#endif
}

#endif

}  // namespace calotype::kernel
