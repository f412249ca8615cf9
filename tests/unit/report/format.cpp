#include <clocale>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include <calotype/report/format.hpp>

namespace {

using calotype::report::formatted;

// The format as printf fills it.
template <class... Values>
std::string printed(char const* format, Values... values) {
  char text[1000];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

TEST_CASE("places are filled as printf fills them") {
  CHECK(formatted("") == "");
  CHECK(formatted("<%d %s%c>\n", -7, "text", 'c') == "<-7 textc>\n");
  CHECK(formatted("%d", std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(formatted("a%sz", std::string(2000, 'x')).size() == 2002);
  for (double const v : {0.0, -0.0, 0.5, 2.5, -1.25, 1e-7, 123456.789, 1e15, 0x1p-1074,
                         std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity()}) {
    CAPTURE(v);
    CHECK(formatted("%.1f|%.2f|%.0f", v, v, v) == printed("%.1f|%.2f|%.0f", v, v, v));
    CHECK(formatted("%g|%.4g|%.1g", v, v, v) == printed("%g|%.4g|%.1g", v, v, v));
  }
  CHECK(formatted("%.3f", 0.1F) == printed("%.3f", static_cast<double>(0.1F)));
}

TEST_CASE("a locale with a decimal comma changes nothing") {
  std::string const before = std::setlocale(LC_NUMERIC, nullptr);
  bool comma = false;
  for (char const* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"}) {
    comma = comma || std::setlocale(LC_NUMERIC, name) != nullptr;
  }
  CHECK(formatted("%.2f %g", 1.25, 0.5) == "1.25 0.5");
  std::setlocale(LC_NUMERIC, before.c_str());
  if (!comma) MESSAGE("no locale with a decimal comma here");
}

}  // namespace
