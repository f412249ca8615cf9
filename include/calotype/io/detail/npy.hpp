// The header of NumPy's .npy format, versions 1 to 3 (numpy/lib/format.py).
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/core/result.hpp>

namespace calotype::io {

// The number types that arrays are read and written in, all little-endian; truth values are read as u1. Of
// arrays of other types, or in Fortran order, only name and shape are read.
enum class npy_type { f4, f8, i4, i8, u4, u8, u1, unread };

constexpr std::size_t size_of(npy_type type) noexcept {
  switch (type) {
    case npy_type::f8:
    case npy_type::i8:
    case npy_type::u8:
      return 8;
    case npy_type::u1:
      return 1;
    default:
      return 4;
  }
}

// NumPy's own spelling: "<f4".
constexpr std::string_view name_of(npy_type type) noexcept {
  constexpr std::string_view names[] = {"<f4", "<f8", "<i4", "<i8", "<u4", "<u8", "|u1", "not read"};
  return names[static_cast<int>(type)];
}

namespace detail {

struct npy_header {
  npy_type type = npy_type::f4;
  std::vector<std::uint64_t> shape{};
  std::string problem{};  // why the values are not read; empty if they are
};

// The number of elements, or nothing sensible (the largest value) when it overflows.
inline std::uint64_t element_count(std::vector<std::uint64_t> const& shape) noexcept {
  std::uint64_t count = 1;
  for (auto const extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) return static_cast<std::uint64_t>(-1);
  }
  return count;
}

inline constexpr std::size_t npy_prefix_size = 10;  // magic, version, 16-bit length

// The start of a file up to its data. Its length does not depend on the number of rows, so it can be written
// again.
inline std::string format_npy_header(npy_header const& header) {
  auto const dictionary = [&](std::string const& rows) {
    std::string text =
        "{'descr': '" + std::string(name_of(header.type)) + "', 'fortran_order': False, 'shape': (";
    for (std::size_t i = 0; i < header.shape.size(); ++i) {
      text += (i > 0 ? " " : "") + (i == 0 ? rows : std::to_string(header.shape[i])) + ",";
    }
    if (header.shape.size() > 1) text.pop_back();
    return text + "), }";
  };
  constexpr std::size_t alignment = 64;
  auto const longest = dictionary("18446744073709551615").size() + 1 + npy_prefix_size;
  auto const length = (longest + alignment - 1) / alignment * alignment - npy_prefix_size;
  auto text = dictionary(header.shape.empty() ? std::string() : std::to_string(header.shape[0]));
  text.resize(length - 1, ' ');
  std::string const prefix{'\x93',
                           'N',
                           'U',
                           'M',
                           'P',
                           'Y',
                           '\x01',
                           '\x00',
                           static_cast<char>(length & 0xFF),
                           static_cast<char>(length >> 8)};
  return prefix + text + '\n';
}

// Reads the dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. Errors have no place yet.
class npy_header_parser {
 public:
  explicit npy_header_parser(std::string_view text) : text_(text) {}

  result<npy_header> parse() {
    bool has_type = false;
    bool has_order = false;
    bool has_shape = false;
    if (!take('{')) return malformed();
    while (!take('}')) {
      auto const key = quoted();
      if (!take(':')) return malformed();
      if (key == "descr" && !has_type) {
        if (peek() == '[') {
          if (!pass_list()) return malformed();
          leave_unread("holds records, not plain numbers");
        } else if (auto const name = quoted(); !find_type(name)) {
          leave_unread(type_problem(name));
        }
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        if (word("True")) {
          leave_unread("is stored in Fortran order; save it with numpy.ascontiguousarray");
        } else if (!word("False")) {
          return malformed();
        }
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        if (!shape()) return malformed();
        has_shape = true;
      } else {
        return malformed();
      }
      if (!take(',') && peek() != '}') return malformed();
    }
    skip_blanks();
    if (at_ != text_.size() || !has_type || !has_order || !has_shape) return malformed();
    if (!header_.problem.empty()) header_.type = npy_type::unread;
    return std::move(header_);
  }

 private:
  static calotype::error malformed() { return {"the array has a malformed header", {}, {}}; }
  void leave_unread(std::string const& why) {
    if (header_.problem.empty()) header_.problem = "the array " + why;
  }

  static std::string type_problem(std::string_view name) {
    std::string const type(name.substr(0, 16));
    if (name.find('O') != name.npos) return "holds Python objects (type " + type + "), which are not read";
    if (name.starts_with('>')) return "is big-endian (type " + type + "); save it in little-endian order";
    return "has the type '" + type + "'; f4, f8, i4, i8, u4, u8, u1 and b1 are read";
  }

  bool find_type(std::string_view name) {
    for (int i = 0; i < 7; ++i) {
      auto const known = name_of(static_cast<npy_type>(i));
      if (name == known || (known == "|u1" && name.size() == 3 && (name.substr(1) == "u1" || name == "|b1"))) {
        header_.type = static_cast<npy_type>(i);
        return true;
      }
    }
    return false;
  }

  // Passes over a list of records, nested ones included.
  bool pass_list() noexcept {
    int depth = 0;
    do {
      depth += take('[') ? 1 : take(']') ? -1 : 0;
      if (depth > 0 && peek() != '[' && peek() != ']') ++at_;
    } while (depth > 0 && at_ < text_.size());
    return depth == 0;
  }

  bool shape() {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_blanks();
      std::uint64_t extent = 0;
      auto const [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (code != std::errc() || header_.shape.size() == 32) return false;
      at_ = static_cast<std::size_t>(end - text_.data());
      header_.shape.push_back(extent);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  void skip_blanks() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() noexcept {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) noexcept {
    bool const there = peek() == c && at_ < text_.size();
    at_ += there ? 1 : 0;
    return there;
  }
  bool word(std::string_view expected) noexcept {
    skip_blanks();
    bool const there = text_.substr(at_).starts_with(expected);
    at_ += there ? expected.size() : 0;
    return there;
  }
  std::string_view quoted() noexcept {
    char const quote = peek();
    if (quote != '\'' && quote != '"') return {};
    auto const end = text_.find(quote, at_ + 1);
    if (end == text_.npos) return {};
    auto const content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  npy_header header_{};
};

}  // namespace detail
}  // namespace calotype::io
