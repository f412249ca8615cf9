#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <calotype/io/constant_weights.hpp>

namespace {

namespace ct = calotype;

struct linear {
  struct input {
    static constexpr auto features() { return ct::labels("a", "b"); }
  };
  static constexpr auto classes() { return ct::labels("yes"); }
  static constexpr auto layers() { return ct::nn::layers(ct::nn::logits{}); }
};

TEST_CASE("names of C++ are told from what only looks like one") {
  using namespace ct::io::detail;
  for (char const* good : {"a", "weights", "cms_b", "_x", "A9"}) CHECK(is_identifier(good));
  for (char const* bad : {"", "9a", "a-b", "a b", "a::b", "int", "requires", "a__b", "_X", "std", "\xc3\xa9"}) {
    CHECK_FALSE(is_identifier(bad));
  }
  for (char const* good : {"a", "a::b", "my::trigger::v2"}) CHECK(is_scope(good));
  for (char const* bad : {"", ":", "::", "a:", "a::", "::a", "a:::b", "a::int"}) CHECK_FALSE(is_scope(bad));
}

TEST_CASE("a header spells out every parameter exactly, a bias of -0 as +0") {
  scratch::folder const folder;
  std::string const path = folder / "w.hpp";
  ct::nn::model<linear> const model(std::vector<float>{0x1.fffffep-3f, -0x1p-149f, -0.0f});
  CHECK(std::signbit(model.parameters()[2]) == false);
  REQUIRE(ct::io::save_constant(path, model, {.scope = "a::b", .name = "w"}, {{"note", "x\ny\\"}}));
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(text.str().find("namespace a::b {") != std::string::npos);
  CHECK(text.str().find("//   note: x?y?\n") != std::string::npos);
  CHECK(text.str().find("0x1.fffffep-3f, -0x0.000002p-126f,") != std::string::npos);
  CHECK(text.str().find("\n0x0p+0f,\n}};") != std::string::npos);
  auto const again = ct::io::save_constant(path, model, {.scope = "a", .name = "w"});
  REQUIRE(again.error() != nullptr);
  CHECK(again.error()->message().find("exists already") != std::string::npos);
  CHECK(ct::io::save_constant(path, model, {.scope = "a", .name = "int"}).error() != nullptr);
}

TEST_CASE("numbers that are not finite are not spelled out") {
  scratch::folder const folder;
  for (float bad : {HUGE_VALF, -HUGE_VALF, std::nanf("")}) {
    auto const refused = ct::io::save_constant(folder / "w.hpp", ct::nn::model<linear>({1, bad, 0}),
                                               {.scope = "a", .name = "w"});
    REQUIRE(refused.error() != nullptr);
    CHECK(refused.error()->message().find("not a finite number") != std::string::npos);
    CHECK_FALSE(std::ifstream(folder / "w.hpp").is_open());
  }
}

TEST_CASE("a model of constant data is a view of it, and the self-test tells when it was changed") {
  static constexpr ct::nn::constant_weights<ct::nn::input_traits<linear::input>::signature(),
                                            ct::nn::signature<linear>, 3, 1>
      weights{1, {0}, {0.5f, 0.25f, 1}};
  ct::nn::model<linear> const model(weights);
  CHECK(model.parameters().data() == weights.numbers);
  auto sound = weights;
  sound.self_test_logits[0] = ct::nn::self_test_logits<linear>(model, weights.self_test_seed)[0];
  CHECK(ct::nn::passes_self_test(model, sound));
  CHECK_FALSE(ct::nn::passes_self_test(model, weights));
  ct::session<linear> score(model);
  std::array<float, 2> const x{2, 4};
  score(std::span<float const>(x));
  CHECK(score.logits()[0] == 3);
}

}  // namespace
