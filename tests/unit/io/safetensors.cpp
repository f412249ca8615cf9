#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <calotype/io/safetensors.hpp>

namespace {

namespace io = calotype::io;

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::string with_header(std::string const& header, std::string const& data) {
  std::uint64_t const size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + header + data;
}

// The sentence with which a file of these bytes is refused; empty if it is not.
std::string refusal(std::string const& bytes) {
  scratch::folder const folder;
  scratch::spill(folder / "file.safetensors", bytes);
  auto const file = io::read_safetensors(folder / "file.safetensors");
  if (file) return "";
  CHECK(has(file.error()->message(), "file.safetensors"));
  return file.error()->message();
}

std::string entry(std::string const& name, std::string const& shape, std::string const& offsets,
                  std::string const& type = "F32") {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}";
}

std::string const eight(8, '\0');
std::string const sixteen(16, '\0');

TEST_CASE("tensors and metadata come back as they were written") {
  scratch::folder const folder;
  auto const path = folder / "file.safetensors";
  std::vector<float> const weight{1, -2.5f, 3, 0.1f, std::numeric_limits<float>::quiet_NaN(), 1e-40f};
  std::vector<float> const bias{7};
  std::map<std::string, std::string> const metadata{{"classes", "[\"H\\u2192\u03b3\u03b3\"]"}, {"empty", ""}};
  std::vector<io::tensor_view> const tensors{
      {"block0.conv.weight", {2, 3}, weight}, {"scale", {}, bias}, {"none", {0, 5}, {}}};
  REQUIRE(io::write_safetensors(path, tensors, metadata));
  CHECK(folder.list().size() == 1);
  auto const file = io::read_safetensors(path);
  REQUIRE(file);
  CHECK(file->metadata == metadata);
  REQUIRE(file->tensors.size() == 3);
  auto const* const w = file->find("block0.conv.weight");
  REQUIRE(w != nullptr);
  CHECK(w->shape == std::vector<std::uint64_t>{2, 3});
  REQUIRE(w->values.size() == 6);
  CHECK(std::memcmp(w->values.data(), weight.data(), 24) == 0);
  CHECK(file->find("scale")->shape.empty());
  CHECK(file->find("scale")->values == bias);
  CHECK(file->find("none")->values.empty());
  CHECK(file->find("other") == nullptr);

  auto const bytes = scratch::slurp(path);
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), 8);
  CHECK(header_size % 8 == 0);
  REQUIRE(io::write_safetensors(path, tensors, metadata, {.force = true}));
  CHECK(scratch::slurp(path) == bytes);
}

TEST_CASE("double precision is read, rounded") {
  double const value = 0.1;
  std::string data(8, '\0');
  std::memcpy(data.data(), &value, 8);
  scratch::folder const folder;
  scratch::spill(folder / "file", with_header("{" + entry("a", "[1]", "[0,8]", "F64") + "}", data));
  auto const file = io::read_safetensors(folder / "file");
  REQUIRE(file);
  CHECK(file->tensors[0].stored == io::number_type::f64);
  CHECK(file->tensors[0].values == std::vector<float>{0.1f});
}

TEST_CASE("numbers of 16 bits are written as they are, and come back") {
  scratch::folder const folder;
  auto const path = folder / "file";
  float const inf = std::numeric_limits<float>::infinity();
  std::vector<float> const f16{1, -2.5f, 65504, 0x1p-24f, 0x1.ffcp-1f},
      bf16{1, -2.5f, 0x1.fep127f, inf, 0x1.02p0f};
  std::vector<float> const f64{0.1f, -0.f};
  REQUIRE(
      io::write_safetensors(path, std::vector<io::tensor_view>{{"half", {5}, f16, io::number_type::f16},
                                                               {"brain", {5}, bf16, io::number_type::bf16},
                                                               {"double", {2}, f64, io::number_type::f64}}));
  auto const file = io::read_safetensors(path);
  REQUIRE(file);
  CHECK(file->find("half")->values == f16);
  CHECK(file->find("brain")->values == bf16);
  CHECK(file->find("double")->values == f64);
  CHECK(file->find("half")->stored == io::number_type::f16);
  CHECK(file->find("brain")->stored == io::number_type::bf16);
  std::string const bytes = scratch::slurp(path);
  auto const at = bytes.size() - 36;
  CHECK(bytes.substr(at, 4) == std::string("\x00\x3c\x00\xc1", 4));
  CHECK(bytes.substr(at + 10, 4) == std::string("\x80\x3f\x20\xc0", 4));

  auto const says = [&](float x, io::number_type type) {
    std::vector<float> const one{x};
    auto const outcome =
        io::write_safetensors(path, std::vector<io::tensor_view>{{"a", {1}, one, type}}, {}, {.force = true});
    return outcome ? std::string() : outcome.error()->message();
  };
  CHECK(has(says(0.1f, io::number_type::f16), "the tensor 'a' holds a number that is none of F16"));
  CHECK(has(says(65536, io::number_type::f16), "none of F16"));
  CHECK(has(says(inf, io::number_type::f16), "none of F16"));
  CHECK(has(says(0.1f, io::number_type::bf16), "none of BF16"));
  for (auto const type : {io::number_type::f16, io::number_type::bf16, io::number_type::f64}) {
    CHECK(says(io::rounded_to(type, 0.1f), type).empty());
    CHECK(says(std::numeric_limits<float>::quiet_NaN(), type).empty());
    CHECK(std::isnan(io::read_safetensors(path)->tensors[0].values[0]));
  }
  REQUIRE(io::write_safetensors(path, std::vector<io::tensor_view>{{"none", {0, 5}, {}, io::number_type::f16}},
                                {}, {.force = true}));
  CHECK(io::read_safetensors(path)->tensors[0].values.empty());
}

