#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/network_diagram.hpp>

namespace {

namespace rp = calotype::report;
using enum rp::box_kind;

int count(std::string const& text, std::string const& part) {
  int n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST_CASE("a chain with a shortcut is one column, with one arc past the boxes between") {
  std::vector<rp::diagram_box> const boxes{{input, "image", "1 x 8 x 8", {}, -1},
                                           {convolution, "conv 3x3", "4 x 8 x 8", {0}, -1},
                                           {convolution, "conv 3x3", "4 x 8 x 8", {1}, -1},
                                           {convolution, "conv 3x3, relu", "4 x 8 x 8", {2}, 1}};
  std::string const svg = rp::network_diagram(boxes);
  CHECK(svg.starts_with("<svg"));
  CHECK(count(svg, "<rect x=\"16.0\"") == 4);
  CHECK(count(svg, "h14 V") == 1);
  CHECK(svg.find("M296.0 75.5 h14 V142.5 h-14") != svg.npos);  // from the first convolution to the last
}

TEST_CASE("branches stand side by side and meet in the middle") {
  std::vector<rp::diagram_box> const boxes{{input, "a", "", {}, -1},
                                           {input, "b", "", {}, -1},
                                           {input, "c", "", {}, -1},
                                           {pooling, "pool", "3", {0}, -1},
                                           {dense, "<fc>", "2", {3, 1, 2}, -1}};
  std::string const svg = rp::network_diagram(boxes);
  CHECK(count(svg, "y=\"16.0\" width") == 3);
  CHECK(svg.find("<rect x=\"340.0\" y=\"96.0\"") != svg.npos);  // the middle column, below the longest branch
  CHECK(svg.find("&lt;fc&gt;") != svg.npos);
  CHECK(count(svg, "fill=\"#555b66\"") == 4);  // arrows
}

TEST_CASE("two boxes that read the same one stand below one another") {
  std::vector<rp::diagram_box> const boxes{{input, "image", "", {}, -1},
                                           {convolution, "conv 3x3", "", {0}, -1},
                                           {convolution, "conv 1x1", "", {0}, -1},
                                           {convolution, "conv 3x3", "", {1}, 2}};
  std::string const svg = rp::network_diagram(boxes);
  for (char const* y : {"y=\"56.0\" width", "y=\"96.0\" width", "y=\"136.0\" width"}) {
    CAPTURE(y);
    CHECK(count(svg, y) == 1);
  }
  CHECK(svg.find("M16.0 29.0 h-10 V109.0 h10") != svg.npos);  // past the first convolution
}

}  // namespace
