// Plots in SVG: axes, lines, histograms, points with errors, and densities over a plane.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/report/svg.hpp>

namespace calotype::report {

// The range of an axis that is shown. A logarithmic one begins above 0, at a thousandth of its high end if told
// otherwise; one without width gets some.
struct plot_axis {
  std::string title{};
  double low = 0;
  double high = 1;
  bool logarithmic = false;
};

// Inside the axes, or to the right of them, where it hides nothing.
enum class legend_place { top_right, top_left, bottom_left, bottom_right, beside };

// Series come in the order they are added, each in the next colour; what lies outside the axes is cut off.
// Numbers that are not finite leave a gap.
class plot {
 public:
  // The sizes are of the area inside the axes, in pixels.
  plot(plot_axis x, plot_axis y, int width = 400, int height = 300)
      : x_(drawable(std::move(x))), y_(drawable(std::move(y))), width_(width), height_(height) {}

  // Straight from point to point; a point without neighbours is a disc. An empty name stays out of the legend.
  void line(std::span<double const> x, std::span<double const> y, std::string name = {}) {
    char const* const ink = next_color();
    path(x, y, ink, "");
    named(ink, std::move(name));
  }
  // A thin broken line in grey, for what others are compared with.
  void guide(std::span<double const> x, std::span<double const> y) {
    path(x, y, "#9aa1ad", " stroke-dasharray=\"4 4\"");
  }

  // heights[i] from edges[i] to edges[i + 1], as an outline that begins and ends on the axis.
  void histogram(std::span<double const> edges, std::span<double const> heights, std::string name = {}) {
    std::vector<double> x, y;
    double const ground = y_.logarithmic ? y_.low : 0.0;
    for (std::size_t i = 0; i + 1 < edges.size() && i < heights.size(); ++i) {
      if (i == 0) add_point(x, y, edges[0], ground);
      add_point(x, y, edges[i], std::max(heights[i], ground));
      add_point(x, y, edges[i + 1], std::max(heights[i], ground));
    }
    if (!x.empty()) add_point(x, y, x.back(), ground);
    line(x, y, std::move(name));
  }

  // Points with error bars of +- errors[i]; no errors, no bars, and none for errors that are not finite.
  void points(std::span<double const> x, std::span<double const> y, std::span<double const> errors,
              std::string name = {}) {
    char const* const ink = next_color();
    for (std::size_t i = 0; i < x.size(); ++i) {
      double const px = across(x[i]), py = down(y[i]);
      if (!std::isfinite(px) || !std::isfinite(py)) continue;
      disc(px, py, ink);
      if (i >= errors.size()) continue;
      double const low = y[i] - errors[i];
      double const from = down(y_.logarithmic && low < y_.low ? y_.low : low), to = down(y[i] + errors[i]);
      if (!std::isfinite(from) || !std::isfinite(to)) continue;
      inside_.add("<path d=\"M%.1f %.1f V%.1f\" stroke=\"%s\"/>\n", px, from, to, ink);
    }
    named(ink, std::move(name));
  }

