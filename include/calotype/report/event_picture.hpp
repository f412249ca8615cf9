// Composite pictures of events in the manner of the event paper's Figures 1 and 2: tracks yellow on a
// logarithmic scale, ECAL blue on a logarithmic scale, HCAL grey on a linear scale, on white.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <calotype/report/format.hpp>
#include <calotype/report/picture.hpp>
#include <calotype/report/text.hpp>

namespace calotype::report {

// A mark on an axis; position in cells from the low edge of the plane.
struct tick {
  double position = 0;
  std::string label{};
  bool major = true;
};

// A place in a plane to point out: brackets round it at a distance of `radius` cells, and a label.
struct callout {
  double row = 0;
  double col = 0;
  double radius = 8;
  std::string label{};
};

// One plane of an image and its axes. Row 0 is drawn at the bottom. A channel is rows x cols numbers, row by
// row, or absent (empty).
struct panel {
  int rows = 0;
  int cols = 0;
  std::span<float const> tracks{};
  std::span<float const> ecal{};
  std::span<float const> hcal{};
  std::string title{};
  std::string x_title{};
  std::string y_title{};
  std::string right_title{};
  std::vector<tick> x_ticks{};
  std::vector<tick> y_ticks{};
  std::vector<tick> top_ticks{};
  std::vector<tick> right_ticks{};
  std::vector<double> x_guides{};  // faint lines across the plane, such as borders of modules
  std::vector<double> y_guides{};
  std::vector<char> cells{};  // rows x cols, true where the detector has a cell; empty: everywhere
  std::vector<callout> callouts{};
};

struct event_picture_options {
  int scale = 4;  // pixels per cell and direction
  // What is left out for clarity, in GeV: smaller numbers are not drawn. Logarithmic scales begin there, or at
  // 1 MeV where nothing is left out.
  double track_threshold = 0.7;
  double ecal_threshold = 0.15;
  double hcal_threshold = 0.7;
  // How far a single track or ECAL cell is drawn beyond its own pixels, in pixels of the picture, so that it is
  // seen.
  double track_growth = 1.5;
  int ecal_growth = 1;
  std::string hcal_name = "HCAL energy";
};

// The panels of a picture, line by line, and what is written above them.
struct event_picture {
  std::string title{};
  std::string subtitle{};
  std::string note{};  // at the right end of the title line
  std::vector<std::vector<panel>> lines{};
};

namespace detail {

inline constexpr color ink{38, 42, 51};
inline constexpr color faint_ink{110, 117, 130};
inline constexpr color guide_ink{236, 238, 242};
inline constexpr color mark_ink{200, 16, 66};

// From a quantity in GeV to a colour through three stops.
struct color_scale {
  double low = 0;
  double high = 1;
  bool logarithmic = true;
  std::array<color, 3> stops{};

  double place(double value) const {
    double const t = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return t > 0 ? std::min(t, 1.0) : 0;
  }
  color at(double place) const {
    return place < 0.5 ? mix(stops[0], stops[1], 2 * place) : mix(stops[1], stops[2], 2 * place - 1);
  }
  color operator()(double value) const { return at(place(value)); }
};

inline constexpr std::array<color, 3> track_stops{color{255, 221, 74}, color{252, 181, 6}, color{217, 119, 0}};
inline constexpr std::array<color, 3> ecal_stops{color{134, 192, 245}, color{31, 99, 214}, color{6, 20, 88}};
inline constexpr std::array<color, 3> hcal_stops{color{229, 230, 233}, color{150, 152, 158}, color{64, 66, 72}};

// 1, 2 or 5 times a power of ten, not below the value.
inline double round_up(double value) {
  double const decade = std::pow(10.0, std::floor(std::log10(value)));
  for (double step : {1.0, 2.0, 5.0}) {
    if (value <= step * decade * (1 + 1e-9)) return step * decade;
  }
  return 10 * decade;
}

inline double largest(std::vector<std::vector<panel>> const& lines, std::span<float const> panel::*channel) {
  float most = 0;
  for (auto const& line : lines) {
    for (auto const& p : line) {
      for (float value : p.*channel) most = std::max(most, value);
    }
  }
  return static_cast<double>(most);
}

inline bool shown(std::vector<std::vector<panel>> const& lines, std::span<float const> panel::*channel) {
  return std::any_of(lines.begin(), lines.end(), [&](auto const& line) {
    return std::any_of(line.begin(), line.end(), [&](panel const& p) { return !(p.*channel).empty(); });
  });
}

inline std::string number_text(double value) { return formatted("%g", value); }

// Draws one picture; measures first, so that the canvas fits.
class event_painter {
 public:
  event_painter(event_picture const& what, event_picture_options const& options)
      : what_(what), options_(options), canvas_(1, 1) {
    auto const high = [&](std::span<float const> panel::*channel, double least) {
      return round_up(std::max(largest(what.lines, channel), least));
    };
    auto const logarithmic = [&](std::span<float const> panel::*channel, double threshold,
                                 std::array<color, 3> const& stops) {
      double const low = threshold > 0 ? threshold : 1e-3;
      return color_scale{low, high(channel, 10 * low), true, stops};
    };
    tracks_ = logarithmic(&panel::tracks, options.track_threshold, track_stops);
    ecal_ = logarithmic(&panel::ecal, options.ecal_threshold, ecal_stops);
    hcal_ = {0, high(&panel::hcal, 2), false, hcal_stops};
  }

