#include <string>

#include <doctest/doctest.h>

#include <calotype/core/result.hpp>

namespace {

namespace ct = calotype;

TEST_CASE("an error is one line, whatever it quotes") {
  CHECK(ct::error{"it is torn", "page 7", "glue it"}.message() == "page 7: it is torn; glue it");
  CHECK(ct::error{"it is torn"}.message() == "it is torn");
  CHECK(ct::error{"missing 'a\nerror: b'", "c\r.npz", "see\t\x1b[31mred"}.message() ==
        "c\\r.npz: missing 'a\\nerror: b'; see\\t\\x1b[31mred");
}

TEST_CASE("control characters are spelled out and all others kept") {
  using namespace std::string_literals;
  CHECK(ct::one_line("\0\x01\x7f"s) == "\\x00\\x01\\x7f");
  CHECK(ct::one_line("\xc2\x9b\x33\x31m") == "\\x9b31m");
  CHECK(ct::one_line("H→γγ, \xc2\xb0, \\n") == "H→γγ, \xc2\xb0, \\n");
  CHECK(ct::one_line("cut \xc2") == "cut \xc2");
  CHECK(ct::one_line("").empty());
}

}  // namespace
