#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <calotype/io/model.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;

struct map_input {
  static constexpr auto tensor() { return std::array{map_shape{1, 20, 16}}; }
};
struct tagger {
  using input = map_input;
  static constexpr auto classes() { return ct::labels("quark", "gluon"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .name = "first"}, relu{}, residual{.filters = 4},
                          global_max_pool{}, logits{});
  }
};
struct deeper {
  using input = map_input;
  static constexpr auto classes() { return tagger::classes(); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 4, .name = "first"}, relu{}, max_pool{},
                          residual{.filters = 4, .name = "block2"}, global_max_pool{}, logits{});
  }
};
struct other_classes {
  using input = map_input;
  static constexpr auto classes() { return ct::labels("gluon", "quark"); }
  static constexpr auto layers() { return tagger::layers(); }
};
struct wider_input {
  static constexpr auto tensor() { return std::array{map_shape{1, 20, 17}}; }
};
struct other_layout {
  using input = wider_input;
  static constexpr auto classes() { return tagger::classes(); }
  static constexpr auto layers() { return tagger::layers(); }
};

auto const model = ct::nn::model<tagger>::random(5);

template <class Result>
std::string message(Result const& r) {
  return r.error() == nullptr ? std::string() : r.error()->message();
}
bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// The tensors and metadata of a saved model, to be changed and written again.
struct edited {
  ct::io::tensor_file file;
  explicit edited(std::string const& path) : file(*ct::io::read_safetensors(path)) {}
  void write(std::string const& path) const {
    std::vector<ct::io::tensor_view> views;
    for (auto const& t : file.tensors) views.push_back({t.name, t.shape, t.values});
    REQUIRE(ct::io::write_safetensors(path, views, file.metadata, {.force = true}));
  }
};

TEST_CASE("a saved model comes back with the same bits, and says what it is") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors";
  REQUIRE(ct::io::save(path, model, {{"command", "test"}}));
  auto const back = ct::io::load<tagger>(path);
  REQUIRE_MESSAGE(back, message(back));
  CHECK(std::equal(back->parameters().begin(), back->parameters().end(), model.parameters().begin()));
  auto const file = ct::io::read_safetensors(path);
  CHECK(file->metadata.at("classes") == "quark|gluon");
  CHECK(file->metadata.at("provenance.command") == "test");
  CHECK(has(file->metadata.at("self_test_logits"), "0x"));
  CHECK(file->find("block2.shortcut.weight") != nullptr);
  CHECK(ct::io::load_unverified<tagger>(path));
  CHECK(has(message(ct::io::save(path, model)), "exists already"));
}

TEST_CASE("a provenance that is not UTF-8 does not keep a model from being saved") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors";
  REQUIRE(ct::io::save(path, model, {{"command", "train m\xfcnchen.npz"}}));
  REQUIRE(ct::io::load<tagger>(path));
  CHECK(ct::io::read_safetensors(path)->metadata.at("provenance.command") == "train m\uFFFDnchen.npz");
}

TEST_CASE("a model in numbers of 16 bits has half the size, and what is left of it is proven") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors", half = folder / "half.safetensors";
  ct::nn::content_ranges const ranges{{"he_hits", {1, 2}}};
  REQUIRE(ct::io::save(path, model, {{"command", "test"}}, {}, ranges));
  for (auto const type : {ct::io::number_type::f16, ct::io::number_type::bf16}) {
    CAPTURE(ct::io::name_of(type));
    REQUIRE(ct::io::save(half, model, {{"command", "test"}}, {.force = true, .numbers = type}, ranges));
    auto const back = ct::io::load<tagger>(half);
    REQUIRE_MESSAGE(back, message(back));
    float const part = type == ct::io::number_type::f16 ? 0x1p-11f : 0x1p-8f;
    bool close = true, same = true;
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      float const before = model.parameters()[i], after = back->parameters()[i];
      close = close && std::abs(after - before) <= part * std::abs(before) + 0x1p-25f;
      same = same && after == before;
    }
    CHECK(close);
    CHECK(!same);
    auto const file = ct::io::read_safetensors(half);
    CHECK(file->metadata.at("self_test_logits") !=
          ct::io::read_safetensors(path)->metadata.at("self_test_logits"));
    CHECK(file->tensors[0].stored == type);
    CHECK(ct::io::training_ranges(half)->size() == 1);
    CHECK(scratch::slurp(path).size() - scratch::slurp(half).size() >
          1.8 * static_cast<double>(model.parameters().size()));

    REQUIRE(ct::io::save(half, *back, {}, {.force = true, .numbers = type}));  // nothing is left to round
    auto const again = ct::io::load<tagger>(half);
    CHECK(std::equal(again->parameters().begin(), again->parameters().end(), back->parameters().begin()));
  }
  std::vector<float> numbers(model.parameters().begin(), model.parameters().end());
  numbers[3] = -70'000;
  ct::nn::model<tagger> const large(numbers);
  CHECK(has(message(ct::io::save(folder / "large", large, {}, {.numbers = ct::io::number_type::f16})),
            "a parameter is larger than any number of F16"));
  numbers[3] = std::numeric_limits<float>::max();
  CHECK(has(message(ct::io::save(folder / "large", ct::nn::model<tagger>(numbers), {},
                                 {.numbers = ct::io::number_type::bf16})),
            "a parameter is larger than any number of BF16"));
  CHECK(folder.list().size() == 2);
  CHECK(ct::io::save(folder / "large", large, {}, {.numbers = ct::io::number_type::bf16}));
}

