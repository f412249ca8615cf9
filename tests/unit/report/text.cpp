#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/text.hpp>

namespace {

using namespace calotype::report;

std::string pixels(std::string_view text, bool upwards = false) {
  picture p(200, 200);
  draw_text(p, {100, 100}, text, {}, align::center, upwards);
  std::string dump;
  for (int y = 0; y < p.height(); ++y) {
    for (color c : p.row(y)) dump += static_cast<char>(c.red);
  }
  return dump;
}

TEST_CASE("every letter of the font is different, and none leaves its line") {
  std::set<std::string> seen;
  for (auto const& g : detail::font) {
    detail::strokes_of(g, {0, 0}, 1, [&](std::vector<point> const& points) {
      REQUIRE(!points.empty());
      for (point p : points) {
        CHECK(p.x >= -1);
        CHECK(p.x <= g.width + 1);
        CHECK(p.y >= -13);
        CHECK(p.y <= 5);
      }
    });
    std::string text;
    // Two bytes are enough up to U+07FF, three beyond.
    auto const byte = [&](char32_t c) { text += static_cast<char>(c); };
    if (g.code < 0x80) {
      byte(g.code);
    } else if (g.code < 0x800) {
      byte(0xc0 | g.code >> 6);
      byte(0x80 | (g.code & 0x3f));
    } else {
      byte(0xe0 | g.code >> 12);
      byte(0x80 | (g.code >> 6 & 0x3f));
      byte(0x80 | (g.code & 0x3f));
    }
    if (g.code == U'_' || g.code == U'\u2212') continue;  // markup; the same stroke as the dash
    CAPTURE(text);
    CHECK(seen.insert(pixels("x" + text)).second);
  }
  CHECK(seen.size() > 90);
}

TEST_CASE("UTF-8 is read by characters, and broken text does not run away") {
  std::string_view text = "aφ→\xf0\x9f\x98\x80";
  CHECK(detail::next_character(text) == U'a');
  CHECK(detail::next_character(text) == U'φ');
  CHECK(detail::next_character(text) == U'→');
  CHECK(detail::next_character(text) == char32_t{0x1f600});
  CHECK(text.empty());
  std::string_view cut = "\xe2\x86";
  CHECK(detail::next_character(cut) == char32_t{0xe2});
  CHECK(detail::next_character(cut) == char32_t{0x86});
  CHECK(cut.empty());
  std::string_view broken = "\xce\x41\xc0\xaf";  // a lead byte before a letter, an overlong slash
  CHECK(detail::next_character(broken) == char32_t{0xce});
  CHECK(detail::next_character(broken) == U'A');
  CHECK(detail::next_character(broken) == char32_t{0xc0});
  CHECK(detail::next_character(broken) == char32_t{0xaf});
  CHECK(broken.empty());
}

TEST_CASE("widths add up; an index is smaller") {
  CHECK(text_width("") == 0);
  CHECK(text_width("MM") > 2 * text_width("M"));
  CHECK(text_width("E_T") < text_width("ET"));
  CHECK(text_width("m_{12}") == doctest::Approx(text_width("m^{12}")));
  CHECK(text_width("WWW", {22, 1, black}) == doctest::Approx(2 * text_width("WWW", {11, 1, black})));
}

TEST_CASE("a character that the font lacks is a box, not nothing") {
  CHECK(pixels("\xe6\xbc\xa2") != pixels(" "));
  CHECK(pixels("\xe6\xbc\xa2") == pixels("\xe5\xad\x97"));
}

TEST_CASE("text upwards is the text turned") {
  picture flat(100, 100);
  picture turned(100, 100);
  draw_text(flat, {20, 50}, "kL");
  draw_text(turned, {50, 79}, "kL", {}, align::left, true);
  int differences = 0;
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      int const a = flat.at(x, y).red;
      int const b = turned.at(y, 99 - x).red;
      differences += a - b > 2 || b - a > 2;
    }
  }
  CHECK(differences == 0);
}

}  // namespace
