// ROC curves as a figure in SVG, to be looked at or put into a page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <calotype/eval/roc.hpp>

namespace calotype::report {

// A curve and its name in the legend.
struct named_curve {
  std::string name;
  eval::roc_curve const* curve = nullptr;
};

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

// Signal efficiency to the right, background rejection (1 - false positive rate) upwards, as the event paper's
// Figure 4 has them; the broken line is a blind classifier. Points that would not be seen are left out.
inline std::string roc_figure(std::span<named_curve const> curves) {
  constexpr int side = 400;
  constexpr int left = 64;
  constexpr int top = 16;
  constexpr std::array<char const*, 6> colors{"#1f5fd0", "#c81042", "#e08a00", "#2a8a57", "#7a3fb8", "#555b66"};
  std::array<char, 256> text{};
  std::string svg;
  auto const add = [&](char const* format, auto... values) {
    int const length = std::snprintf(text.data(), text.size(), format, values...);
    svg.append(text.data(), static_cast<std::size_t>(length));
  };
  auto const x = [](double efficiency) { return left + side * efficiency; };
  auto const y = [](double rejection) { return top + side * (1 - rejection); };
  add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" font-family=\"sans-serif\" "
      "font-size=\"13\">\n",
      left + side + 24, top + side + 56, left + side + 24);
  for (int i = 0; i <= 5; ++i) {
    double const v = i / 5.0;
    add("<path d=\"M%.1f %d V%d M%d %.1f H%d\" stroke=\"#e4e7ec\"/>\n", x(v), top, top + side, left, y(v),
        left + side);
    add("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f</text>\n", x(v), top + side + 20, v);
    add("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n", left - 8, y(v) + 4, v);
  }
  add("<path d=\"M%d %d L%d %d\" stroke=\"#9aa1ad\" stroke-dasharray=\"4 4\"/>\n", left, top, left + side,
      top + side);
  add("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#262a33\"/>\n", left, top,
      side, side);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    char const* const color = colors[c % colors.size()];
    add("<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" d=\"", color);
    double last_x = -1;
    double last_y = -1;
    auto const& points = curves[c].curve->points();
    for (std::size_t i = 0; i < points.size(); ++i) {
      double const px = x(points[i].true_positive_rate);
      double const py = y(1 - points[i].false_positive_rate);
      bool const seen = i == 0 || i + 1 == points.size() || px - last_x >= 0.7 || py - last_y >= 0.7;
      if (!seen) continue;
      add("%c%.1f %.1f", i == 0 ? 'M' : 'L', px, py);
      last_x = px;
      last_y = py;
    }
    svg += "\"/>\n";
    int const line = top + side - 16 - 20 * static_cast<int>(curves.size() - 1 - c);
    add("<path d=\"M%d %d h22\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", left + 14, line - 4, color);
    add("<text x=\"%d\" y=\"%d\">", left + 44, line);
    svg += escaped(curves[c].name);
    add(" (AUC %.3f)</text>\n", curves[c].curve->auc());
  }
  add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">signal efficiency</text>\n", left + side, top + side + 44);
  add("<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">background rejection</text>\n",
      top + side / 2);
  svg += "</svg>\n";
  return svg;
}

}  // namespace calotype::report
