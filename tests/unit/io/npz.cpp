#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <calotype/io/npz.hpp>
#include <calotype/tensor/buffer.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// An .npy file of the given header and data.
std::string npy(std::string dictionary, std::string_view data, int version = 1) {
  dictionary += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  auto const size = dictionary.size();
  for (int k = 0; k < (version == 1 ? 2 : 4); ++k) bytes += static_cast<char>(size >> (8 * k) & 0xFF);
  return bytes + dictionary + std::string(data);
}

template <class T>
std::string raw(std::vector<T> const& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// The sentence with which an archive of that one array, or its values, are refused; empty if they are not.
std::string refusal(std::string const& array, std::string const& name = "x.npy") {
  scratch::folder const folder;
  scratch::make_zip(folder / "file.npz", {{name, array}});
  auto const file = io::open_npz(folder / "file.npz");
  if (!file) return file.error()->message();
  auto const values = file->read<double>("x");
  return values ? "" : values.error()->message();
}

// An archive of one stored member of which the list of members says that it takes `claimed` bytes.
std::string archive_claiming(std::string const& content, std::uint64_t claimed) {
  std::string bytes;
  auto const put = [&bytes](std::uint64_t number, int count) {
    for (int k = 0; k < count; ++k) bytes += static_cast<char>(number >> (8 * k) & 0xFF);
  };
  std::string const name = "x.npy";
  std::uint64_t const in_extra = 0xFFFFFFFF;  // zip64
  auto const describe = [&](std::uint64_t packed, std::uint64_t extra) {
    put(45, 2), put(0, 2), put(0, 2), put(0, 2), put(0x21, 2);  // version, flags, stored, time, day
    put(0, 4), put(packed, 4), put(packed, 4), put(name.size(), 2), put(extra, 2);
  };
  put(0x04034B50, 4);
  describe(content.size(), 0);
  bytes += name + content;
  auto const list = bytes.size();
  put(0x02014B50, 4), put(45, 2);
  describe(in_extra, 20);
  put(0, 2), put(0, 2), put(0, 2), put(0, 4), put(0, 4);  // comment, disk, attributes, place
  bytes += name;
  put(1, 2), put(16, 2), put(claimed, 8), put(claimed, 8);
  auto const size = bytes.size() - list;
  put(0x06054B50, 4), put(0, 4), put(1, 2), put(1, 2), put(size, 4), put(list, 4), put(0, 2);
  return bytes;
}

TEST_CASE("arrays come back as they were written") {
  scratch::folder const folder;
  for (bool const compress : {false, true}) {
    auto writer = io::npz_writer::create(folder / "file.npz", {.force = true, .compress = compress});
    REQUIRE(writer);
    auto const images = writer->add<float>("images", {2, 3});
    auto const number = writer->add<std::uint64_t>("event");
    auto const empty = writer->add<std::int32_t>("empty", {4});
    static_cast<void>(empty);
    auto const f8 = writer->add<double>("f8");
    auto const i8 = writer->add<std::int64_t>("i8");
    auto const u4 = writer->add<std::uint32_t>("u4");
    auto const u1 = writer->add<std::uint8_t>("u1");
    for (int i = 0; i < 5000; ++i) {
      std::vector<float> row(6);
      for (std::size_t k = 0; k < row.size(); ++k)
        row[k] = static_cast<float>(i) + 0.125f * static_cast<float>(k);
      REQUIRE(writer->append(images, row));
      REQUIRE(writer->append(number, (std::uint64_t{1} << 40) + static_cast<std::uint64_t>(i)));
    }
    REQUIRE(writer->append(f8, 1.0 / 3));
    REQUIRE(writer->append(i8, std::numeric_limits<std::int64_t>::min()));
    REQUIRE(writer->append(u4, 4294967295u));
    REQUIRE(writer->append(u1, 255));
    REQUIRE(writer->close());
    CHECK(folder.list() == std::vector<std::string>{"file.npz"});

    auto const file = io::open_npz(folder / "file.npz");
    REQUIRE(file);
    REQUIRE(file->arrays().size() == 7);
    CHECK(file->arrays()[0].name == "images");
    CHECK(file->find("images")->shape == std::vector<std::uint64_t>{5000, 2, 3});
    CHECK(file->find("images")->type == io::npy_type::f4);
    CHECK(file->find("empty")->shape == std::vector<std::uint64_t>{0, 4});
    CHECK(file->find("nothing") == nullptr);
    auto const values = file->read<float>("images");
    REQUIRE(values);
    CHECK(values->size() == 30000);
    CHECK((*values)[6 * 4999 + 5] == 4999.625f);
    CHECK((*file->read<std::uint64_t>("event"))[4999] == (std::uint64_t{1} << 40) + 4999);
    CHECK(file->read<std::int32_t>("empty")->empty());
    CHECK(*file->read<double>("f8") == std::vector<double>{1.0 / 3});
    CHECK(*file->read<std::int64_t>("i8") ==
          std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()});
    CHECK(*file->read<std::uint32_t>("u4") == std::vector<std::uint32_t>{4294967295u});
    CHECK(*file->read<std::uint8_t>("u1") == std::vector<std::uint8_t>{255});
    CHECK(has(file->read<float>("nothing").error()->message(), "no array 'nothing'"));

    // Two streams in turn.
    auto first = file->stream<float>("images");
    auto second = file->stream<std::uint64_t>("event");
    REQUIRE(first);
    REQUIRE(second);
    std::array<float, 6> row{};
    for (std::uint64_t i = 0; i < 5000; ++i) {
      std::uint64_t event = 0;
      REQUIRE(first->read(row));
      REQUIRE(second->read(std::span(&event, 1)));
      CHECK(row[1] == static_cast<float>(i) + 0.125f);
      CHECK(event == (std::uint64_t{1} << 40) + i);
    }
    CHECK(first->left() == 0);
    CHECK(has(first->read(row).error()->message(), "ends too early"));

    auto skipping = file->stream<double>("images");
    REQUIRE(skipping);
    REQUIRE(skipping->skip(6 * 1000 + 1));
    double value = 0;
    REQUIRE(skipping->read(std::span(&value, 1)));
    CHECK(value == 1000.125);
  }
}

