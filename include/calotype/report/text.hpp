// Text for pictures in a stroke font of our own: no font file is needed, and letters are crisp at any size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <calotype/core/utf8.hpp>
#include <calotype/report/picture.hpp>

namespace calotype::report {

// Height of capital letters and strength of the strokes in pixels.
struct text_style {
  double size = 11;
  double weight = 1.5;
  color ink = black;
};

enum class align { left, center, right };

namespace detail {

// A letter on a grid of 12 units from the top of the capitals (y = 0) to the baseline (y = c). Strokes are
// separated by blanks and are lists of points, x and y one digit each (0 to 9, a = 10 ... g = 16); a leading ~
// draws a smooth curve through the points, a leading @ a closed one.
struct glyph {
  char32_t code;
  int width;
  std::string_view strokes;
};

inline constexpr glyph font[] = {
    {U'A', 8, "0c408c 1979"},
    {U'B', 8, "000c 0040 ~4061736546 0646 ~4667897b4c 0c4c"},
    {U'C', 8, "~83714012061a4c7b89"},
    {U'D', 8, "000c 0030 ~306184886b3c 0c3c"},
    {U'E', 7, "70000c7c 0656"},
    {U'F', 7, "70000c 0656"},
    {U'G', 8, "~83714012061a4c7b8a 8a8757"},
    {U'H', 8, "000c 808c 0686"},
    {U'I', 0, "000c"},
    {U'J', 5, "5058 ~585a4b2c0b"},
    {U'K', 7, "000c 7008 357c"},
    {U'L', 7, "000c7c"},
    {U'M', 10, "0c005aa0ac"},
    {U'N', 8, "0c008c80"},
    {U'O', 8, "@4072867a4c1a0612"},
    {U'P', 8, "000c 0040 ~4071837647 0747"},
    {U'Q', 8, "@4072867a4c1a0612 598d"},
    {U'R', 8, "000c 0040 ~4071837647 0747 478c"},
    {U'S', 8, "~72401103254667897b4c1b0a"},
    {U'T', 8, "0080 404c"},
    {U'U', 8, "0008 ~081b4c7b88 8880"},
    {U'V', 8, "004c80"},
    {U'W', 10, "003c527ca0"},
    {U'X', 8, "008c 800c"},
    {U'Y', 8, "004680 464c"},
    {U'Z', 8, "00800c8c"},
    {U'a', 6, "@3455685b3c1b0815 646c"},
    {U'b', 6, "000c @3455685b3c1b0815"},
    {U'c', 5, "~553415081b3c5b"},
    {U'd', 6, "606c @3455685b3c1b0815"},
    {U'e', 6, "0868 ~68553415081b3c5b"},
    {U'f', 4, "~402013 131c 0444"},
    {U'g', 6, "646d ~6d5f3g1f @3455685b3c1b0815"},
    {U'h', 6, "000c ~0715345567 676c"},
    {U'i', 0, "040c 0001"},
    {U'j', 2, "242d ~2d1f0g 2021"},
    {U'k', 6, "000c 5409 276c"},
    {U'l', 2, "0009 ~090b1c2c"},
    {U'm', 10, "040c ~0715344557 575c ~57658495a7 a7ac"},
    {U'n', 6, "040c ~0715345567 676c"},
    {U'o', 6, "@3455685b3c1b0815"},
    {U'p', 6, "040g @3455685b3c1b0815"},
    {U'q', 6, "646g @3455685b3c1b0815"},
    {U'r', 4, "040c ~07153444"},
    {U's', 5, "~5534150627485a4b2c0b"},
    {U't', 4, "111a ~1a1b3c4c 0444"},
    {U'u', 6, "0409 ~091b3c5b69 646c"},
    {U'v', 6, "043c64"},
    {U'w', 8, "042c466c84"},
    {U'x', 6, "046c 640c"},
    {U'y', 6, "043c 642f"},
    {U'z', 6, "04640c6c"},
    {U'0', 6, "@3052665a3c1a0612"},
    {U'1', 3, "0330 303c"},
    {U'2', 6, "~031130516356 560c6c"},
    {U'3', 6, "~02113051635536 ~3657695b3c1b0a"},
    {U'4', 6, "4c400969"},
    {U'5', 6, "601006 ~063455685b3c1b0a"},
    {U'6', 6, "@3556695b3c1b0916 ~5130110409"},
    {U'7', 6, "00602c"},
    {U'8', 6, "@3051635536150311 @3657695b3c1b0917"},
    {U'9', 6, "@3716041130516456 ~1b3c596764"},
    {U'.', 0, "0b0c"},
    {U',', 1, "1b0e"},
    {U':', 0, "0506 0b0c"},
    {U';', 1, "1506 1b0e"},
    {U'!', 0, "0008 0b0c"},
    {U'?', 6, "~031130516336 3638 3b3c"},
    {U'\'', 0, "0003"},
    {U'"', 2, "0003 2023"},
    {U'-', 5, "0757"},
    {U'+', 6, "0767 343a"},
    {U'=', 6, "0565 0969"},
    {U'/', 5, "500e"},
    {U'(', 3, "~3012061a3e"},
    {U')', 3, "~0022372b0e"},
    {U'[', 2, "20000e2e"},
    {U']', 2, "00202e0e"},
    {U'{', 3, "~30121506 ~06181c3e"},
    {U'}', 3, "~00222537 ~37282c0e"},
    {U'<', 6, "63076b"},
    {U'>', 6, "03670b"},
    {U'%', 9, "800c @20422402 @789a7c5a"},
    {U'#', 8, "302c 705c 0484 0888"},
    {U'*', 6, "3238 0565"},
    {U'_', 7, "0d7d"},
    {U'|', 0, "000e"},
    {U'~', 6, "~0817375867"},
    {U'\u00b0', 3, "@20422402"},
    {U'\u00b1', 6, "0666 3339 0c6c"},
    {U'\u00b7', 0, "0607"},
    {U'\u00d7', 6, "056b 650b"},
    {U'\u0393', 7, "0c0070"},
    {U'\u0394', 8, "0c408c0c"},
    {U'\u03b3', 6, "~051425383b 643b @3b2e3g4e"},
    {U'\u03b7', 6, "040c ~0715345567 676g"},
    {U'\u03bc', 6, "040g ~0a1c3c5a646c"},
    {U'\u03c0', 7, "0474 242c 545c"},
    {U'\u03c3', 7, "@3455685b3c1b0815 3474"},
    {U'\u03c4', 6, "0464 343b ~3b4c5c"},
    {U'\u03c6', 8, "@4475887b4c1b0815 414g"},
    {U'\u2013', 6, "0767"},
    {U'\u2212', 6, "0767"},
    {U'\u2032', 2, "2004"},
    {U'\u2192', 9, "0797 64976a"},
};

inline glyph const& glyph_of(char32_t code) {
  static constexpr glyph unknown{0, 6, "00600c6c 000c 606c"};
  auto const* const found =
      std::find_if(std::begin(font), std::end(font), [code](glyph const& g) { return g.code == code; });
  return found != std::end(font) ? *found : unknown;
}

// The next character of UTF-8 text, which is shortened by it; a broken sequence counts byte by byte.
inline char32_t next_character(std::string_view& text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::size_t const length = std::max<std::size_t>(utf8_length(text), 1);
  char32_t code = byte(0);
  if (length > 1) code &= 0x3fU >> (length - 1);
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3fU);
  text.remove_prefix(length);
  return code;
}

// Points along a smooth curve (Catmull-Rom) through the given ones.
inline std::vector<point> smooth(std::vector<point> const& through, bool closed) {
  constexpr int pieces = 6;
  auto const n = static_cast<int>(through.size());
  auto const at = [&](int i) {
    return through[static_cast<std::size_t>(closed ? (i + n) % n : std::clamp(i, 0, n - 1))];
  };
  std::vector<point> curve;
  for (int i = 0; i < (closed ? n : n - 1); ++i) {
    point const a = at(i - 1), b = at(i), c = at(i + 1), d = at(i + 2);
    for (int k = 0; k < pieces; ++k) {
      double const t = static_cast<double>(k) / pieces;
      auto const along = [t](double p, double q, double r, double s) {
        return q + t / 2 * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
      };
      curve.push_back({along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)});
    }
  }
  curve.push_back(closed ? curve.front() : through.back());
  return curve;
}

