// A network as boxes and arrows in SVG, after the event paper's Figure 3.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/report/svg.hpp>

namespace calotype::report {

enum class box_kind : unsigned char { input, convolution, pooling, dense, other };

// One step. `reads` are the boxes before it whose outputs it takes, several where they are joined; `adds` is
// the box whose output is added to its own as a shortcut, none if negative.
struct diagram_box {
  box_kind kind = box_kind::other;
  std::string words{};
  std::string output{};  // its shape
  std::vector<int> reads{};
  int adds = -1;
};

// Boxes from top to bottom in the order given, those that read different inputs beside one another; inputs read
// nothing. Precondition: every box reads and adds boxes before it.
inline std::string network_diagram(std::span<diagram_box const> boxes) {
  constexpr double width = 280, height = 26, gap = 14, aside = 44, margin = 16;
  auto const fill = [](box_kind kind) {
    switch (kind) {
      case box_kind::input:
        return "#eceff4";
      case box_kind::convolution:
        return "#dbe8fb";
      case box_kind::pooling:
        return "#fdebd0";
      case box_kind::dense:
        return "#dff1e4";
      case box_kind::other:
        break;
    }
    return "#ffffff";
  };
  struct place {
    double x = 0;  // of the middle
    int row = 0;
  };
  std::vector<place> places;
  int columns = 0, rows = 0;
  auto const is_taken = [&places](place const& p) {
    return std::any_of(places.begin(), places.end(),
                       [&p](place const& q) { return q.row == p.row && q.x > p.x - 1 && q.x < p.x + 1; });
  };
  for (diagram_box const& b : boxes) {
    place p;
    if (b.reads.empty()) {
      p.x = margin + width / 2 + (width + aside) * columns++;
    } else {
      for (int from : b.reads) {
        place const& before = places[static_cast<std::size_t>(from)];
        p.x += before.x / static_cast<double>(b.reads.size());
        p.row = std::max(p.row, before.row + 1);
      }
    }
    while (is_taken(p)) ++p.row;
    rows = std::max(rows, p.row + 1);
    places.push_back(p);
  }
  auto const top = [](place const& p) { return margin + p.row * (height + gap); };

  drawing on(static_cast<int>(2 * margin + columns * (width + aside)),
             static_cast<int>(2 * margin + rows * (height + gap) - gap));
  // Straight down, or past the boxes between.
  auto const arrow = [&](place const& from, place const& to, bool straight) {
    double const y = top(from) + height, side = to.x - width / 2;
    if (straight) {
      on.add("<path d=\"M%.1f %.1f L%.1f %.1f\" stroke=\"#555b66\"/>\n", from.x, y, to.x, top(to) - 6);
      on.add("<path d=\"M%.1f %.1f l-4 -6 h8 z\" fill=\"#555b66\"/>\n", to.x, top(to));
    } else {
      on.add("<path d=\"M%.1f %.1f h-10 V%.1f h10\" fill=\"none\" stroke=\"#555b66\"/>\n", side, y - height / 2,
             top(to) + height / 2);
      on.add("<path d=\"M%.1f %.1f l-6 -4 v8 z\" fill=\"#555b66\"/>\n", side, top(to) + height / 2);
    }
  };
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    diagram_box const& b = boxes[i];
    place const& p = places[i];
    for (int from : b.reads) {
      place const& before = places[static_cast<std::size_t>(from)];
      arrow(before, p, before.row + 1 == p.row || before.x < p.x - 1 || before.x > p.x + 1);
    }
    if (b.adds >= 0) {
      place const& before = places[static_cast<std::size_t>(b.adds)];
      double const side = before.x + width / 2;
      double const from = top(before) + 0.75 * height, to = top(p) + 0.25 * height;
      on.add("<path d=\"M%.1f %.1f h14 V%.1f h-14\" fill=\"none\" stroke=\"#c81042\"/>\n", side, from, to);
      on.add("<path d=\"M%.1f %.1f l6 -4 v8 z\" fill=\"#c81042\"/>\n", side, to);
    }
    on.add(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" rx=\"5\" fill=\"%s\" "
        "stroke=\"#555b66\"/>\n",
        p.x - width / 2, top(p), width, height, fill(b.kind));
    on.text(p.x - width / 2 + 10, top(p) + 18, b.words);
    on.text(p.x + width / 2 - 10, top(p) + 18, b.output, "end");
  }
  return on.svg();
}

}  // namespace calotype::report
