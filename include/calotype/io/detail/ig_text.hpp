// From the text of an .ig event to strict JSON with only the wanted collections in it, in one linear pass.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/io/ig_table.hpp>

namespace calotype::io::detail {

// How much of a collection to keep: nothing, its rows with the vectors in them emptied, all of it.
enum class ig_keep { nothing, numbers, everything };

// Reads the dialects that exist: strict JSON; bare nan, inf and their like where a number may stand (they
// become null); the old python notation with single-quoted strings and parenthesised tuples. Collections that
// `Keep` (a function of the name) does not want and all associations become empty; how much was in them is
// recorded. Only brackets and strings are followed here: whatever else is wrong is left for the JSON parser to
// refuse.
template <class Keep>
class ig_condenser {
 public:
  ig_condenser(std::string_view text, Keep const& keep, std::string& json, std::vector<ig_extent>& extents)
      : text_(text), keep_(keep), json_(json), extents_(extents) {}

  void run() {
    json_.clear();
    extents_.clear();
    while (at_ < text_.size()) step();
  }

 private:
  enum class section { none, collections, associations };

  static constexpr auto special = [] {
    std::array<bool, 256> table{};
    for (char const c : std::string_view("\"'()[]{}-niNI")) table[static_cast<unsigned char>(c)] = true;
    return table;
  }();

  static bool is_special(char c) noexcept { return special[static_cast<unsigned char>(c)]; }

  void step() {
    auto const start = at_;
    while (at_ < text_.size() && !is_special(text_[at_])) ++at_;
    json_.append(text_.substr(start, at_ - start));
    if (at_ == text_.size()) return;
    switch (char const c = text_[at_]) {
      case '"':
      case '\'':
        string();
        break;
      case '{':
      case '[':
      case '(':
        open(c);
        break;
      case '}':
      case ']':
      case ')':
        json_.push_back(c == '}' ? '}' : ']');
        ++at_;
        --depth_;
        break;
      default:
        if (auto const length = not_a_number()) {
          json_.append("null");
          count_nan();
          at_ += length;
        } else {
          auto const end = word_end();
          json_.append(text_.substr(at_, end - at_));
          at_ = end;
        }
    }
  }

  // Copies a string, in double quotes; inside the root or a section it names what follows.
  void string() {
    auto const start = json_.size() + 1;
    char const quote = text_[at_];
    auto const end = string_end();
    json_.push_back('"');
    for (auto i = at_ + 1; i + 1 < end; ++i) {
      char const c = text_[i];
      bool const escapes = c == '\\' && i + 2 < end;
      if (escapes && text_[i + 1] == '\'') continue;  // JSON knows no \'
      if (c == '"' && quote != c) json_.push_back('\\');
      json_.push_back(c);
      if (escapes) json_.push_back(text_[++i]);
    }
    at_ = end;
    json_.push_back('"');
    auto const content = std::string_view(json_).substr(start, json_.size() - start - 1);
    if (depth_ == 1) {
      section_ = content == "Collections"    ? section::collections
                 : content == "Associations" ? section::associations
                                             : section::none;
    } else if (depth_ == 2 && section_ == section::collections) {
      extents_.push_back({std::string(content)});
      kept_ = keep_(content);
    }
  }

  void open(char c) {
    bool const in_collection = section_ == section::collections && !extents_.empty();
    bool skip = section_ == section::associations && depth_ == 1;
    if (in_collection && depth_ == 2) skip = kept_ == ig_keep::nothing;
    if (in_collection && depth_ == 3) ++extents_.back().rows;
    if (in_collection && depth_ == 4) skip = kept_ == ig_keep::numbers;
    json_.push_back(c == '{' ? '{' : '[');
    ++at_;
    if (skip) {
      pass_over(in_collection && depth_ == 2);
      json_.push_back(c == '{' ? '}' : ']');
    } else {
      ++depth_;
    }
  }

  // Moves behind the bracket that closes the one just opened, counting what stands one level deeper as rows.
  void pass_over(bool count_rows) {
    for (int depth = 1; at_ < text_.size() && depth > 0;) {
      switch (text_[at_]) {
        case '{':
        case '[':
        case '(':
          if (depth == 1 && count_rows) ++extents_.back().rows;
          ++depth;
          ++at_;
          break;
        case '}':
        case ']':
        case ')':
          --depth;
          ++at_;
          break;
        case '"':
        case '\'':
          at_ = string_end();
          break;
        case '-':
        case 'n':
        case 'i':
        case 'N':
        case 'I':
          if (auto const length = not_a_number()) {
            count_nan();
            at_ += length;
          } else {
            at_ = word_end();
          }
          break;
        default:
          ++at_;
      }
    }
  }

  void count_nan() {
    if (section_ == section::collections && !extents_.empty()) ++extents_.back().nans;
  }

  // The length of a nan or infinity that stands here, with its sign; 0 if none does.
  std::size_t not_a_number() const noexcept {
    auto const rest = text_.substr(at_);
    std::size_t const sign = rest.starts_with('-') ? 1 : 0;
    if (rest.size() <= sign || !is_letter(rest[sign])) return 0;
    for (std::string_view const name : {"nan", "NaN", "NAN", "infinity", "Infinity", "inf", "Inf", "INF"}) {
      if (!rest.substr(sign).starts_with(name)) continue;
      auto const length = sign + name.size();
      return length < rest.size() && is_letter(rest[length]) ? 0 : length;
    }
    return 0;
  }

  static bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  // Behind the sign or the word that starts here, so that the inside of a word is not taken for a nan.
  std::size_t word_end() const noexcept {
    auto end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    return end;
  }

  // Behind the closing quote of the string that starts here, or the end of the text.
  std::size_t string_end() const noexcept {
    auto end = at_ + 1;
    while (end < text_.size() && text_[end] != text_[at_]) end += text_[end] == '\\' ? 2 : 1;
    return end < text_.size() ? end + 1 : text_.size();
  }

  std::string_view text_;
  Keep const& keep_;
  std::string& json_;
  std::vector<ig_extent>& extents_;
  std::size_t at_ = 0;
  int depth_ = 0;
  section section_ = section::none;
  ig_keep kept_ = ig_keep::nothing;
};

// `json` and `extents` are overwritten; their memory is used again.
template <class Keep>
void condense_ig(std::string_view text, Keep const& keep, std::string& json, std::vector<ig_extent>& extents) {
  ig_condenser<Keep>(text, keep, json, extents).run();
}

}  // namespace calotype::io::detail