// Calls draw(points) for every stroke of a letter whose baseline starts at `origin`; one unit is `unit` pixels.
template <class Draw>
void strokes_of(glyph const& g, point origin, double unit, Draw draw) {
  auto const digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::string_view rest = g.strokes; !rest.empty();) {
    auto stroke = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(stroke.size() + 1, rest.size()));
    char const kind = stroke.front();
    if (kind == '~' || kind == '@') stroke.remove_prefix(1);
    std::vector<point> points;
    for (; stroke.size() >= 2; stroke.remove_prefix(2)) {
      points.push_back({origin.x + digit(stroke[0]) * unit, origin.y + (digit(stroke[1]) - 12) * unit});
    }
    draw(kind == '~' || kind == '@' ? smooth(points, kind == '@') : points);
  }
}

// Lays out a line of text that starts at (0, 0) on its baseline, calls draw(points, scale of the stroke) for
// every stroke, and returns the width.
template <class Draw>
double lay_out(std::string_view text, double size, Draw draw) {
  constexpr double space = 5;
  constexpr double gap = 3.2;  // between letters
  double const unit = size / 12;
  double x = 0;
  double level = 0;  // of the present letters: 0 on the line, -1 index, 1 exponent
  bool in_braces = false;
  bool single = false;
  while (!text.empty()) {
    char32_t const code = next_character(text);
    if ((code == U'_' || code == U'^') && level == 0 && !text.empty()) {
      level = code == U'_' ? -1 : 1;
      in_braces = text.front() == '{';
      single = !in_braces;
      if (in_braces) text.remove_prefix(1);
      continue;
    }
    if (code == U'}' && in_braces) {
      level = 0;
      in_braces = false;
      continue;
    }
    double const scale = level == 0 ? 1.0 : 0.72;
    if (code == U' ') {
      x += space * unit * scale;
    } else {
      glyph const& g = glyph_of(code);
      double const shift = level == 0 ? 0.0 : level < 0 ? 4.0 * unit : -5.0 * unit;
      strokes_of(g, {x, shift}, unit * scale, [&](std::vector<point> const& points) { draw(points, scale); });
      x += (g.width + gap) * unit * scale;
    }
    if (single) {
      level = 0;
      single = false;
    }
  }
  return std::max(x - gap * unit, 0.0);
}

}  // namespace detail

