// Numbers in text, the same in every locale of the process.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace calotype::report {

namespace detail {

// Appends the format up to its next place, which is cut off it, and the value that belongs there.
template <class Value>
void append_next(std::string& text, std::string_view& format, Value const& value) {
  auto const before = std::min(format.find('%'), format.size());
  text += format.substr(0, before);
  format.remove_prefix(std::min(before + 1, format.size()));
  int precision = 6;
  if (format.starts_with('.') && format.size() > 1) {
    precision = format[1] - '0';
    format.remove_prefix(2);
  }
  bool const general = format.starts_with('g');
  format.remove_prefix(std::min<std::size_t>(1, format.size()));
  if constexpr (std::is_arithmetic_v<Value> && !std::same_as<Value, char>) {
    std::array<char, 400> digits{};
    char *const first = digits.data(), *const last = first + digits.size();
    if constexpr (std::floating_point<Value>) {
      auto const how = general ? std::chars_format::general : std::chars_format::fixed;
      text.append(first, std::to_chars(first, last, value, how, precision).ptr);
    } else {
      text.append(first, std::to_chars(first, last, value).ptr);
    }
  } else {
    text += value;
  }
}

}  // namespace detail

// The format with its places filled, one for each value, as printf does it in the C locale: %d for whole
// numbers of any size, %s, %c, %g, and %.4f or %.4g with one digit of precision.
template <class... Values>
std::string formatted(std::string_view format, Values const&... values) {
  std::string text;
  (detail::append_next(text, format, values), ...);
  text += format;
  return text;
}

}  // namespace calotype::report
