#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <calotype/io/library_npz.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;
namespace sim = calotype::sim;

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

sim::hit_library sample() {
  sim::hit_library library;
  library.add(std::vector<sim::cell_energy>{{1, 0.5F}, {70000, 2}},
              std::vector<ct::track>{{1, 2, 3, -1, 0.5F, 4}});
  library.add({}, {});
  library.add(std::vector<sim::cell_energy>{{sim::hit_library::cell_count() - 1, 3}}, {});
  return library;
}

TEST_CASE("a library comes back as it was written") {
  scratch::folder const folder;
  REQUIRE(io::save_library(folder / "l.npz", sample(), {{"seed", "7"}}));
  auto const back = io::load_library(folder / "l.npz");
  REQUIRE(back);
  auto const want = sample();
  REQUIRE(back->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(back->cells(i).size() == want.cells(i).size());
    for (std::size_t k = 0; k < want.cells(i).size(); ++k) {
      CHECK(back->cells(i)[k].cell == want.cells(i)[k].cell);
      CHECK(back->cells(i)[k].energy == want.cells(i)[k].energy);
    }
    CHECK(back->tracks(i).size() == want.tracks(i).size());
  }
  CHECK(back->tracks(0)[0].z0 == 4);
  CHECK(has(io::save_library(folder / "e.npz", {}).error()->message(), "no collision"));
  CHECK(folder.list() == std::vector<std::string>{"l.npz"});
}

// What a broken library would hold.
struct arrays {
  std::string format = "calotype-hit-library", cells = std::to_string(sim::hit_library::cell_count());
  std::string simulation = std::to_string(sim::revision);
  std::vector<std::int64_t> cell_offset{0, 1, 2}, track_offset{0, 0, 1};
  std::vector<std::uint32_t> cell{5, 6};
  std::vector<float> energy{1, 2}, pt{1}, eta{0};
  std::string refusal() const {
    scratch::folder const folder;
    auto writer = io::npz_writer::create(folder / "l.npz");
    REQUIRE(writer);
    auto const put = [&]<class T>(std::string const& name, std::vector<T> const& values) {
      REQUIRE(writer->append(writer->add<T>(name), values));
    };
    REQUIRE(io::detail::write_metadata(*writer,
                                       {{"format", format}, {"cells", cells}, {"simulation", simulation}}));
    put("cell_offset", cell_offset);
    put("track_offset", track_offset);
    put("cell", cell);
    put("energy", energy);
    put("track_eta", eta);
    for (auto const* const name : {"track_pt", "track_phi", "track_charge", "track_d0", "track_z0"})
      put(name, pt);
    REQUIRE(writer->close());
    auto const back = io::load_library(folder / "l.npz");
    return back ? "" : back.error()->message();
  }
};

TEST_CASE("broken libraries are refused") {
  CHECK(arrays{}.refusal().empty());
  CHECK(has(arrays{.format = "other"}.refusal(), "no library"));
  CHECK(has(arrays{.cells = "7"}.refusal(), "another detector"));
  CHECK(has(arrays{.simulation = "1"}.refusal(), "another revision of the simulation"));
  CHECK(has(arrays{.cell_offset = {0, 2, 1}}.refusal(), "do not rise"));
  CHECK(has(arrays{.cell_offset = {0, 1, 3}}.refusal(), "do not agree"));
  CHECK(has(arrays{.cell_offset = {0, 2}}.refusal(), "do not agree"));
  CHECK(has(arrays{.energy = {1}}.refusal(), "do not agree"));
  CHECK(has(arrays{.eta = {1, 2}}.refusal(), "do not agree"));
  CHECK(has(arrays{.cell = {5, sim::hit_library::cell_count()}}.refusal(), "does not exist"));
  CHECK(has(arrays{.energy = {1, 0}}.refusal(), "not positive"));
  CHECK(has(arrays{.eta = {std::numeric_limits<float>::quiet_NaN()}}.refusal(), "NaN"));
}

}  // namespace