TEST_CASE("the ranges of the training events come back as they were, and broken ones are refused") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors", bad = folder / "bad.safetensors";
  ct::nn::content_ranges const ranges{
      {"eb_hits_in_halos", {34, 512}}, {"eta1", {-1.0 / 3, 1e-30}}, {"he_hits", {}}};
  REQUIRE(ct::io::save(path, model, {}, {}, ranges));
  REQUIRE(ct::io::load<tagger>(path));
  auto const back = ct::io::training_ranges(path);
  REQUIRE_MESSAGE(back, message(back));
  CHECK(*back == ranges);
  CHECK(ct::io::read_safetensors(path)->metadata.at("training_range.eb_hits_in_halos") == "34 512");
  for (std::string const text : {"", "1", "1 2 3", "2 1", "1 nan", "1 inf", " 1 2", "1  2", "a b", "0x1 0x2"}) {
    edited e(path);
    e.file.metadata["training_range.he_hits"] = text;
    e.write(bad);
    CHECK_MESSAGE(has(message(ct::io::training_ranges(bad)), "the training range of 'he_hits' is no pair"),
                  text);
    CHECK(ct::io::load<tagger>(bad));
  }
  REQUIRE(ct::io::save(path, model, {}, {.force = true}));
  CHECK(ct::io::training_ranges(path)->empty());
  CHECK(has(message(ct::io::training_ranges(folder / "absent.safetensors")), "cannot be read"));
}

TEST_CASE("weights for something else are refused with a sentence") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors";
  REQUIRE(ct::io::save(path, model));
  CHECK(has(message(ct::io::load<deeper>(path)), "other layers"));
  CHECK(has(message(ct::io::load<other_classes>(path)), "the weights are for the classes quark|gluon"));
  std::string const layout = message(ct::io::load<other_layout>(path));
  CHECK(has(layout, "the file has 1x20x16"));
  CHECK(has(layout, "the network reads 1x20x17"));
  CHECK(has(message(ct::io::load<tagger>(folder / "absent.safetensors")), "cannot be read"));
}

TEST_CASE("every missing, unexpected or misshapen tensor is named") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors", bad = folder / "bad.safetensors";
  REQUIRE(ct::io::save(path, model));
  edited e(path);
  for (auto& t : e.file.tensors) {
    if (t.name == "first.bias") t.name = "first.offset";
    if (t.name == "fc.weight") t.shape = {4, 2};
  }
  e.write(bad);
  for (auto const& text : {message(ct::io::load<tagger>(bad)), message(ct::io::load_unverified<tagger>(bad))}) {
    CHECK(has(text, "missing 'first.bias'"));
    CHECK(has(text, "unexpected 'first.offset'"));
    CHECK(has(text, "'fc.weight' is 4x2 instead of 2x4"));
  }
}

TEST_CASE("a number that is not finite, a failed self-test and a foreign file are refused") {
  scratch::folder const folder;
  std::string const path = folder / "m.safetensors", bad = folder / "bad.safetensors";
  REQUIRE(ct::io::save(path, model));
  {
    edited e(path);
    e.file.tensors[1].values[2] = std::numeric_limits<float>::quiet_NaN();
    e.write(bad);
    CHECK(has(message(ct::io::load<tagger>(bad)), "holds a number that is not finite at place 2"));
  }
  {
    edited e(path);
    e.file.tensors[0].values[7] += 0.01f;
    e.write(bad);
    CHECK(has(message(ct::io::load<tagger>(bad)), "the self-test fails"));
    CHECK(ct::io::load_unverified<tagger>(bad));
  }
  {
    edited e(path);
    e.file.metadata.clear();
    e.write(bad);
    CHECK(has(message(ct::io::load<tagger>(bad)), "load_unverified"));
    CHECK(ct::io::load_unverified<tagger>(bad));
  }
  {
    edited e(path);
    e.file.metadata["format_version"] = "2";
    e.write(bad);
    CHECK(has(message(ct::io::load<tagger>(bad)), "format version '2'"));
  }
}

TEST_CASE("a bias of -0 is kept as +0") {
  std::vector<float> numbers(static_cast<std::size_t>(ct::nn::model<tagger>::size), 0.5f);
  constexpr auto const& bias = ct::nn::plan_of<tagger>.parameter_at(1);
  static_assert(bias.rank == 1);
  numbers[static_cast<std::size_t>(bias.offset)] = -0.0f;
  ct::nn::model<tagger> const m(numbers);
  CHECK(!std::signbit(m.parameters()[static_cast<std::size_t>(bias.offset)]));
}

}  // namespace