  // counts, row by row from the lowest y, fill the whole area in equal cells, the darker the more.
  void density(int columns, int rows, std::span<double const> counts) {
    double const most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
    if (!(most > 0)) return;
    double const w = static_cast<double>(width_) / columns, h = static_cast<double>(height_) / rows;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        double const n = counts[static_cast<std::size_t>(r * columns + c)];
        if (!(n > 0)) continue;
        inside_.add(
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"#173f8a\" "
            "fill-opacity=\"%.3f\"/>\n",
            c * w, height_ - (r + 1) * h, w + 0.05, h + 0.05, std::sqrt(n / most));
      }
    }
  }

  // Where the legend is; top right unless told otherwise.
  void legend_at(legend_place where) { legend_ = where; }

  std::string svg() const {
    drawing on(left + width_ + right + width_beside(), top + height_ + bottom);
    draw_axis_across(on);
    draw_axis_upwards(on);
    on.add("<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">\n", left, top, width_, height_);
    on.put(inside_.elements());
    on.add("</svg>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#262a33\"/>\n",
           left, top, width_, height_);
    draw_legend(on);
    return on.svg();
  }

 private:
  static constexpr int left = 64, top = 16, right = 24, bottom = 56;

  struct entry {
    char const* ink;
    std::string name;
  };

  static void add_point(std::vector<double>& x, std::vector<double>& y, double px, double py) {
    x.push_back(px);
    y.push_back(py);
  }

  char const* next_color() {
    static constexpr std::array<char const*, 6> colors{"#1f5fd0", "#c81042", "#e08a00",
                                                       "#2a8a57", "#7a3fb8", "#555b66"};
    return colors[series_++ % colors.size()];
  }

  void named(char const* ink, std::string name) {
    if (!name.empty()) names_.push_back({ink, std::move(name)});
  }

  static plot_axis drawable(plot_axis a) {
    if (!std::isfinite(a.low) || !std::isfinite(a.high)) {
      a.low = 0;
      a.high = 1;
    }
    if (a.logarithmic && !(a.high > 0)) a.high = 1;
    if (a.logarithmic && !(a.low > 0)) a.low = a.high / 1e3;
    double const reach = std::max(std::abs(a.low), std::abs(a.high));
    if (std::abs(a.high - a.low) > 1e-9 * reach) return a;
    if (a.logarithmic) {
      a.low /= 2;
      a.high *= 2;
    } else {
      double const more = reach > 0 ? 0.01 * reach : 0.5;
      a.low -= more;
      a.high += more;
    }
    return a;
  }

  // Where a number lies on an axis, from 0 to 1. What is far beyond stays within a few plots, so that every
  // program can draw it.
  static double part(plot_axis const& a, double v) {
    double const t =
        a.logarithmic ? std::log(v / a.low) / std::log(a.high / a.low) : (v - a.low) / (a.high - a.low);
    return std::isfinite(t) ? std::clamp(t, -10.0, 11.0) : t;
  }
  double across(double v) const { return width_ * part(x_, v); }
  double down(double v) const { return height_ * (1 - part(y_, v)); }

  // Points that would not be seen beside the one before are left out.
  void path(std::span<double const> x, std::span<double const> y, char const* ink, char const* style) {
    inside_.add("<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"%s d=\"", ink, style);
    bool pen_up = true;
    double last_x = 0, last_y = 0;
    std::size_t const n = std::min(x.size(), y.size());
    auto const shown = [&](std::size_t i) {
      return i < n && std::isfinite(across(x[i])) && std::isfinite(down(y[i]));
    };
    std::vector<std::size_t> alone;
    for (std::size_t i = 0; i < n; ++i) {
      if (!shown(i)) {
        pen_up = true;
        continue;
      }
      double const px = across(x[i]), py = down(y[i]);
      if (pen_up && !shown(i + 1)) alone.push_back(i);
      bool const seen = pen_up || i + 1 == n || std::abs(px - last_x) >= 0.7 || std::abs(py - last_y) >= 0.7;
      if (!seen) continue;
      inside_.add("%c%.1f %.1f", pen_up ? 'M' : 'L', px, py);
      pen_up = false;
      last_x = px;
      last_y = py;
    }
    inside_.put("\"/>\n");
    for (std::size_t const i : alone) disc(across(x[i]), down(y[i]), ink);
  }
  void disc(double px, double py, char const* ink) {
    inside_.add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", px, py, ink);
  }

  // About five round numbers; powers of ten on a logarithmic axis. Bounded, whatever the rounding.
  static std::vector<double> ticks(plot_axis const& a) {
    constexpr std::size_t most = 640;  // powers of ten that a double has
    std::vector<double> at;
    if (a.logarithmic) {
      double v = std::pow(10.0, std::ceil(std::log10(a.low) - 1e-9));
      for (; v <= a.high * (1 + 1e-9) && at.size() < most; v *= 10) at.push_back(v);
      return at;
    }
    double const raw = (a.high - a.low) / 5;
    double const unit = std::pow(10.0, std::floor(std::log10(raw)));
    double const step = raw / unit < 1.5   ? unit
                        : raw / unit < 3.5 ? 2 * unit
                        : raw / unit < 7.5 ? 5 * unit
                                           : 10 * unit;
    double const first = std::ceil(a.low / step - 1e-9);
    for (double k = first; k * step <= a.high + 1e-9 * step && at.size() < most; ++k)
      at.push_back(k * step + 0.0);  // no -0
    return at;
  }

  void draw_axis_across(drawing& on) const {
    for (double v : ticks(x_)) {
      double const px = left + across(v);
      on.add("<path d=\"M%.1f %d V%d\" stroke=\"#e4e7ec\"/>\n", px, top, top + height_);
      on.add("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n", px, top + height_ + 20, v);
    }
    on.text(left + width_, top + height_ + 44, x_.title, "end");
  }

  void draw_axis_upwards(drawing& on) const {
    for (double v : ticks(y_)) {
      double const py = top + down(v);
      on.add("<path d=\"M%d %.1f H%d\" stroke=\"#e4e7ec\"/>\n", left, py, left + width_);
      on.add("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", left - 8, py + 4, v);
    }
    on.add("<g transform=\"translate(16 %d) rotate(-90)\">", top + height_ / 2);
    on.text(0, 0, y_.title, "middle");
    on.put("</g>\n");
  }

  // What a legend beside the axes needs; text is about half as wide as it is high.
  int width_beside() const {
    if (legend_ != legend_place::beside) return 0;
    std::size_t letters = 0;
    for (entry const& e : names_) letters = std::max(letters, e.name.size());
    return 28 + 8 * static_cast<int>(letters);
  }

  void draw_legend(drawing& on) const {
    using enum legend_place;
    bool const low = legend_ == bottom_left || legend_ == bottom_right;
    bool const at_left = legend_ == top_left || legend_ == bottom_left || legend_ == beside;
    int const edge = legend_ == beside ? left + width_ : left;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      auto const line = static_cast<int>(low ? names_.size() - 1 - i : i);
      int const y = low ? top + height_ - 16 - 20 * line : top + 24 + 20 * line;
      int const mark = at_left ? edge + 14 : left + width_ - 36;
      on.add("<path d=\"M%d %d h22\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", mark, y - 4, names_[i].ink);
      on.text(at_left ? mark + 30 : mark - 8, y, names_[i].name, at_left ? "start" : "end");
    }
  }

  plot_axis x_, y_;
  int width_, height_;
  std::size_t series_ = 0;
  legend_place legend_ = legend_place::top_right;
  drawing inside_{0, 0};
  std::vector<entry> names_{};
};

}  // namespace calotype::report
