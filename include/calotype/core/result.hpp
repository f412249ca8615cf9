// Errors as values: one sentence that says what is wrong, where, and what to do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace calotype {

// The text with its control characters spelled out ("\\n", "\\x1b"), so that a name out of a file neither
// breaks a line nor steers a terminal. Everything else stays, UTF-8 included.
inline std::string one_line(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too.
    bool const two_bytes =
        byte == 0xc2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xe0) == 0x80;
    if (byte == '\n') {
      plain += "\\n";
    } else if (byte == '\t') {
      plain += "\\t";
    } else if (byte == '\r') {
      plain += "\\r";
    } else if (byte < 0x20 || byte == 0x7f || two_bytes) {
      auto const code = two_bytes ? static_cast<unsigned char>(text[++i]) : byte;
      plain += "\\x";
      plain += digits[code >> 4];
      plain += digits[code & 15];
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// What went wrong, for a person. `where` names the file and the place in it; `remedy` says what to do.
struct error {
  std::string what;
  std::string where{};
  std::string remedy{};

  // "where: what; remedy", in one line whatever the parts quote.
  std::string message() const {
    std::string text = where.empty() ? what : where + ": " + what;
    if (!remedy.empty()) text += "; " + remedy;
    return one_line(text);
  }
};

// A value or an error. Never throws; dereferencing a failed result is a precondition violation.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(calotype::error e) : state_(std::in_place_index<1>, std::move(e)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  T const& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  T const* operator->() const noexcept { return std::get_if<0>(&state_); }
  // The error, or null for a value.
  calotype::error const* error() const noexcept { return std::get_if<1>(&state_); }

 private:
  std::variant<T, calotype::error> state_;
};

// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(calotype::error e) : error_(std::in_place_index<1>, std::move(e)) {}

  explicit operator bool() const noexcept { return error_.index() == 0; }
  calotype::error const* error() const noexcept { return std::get_if<1>(&error_); }

 private:
  std::variant<std::monostate, calotype::error> error_;
};

}  // namespace calotype