  picture draw() {
    int width = 0;
    int height = header_height;
    int last_line_width = 0;
    for (auto const& line : what_.lines) {
      auto const size = extent(line);
      width = std::max(width, size.first);
      last_line_width = size.first;
      height += size.second;
    }
    bool const legend_beside = last_line_width + legend_width <= width;
    if (!legend_beside) height += legend_strip_height;
    canvas_ = picture(width, height);
    header();
    int y = header_height;
    int legend_x = 0;
    int legend_y = 0;
    for (auto const& line : what_.lines) {
      int x = 0;
      for (panel const& p : line) {
        draw(p, x, y);
        x += extent(p).first;
      }
      legend_x = x;
      legend_y = y;
      y += extent(line).second;
    }
    if (legend_beside) {
      legend_column(legend_x + (width - legend_x - legend_width) / 2 + 20, legend_y + 70);
    } else {
      legend_strip(left_margin, y + 6);
    }
    return std::move(canvas_);
  }

 private:
  static constexpr int header_height = 76;
  static constexpr int left_margin = 74;
  static constexpr int top_margin = 34;
  static constexpr int bottom_margin = 52;
  static constexpr int legend_width = 380;
  static constexpr int legend_strip_height = 66;
  static constexpr int bar_width = 300;
  static constexpr int bar_height = 11;
  static constexpr text_style label_style{11, 1.35, ink};
  static constexpr text_style small_style{10, 1.2, faint_ink};
  static constexpr text_style axis_style{13, 1.6, ink};

  int right_margin(panel const& p) const { return p.right_ticks.empty() ? 26 : 72; }
  std::pair<int, int> extent(panel const& p) const {
    return {left_margin + p.cols * options_.scale + right_margin(p),
            top_margin + p.rows * options_.scale + bottom_margin};
  }
  std::pair<int, int> extent(std::vector<panel> const& line) const {
    int width = 0;
    int height = 0;
    for (panel const& p : line) {
      auto const size = extent(p);
      width += size.first;
      height = std::max(height, size.second);
    }
    return {width, height};
  }

  void header() {
    draw_text(canvas_, {left_margin + 0.0, 34}, what_.title, {16, 2.1, ink});
    draw_text(canvas_, {left_margin + 0.0, 62}, what_.subtitle, {12, 1.5, faint_ink});
    draw_text(canvas_, {canvas_.width() - 26.0, 34}, what_.note, {12, 1.4, faint_ink}, align::right);
  }

  void draw(panel const& p, int x, int y) {
    int const scale = options_.scale;
    x0_ = x + left_margin;
    y0_ = y + top_margin;
    width_ = p.cols * scale;
    height_ = p.rows * scale;
    background(p);
    hcal(p);
    tracks(p);
    ecal(p);
    outline(p);
    axes(p);
    for (callout const& c : p.callouts) mark(c);
  }

  // The top left pixel of a cell.
  int left(int col) const { return x0_ + col * options_.scale; }
  int top(int row) const { return y0_ + height_ - (row + 1) * options_.scale; }
  double x_of(double col) const { return x0_ + col * options_.scale; }
  double y_of(double row) const { return y0_ + height_ - row * options_.scale; }
  static std::size_t place(panel const& p, int row, int col) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(p.cols) + static_cast<std::size_t>(col);
  }
  static bool has_cell(panel const& p, int row, int col) {
    return row >= 0 && row < p.rows && col >= 0 && col < p.cols &&
           (p.cells.empty() || p.cells[place(p, row, col)]);
  }

  struct cell {
    double value;
    int row;
    int col;
  };
  // The cells to be drawn, the smallest first, so that large values stay on top.
  static std::vector<cell> rising(panel const& p, std::span<float const> channel, double threshold) {
    std::vector<cell> list;
    for (std::size_t i = 0; i < channel.size(); ++i) {
      auto const value = static_cast<double>(channel[i]);
      if (value < threshold || !(value > 0)) continue;
      list.push_back({value, static_cast<int>(i) / p.cols, static_cast<int>(i) % p.cols});
    }
    std::sort(list.begin(), list.end(), [](cell const& a, cell const& b) {
      return std::tie(a.value, a.row, a.col) < std::tie(b.value, b.row, b.col);
    });
    return list;
  }