// The width of a line of text in pixels.
inline double text_width(std::string_view text, text_style style = {}) {
  return detail::lay_out(text, style.size, [](std::vector<point> const&, double) {});
}

// Writes a line of UTF-8 text. `anchor` is the left end, middle or right end of its baseline; x_1, x_{12} and
// x^{12} set an index or exponent. `upwards` turns the line by 90 degrees to the left round the anchor.
// Characters that the font lacks are boxes.
inline void draw_text(picture& on, point anchor, std::string_view text, text_style style = {},
                      align side = align::left, bool upwards = false) {
  double const width = side == align::left ? 0.0 : text_width(text, style);
  double const start = side == align::center ? -width / 2 : side == align::right ? -width : 0.0;
  // Whole units on the centres of pixels: upright strokes stay sharp.
  double const x0 = std::floor(upwards ? anchor.x : anchor.x + start) + 0.5;
  double const y0 = std::floor(upwards ? anchor.y - start : anchor.y) + 0.5;
  detail::lay_out(text, style.size, [&](std::vector<point> points, double scale) {
    for (point& p : points) p = upwards ? point{x0 + p.y, y0 - p.x} : point{x0 + p.x, y0 + p.y};
    on.stroke(points, style.weight * (scale < 1 ? 0.88 : 1.0), style.ink);
  });
}

}  // namespace calotype::report