TEST_CASE("any 16 bits are read as F16 and BF16 mean them") {
  scratch::folder const folder;
  std::string const data("\x01\x00\x00\x80\x00\x7c\x01\x7e", 8);  // smallest, -0, infinity, NaN in F16
  scratch::spill(folder / "f16", with_header("{" + entry("a", "[4]", "[0,8]", "F16") + "}", data));
  scratch::spill(folder / "bf16", with_header("{" + entry("a", "[4]", "[0,8]", "BF16") + "}", data));
  auto const half = io::read_safetensors(folder / "f16"), brain = io::read_safetensors(folder / "bf16");
  REQUIRE(half);
  REQUIRE(brain);
  auto const& f = half->tensors[0].values;
  CHECK(f[0] == 0x1p-24f);
  CHECK((f[1] == 0 && std::signbit(f[1])));
  CHECK(std::isinf(f[2]));
  CHECK(std::isnan(f[3]));
  auto const& b = brain->tensors[0].values;
  CHECK(b[0] == 0x1p-133f);
  CHECK((b[1] == 0 && std::signbit(b[1])));
  CHECK(b[2] == 0x1p121f);
  CHECK(b[3] == 0x1.02p125f);
  CHECK(has(refusal(with_header("{" + entry("a", "[4]", "[0,7]", "F16") + "}", data.substr(1))),
            "takes 8 bytes"));
  CHECK(has(refusal(with_header("{" + entry("a", "[4]", "[0,8]", "BF16") + "}", data.substr(1))),
            "but there are 7"));
  CHECK(has(refusal(with_header("{" + entry("a", "[9223372036854775808]", "[0,8]", "F16") + "}", data)),
            "too large for a computer"));
}

TEST_CASE("a file without tensors is a file") {
  CHECK(refusal(with_header("{}", "")).empty());
  CHECK(refusal(with_header(R"({"__metadata__":{"a":"b"}}   )", "")).empty());
}

TEST_CASE("files that are cut short or claim too much are refused") {
  auto const good = with_header("{" + entry("a", "[2]", "[0,8]") + "}", eight);
  CHECK(refusal(good).empty());
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    CHECK(!refusal(good.substr(0, length)).empty());
  }
  CHECK(has(refusal(good + "x"), "belong to no tensor"));
  auto lying = good;
  std::uint64_t const claim = 100'000'000'000;
  std::memcpy(lying.data(), &claim, 8);
  CHECK(has(refusal(lying), "claims 100000000000 bytes"));
  CHECK(has(refusal(with_header("{" + entry("a", "[25000000000]", "[0,100000000000]") + "}", eight)),
            "but there are 8"));
  CHECK(has(refusal(with_header("{" + entry("a", "[25000000000]", "[0,8]") + "}", eight)),
            "takes 100000000000 bytes"));
  CHECK(has(refusal(with_header("{" + entry("a", "[4294967296,4294967296,4294967296]", "[0,8]") + "}", eight)),
            "too large for a computer"));
  CHECK(refusal(with_header("{" + entry("a", "[4294967296,4294967296,4294967296,0]", "[0,0]") + "}", ""))
            .empty());
}

TEST_CASE("offsets that do not tile the values are refused") {
  auto const two = [](std::string const& a, std::string const& b) {
    return refusal(with_header("{" + entry("a", "[2]", a) + "," + entry("b", "[2]", b) + "}", sixteen));
  };
  CHECK(two("[0,8]", "[8,16]").empty());
  CHECK(two("[8,16]", "[0,8]").empty());
  CHECK(has(two("[0,8]", "[0,8]"), "overlaps"));
  CHECK(has(two("[0,8]", "[4,12]"), "overlaps"));
  CHECK(has(two("[0,8]", "[9,17]"), "but there are 16"));
  CHECK(has(
      refusal(with_header("{" + entry("a", "[1]", "[0,4]") + "," + entry("b", "[2]", "[8,16]") + "}", sixteen)),
      "hole"));
  CHECK(has(two("[0,8]", "[16,8]"), "has offsets 16..8"));
  CHECK(has(two("[0,8]", "[8,12]"), "where its shape takes 8"));
  CHECK(has(two("[0,8]", "[8]"), "no whole numbers"));
  CHECK(has(two("[0,8]", "[-8,0]"), "no whole numbers"));
  CHECK(has(two("[0,8]", "[8.0,16.0]"), "no whole numbers"));
  CHECK(has(two("[0,8]", "\"8\""), "no whole numbers"));
}

