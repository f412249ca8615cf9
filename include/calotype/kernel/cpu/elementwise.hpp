// Operations that treat every number alike: ReLU's gradient, sums, Adam, changes of layout.
#pragma once

#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/element/dropout.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// n > 0 numbers of an array, at most a register.
template <class Arch, class Count>
CALOTYPE_INLINE vec<Arch> load_up_to(float const* p, Count n) {
  return n < Count{simd<Arch>::lanes} ? simd<Arch>::load_part(p, static_cast<int>(n)) : simd<Arch>::load(p);
}
template <class Arch, class Count>
CALOTYPE_INLINE void store_up_to(float* p, vec<Arch> a, Count n) {
  if (n < Count{simd<Arch>::lanes}) return simd<Arch>::store_part(p, a, static_cast<int>(n));
  simd<Arch>::store(p, a);
}

// f(offset of a row of pixels in the map, reals in it) for every row of every block, halo excluded.
template <map_shape M, class Function>
CALOTYPE_INLINE void for_each_row(Function f) {
  constexpr strides s = map_strides(M);
  if constexpr (M.is_vector()) {
    f(0, M.channels);
  } else {
    for (int block = 0; block < blocks_of(M.channels); ++block) {
      for (int row = 0; row < M.rows; ++row) f(s.origin() + block * s.block + row * s.row, M.cols * s.pixel);
    }
  }
}

template <class Arch, map_shape M>
void relu_gradient(float const* out, float* dout) noexcept {
  using v = simd<Arch>;
  for_each_row<M>([&](int at, int n) {
    vec<Arch> const zero = v::broadcast(0.f);
    for (int i = 0; i < n; i += v::lanes) {
      vec<Arch> const d = v::select_greater(load_up_to<Arch>(out + at + i, n - i), zero,
                                            load_up_to<Arch>(dout + at + i, n - i), zero);
      store_up_to<Arch>(dout + at + i, d, n - i);
    }
  });
}

template <class Arch>
void copy(std::size_t n, float const* from, float* to) noexcept {
  for (std::size_t i = 0; i < n; i += simd<Arch>::lanes)
    store_up_to<Arch>(to + i, load_up_to<Arch>(from + i, n - i), n - i);
}

template <class Arch>
void zero(std::size_t n, float* to) noexcept {
  for (std::size_t i = 0; i < n; i += simd<Arch>::lanes)
    store_up_to<Arch>(to + i, simd<Arch>::broadcast(0.f), n - i);
}

template <class Arch>
void add(std::size_t n, float const* from, float* into) noexcept {
  for (std::size_t i = 0; i < n; i += simd<Arch>::lanes) {
    vec<Arch> const sum = simd<Arch>::add(load_up_to<Arch>(into + i, n - i), load_up_to<Arch>(from + i, n - i));
    store_up_to<Arch>(into + i, sum, n - i);
  }
}

// The same operations in the same order as element::adam_update.
template <class Arch>
void adam(std::size_t n, adam_step step, float const* gradient, float* first, float* second,
          float* parameters) noexcept {
  using v = simd<Arch>;
  vec<Arch> const one = v::broadcast(1.f);
  vec<Arch> const beta1 = v::broadcast(step.beta1);
  vec<Arch> const beta2 = v::broadcast(step.beta2);
  vec<Arch> const rest1 = v::add(one, v::broadcast(-step.beta1));
  vec<Arch> const rest2 = v::add(one, v::broadcast(-step.beta2));
  vec<Arch> const rate = v::mul(v::broadcast(-step.learning_rate), v::broadcast(step.correction1));
  for (std::size_t i = 0; i < n; i += v::lanes) {
    vec<Arch> const g = load_up_to<Arch>(gradient + i, n - i);
    vec<Arch> const m = v::fma(beta1, load_up_to<Arch>(first + i, n - i), v::mul(rest1, g));
    vec<Arch> const s = v::fma(beta2, load_up_to<Arch>(second + i, n - i), v::mul(v::mul(rest2, g), g));
    vec<Arch> const spread =
        v::add(v::sqrt(v::mul(s, v::broadcast(step.correction2))), v::broadcast(step.epsilon));
    vec<Arch> const w = v::fma(rate, v::div(m, spread), load_up_to<Arch>(parameters + i, n - i));
    store_up_to<Arch>(first + i, m, n - i);
    store_up_to<Arch>(second + i, s, n - i);
    store_up_to<Arch>(parameters + i, w, n - i);
  }
}

// f(place in the map, canonical index (channel, row, column)) for every number of a map; the index is -1 for
// channels that only fill up a block.
template <map_shape M, class Function>
CALOTYPE_INLINE void for_each_place(Function f) {
  constexpr strides s = map_strides(M);
  constexpr int channels = M.is_vector() ? M.channels : blocks_of(M.channels) * block_size;
  for (int channel = 0; channel < channels; ++channel) {
    for (int row = 0; row < M.rows; ++row) {
      for (int col = 0; col < M.cols; ++col) {
        int const place =
            s.origin() + channel / block_size * s.block + row * s.row + col * s.pixel + channel % block_size;
        f(place, channel < M.channels ? (channel * M.rows + row) * M.cols + col : -1);
      }
    }
  }
}

// From the layout of maps to a vector in channel, row, column order, and back.
template <class Arch, map_shape M>
void flatten(float const* map, float* vector) noexcept {
  for_each_place<M>([&](int place, int i) {
    if (i >= 0) vector[i] = map[place];
  });
}
template <class Arch, map_shape M>
void unflatten(float const* vector, float* map) noexcept {
  for_each_place<M>([&](int place, int i) { map[place] = i >= 0 ? vector[i] : 0.f; });
}

// The mask depends on the canonical index only.
template <class Arch, map_shape M>
void dropout(float rate, std::uint64_t key, float const* in, float* out) noexcept {
  for_each_place<M>(
      [&](int place, int i) { out[place] = i >= 0 ? element::dropped(rate, key, i, in[place]) : 0.f; });
}

// From the layout of images to the layout of maps.
template <class Arch, map_shape M>
void import_image(float const* image, float* map) noexcept {
  constexpr strides s = image_strides(M);
  for_each_place<M>([&](int place, int i) {
    int const channel = i / (M.rows * M.cols);
    int const row = i / M.cols % M.rows;
    map[place] = i >= 0 ? image[s.origin() + channel * s.channel + row * s.row + i % M.cols] : 0.f;
  });
}

// Dense channel x row x column floats into an input plane (null: zeros); its border stays as it is.
template <class Arch, map_shape M>
CALOTYPE_INLINE void set_input(float const* host, float* image) noexcept {
  if constexpr (M.is_vector()) {
    for (int i = 0; i < M.channels; ++i) image[i] = host != nullptr ? host[i] : 0.0f;
  } else {
    constexpr strides s = image_strides(M);
    for (int channel = 0; channel < M.channels; ++channel) {
      for (int row = 0; row < M.rows; ++row) {
        float* const to = image + s.origin() + channel * s.channel + row * s.row;
        for (int col = 0; col < M.cols; ++col) to[col] = host != nullptr ? host[col] : 0.0f;
        if (host != nullptr) host += M.cols;
      }
    }
  }
}

}  // namespace calotype::kernel::cpu
