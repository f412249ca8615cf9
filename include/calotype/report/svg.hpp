// A drawing in SVG, element by element, to be looked at or put into a page.
#pragma once

#include <string>
#include <string_view>

#include <calotype/report/format.hpp>

namespace calotype::report {

// Text with the characters that XML and HTML reserve written out.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

class drawing {
 public:
  // In pixels; x to the right, y downwards.
  drawing(int width, int height) : width_(width), height_(height) {}

  // Elements by the rules of formatted(); for all that holds no text from outside.
  template <class... Values>
  requires(sizeof...(Values) > 0) void add(char const* format, Values... values) {
    elements_ += formatted(format, values...);
  }

  // Any text, whose `anchor` (start, middle, end) is at (x, y) on the baseline.
  void text(double x, double y, std::string_view words, char const* anchor = "start") {
    add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    elements_ += escaped(words) + "</text>\n";
  }

  // Elements as they are.
  void put(std::string_view elements) { elements_ += elements; }
  std::string const& elements() const noexcept { return elements_; }

  // The drawing as a whole.
  std::string svg() const {
    drawing frame(0, 0);
    frame.add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"13\" fill=\"#262a33\">\n",
        width_, height_, width_);
    return frame.elements_ + elements_ + "</svg>\n";
  }

 private:
  int width_, height_;
  std::string elements_{};
};

}  // namespace calotype::report