TEST_CASE("the same rows give the same bytes") {
  scratch::folder const folder;
  for (auto const* const name : {"a", "b"}) {
    auto writer = io::npz_writer::create(folder / name);
    REQUIRE(writer);
    auto const x = writer->add<float>("x");
    for (int i = 0; i < 100; ++i) REQUIRE(writer->append(x, static_cast<float>(i)));
    REQUIRE(writer->close());
  }
  CHECK(scratch::slurp(folder / "a") == scratch::slurp(folder / "b"));
}

TEST_CASE("values are converted when that loses nothing but rounding") {
  scratch::folder const folder;
  scratch::make_zip(
      folder / "file.npz",
      {{"d.npy",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", raw<double>({0.1, -2, 1e300}))},
       {"i.npy",
        npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", raw<std::int64_t>({-1, 300}))},
       {"n.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
                     raw<float>({std::numeric_limits<float>::quiet_NaN()}))},
       {"w.npy",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", raw<double>({7, 4294967295.0}))}});
  auto const file = io::open_npz(folder / "file.npz");
  REQUIRE(file);
  CHECK((*file->read<float>("d"))[0] == 0.1f);
  CHECK((*file->read<double>("i"))[1] == 300);
  CHECK((*file->read<std::int32_t>("i"))[0] == -1);
  CHECK((*file->read<std::uint32_t>("w"))[1] == 4294967295u);
  CHECK(has(file->read<std::int32_t>("w").error()->message(), "no <i4"));
  CHECK(has(file->read<std::uint32_t>("i").error()->message(), "no <u4"));
  CHECK(has(file->read<std::uint8_t>("i").error()->message(), "no |u1"));
  CHECK(has(file->read<std::int64_t>("d").error()->message(), "no <i8"));
  CHECK(has(file->read<std::int32_t>("n").error()->message(), "no <i4"));
}

TEST_CASE("headers of all versions and spellings are read") {
  auto const data = raw<float>({1, 2, 3, 4, 5, 6});
  for (int const version : {1, 2, 3}) {
    scratch::folder const folder;
    scratch::make_zip(
        folder / "file.npz",
        {{"a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      ", data, version)},
         {"b.npy", npy("{\"shape\":(2,3,1),\"fortran_order\":False,\"descr\":\"<f4\"}", data, version)},
         {"c.npy",
          npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", data.substr(0, 4), version)}});
    auto const file = io::open_npz(folder / "file.npz");
    REQUIRE(file);
    CHECK(file->find("a")->shape == std::vector<std::uint64_t>{2, 3});
    CHECK(file->find("b")->shape == std::vector<std::uint64_t>{2, 3, 1});
    CHECK(file->find("c")->shape.empty());
    CHECK(file->find("c")->size() == 1);
    CHECK((*file->read<float>("b"))[5] == 6);
  }
}

TEST_CASE("arrays that are not read are refused with the reason") {
  auto const with = [](std::string const& type, std::string const& order, std::string const& shape,
                       std::string const& data) {
    return refusal(
        npy("{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }", data));
  };
  std::string const four(16, '\0');
  CHECK(with("<f4", "False", "(4,)", four).empty());
  CHECK(has(with("<f4", "True", "(2, 2)", four), "Fortran order"));
  CHECK(has(with(">f4", "False", "(4,)", four), "big-endian"));
  CHECK(has(with("|O", "False", "(2,)", four), "Python objects"));
  CHECK(has(with("<f2", "False", "(8,)", four), "has the type '<f2'"));
  CHECK(has(with("<U4", "False", "(1,)", four), "has the type '<U4'"));
  CHECK(
      has(refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", four)), "records"));
  CHECK(has(with("<f4", "False", "(5,)", four), "shape does not agree"));
  CHECK(has(with("<f4", "False", "(3,)", four), "shape does not agree"));
  CHECK(has(with("<f4", "False", "(4294967296, 4294967296, 4)", four), "shape does not agree"));
  CHECK(has(with("<f4", "False", "(25000000000,)", four), "shape does not agree"));  // 100 GB
  CHECK(has(with("<f4", "False", "(-4,)", four), "malformed header"));
  CHECK(has(with("<f4", "False", "(4", four), "malformed header"));
  CHECK(has(with("<f4", "Maybe", "(4,)", four), "malformed header"));
  CHECK(has(refusal(npy("{'descr': '<f4', 'shape': (4,), }", four)), "malformed header"));
  CHECK(has(refusal(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", four)),
            "malformed header"));
  CHECK(has(refusal(npy("", four)), "malformed header"));
  CHECK(has(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", four, 4)), "version 4"));
  CHECK(has(refusal("hello"), "no array"));
  CHECK(has(refusal("hello hello hello"), "no array"));
  CHECK(has(refusal("\x93NUMPY\x01" + std::string("\0\xFF\xFF", 3)), "malformed header"));
  CHECK(has(refusal(npy("{}", ""), "x.txt"), "no array"));
}

TEST_CASE("an array that is not read is in nobody's way") {
  std::string const four(16, '\0');
  auto const array = [&](std::string const& type, std::string const& order, std::string const& shape) {
    return npy("{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }", four);
  };
  scratch::folder const folder;
  scratch::make_zip(folder / "file.npz",
                    {{"text.npy", array("'<U4'", "False", "(1,)")},
                     {"turned.npy", array("'<f4'", "True", "(2, 2)")},
                     {"records.npy", array("[('a', '<f4'), ('b', [('c', '<f4', (3,))])]", "False", "(1,)")},
                     {"good.npy", array("'<f4'", "False", "(4,)")},
                     {"flags.npy", npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }",
                                       std::string("\1\0\1", 3))}});
  auto const file = io::open_npz(folder / "file.npz");
  REQUIRE(file);
  CHECK(file->arrays().size() == 5);
  CHECK(file->read<float>("good")->size() == 4);
  CHECK(*file->read<std::uint8_t>("flags") == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(file->find("flags")->type == io::npy_type::u1);
  CHECK(file->find("turned")->shape == std::vector<std::uint64_t>{2, 2});
  for (auto const* const name : {"text", "turned", "records"}) {
    CHECK(file->find(name)->type == io::npy_type::unread);
    auto const values = file->stream<float>(name);
    REQUIRE(!values);
    CHECK(has(values.error()->message(), std::string("member ") + name + ".npy"));
  }
  CHECK(io::name_of(io::npy_type::unread) == "not read");
}

TEST_CASE("a member that claims more than the file holds is refused before memory is reserved") {
  scratch::folder const folder;
  auto const says = [&](std::uint64_t claimed, std::uint64_t count) {
    auto const dictionary =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(count) + ",), }";
    scratch::spill(folder / "file.npz", archive_claiming(npy(dictionary, std::string(16, 'x')), claimed));
    auto const file = io::open_npz(folder / "file.npz");
    return file ? "" : file.error()->message();
  };
  auto const header = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (16,), }", "").size();
  CHECK(says(header + 16, 16).empty());
  std::uint64_t const terabyte = std::uint64_t{1} << 40;
  CHECK(has(says(terabyte, terabyte - header - 11), "more bytes for this member than it can hold"));
}

TEST_CASE("rows are appended from whatever is a span of them") {
  scratch::folder const folder;
  auto writer = io::npz_writer::create(folder / "file.npz");
  REQUIRE(writer);
  auto const x = writer->add<float>("x", {2});
  std::array<float, 2> row{1, 2};
  std::vector<float> const vector{3, 4};
  ct::buffer<float> block(2);
  block.fill(5);
  ct::buffer<float> const& constant = block;
  REQUIRE(writer->append(x, row));
  REQUIRE(writer->append(x, vector));
  REQUIRE(writer->append(x, block));
  REQUIRE(writer->append(x, constant));
  REQUIRE(writer->append(x, std::span<float>(row)));
  REQUIRE(writer->append(x, std::span<float const>(row)));
  REQUIRE(writer->close());
  CHECK(*io::open_npz(folder / "file.npz")->read<float>("x") ==
        std::vector<float>{1, 2, 3, 4, 5, 5, 5, 5, 1, 2, 1, 2});
}

TEST_CASE("archives that are none are refused") {
  scratch::folder const folder;
  auto const says = [](std::string const& path) {
    auto const file = io::open_npz(path);
    return file ? std::string() : file.error()->message();
  };
  CHECK(has(says(folder / "none.npz"), "no such file"));
  CHECK(has(says(folder.path()), "this is a folder"));
  REQUIRE(::mkfifo((folder / "pipe.npz").c_str(), 0600) == 0);
  CHECK(has(says(folder / "pipe.npz"), "a pipe or device"));  // and is not waited for
  scratch::spill(folder / "text.npz", "not an archive");
  CHECK(has(says(folder / "text.npz"), "not a zip archive"));
  auto writer = io::npz_writer::create(folder / "file.npz");
  REQUIRE(writer);
  auto const x = writer->add<float>("x");
  for (int i = 0; i < 1000; ++i) REQUIRE(writer->append(x, static_cast<float>(i)));
  REQUIRE(writer->close());
  auto bytes = scratch::slurp(folder / "file.npz");
  scratch::spill(folder / "cut.npz", bytes.substr(0, bytes.size() - 30));
  CHECK(has(says(folder / "cut.npz"), "cut short"));
  bytes[2000] = static_cast<char>(bytes[2000] ^ 1);
  scratch::spill(folder / "damaged.npz", bytes);
  auto const damaged = io::open_npz(folder / "damaged.npz");
  REQUIRE(damaged);
  CHECK(has(damaged->read<float>("x").error()->message(), "damaged"));
}

TEST_CASE("a writer that is not closed, or fails, leaves the target alone") {
  scratch::folder const folder;
  scratch::spill(folder / "file.npz", "old");
  CHECK(has(io::npz_writer::create(folder / "file.npz").error()->message(), "exists already"));
  CHECK(has(io::npz_writer::create(folder.path(), {.force = true}).error()->message(), "folder"));
  {
    auto writer = io::npz_writer::create(folder / "file.npz", {.force = true});
    REQUIRE(writer);
    REQUIRE(writer->append(writer->add<float>("x"), 1.0f));
  }
  {
    auto writer = io::npz_writer::create(folder / "file.npz", {.force = true});
    REQUIRE(writer);
    auto const x = writer->add<float>("x", {3});
    CHECK(has(writer->append(x, std::vector<float>{1, 2}).error()->message(), "whole number of rows"));
    CHECK(!writer->append(x, std::vector<float>{1, 2, 3}));
    CHECK(has(writer->close().error()->message(), "whole number of rows"));
  }
  CHECK(scratch::slurp(folder / "file.npz") == "old");
  CHECK(folder.list().size() == 1);
}

TEST_CASE("a full disk while rows are appended, or while they are put together, leaves nothing behind") {
  for (rlim_t const limit : {rlim_t{50'000}, rlim_t{90'000}}) {
    CAPTURE(limit);
    scratch::folder const folder;
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      rlimit const limits{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &limits);
      auto writer = io::npz_writer::create(folder / "out.npz");
      if (!writer) ::_exit(2);
      auto const x = writer->add<float>("x");
      auto const y = writer->add<float>("y");
      for (int i = 0; i < 20'000; ++i) {  // 80 kB each: the second limit is met only by the archive
        static_cast<void>(writer->append(x, 1.0f));
        static_cast<void>(writer->append(y, 2.0f));
      }
      auto const outcome = writer->close();
      bool const said = !outcome && has(outcome.error()->message(), "could not write");
      ::_exit(said && folder.list().empty() ? 0 : 3);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

}  // namespace
