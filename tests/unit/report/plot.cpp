#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/plot.hpp>

namespace {

namespace rp = calotype::report;

int count(std::string const& text, std::string const& part) {
  int n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST_CASE("points lie where the axes say, on linear and logarithmic ones") {
  rp::plot p({"x", 0, 10}, {"y", 1, 1000, true}, 200, 300);
  p.line(std::array{0.0, 5.0, 10.0}, std::array{1.0, 10.0, 1000.0}, "a < b");
  std::string const svg = p.svg();
  CHECK(svg.find("M0.0 300.0L100.0 200.0L200.0 0.0\"/>") != svg.npos);
  CHECK(svg.find("a &lt; b") != svg.npos);
  CHECK(svg.find(">100</text>") != svg.npos);
  CHECK(svg.ends_with("</svg>\n"));
}

TEST_CASE("a legend beside the axes is in nobody's way, and the picture has room for it") {
  rp::plot p({"x", 0, 1}, {"y", 0, 1}, 200, 100);
  p.line(std::array{0.0, 1.0}, std::array{0.0, 1.0}, "1234567890");
  CHECK(p.svg().find("width=\"288\"") != std::string::npos);  // 64 + 200 + 24
  p.legend_at(rp::legend_place::beside);
  CHECK(p.svg().find("width=\"396\"") != std::string::npos);  // and 28 + 10 * 8
  CHECK(p.svg().find("M278 ") != std::string::npos);          // 64 + 200 + 14
}

TEST_CASE("a histogram is an outline from its first to its last edge") {
  rp::plot p({"m", 0, 4}, {"events", 0, 10}, 400, 100);
  p.histogram(std::array{0.0, 1.0, 4.0}, std::array{5.0, 10.0});
  CHECK(p.svg().find("M0.0 100.0L0.0 50.0L100.0 50.0L100.0 0.0L400.0 0.0L400.0 100.0\"/>") !=
        std::string::npos);
}

TEST_CASE("numbers that are not finite leave a gap") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  rp::plot p({"x", 0, 3}, {"y", 0, 1}, 300, 100);
  p.line(std::array{0.0, 1.0, 2.0, 3.0}, std::array{0.5, nan, 0.5, 1.0});
  CHECK(p.svg().find("M0.0 50.0M200.0 50.0L300.0 0.0\"/>") != std::string::npos);
  CHECK(count(p.svg(), "<circle cx=\"0.0\" cy=\"50.0\"") == 1);  // alone, so that no stroke shows it
  CHECK(count(p.svg(), "<circle") == 1);
  p.points(std::array{1.0, 2.0}, std::array{nan, 0.5}, std::array{0.1, 0.1});
  CHECK(count(p.svg(), "<circle") == 2);
  CHECK(p.svg().find("M200.0 60.0 V40.0") != std::string::npos);
}

TEST_CASE("a density is darkest where most is, and empty cells are not drawn") {
  rp::plot p({"x"}, {"y"}, 20, 20);
  p.density(2, 2, std::array{4.0, 0.0, 1.0, 0.0});
  std::string const svg = p.svg();
  CHECK(count(svg, "fill-opacity") == 2);
  CHECK(
      svg.find(
          "x=\"0.00\" y=\"10.00\" width=\"10.05\" height=\"10.05\" fill=\"#173f8a\" fill-opacity=\"1.000\"") !=
      svg.npos);
  CHECK(svg.find("fill-opacity=\"0.500\"") != svg.npos);
}

TEST_CASE("what lies far outside stays within a few plots, and bars that are not finite are left out") {
  double const nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  rp::plot p({"x", 0, 1}, {"y", 0, 1}, 100, 100);
  p.line(std::array{0.0, 1.0}, std::array{-1e300, 1e300});
  p.points(std::array{0.1, 0.2, 0.3, 1e300}, std::array{0.5, 0.5, 0.5, -1e300},
           std::array{nan, inf, 0.1, 1e300});
  std::string const svg = p.svg();
  CHECK(svg.find("M0.0 1100.0L100.0 -1000.0\"/>") != svg.npos);
  CHECK(count(svg, "<circle") == 4);
  CHECK(count(svg, "stroke=\"#c81042\"/>") == 2);
  CHECK(svg.find("M30.0 60.0 V40.0") != svg.npos);
  CHECK(svg.find("nan") == svg.npos);
  CHECK(svg.find("inf") == svg.npos);
}

TEST_CASE("an axis that cannot be drawn becomes one that can") {
  double const nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  rp::plot below({"x", 0, 1000, true}, {"y", -5, -1, true});
  below.line(std::array{1.0, 1000.0}, std::array{0.001, 1.0});
  CHECK(below.svg().find("M0.0 300.0L400.0 0.0\"/>") != std::string::npos);
  CHECK(below.svg().find(">100</text>") != std::string::npos);
  for (rp::plot_axis const& axis :
       {rp::plot_axis{"", 1e9, 1e9 + 2e-7}, rp::plot_axis{"", 3, 3}, rp::plot_axis{"", 0, 0},
        rp::plot_axis{"", 7, 7, true}, rp::plot_axis{"", nan, 1}, rp::plot_axis{"", 0, inf, true},
        rp::plot_axis{"", 0, 1e-322, true}, rp::plot_axis{"", -1e308, 1e308},
        rp::plot_axis{"", 1e-308, 1e308, true}}) {
    CAPTURE(axis.low);
    CAPTURE(axis.high);
    std::string const svg = rp::plot(axis, axis).svg();
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(svg.size() < 200'000);
  }
  rp::plot even({"x", 3, 3}, {"y", 0, 1}, 100, 100);
  even.line(std::array{3.0}, std::array{0.5});
  CHECK(even.svg().find("<circle cx=\"50.0\" cy=\"50.0\"") != std::string::npos);
}

TEST_CASE("ticks are round numbers inside the axis") {
  rp::plot p({"x", -0.3, 0.7}, {"y", 90, 180});
  std::string const svg = p.svg();
  for (char const* tick : {">-0.2<", ">0<", ">0.6<", ">100<", ">120<", ">180<"}) {
    CAPTURE(tick);
    CHECK(svg.find(tick) != svg.npos);
  }
  CHECK(svg.find(">0.8<") == svg.npos);
}

}  // namespace
