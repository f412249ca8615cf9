#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/page.hpp>

namespace {

namespace rp = calotype::report;

std::string base64(std::string_view text) { return rp::detail::base64(std::as_bytes(std::span(text))); }

TEST_CASE("base64 of RFC 4648's test vectors") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfb") == "//77");
}

TEST_CASE("a page holds what was put into it, in order, literally, and asks for nothing else") {
  rp::page p("H->gg & others");
  p.section("Table <6>");
  p.paragraph("a < b");
  std::array<std::string, 2> const head{"model", "AUC"};
  std::vector<std::vector<std::string>> const rows{{"eb", "0.80 \u00b1 0.01"}, {"<cms-b>"}};
  p.table(head, rows, "central");
  std::array<rp::figure, 1> const figures{
      {{rp::image_element(std::array{std::byte{0x66}}, "an \"event\""), "one > two"}}};
  p.figures(figures);
  std::string const html = p.html();
  std::size_t at = 0;
  for (char const* part :
       {"<title>H-&gt;gg &amp; others</title>", "<h2>Table &lt;6&gt;</h2>", "<p>a &lt; b</p>",
        "<caption>central</caption>", "<th>AUC</th>", "<td>0.80 \u00b1 0.01</td>", "<td>&lt;cms-b&gt;</td>",
        "alt=\"an &quot;event&quot;\" src=\"data:image/png;base64,Zg==\"", "one &gt; two", "</html>"}) {
    CAPTURE(part);
    at = html.find(part, at);
    REQUIRE(at != html.npos);
  }
  CHECK(html.find("http") == html.npos);
}

}  // namespace
