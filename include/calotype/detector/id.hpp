// How the labels of a cell are packed in a 32-bit raw id.
#pragma once

#include <array>
#include <cstdint>

#include <calotype/core/hash.hpp>

namespace calotype {

// One label in the word: `bits` bits from bit `shift` hold |label| - offset. With a sign bit, that bit tells
// the sign: set for positive labels, or for negative ones if set_if_negative. A label that is only a sign (+-1)
// has bits = 0 and offset = 1.
struct id_field {
  int label;  // which label of the cell, counted from 0
  int shift = 0, bits = 0;
  int sign_bit = -1;
  bool set_if_negative = false;
  int offset = 0;

  constexpr std::uint32_t used_bits() const {
    std::uint32_t const magnitude = ((std::uint64_t{1} << bits) - 1) << shift & 0xffffffffU;
    return sign_bit < 0 ? magnitude : magnitude | std::uint32_t{1} << sign_bit;
  }
  constexpr std::uint32_t pack(int value) const {
    auto const magnitude = static_cast<std::uint32_t>((value < 0 ? -value : value) - offset);
    std::uint32_t const word = bits == 0 ? 0 : magnitude << shift;
    bool const set = sign_bit >= 0 && (value < 0) == set_if_negative;
    return set ? word | std::uint32_t{1} << sign_bit : word;
  }
  constexpr int unpack(std::uint32_t word) const {
    int const magnitude =
        static_cast<int>(word >> shift & static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1)) + offset;
    if (sign_bit < 0) return magnitude;
    return ((word >> sign_bit & 1) != 0) == set_if_negative ? -magnitude : magnitude;
  }
};

// All labels of a cell; bits outside the fields must equal those of `prefix` (detector and subdetector).
template <std::size_t N>
struct id_layout {
  std::uint32_t prefix;
  std::array<id_field, N> fields;

  constexpr std::uint32_t used_bits() const {
    std::uint32_t bits = 0;
    for (auto const& f : fields) bits |= f.used_bits();
    return bits;
  }
  constexpr bool accepts(std::uint32_t raw) const { return (raw & ~used_bits()) == prefix; }
  constexpr std::uint32_t pack(std::array<int, N> const& labels) const {
    std::uint32_t word = prefix;
    for (auto const& f : fields) word |= f.pack(labels[static_cast<std::size_t>(f.label)]);
    return word;
  }
  constexpr std::array<int, N> unpack(std::uint32_t raw) const {
    std::array<int, N> labels{};
    for (auto const& f : fields) labels[static_cast<std::size_t>(f.label)] = f.unpack(raw);
    return labels;
  }
  // Every label has one field, and no bit is used twice.
  constexpr bool valid() const {
    std::uint32_t bits = prefix, labels = 0;
    for (auto const& f : fields) {
      if (f.label < 0 || f.label >= static_cast<int>(N) || (bits & f.used_bits()) != 0) return false;
      bits |= f.used_bits();
      labels |= std::uint32_t{1} << f.label;
    }
    return labels == (std::uint32_t{1} << N) - 1;
  }
  constexpr void add_to(hasher& h) const {
    h.add("id_layout").add(std::uint64_t{prefix});
    for (auto const& f : fields)
      h.add(f.label).add(f.shift).add(f.bits).add(f.sign_bit).add(f.set_if_negative).add(f.offset);
  }
};

}  // namespace calotype
