#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/mass_plots.hpp>

namespace {

namespace ct = calotype;

std::size_t count(std::string const& text, std::string const& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

ct::eval::predictions sample() {
  return {1, {0.F, 1.F, 0.5F, 0.5F, 0.9F}, {1, 1, 1, 0, 1}, {}, {}, {90, 189.9, 125, 125, 300}};
}

TEST_CASE("events of the class within the range are drawn, and scores of 0 and 1") {
  std::string const svg = ct::report::score_against_mass(sample(), 1, "score of H->gg");
  CHECK(count(svg, "fill-opacity") == 3);
  CHECK(svg.find("score of H-&gt;gg") != svg.npos);
  CHECK(count(ct::report::score_against_mass(sample(), 2, ""), "fill-opacity") == 0);
}

TEST_CASE("the spectrum after the cut has points, and none where nothing passes") {
  std::string const svg = ct::report::spectrum_before_and_after(sample(), 1, 0.5);
  CHECK(svg.find("after the cut") != svg.npos);
  CHECK(count(svg, "<circle") == 25);
  CHECK(ct::report::spectrum_before_and_after(sample(), 1, 2).find("nan") == std::string::npos);
  CHECK(ct::report::spectrum_before_and_after(sample(), 2, 0.5).find("nan") == std::string::npos);
}

TEST_CASE("every filled bin of every class is a point of the calibration") {
  auto const curve = *ct::eval::calibrate(sample(), 0, 10);
  std::vector const curves{curve, curve};
  std::vector<std::string> const names{"H->gg", "gg"};
  std::string const svg = ct::report::calibration_plot(curves, names);
  CHECK(count(svg, "<circle") == 8);
  CHECK(svg.find("H-&gt;gg") != svg.npos);
}

}  // namespace
