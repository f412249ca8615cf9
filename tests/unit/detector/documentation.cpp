// The listing of docs/detectors.md is the one of examples/my_detector.cpp, which compiles.
#include <fstream>
#include <sstream>
#include <string>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

namespace {

std::string text_of(std::string const& path) {
  std::ifstream file(std::string(CALOTYPE_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("documentation: the guide shows the example") {
  auto const example = text_of("examples/my_detector.cpp"), guide = text_of("docs/detectors.md");
  std::string const begin = "// [description]\n", end = "// [/description]\n";
  auto const from = example.find(begin), to = example.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  auto const listing = example.substr(from + begin.size(), to - from - begin.size());
  CHECK_MESSAGE(guide.find("```cpp\n" + listing + "```\n") != std::string::npos,
                "copy the lines between // [description] and // [/description] into docs/detectors.md");
}
