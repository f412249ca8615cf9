// Registers of floats as numbers of core/math.hpp: its functions for every lane at once, with the bits that
// they have for a float.
#pragma once

#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/core/math.hpp>
#include <calotype/kernel/cpu/simd.hpp>

namespace calotype::kernel::cpu {

template <class Arch>
struct batch {
  vec<Arch> lanes;
};

// The lanes of a register as unsigned integers.
template <class Arch>
struct batch_words {
  vec<Arch> lanes;

  CALOTYPE_INLINE friend batch_words operator+(batch_words a, batch_words b) {
    return {simd<Arch>::word_add(a.lanes, b.lanes)};
  }
  CALOTYPE_INLINE friend batch_words operator-(batch_words a, batch_words b) {
    return {simd<Arch>::word_sub(a.lanes, b.lanes)};
  }
  CALOTYPE_INLINE friend batch_words operator&(batch_words a, batch_words b) {
    return {simd<Arch>::word_and(a.lanes, b.lanes)};
  }
  CALOTYPE_INLINE friend batch_words operator^(batch_words a, batch_words b) {
    return {simd<Arch>::word_xor(a.lanes, b.lanes)};
  }
  CALOTYPE_INLINE friend batch_words operator<<(batch_words a, int places) {
    return {simd<Arch>::word_left(a.lanes, places)};
  }
  CALOTYPE_INLINE friend batch_words operator>>(batch_words a, int places) {
    return {simd<Arch>::word_right(a.lanes, places)};
  }
};

// Where `lesser` is less than `greater`.
template <class Arch>
struct batch_less {
  vec<Arch> lesser, greater;
};

}  // namespace calotype::kernel::cpu

namespace calotype::math {

// What exp, tanh and sigmoid are written in.
template <class Arch>
struct number<kernel::cpu::batch<Arch>> {
  using type = kernel::cpu::batch<Arch>;
  using v = kernel::cpu::simd<Arch>;
  using scalar_type = float;
  using integer_type = kernel::cpu::batch_words<Arch>;
  using mask = kernel::cpu::batch_less<Arch>;

  CALOTYPE_INLINE static type constant(float x) { return {v::broadcast(x)}; }
  CALOTYPE_INLINE static integer_type integer(std::uint32_t i) { return {v::broadcast_word(i)}; }
  CALOTYPE_INLINE static integer_type bits(type x) { return {x.lanes}; }
  CALOTYPE_INLINE static type from_bits(integer_type i) { return {i.lanes}; }
  CALOTYPE_INLINE static mask less(type a, type b) { return {a.lanes, b.lanes}; }
  CALOTYPE_INLINE static type select(mask m, type a, type b) {
    return {v::select_greater(m.greater, m.lesser, a.lanes, b.lanes)};
  }
  CALOTYPE_INLINE static type add(type a, type b) { return {v::add(a.lanes, b.lanes)}; }
  CALOTYPE_INLINE static type sub(type a, type b) { return {v::sub(a.lanes, b.lanes)}; }
  CALOTYPE_INLINE static type mul(type a, type b) { return {v::mul(a.lanes, b.lanes)}; }
  CALOTYPE_INLINE static type div(type a, type b) { return {v::div(a.lanes, b.lanes)}; }
  CALOTYPE_INLINE static type fma(type a, type b, type c) { return {v::fma(a.lanes, b.lanes, c.lanes)}; }
};

}  // namespace calotype::math