TEST_CASE("headers that are not exactly right are refused") {
  auto const header = [](std::string const& text) { return refusal(with_header(text, eight)); };
  auto const good = entry("a", "[2]", "[0,8]");
  CHECK(has(header("[1]"), "not a JSON object"));
  CHECK(has(header("{" + good + ",}"), "not a JSON object"));
  CHECK(has(header("{" + good + "}x"), "not a JSON object"));
  CHECK(has(header("{\"\xFF\":1," + good + "}"), "not a JSON object"));  // no UTF-8
  CHECK(has(header("{" + good + "," + good + "}"), "'a' occurs twice"));
  CHECK(has(header(R"({"__metadata__":{"k":"1","k":"2"},)" + good + "}"), "'k' occurs twice"));
  CHECK(has(header(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
            "'dtype' occurs twice"));
  CHECK(has(header(R"({"__metadata__":{"k":1},)" + good + "}"), "'k' is no text"));
  CHECK(has(header(R"({"__metadata__":"k",)" + good + "}"), "metadata are no JSON object"));
  CHECK(has(header("{" + entry("a", "[4]", "[0,8]", "U16") + "}"),
            "has the type U16; F16, BF16, F32 and F64 are read"));
  CHECK(has(header("{" + entry("a", "[2]", "[0,8]", "F16") + "}"), "where its shape takes 4 bytes"));
  CHECK(has(header("{" + entry("a", "[1]", "[0,8]", "I64") + "}"), "has the type I64"));
  CHECK(has(header(R"({"a":{"dtype":"F32","shape":[2]}})"), "is not described by"));
  CHECK(has(header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}})"),
            "is not described by"));
  CHECK(has(header(R"({"a":5})"), "is not described by"));
  CHECK(has(header(R"({"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}})"), "has no type"));
  CHECK(has(header("{" + entry("a", "[-2]", "[0,8]") + "}"), "no whole numbers"));
  CHECK(has(header("{" + entry("a", "2", "[0,8]") + "}"), "no whole numbers"));
  CHECK(!header(std::string(100'000, '[')).empty());
  CHECK(!header(std::string(100'000, '{')).empty());
}

TEST_CASE("what is no file of tensors cannot be read") {
  scratch::folder const folder;
  CHECK(has(io::read_safetensors(folder / "none").error()->message(), "cannot be read"));
  CHECK(has(io::read_safetensors(folder.path()).error()->message(), "not a plain file"));
  CHECK(has(io::read_safetensors("/dev/zero").error()->message(), "not a plain file"));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(has(io::read_safetensors(folder / "pipe").error()->message(),
            "not a plain file"));  // and is not waited for
}

TEST_CASE("tensors that cannot be written are refused") {
  scratch::folder const folder;
  auto const path = folder / "file";
  std::vector<float> const two{1, 2};
  auto const says = [&](std::vector<io::tensor_view> const& tensors,
                        std::map<std::string, std::string> const& m = {}) {
    auto const outcome = io::write_safetensors(path, tensors, m);
    return outcome ? std::string() : outcome.error()->message();
  };
  CHECK(has(says({{"a", {3}, two}}), "disagrees with its values"));
  CHECK(has(says({{"a", {4294967296, 4294967296}, {}}}), "disagrees with its values"));
  CHECK(has(says({{"a", {2}, two}, {"a", {2}, two}}), "repeated"));
  CHECK(has(says({{"__metadata__", {2}, two}}), "reserved"));
  CHECK(has(says({{"\xC0\x80", {2}, two}}), "UTF-8"));
  CHECK(has(says({{"a", {2}, two}}, {{"k", "\xED\xA0\x80"}}),
            "the metadata entry 'k' is not in UTF-8; correct its text"));
  CHECK(folder.list().empty());
  CHECK(says({{"a", {2}, two}}).empty());
  CHECK(has(says({{"a", {2}, two}}), "exists already"));
  CHECK(has(io::write_safetensors(folder.path(), {}, {}, {.force = true}).error()->message(), "folder"));
}

TEST_CASE("a full disk leaves no weights behind") {
  scratch::folder const folder;
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit const limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::vector<float> const values(1'000'000);
    std::vector<io::tensor_view> const tensors{{"w", {1'000'000}, values}};
    auto const outcome = io::write_safetensors(folder / "w.safetensors", tensors);
    bool const said = !outcome && has(outcome.error()->message(), "could not write");
    ::_exit(said && folder.list().empty() ? 0 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
