// 64-bit signatures of descriptions, computed at compile time (FNV-1a over a fixed byte order).
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace calotype {

// Feeds values into a 64-bit FNV-1a hash; the result is the same on every machine.
class hasher {
 public:
  constexpr hasher& add(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(value >> (8 * i)));
    return *this;
  }
  constexpr hasher& add(int value) { return add(static_cast<std::uint64_t>(static_cast<std::int64_t>(value))); }
  constexpr hasher& add(bool value) { return add(std::uint64_t{value}); }
  constexpr hasher& add(double value) { return add(std::bit_cast<std::uint64_t>(value)); }
  constexpr hasher& add(float value) { return add(static_cast<double>(value)); }
  constexpr hasher& add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    for (char c : text) byte(static_cast<unsigned char>(c));
    return *this;
  }
  constexpr hasher& add(char const* text) {
    return add(std::string_view(text));
  }  // else a literal would be a bool
  constexpr std::uint64_t value() const { return state_; }

 private:
  constexpr void byte(unsigned char b) { state_ = (state_ ^ b) * 0x100000001b3ULL; }
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace calotype
