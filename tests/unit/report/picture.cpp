#include <array>

#include <doctest/doctest.h>

#include <calotype/report/picture.hpp>

namespace {

using namespace calotype::report;

static_assert(mix(black, white, 0) == black);
static_assert(mix(black, white, 1) == white);
static_assert(mix({0, 100, 255}, {200, 200, 255}, 0.5) == color{100, 150, 255});

constexpr color red{255, 0, 0};

// Pixels that are not the background.
int inked(picture const& p) {
  int n = 0;
  for (int y = 0; y < p.height(); ++y) {
    for (color c : p.row(y)) n += !(c == white);
  }
  return n;
}

TEST_CASE("a picture starts as its background and has rows of its width") {
  picture const p(7, 5, red);
  CHECK(p.width() == 7);
  CHECK(p.height() == 5);
  CHECK(p.row(4).size() == 7);
  CHECK(p.at(6, 4) == red);
}

TEST_CASE("rectangles fill exactly their pixels and are clipped") {
  picture p(10, 8);
  p.fill(2, 3, 4, 2, red);
  CHECK(inked(p) == 8);
  CHECK(p.at(2, 3) == red);
  CHECK(p.at(5, 4) == red);
  CHECK(p.at(6, 4) == white);
  picture q(10, 8);
  q.fill(-5, -5, 100, 7, red);
  CHECK(inked(q) == 20);
  picture f(10, 8);
  f.frame(1, 1, 5, 4, red);
  CHECK(inked(f) == 14);
}

TEST_CASE("opacity mixes, and nothing is drawn outside") {
  picture p(2, 1);
  p.blend(0, 0, black, 0.5);
  CHECK(p.at(0, 0) == color{128, 128, 128});
  p.blend(-1, 0, red, 1);
  p.blend(2, 0, red, 1);
  p.blend(0, 1, red, 1);
  CHECK(p.at(1, 0) == white);
}

TEST_CASE("a disc covers its area") {
  picture p(41, 41);
  p.disc({20.5, 20.5}, 10, black);
  double covered = 0;
  for (int y = 0; y < p.height(); ++y) {
    for (color c : p.row(y)) covered += 1 - c.red / 255.0;
  }
  CHECK(covered == doctest::Approx(3.14159 * 100).epsilon(0.01));
  CHECK(p.at(20, 20) == black);
  CHECK(p.at(20, 5) == white);
}

TEST_CASE("a stroke one pixel wide on pixel centres is one row of pixels") {
  picture p(20, 9);
  std::array const line{point{3.5, 4.5}, point{12.5, 4.5}};
  p.stroke(line, 1, red);
  for (int x = 3; x <= 12; ++x) CHECK(p.at(x, 4) == red);
  CHECK(p.at(2, 4) == white);
  CHECK(p.at(5, 3) == white);
  CHECK(p.at(5, 5) == white);
}

TEST_CASE("strokes that cross are laid on once") {
  picture p(20, 20);
  std::array const hook{point{3.5, 10.5}, point{15.5, 10.5}, point{3.5, 10.5}};
  p.stroke(hook, 1, black, 0.5);
  CHECK(p.at(8, 10) == color{128, 128, 128});
  p.stroke({}, 1, black);
}

}  // namespace
