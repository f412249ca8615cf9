#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/curves.hpp>

namespace {

namespace ct = calotype;

ct::eval::roc_curve curve_of(int events) {
  std::vector<double> scores;
  std::vector<char> truth;
  for (int i = 0; i < events; ++i) {
    scores.push_back(i % 97);
    truth.push_back(static_cast<char>((i * i) % 97 > i % 50));
  }
  return *ct::eval::roc_curve::make(std::span<double const>(scores), std::span<char const>(truth));
}

TEST_CASE("every curve is drawn and named, and reserved characters are written out") {
  auto const a = curve_of(500);
  std::array const curves{ct::report::named_curve{"H->gg vs <rest>", &a},
                          ct::report::named_curve{"gg & co", &a}};
  std::string const svg = ct::report::roc_figure(curves);
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("H-&gt;gg vs &lt;rest&gt; (AUC ") != svg.npos);
  CHECK(svg.find("gg &amp; co") != svg.npos);
  CHECK(svg.find("d=\"M0.0 0.0L") != svg.npos);     // nothing kept, all rejected
  CHECK(svg.find("L400.0 400.0\"/>") != svg.npos);  // all kept, nothing rejected
}

TEST_CASE("a curve of many points stays a small figure") {
  std::vector<double> scores;
  std::vector<char> truth;
  for (int i = 0; i < 200'000; ++i) {
    scores.push_back(i);
    truth.push_back(static_cast<char>(i % 2));
  }
  auto const curve = *ct::eval::roc_curve::make(std::span<double const>(scores), std::span<char const>(truth));
  std::array const curves{ct::report::named_curve{"blind", &curve}};
  CHECK(ct::report::roc_figure(curves).size() < 40'000);
}

}  // namespace