  void background(panel const& p) {
    for (double at : p.x_guides) canvas_.fill(static_cast<int>(x_of(at)), y0_, 1, height_, guide_ink);
    for (double at : p.y_guides) canvas_.fill(x0_, static_cast<int>(y_of(at)), width_, 1, guide_ink);
  }

  void hcal(panel const& p) {
    for (cell const& c : rising(p, p.hcal, options_.hcal_threshold)) {
      canvas_.fill(left(c.col), top(c.row), options_.scale, options_.scale, hcal_(c.value));
    }
  }

  void ecal(panel const& p) {
    int const grow = options_.ecal_growth;
    int const side = options_.scale + 2 * grow;
    for (cell const& c : rising(p, p.ecal, options_.ecal_threshold)) {
      canvas_.fill(left(c.col) - grow, top(c.row) - grow, side, side, ecal_(c.value));
    }
  }

  void tracks(panel const& p) {
    double const radius = options_.scale / 2.0 + options_.track_growth;
    for (cell const& c : rising(p, p.tracks, options_.track_threshold)) {
      point const center{x_of(c.col + 0.5), y_of(c.row + 0.5)};
      canvas_.disc(center, radius, mix(tracks_(c.value), black, 0.28));
      canvas_.disc(center, radius - 0.8, tracks_(c.value));
    }
  }

  // A hairline round the cells that exist, or round the plane.
  void outline(panel const& p) {
    if (p.cells.empty()) {
      canvas_.frame(x0_ - 1, y0_ - 1, width_ + 2, height_ + 2, ink, 0.75);
      return;
    }
    constexpr color line{172, 178, 190};
    int const scale = options_.scale;
    for (int row = 0; row < p.rows; ++row) {
      for (int col = 0; col < p.cols; ++col) {
        if (!has_cell(p, row, col)) continue;
        if (!has_cell(p, row + 1, col)) canvas_.fill(left(col), top(row) - 1, scale, 1, line);
        if (!has_cell(p, row - 1, col)) canvas_.fill(left(col), top(row) + scale, scale, 1, line);
        if (!has_cell(p, row, col - 1)) canvas_.fill(left(col) - 1, top(row), 1, scale, line);
        if (!has_cell(p, row, col + 1)) canvas_.fill(left(col) + scale, top(row), 1, scale, line);
      }
    }
    canvas_.frame(x0_ - 1, y0_ - 1, width_ + 2, height_ + 2, faint_ink, 0.6);
  }

  void axes(panel const& p) {
    auto const length = [](tick const& t) { return t.major ? 8 : 5; };
    int const bottom = y0_ + height_;
    int const right = x0_ + width_;
    for (tick const& t : p.x_ticks) {
      double const x = x_of(t.position);
      canvas_.fill(static_cast<int>(x), bottom, 1, length(t), ink);
      draw_text(canvas_, {x, bottom + 24.0}, t.label, label_style, align::center);
    }
    for (tick const& t : p.y_ticks) {
      double const y = y_of(t.position);
      canvas_.fill(x0_ - length(t), static_cast<int>(y), length(t), 1, ink);
      draw_text(canvas_, {x0_ - 13.0, y + 5}, t.label, label_style, align::right);
    }
    for (tick const& t : p.top_ticks) {
      double const x = x_of(t.position);
      canvas_.fill(static_cast<int>(x), y0_ - 6, 1, 6, faint_ink);
      draw_text(canvas_, {x, y0_ - 11.0}, t.label, small_style, align::center);
    }
    for (tick const& t : p.right_ticks) {
      double const y = y_of(t.position);
      canvas_.fill(right, static_cast<int>(y), length(t), 1, faint_ink);
      draw_text(canvas_, {right + 13.0, y + 4}, t.label, small_style);
    }
    draw_text(canvas_, {right + 0.0, bottom + 44.0}, p.x_title, axis_style, align::right);
    draw_text(canvas_, {x0_ - 50.0, y0_ + 0.0}, p.y_title, axis_style, align::right, true);
    draw_text(canvas_, {right + 62.0, y0_ + 0.0}, p.right_title, {12, 1.4, faint_ink}, align::right, true);
    draw_text(canvas_, {right + 0.0, y0_ - 11.0}, p.title, {13, 1.7, ink}, align::right);
  }

