// Numbers as text that does not depend on the process's locale.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace calotype::io::detail {

// Hexadecimal and exact, as C's %a writes it: -0x1.8p+1.
template <class Number>
std::string exact_text(Number number) {
  std::array<char, 64> text{};
  auto const end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::hex).ptr;
  std::string digits(text.data(), end);
  bool const negative = digits.front() == '-';
  return (negative ? "-0x" : "0x") + digits.substr(negative ? 1 : 0);
}

// The number that exact_text wrote; nothing if the text is anything else.
inline std::optional<double> exact_number(std::string_view text) {
  bool const negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  double number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::hex);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return negative ? -number : number;
}

// The whole of the text as a number in decimal (or another base); nothing if it is anything else or does not
// fit.
inline std::optional<std::uint64_t> whole_number(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// The whole of the text as a finite decimal number; nothing if it is anything else.
inline std::optional<double> finite_number(std::string_view text) {
  double number = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  return whole && number - number == 0 ? std::optional<double>(number) : std::nullopt;
}

// The shortest decimal text of a number.
inline std::string short_text(double number) {
  std::array<char, 40> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

}  // namespace calotype::io::detail
