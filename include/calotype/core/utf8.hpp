// Text in UTF-8: what is well-formed, and what becomes of the rest.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace calotype {

// Bytes of the character that a text begins with; 0 if it begins with none (Unicode 15, table 3-7) or is empty.
constexpr std::size_t utf8_length(std::string_view text) noexcept {
  auto const byte = [&](std::size_t k) {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : static_cast<unsigned char>(0);
  };
  if (text.empty()) return 0;
  auto const lead = byte(0);
  std::size_t const length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

constexpr bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    auto const length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// The text with U+FFFD in place of every byte that is part of no character.
inline std::string as_utf8(std::string_view text) {
  std::string good;
  while (!text.empty()) {
    auto const length = utf8_length(text);
    if (length == 0) {
      good += "\xEF\xBF\xBD";
    } else {
      good += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return good;
}

}  // namespace calotype
