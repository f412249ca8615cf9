// A picture in memory and the few marks that plots need: rectangles, anti-aliased strokes, discs. Standard
// library only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace calotype::report {

struct color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;

  friend constexpr bool operator==(color, color) = default;
};

inline constexpr color white{255, 255, 255};
inline constexpr color black{0, 0, 0};

// The colour a fraction t of the way from a to b.
constexpr color mix(color a, color b, double t) {
  auto const channel = [t](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(from + (to - from) * t + 0.5);
  };
  return {channel(a.red, b.red), channel(a.green, b.green), channel(a.blue, b.blue)};
}

// A place in a picture, in pixels; the centre of the pixel in column x and row y is (x + 0.5, y + 0.5), rows
// downwards.
struct point {
  double x = 0;
  double y = 0;
};

// RGB pixels, 8 bits each, rows downwards. Drawing outside is clipped.
class picture {
 public:
  picture(int width, int height, color background = white)
      : width_(width),
        height_(height),
        pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), background) {}

  int width() const noexcept { return width_; }
  int height() const noexcept { return height_; }
  // Precondition: inside.
  color& at(int x, int y) noexcept { return pixels_[place(x, y)]; }
  color at(int x, int y) const noexcept { return pixels_[place(x, y)]; }
  std::span<color const> row(int y) const noexcept {
    return std::span(pixels_).subspan(place(0, y), static_cast<std::size_t>(width_));
  }

  // Lays a colour over a pixel; opacity from 0 to 1.
  void blend(int x, int y, color c, double opacity) noexcept {
    if (x < 0 || y < 0 || x >= width_ || y >= height_ || !(opacity > 0)) return;
    at(x, y) = mix(at(x, y), c, std::min(opacity, 1.0));
  }

  void fill(int x, int y, int width, int height, color c, double opacity = 1) noexcept {
    for (int row = std::max(y, 0); row < std::min(y + height, height_); ++row) {
      for (int col = std::max(x, 0); col < std::min(x + width, width_); ++col) blend(col, row, c, opacity);
    }
  }

  // The outline of a rectangle, one pixel wide, drawn inside it.
  void frame(int x, int y, int width, int height, color c, double opacity = 1) noexcept {
    fill(x, y, width, 1, c, opacity);
    fill(x, y + height - 1, width, 1, c, opacity);
    fill(x, y + 1, 1, height - 2, c, opacity);
    fill(x + width - 1, y + 1, 1, height - 2, c, opacity);
  }

  void disc(point center, double radius, color c, double opacity = 1) noexcept {
    cover(center.x - radius, center.y - radius, center.x + radius, center.y + radius, c, opacity,
          [&](point p) { return radius - std::hypot(p.x - center.x, p.y - center.y); });
  }

  // Connected straight strokes with round ends, `width` pixels wide. Where they overlap the colour is laid on
  // once.
  void stroke(std::span<point const> corners, double width, color c, double opacity = 1) {
    if (corners.empty()) return;
    auto const [left, right] =
        std::minmax_element(corners.begin(), corners.end(), [](point a, point b) { return a.x < b.x; });
    auto const [top, bottom] =
        std::minmax_element(corners.begin(), corners.end(), [](point a, point b) { return a.y < b.y; });
    double const half = width / 2;
    cover(left->x - half, top->y - half, right->x + half, bottom->y + half, c, opacity, [&](point p) {
      double nearest = std::hypot(p.x - corners[0].x, p.y - corners[0].y);
      for (std::size_t i = 1; i < corners.size(); ++i) {
        nearest = std::min(nearest, distance(p, corners[i - 1], corners[i]));
      }
      return half - nearest;
    });
  }

 private:
  std::size_t place(int x, int y) const noexcept {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }

  static double distance(point p, point a, point b) noexcept {
    double const dx = b.x - a.x;
    double const dy = b.y - a.y;
    double const length = dx * dx + dy * dy;
    double const t = length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0.0;
    return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
  }

  // Lays the colour on a shape; `depth` is the distance of a point to its border, positive inside.
  template <class Depth>
  void cover(double left, double top, double right, double bottom, color c, double opacity, Depth depth) {
    int const last_row = std::min(static_cast<int>(std::ceil(bottom)), height_ - 1);
    int const last_col = std::min(static_cast<int>(std::ceil(right)), width_ - 1);
    for (int y = std::max(static_cast<int>(std::floor(top)) - 1, 0); y <= last_row; ++y) {
      for (int x = std::max(static_cast<int>(std::floor(left)) - 1, 0); x <= last_col; ++x) {
        blend(x, y, c, opacity * std::clamp(depth(point{x + 0.5, y + 0.5}) + 0.5, 0.0, 1.0));
      }
    }
  }

  int width_;
  int height_;
  std::vector<color> pixels_;
};

}  // namespace calotype::report
