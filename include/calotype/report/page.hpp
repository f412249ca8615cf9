// A report as one HTML file that needs nothing else: text, tables, drawings, pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/report/svg.hpp>

namespace calotype::report {

namespace detail {

inline std::string base64(std::span<std::byte const> bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t const have = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < have ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= have ? letters[word >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

}  // namespace detail

// A drawing or picture with the words below it.
struct figure {
  std::string element;  // <svg> or <img>
  std::string caption{};
};

// An <img> of a PNG file's bytes. `words` tell what it shows to those who do not see it.
inline std::string image_element(std::span<std::byte const> png, std::string_view words) {
  return "<img alt=\"" + escaped(words) + "\" src=\"data:image/png;base64," + detail::base64(png) + "\">";
}

// All texts are taken literally; captions too.
class page {
 public:
  explicit page(std::string_view title) : title_(escaped(title)) {}

  void section(std::string_view name) { body_ += "<h2>" + escaped(name) + "</h2>\n"; }
  void subsection(std::string_view name) { body_ += "<h3>" + escaped(name) + "</h3>\n"; }
  void paragraph(std::string_view words) { body_ += "<p>" + escaped(words) + "</p>\n"; }
  void list(std::span<std::string const> items) {
    body_ += "<ul>\n";
    for (auto const& item : items) body_ += "<li>" + escaped(item) + "</li>\n";
    body_ += "</ul>\n";
  }

  // Rows may be shorter than the head.
  void table(std::span<std::string const> head, std::span<std::vector<std::string> const> rows,
             std::string_view caption = {}) {
    body_ += "<table>";
    if (!caption.empty()) body_ += "<caption>" + escaped(caption) + "</caption>";
    body_ += "<thead>" + row(head, "th") + "</thead><tbody>\n";
    for (auto const& cells : rows) body_ += row(cells, "td") + "\n";
    body_ += "</tbody></table>\n";
  }

  // Side by side as far as there is room.
  void figures(std::span<figure const> list) {
    body_ += "<div class=\"figures\">\n";
    for (figure const& f : list) {
      body_ += "<figure>" + f.element;
      if (!f.caption.empty()) body_ += "<figcaption>" + escaped(f.caption) + "</figcaption>";
      body_ += "</figure>\n";
    }
    body_ += "</div>\n";
  }

  std::string html() const {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
           title_ + "</title><style>" + std::string(style) + "</style></head><body>\n<h1>" + title_ +
           "</h1>\n" + body_ + "</body></html>\n";
  }

 private:
  static constexpr std::string_view style =
      "body{font:16px/1.5 sans-serif;color:#262a33;max-width:72rem;margin:2rem auto;padding:0 1rem}"
      "table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;padding:.3rem 0}"
      "td,th{padding:.3rem 1rem;text-align:left;border-bottom:1px solid #e4e7ec}"
      ".figures{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}"
      "figure{margin:0;max-width:100%}figcaption{max-width:32rem;font-size:.9rem}"
      "svg,img{max-width:100%;height:auto}";

  static std::string row(std::span<std::string const> cells, std::string const& tag) {
    std::string text = "<tr>";
    for (auto const& cell : cells) text += "<" + tag + ">" + escaped(cell) + "</" + tag + ">";
    return text + "</tr>";
  }

  std::string title_;
  std::string body_{};
};

}  // namespace calotype::report
