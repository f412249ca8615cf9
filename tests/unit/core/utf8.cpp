#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <calotype/core/utf8.hpp>

namespace {

using calotype::as_utf8;
using calotype::is_utf8;
using calotype::utf8_length;

TEST_CASE("characters of one to four bytes are told from what is none") {
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("a\xff") == 1);
  CHECK(utf8_length("φ") == 2);
  CHECK(utf8_length("→x") == 3);
  CHECK(utf8_length("\xf0\x9f\x98\x80") == 4);
  for (std::string_view const broken :
       {"\x80", "\xc0\xaf", "\xce", "\xce\x41", "\xe2\x86", "\xe2\x86\x41", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    CHECK(utf8_length(broken) == 0);
    CHECK_FALSE(is_utf8(broken));
  }
  CHECK(is_utf8("aφ→\xf0\x9f\x98\x80"));
  CHECK(is_utf8(""));
}

TEST_CASE("bytes that are part of no character become U+FFFD, all others stay") {
  CHECK(as_utf8("aφ→") == "aφ→");
  CHECK(as_utf8("m\xfcnchen") == "m\uFFFDnchen");
  CHECK(as_utf8("\xe2\x86") == "\uFFFD\uFFFD");
  CHECK(as_utf8(std::string_view("a\0b", 3)) == std::string_view("a\0b", 3));
  CHECK(is_utf8(as_utf8("\xff\xce\xf0\x9f")));
}

}  // namespace
