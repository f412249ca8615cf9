#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <calotype/io/particles_npz.hpp>

namespace {

namespace io = calotype::io;
namespace sim = calotype::sim;

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Three events, the second without particles, as generate.py or a user would write them.
struct arrays {
  std::vector<std::int64_t> offsets{0, 2, 2, 4};
  std::vector<std::int32_t> pdg_id{22, -14, 211, 11};
  std::vector<float> px{3, 1, 0, 1}, py{4, 0, 2, 0}, pz{0, 0, 0, -5}, x{0, 0, 0.5F, 0};
  std::vector<std::uint64_t> event{10, 11, 12};
  std::vector<std::int32_t> label{1, 1, 1};
  std::vector<std::int64_t> block{5, 5, 6};
  std::vector<float> candidates{30, 20, 31, 21, 32, 22};
  std::vector<std::uint8_t> prompt{1, 1, 1, 0, 0, 0};
  std::string left_out{};

  template <class T>
  void put(io::npz_writer& writer, std::string const& name, std::vector<T> const& values,
           std::vector<std::uint64_t> trailing = {}) const {
    if (!has(left_out, "[" + name + "]")) REQUIRE(writer.append(writer.add<T>(name, trailing), values));
  }
  void write(std::string const& path) const {
    auto writer = io::npz_writer::create(path);
    REQUIRE(writer);
    put(*writer, "offsets", offsets);
    put(*writer, "pdg_id", pdg_id);
    put(*writer, "px", px);
    put(*writer, "py", py);
    put(*writer, "pz", pz);
    put(*writer, "x", x);
    put(*writer, "event", event);
    put(*writer, "label", label);
    put(*writer, "block", block);
    for (auto const* const name : {"candidate_pt", "candidate_eta", "candidate_phi"}) {
      put(*writer, name, candidates, {2});
    }
    put(*writer, "candidate_prompt", prompt, {2});
    REQUIRE(writer->close());
  }
  // The sentence of the first refusal, empty where all is read.
  std::string refusal() const {
    scratch::folder const folder;
    write(folder / "p.npz");
    auto file = io::open_particles(folder / "p.npz");
    if (!file) return file.error()->message();
    sim::generated_events events;
    auto const read = file->read(events, 100);
    return read ? "" : read.error()->message();
  }
};

TEST_CASE("generated events are read with their particles") {
  scratch::folder const folder;
  arrays{}.write(folder / "p.npz");
  auto file = io::open_particles(folder / "p.npz");
  REQUIRE(file);
  CHECK(file->size() == 3);
  sim::generated_events events;
  REQUIRE(file->read(events, 2));
  REQUIRE(events.size() == 2);
  CHECK(file->left() == 1);
  CHECK(events[0].number == 10);
  CHECK(events[0].block == 5);
  CHECK(events[0].label == 1);
  CHECK(events[0].weight == 1);
  CHECK(events[0].has_candidates);
  CHECK(events[0].candidates[1].pt == 20.0);
  CHECK(events[0].candidates[1].prompt);
  CHECK(!events[1].candidates[1].prompt);
  REQUIRE(events.particles(0).size() == 1);  // a neutrino is not seen
  sim::particle const photon = events.particles(0)[0];
  CHECK(photon.kind == sim::species::photon);
  CHECK(photon.pt == 5.0);
  CHECK(photon.eta == 0.0);
  CHECK(photon.phi.value == doctest::Approx(std::atan2(4, 3)));
  CHECK(events.particles(1).empty());
  REQUIRE(file->read(events, 5));
  REQUIRE(events.size() == 1);
  REQUIRE(events.particles(0).size() == 2);
  CHECK(events.particles(0)[0].x == 0.5);
  CHECK(events.particles(0)[1].kind == sim::species::electron);
  CHECK(events.particles(0)[1].charge == -1);
  CHECK(events.particles(0)[1].eta.value == doctest::Approx(std::asinh(-5.0)));
  REQUIRE(file->read(events, 5));
  CHECK(events.size() == 0);
}

TEST_CASE("events are passed over, and little is needed") {
  scratch::folder const folder;
  arrays few;
  few.left_out = "[event][label][block][x][candidate_pt][candidate_eta][candidate_phi][candidate_prompt]";
  few.write(folder / "p.npz");
  auto file = io::open_particles(folder / "p.npz");
  REQUIRE(file);
  REQUIRE(file->skip(2));
  sim::generated_events events;
  REQUIRE(file->read(events, 5));
  REQUIRE(events.size() == 1);
  CHECK(events[0].number == 2);
  CHECK(events[0].block == 2);
  CHECK(events[0].label == -1);
  CHECK(!events[0].has_candidates);
  CHECK(!events[0].candidates[0].prompt);
  CHECK(events.particles(0).size() == 2);
}

TEST_CASE("an error is kept: nothing is read behind it") {
  scratch::folder const folder;
  arrays bad;
  bad.pdg_id[0] = 111;
  bad.write(folder / "p.npz");
  auto file = io::open_particles(folder / "p.npz");
  REQUIRE(file);
  sim::generated_events events;
  auto const first = file->read(events, 1);
  REQUIRE(!first);
  auto const again = file->read(events, 1);
  REQUIRE(!again);
  CHECK(again.error()->message() == first.error()->message());
  CHECK(events.size() == 0);
  CHECK(!file->skip(1));
}

TEST_CASE("broken files of particles are refused") {
  CHECK(arrays{}.refusal().empty());
  CHECK(has(arrays{.left_out = "[offsets]"}.refusal(), "no array 'offsets'"));
  CHECK(has(arrays{.left_out = "[px]"}.refusal(), "no array 'px'"));
  CHECK(has(arrays{.left_out = "[pdg_id]"}.refusal(), "no array 'pdg_id'"));
  CHECK(has(arrays{.left_out = "[candidate_prompt]"}.refusal(), "no array 'candidate_prompt'"));
  CHECK(has(arrays{.offsets = {0}}.refusal(), "no events"));
  CHECK(has(arrays{.offsets = {1, 2, 2, 4}}.refusal(), "is not 0"));
  CHECK(has(arrays{.offsets = {0, 2, 1, 4}}.refusal(), "do not rise"));
  CHECK(has(arrays{.offsets = {0, 2, 2, 5}}.refusal(), "reach beyond"));
  CHECK(has(arrays{.offsets = {0, 2, 2, 3}}.refusal(), "behind the last event"));
  CHECK(has(arrays{.pz = {0}}.refusal(), "'pz' does not have the length"));
  CHECK(has(arrays{.label = {1}}.refusal(), "'label' does not have the length"));
  CHECK(has(arrays{.pdg_id = {22, 111, 211, 11}}.refusal(), "PDG number 111 is not stable"));
  CHECK(has(arrays{.py = {4, 0, std::numeric_limits<float>::quiet_NaN(), 0}}.refusal(), "NaN"));
  CHECK(
      has(arrays{.candidates = {30, 20, 31, 21, 32, std::numeric_limits<float>::infinity()}}.refusal(), "NaN"));
  CHECK(has(arrays{.pdg_id = {22, 111, 211, 11}}.refusal(), "event 0"));
}

}  // namespace