  // Corner brackets and a label that stays inside the panel.
  void mark(callout const& c) {
    double const x = x_of(c.col);
    double const y = y_of(c.row);
    double const r = c.radius * options_.scale;
    double const arm = r * 0.45;
    for (double sx : {-1.0, 1.0}) {
      for (double sy : {-1.0, 1.0}) {
        point const corner{std::floor(x + sx * r) + 0.5, std::floor(y + sy * r) + 0.5};
        std::array const bracket{point{corner.x - sx * arm, corner.y}, corner,
                                 point{corner.x, corner.y - sy * arm}};
        canvas_.stroke(bracket, 2.2, mark_ink);
      }
    }
    constexpr text_style style{12, 1.7, mark_ink};
    double const half = text_width(c.label, style) / 2;
    double const middle = std::clamp(x, x0_ + half + 4, x0_ + width_ - half - 4);
    bool const above = y - r - 24 > y0_;
    double const baseline = above ? y - r - 8 : y + r + 20;
    // A pale ground keeps the label readable on hits.
    canvas_.fill(static_cast<int>(middle - half) - 3, static_cast<int>(baseline) - 14,
                 static_cast<int>(2 * half) + 7, 19, white, 0.75);
    draw_text(canvas_, {middle, baseline}, c.label, style, align::center);
  }

  struct bar {
    color_scale scale;
    double threshold;
    std::string name;
  };
  std::vector<bar> bars() const {
    std::vector<bar> list;
    if (shown(what_.lines, &panel::tracks)) {
      list.push_back({tracks_, options_.track_threshold, "Track p_T (GeV), log scale"});
    }
    if (shown(what_.lines, &panel::ecal)) {
      list.push_back({ecal_, options_.ecal_threshold, "ECAL energy (GeV), log scale"});
    }
    if (shown(what_.lines, &panel::hcal)) {
      list.push_back({hcal_, options_.hcal_threshold, options_.hcal_name + " (GeV), linear scale"});
    }
    return list;
  }

  void legend_column(int x, int y) {
    for (bar const& b : bars()) {
      draw_bar(b, x, y);
      y += 92;
    }
    draw_text(canvas_, {x + 0.0, y + 4.0}, "Smaller values are left out for clarity.", small_style);
  }
  void legend_strip(int x, int y) {
    for (bar const& b : bars()) {
      draw_bar(b, x, y);
      x += bar_width + 90;
    }
  }

  void draw_bar(bar const& b, int x, int y) {
    draw_text(canvas_, {x + 0.0, y + 12.0}, b.name, label_style);
    int const top = y + 21;
    for (int i = 0; i < bar_width; ++i)
      canvas_.fill(x + i, top, 1, bar_height, b.scale.at((i + 0.5) / bar_width));
    canvas_.frame(x - 1, top - 1, bar_width + 2, bar_height + 2, faint_ink, 0.6);
    double free_from = -1e9;  // labels must not touch
    auto const label = [&](double value, bool forced) {
      double const at = x + b.scale.place(value) * bar_width;
      std::string const text = number_text(value);
      double const half = text_width(text, small_style) / 2;
      canvas_.fill(static_cast<int>(at), top + bar_height, 1, 5, faint_ink);
      if (at - half < free_from && !forced) return;
      draw_text(canvas_, {at, top + bar_height + 20.0}, text, small_style, align::center);
      free_from = at + half + 8;
    };
    if (b.scale.logarithmic) {
      label(b.scale.low, true);
      for (double decade = 1e-3; decade < b.scale.high; decade *= 10) {
        if (decade > b.scale.low * 1.01) label(decade, false);
      }
      if (b.scale.place(b.scale.high) * bar_width + x - 14 > free_from) label(b.scale.high, false);
    } else {
      // The high end is 1, 2 or 5 times a power of ten: 5, 4 and 5 equal steps are round numbers.
      double const leading = b.scale.high / std::pow(10.0, std::floor(std::log10(b.scale.high) + 1e-9));
      int const steps = leading > 1.5 && leading < 2.5 ? 4 : 5;
      for (int i = 0; i <= steps; ++i) label(b.scale.high * i / steps, false);
    }
  }

  event_picture const& what_;
  event_picture_options options_;
  picture canvas_;
  color_scale tracks_{};
  color_scale ecal_{};
  color_scale hcal_{};
  int x0_ = 0;
  int y0_ = 0;
  int width_ = 0;
  int height_ = 0;
};

}  // namespace detail

// Draws the panels with axes, legend and title. Numbers below the thresholds are left out; a cell holds one
// colour per channel, HCAL below, tracks (discs) on it, ECAL cells on top.
inline picture draw_event(event_picture const& what, event_picture_options const& options = {}) {
  return detail::event_painter(what, options).draw();
}

}  // namespace calotype::report
