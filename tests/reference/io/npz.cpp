// Arrays, events and tensors exchanged with numpy (numpy_arrays.py), both ways.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../unit/io/scratch.hpp"
#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/image/event.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/io/npz.hpp>
#include <calotype/io/safetensors.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;

bool numpy(std::string const& what, std::string const& folder) {
  return std::system(("/usr/bin/python3 " CALOTYPE_SOURCE_DIR "/tests/reference/io/numpy_arrays.py " + what +
                      " '" + folder + "'")
                         .c_str()) == 0;
}

bool has_numpy() { return std::system("/usr/bin/python3 -c 'import numpy' > /dev/null 2>&1") == 0; }

template <class T>
void check_ramp(io::npz_file const& file, char const* name) {
  CAPTURE(name);
  CHECK(file.find(name)->shape == std::vector<std::uint64_t>{2, 3, 4});
  CHECK(file.find(name)->type == io::npy_type_of<T>());
  auto const values = file.read<T>(name);
  REQUIRE(values);
  for (std::size_t i = 0; i < 24; ++i) CHECK((*values)[i] == static_cast<T>(3 * i + 1));
}

TEST_CASE("arrays that numpy saved are read, or refused for what they are") {
  if (!has_numpy()) {
    MESSAGE("SKIPPED: no numpy");
    return;
  }
  scratch::folder const folder;
  REQUIRE(numpy("write", folder.path()));
  for (auto const* const name : {"stored.npz", "deflated.npz"}) {
    auto const file = io::open_npz(folder / name);
    REQUIRE(file);
    CHECK(file->arrays().size() == 9);
    check_ramp<float>(*file, "f4");
    check_ramp<double>(*file, "f8");
    check_ramp<std::int32_t>(*file, "i4");
    check_ramp<std::int64_t>(*file, "i8");
    check_ramp<std::uint32_t>(*file, "u4");
    check_ramp<std::uint64_t>(*file, "u8");
    check_ramp<std::uint8_t>(*file, "u1");
    CHECK(*file->read<double>("scalar") == std::vector<double>{2.5});
    CHECK(file->find("empty")->shape == std::vector<std::uint64_t>{0, 7});
    CHECK(file->read<float>("empty")->empty());
  }
  auto const refusal = [&](char const* name) {
    auto const file = io::open_npz(folder / name);
    if (!file) return file.error()->message();
    auto const values = file->read<float>(file->arrays()[0].name);
    return values ? std::string() : values.error()->message();
  };
  CHECK(refusal("fortran.npz").find("Fortran order") != std::string::npos);
  CHECK(refusal("big.npz").find("big-endian") != std::string::npos);
  CHECK(refusal("objects.npz").find("Python objects") != std::string::npos);
  CHECK(refusal("half.npz").find("has the type '<f2'") != std::string::npos);

  auto events = io::open_events(folder / "events.npz");
  REQUIRE(events);
  std::vector<std::size_t> hits;
  for (auto const& e : *events) {
    hits.push_back(e.hits(0).size());
    if (e.number == 11) {
      CHECK(e.label == 2);
      CHECK(e.hits(0)[1].energy == 3.5f);
      CHECK(e.tracks()[0].phi == -1.0f);
    }
  }
  CHECK(events->error() == nullptr);
  CHECK(hits == std::vector<std::size_t>{1, 2});
}

template <class T>
void write_ramp(io::npz_writer& writer, char const* name) {
  auto const column = writer.add<T>(name, {2, 2});
  for (std::size_t row = 0; row < 6; ++row) {
    std::vector<T> values;
    for (std::size_t i = 4 * row; i < 4 * row + 4; ++i) values.push_back(static_cast<T>(3 * i + 1));
    REQUIRE(writer.append(column, values));
  }
}

TEST_CASE("numpy reads what is written here") {
  if (!has_numpy()) {
    MESSAGE("SKIPPED: no numpy");
    return;
  }
  scratch::folder const folder;
  for (bool const compress : {false, true}) {
    auto writer = io::npz_writer::create(folder / (compress ? "ours_deflated.npz" : "ours_stored.npz"),
                                         {.compress = compress});
    REQUIRE(writer);
    write_ramp<float>(*writer, "f4");
    write_ramp<double>(*writer, "f8");
    write_ramp<std::int32_t>(*writer, "i4");
    write_ramp<std::int64_t>(*writer, "i8");
    write_ramp<std::uint32_t>(*writer, "u4");
    write_ramp<std::uint64_t>(*writer, "u8");
    write_ramp<std::uint8_t>(*writer, "u1");
    static_cast<void>(writer->add<float>("empty", {7}));
    REQUIRE(writer->close());
  }
  {
    auto writer = io::event_writer::create(folder / "ours_events.npz", {{"seed", "7"}});
    REQUIRE(writer);
    ct::event first;
    first.run = 7;
    first.number = std::uint64_t{1} << 40;
    first.hit_lists[0].push_back({5, 0.5f});
    first.hit_lists[3].push_back({3, 0.25f});
    REQUIRE(writer->append(first, {.label = 1, .weight = 2, .m_gg = 125.5f}));
    ct::event second;
    second.run = 8;
    second.number = first.number + 1;
    second.track_list.push_back({12.5f, 0, 0, 1, 0, 0});
    REQUIRE(writer->append(second, io::event_labels{}));
    REQUIRE(writer->close());
  }
  std::vector<float> const weight{0, 0.25f, 0.5f, 0.75f, 1, 1.25f};
  std::vector<float> const bias{-1.5f};
  std::vector<io::tensor_view> const tensors{
      {"weight", {2, 3}, weight}, {"bias", {1}, bias}, {"half", {2, 3}, weight, io::number_type::f16}};
  REQUIRE(io::write_safetensors(folder / "ours.safetensors", tensors, {{"classes", "H\u2192\u03b3\u03b3"}}));
  CHECK(numpy("check", folder.path()));
}

}  // namespace
