#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "calotype_tree.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/io/ig.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;
namespace cms = calotype::cms;

static_assert(std::input_iterator<io::ig_file::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, io::ig_file::iterator>);

template <class Part>
std::string id(int index) {
  return std::to_string(ct::segmentation<Part>::pack(index));
}

// The parts of an event's text; a test spoils one of them.
struct event_text {
  std::string types =
      R"("Event_V2": [["run", "int"], ["event", "int"], ["ls", "int"], ["time", "string"]],
         "EBRecHits_V2": [["energy", "double"], ["eta", "double"], ["detid", "int"], ["front_1", "v3d"]],
         "HBRecHits_V2": [["detid", "int"], ["energy", "double"]],
         "Tracks_V3": [["pos", "v3d"], ["pt", "double"], ["phi", "double"], ["eta", "double"], ["charge", "int"]],
         "Photons_V1": [["energy", "double"], ["et", "double"], ["eta", "double"], ["phi", "double"],
                        ["hadronicOverEm", "double"], ["r9", "double"]],
         "PFTaus_V1": [["eta", "double"], ["pos", "v3d"]])";
  std::string record = R"([194533, 123456, 77, "12:00"])";
  std::string eb =
      "[1.5, 0.1, " + id<cms::eb>(10) + ", [1, 2, 3]], [-0.25, 0.2, " + id<cms::eb>(3) + ", [4, 5, 6]]";
  std::string hb = "[" + id<cms::hb>(7) + ", 2.5]";
  std::string tracks = "[[0.001, 0.002, 0.03], 10.5, 0.5, 1.25, -1]";
  std::string photons = "[41, 20, 1, 2, 0.02, 0.9], [80, 60, -0.5, 1, 0.01, 0.95]";
  std::string taus = "[0.5, [1, 2, 3]]";

  std::string str() const {
    return "{\"Types\": {" + types + "}, \"Collections\": {\"Event_V2\": [" + record +
           "], \"EBRecHits_V2\": [" + eb + "], \"HBRecHits_V2\": [" + hb + "], \"Tracks_V3\": [" + tracks +
           "], \"Photons_V1\": [" + photons + "], \"PFTaus_V1\": [" + taus +
           "]}, \"Associations\": {\"A_V1\": [[[0, 1], [2, 3]]]}}";
  }
};

constexpr char const* member = "Events/Run_1/Event_1";

void write_ig(std::string const& path, std::string const& text) {
  scratch::make_zip(path, {{"Header", "\"CMSSW_5_3_36\""}, {member, text}});
}

// The sentence with which a file of that one event is refused; empty if it is not.
std::string refusal(std::string const& text) {
  scratch::folder const folder;
  write_ig(folder / "file.ig", text);
  auto file = io::open_ig(folder / "file.ig");
  if (!file) return file.error()->message();
  for (auto const& event : *file) static_cast<void>(event);
  return file->error() != nullptr ? file->error()->message() : "";
}

std::string open_refusal(std::string const& path, io::ig_options options = {}) {
  auto const file = io::open_ig(path, options);
  return file ? "" : file.error()->message();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

void check_event(ct::event const& e) {
  CHECK(e.run == 194533);
  CHECK(e.number == 123456);
  CHECK(e.luminosity_block == 77);
  auto const eb = e.hits(cms::collection::eb);
  REQUIRE(eb.size() == 2);
  CHECK(eb[0].id == ct::segmentation<cms::eb>::pack(3));
  CHECK(eb[0].energy == -0.25f);
  CHECK(eb[1].id == ct::segmentation<cms::eb>::pack(10));
  CHECK(eb[1].energy == 1.5f);
  auto const hb = e.hits(cms::collection::hb);
  REQUIRE(hb.size() == 1);
  CHECK(hb[0].energy == 2.5f);
  REQUIRE(e.tracks().size() == 1);
  auto const& t = e.tracks()[0];
  CHECK(t.pt == 10.5f);
  CHECK(t.eta == 1.25f);
  CHECK(t.phi == 0.5f);
  CHECK(t.charge == -1.0f);
  CHECK(t.d0 == doctest::Approx(100 * (0.002 * std::cos(0.5) - 0.001 * std::sin(0.5))));
  CHECK(t.z0 ==
        doctest::Approx(100 * (0.03 - (0.001 * std::cos(0.5) + 0.002 * std::sin(0.5)) * std::sinh(1.25))));
  REQUIRE(e.photons().size() == 2);
  CHECK(e.photons()[0].et == 60.0f);
  CHECK(e.photons()[1].et == 20.0f);
  CHECK(e.photons()[0].energy == 80.0f);
  CHECK(e.photons()[0].eta == -0.5f);
  CHECK(e.photons()[0].phi == 1.0f);
  CHECK(e.photons()[0].r9 == 0.95f);
  CHECK(e.photons()[0].h_over_e == 0.01f);
}

void check_file(std::string const& text) {
  scratch::folder const folder;
  write_ig(folder / "file.ig", text);
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  CHECK(file->size() == 1);
  CHECK(file->member(0) == member);
  int events = 0;
  for (ct::event const& e : *file) {
    check_event(e);
    ++events;
  }
  CHECK(file->error() == nullptr);
  CHECK(events == 1);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

TEST_CASE("an event in strict JSON is read, its columns found by name") { check_file(event_text{}.str()); }

TEST_CASE("nan and its like are read where a number may stand") {
  for (auto const* const nan : {"nan", "-nan", "NaN", "inf", "-inf", "Infinity", "-Infinity", "null"}) {
    CAPTURE(nan);
    event_text text;
    text.taus = std::string("[") + nan + ", [1, " + nan + ",3]]";
    text.eb = "[1.5, " + std::string(nan) + ", " + id<cms::eb>(10) + ", [" + nan + ", 2, 3]], [-0.25, 0.2, " +
              id<cms::eb>(3) + ", [4, 5, 6]]";
    check_file(text.str());
  }
}

TEST_CASE("the old python notation is read") {
  event_text text;
  replace_all(text.eb, "[1, 2, 3]", "(1, 2, nan)");
  replace_all(text.tracks, "[0.001, 0.002, 0.03]", "(0.001, 0.002, 0.03)");
  text.taus = "[nan, (1, 2, 3)]";
  text.record = R"([194533, 123456, 77, "it's (12:00) [GMT] \" nan {"])";
  auto dialect = "\n" + text.str();
  for (auto const* const key : {"Types", "Collections", "Associations"}) {
    replace_all(dialect, "\"" + std::string(key) + "\"", "'" + std::string(key) + "'");
  }
  check_file(dialect);
  replace_all(dialect, "\"Tracks_V3\"", "'Tracks_V3'");
  replace_all(dialect, "\"12:00\"", "'12 o\\'clock \"noon\"'");
  check_file(dialect);
}

TEST_CASE("words and strings around a nan are left alone") {
  auto const condensed = [](std::string_view text) {
    std::string json;
    std::vector<io::ig_extent> extents;
    io::detail::condense_ig(
        text, [](std::string_view) { return io::detail::ig_keep::everything; }, json, extents);
    return json;
  };
  CHECK(condensed(R"(["nan", nan, -nan, nano, banana, null, -1e-06, "\"nan"])") ==
        R"(["nan", null, null, nano, banana, null, -1e-06, "\"nan"])");
  CHECK(condensed(R"(('it\'s', 'a "b"', "c\\"))") == R"(["it's", "a \"b\"", "c\\"])");
  CHECK(condensed("\"open") == "\"ope\"");
  CHECK(condensed("\"") == "\"\"");
  CHECK(condensed("\"\\") == "\"\"");
  CHECK(condensed("-") == "-");
  CHECK(condensed(")") == "]");
  CHECK(condensed("").empty());
}

TEST_CASE("what is tolerated is counted") {
  event_text text;
  text.eb +=
      ", " + text.eb + ", [0, 1, " + id<cms::eb>(4) + ", [1, 2, 3]]";  // two repetitions, four energies <= 0
  text.hb = "";
  text.taus = "[nan, [1, nan, 3]], [1, [1, 2, inf]]";
  scratch::folder const folder;
  write_ig(folder / "file.ig", text.str());
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  for (int pass = 0; pass < 2; ++pass) {  // begin() starts anew, the summary too
    for (auto const& e : *file) CHECK(e.hits(cms::collection::eb).size() == 3);
    REQUIRE(file->error() == nullptr);
    auto const& summary = file->summary();
    CHECK(summary.events == 1);
    auto const* const eb = summary.find("EBRecHits_V2");
    REQUIRE(eb != nullptr);
    CHECK(eb->used);
    CHECK(eb->events == 1);
    CHECK(eb->rows == 5);
    CHECK(eb->repetitions == 2);
    CHECK(eb->nonpositive == 3);
    CHECK(summary.find("HBRecHits_V2")->empty == 1);
    auto const* const taus = summary.find("PFTaus_V1");
    REQUIRE(taus != nullptr);
    CHECK(!taus->used);
    CHECK(taus->rows == 2);
    CHECK(taus->nans == 3);
    CHECK(summary.total(&io::ig_collection_summary::nans) == 3);
    std::vector<std::string> absent;
    for (auto const& absence : summary.absences) absent.push_back(absence.name);
    CHECK(absent == std::vector<std::string>{"EERecHits", "ESRecHits", "HERecHits", "HORecHits", "HFRecHits",
                                             "CaloTowers"});
  }
}

TEST_CASE("a number that is none in a used column is refused with its place") {
  for (auto const* const value : {"nan", "inf", "-inf", "1e300", "true", "1e999"}) {
    CAPTURE(value);
    auto const number = std::string(value);
    event_text text;
    text.eb += ", [" + number + ", 0, " + id<cms::eb>(20) + ", [1, 2, 3]]";
    auto const sentence = refusal(text.str());
    CHECK(has(sentence, "file.ig"));
    CHECK(has(sentence, member));
    CHECK(has(sentence, "EBRecHits_V2"));
    CHECK(has(sentence, "row 3"));
  }
  event_text text;
  text.tracks = "[[0, nan, 0], 1, 2, 1, 1]";
  CHECK(has(refusal(text.str()), "the column pos holds NaN"));
  text = {};
  text.photons = "[1, 2, 3, 4, 5, nan]";
  CHECK(has(refusal(text.str()), "the column r9 holds NaN"));
  text = {};
  text.record = R"([nan, 1, 1, ""])";
  CHECK(has(refusal(text.str()), "the column run holds NaN"));
}

TEST_CASE("an id that does not belong there is refused with its place") {
  event_text text;
  text.eb += ", [1, 0, " + id<cms::ee>(5) + ", [1, 2, 3]]";
  auto sentence = refusal(text.str());
  CHECK(has(sentence, "another subdetector"));
  CHECK(has(sentence, id<cms::ee>(5)));
  CHECK(has(sentence, std::string(member) + ", collection EBRecHits_V2, row 3"));

  text = {};
  text.eb = "[1, 0, " + std::to_string(0x32000000u) + ", [1, 2, 3]]";  // ieta 0, iphi 0
  CHECK(has(refusal(text.str()), "no cell with the detector id"));
  text.eb = "[1, 0, 838861313.5, [1, 2, 3]]";
  CHECK(has(refusal(text.str()), "not a whole number"));
  text.eb = "[1, 0, 1e12, [1, 2, 3]]";
  CHECK(has(refusal(text.str()), "not a whole number"));
}

TEST_CASE("an id with two energies is refused with both rows") {
  event_text text;
  text.eb += ", [1.75, 0.1, " + id<cms::eb>(10) + ", [1, 2, 3]]";
  auto const sentence = refusal(text.str());
  CHECK(has(sentence, "has another energy in row 1"));
  CHECK(has(sentence, "EBRecHits_V2, row 3"));
}

TEST_CASE("events that are malformed are refused") {
  auto const good = event_text{}.str();
  for (std::size_t length = 0; length + 1 < good.size(); length += 7) {
    CAPTURE(length);
    CHECK(has(refusal(good.substr(0, length)), member));
  }
  CHECK(has(refusal(good + "x"), "JSON"));
  CHECK(has(refusal("[1, 2]"), "form of an .ig event"));
  CHECK(has(refusal("{}"), "no Collections"));
  CHECK(has(refusal("{\"Collections\": {}}"), "run and number"));
  CHECK(has(refusal("{\"Collections\": {\"EBRecHits_V2\": []}}"), "Types does not describe"));
  event_text text;
  text.hb = "[" + id<cms::hb>(7) + "]";
  CHECK(has(refusal(text.str()), "has 1 values where Types lists 2 (HBRecHits_V2, row 1)"));
  text.hb = "[" + id<cms::hb>(7) + ", 1, 2]";
  CHECK(has(refusal(text.str()), "more values than Types lists"));
  text.hb = "[" + id<cms::hb>(7) + ", \"1\"]";
  CHECK(has(refusal(text.str()), "holds a text in its column energy"));
  text.hb = "[" + id<cms::hb>(7) + ", [1]]";
  CHECK(has(refusal(text.str()), "holds a vector in its column energy"));
  text = {};
  text.tracks = "[[0, 0], 1, 2, 1, 1]";
  CHECK(has(refusal(text.str()), "holds a vector of 2 numbers"));
  text = {};
  text.record = "";
  CHECK(has(refusal(text.str()), "run and number"));
  text = {};
  replace_all(text.types, "[\"detid\", \"int\"], [\"energy\", \"double\"]",
              "[\"id\", \"int\"], [\"E\", \"double\"]");
  CHECK(has(refusal(text.str()), "there is no column detid"));
  text = {};
  replace_all(text.types, "[\"pt\", \"double\"]", "[\"pt\", \"string\"]");
  CHECK(has(refusal(text.str()), "column pt"));
  text = {};
  text.types += ", \"EBRecHits_V2\": []";
  CHECK(has(refusal(text.str()), "describes the collection EBRecHits_V2 twice"));
  std::string const types = R"("Types":{"A_V1":[["x","int"]]})", more = R"("Types":{"B_V1":[["x","int"]]})";
  std::string const list = R"("Collections":{"A_V1":[]})";
  CHECK(has(refusal("{" + types + "," + list + "," + more + R"(,"Collections":{?)"), "holds Types twice"));
  CHECK(has(refusal("{" + types + "," + list + "," + list + "}"), "holds Collections twice"));
}

TEST_CASE("after a refused event the iteration ends and says why") {
  scratch::folder const folder;
  event_text bad;
  bad.eb = "[nan, 0, " + id<cms::eb>(10) + ", [1, 2, 3]]";
  scratch::make_zip(folder / "file.ig", {{"Events/Run_1/Event_1", event_text{}.str()},
                                         {"Events/Run_1/Event_2", bad.str()},
                                         {"Events/Run_1/Event_3", event_text{}.str()}});
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  CHECK(file->size() == 3);
  int events = 0;
  for (auto const& e : *file) {
    check_event(e);
    ++events;
  }
  CHECK(events == 1);
  REQUIRE(file->error() != nullptr);
  CHECK(has(file->error()->message(), "Event_2"));
  CHECK(file->summary().events == 1);

  CHECK(file->read(2));
  CHECK(!file->read(1));
  CHECK(has(file->read(3).error()->message(), "it has 3 events"));

  auto part = io::open_ig(folder / "file.ig", {.first = 2});
  REQUIRE(part);
  events = 0;
  for (auto const& e : *part) {
    check_event(e);
    ++events;
  }
  CHECK(events == 1);
  CHECK(part->error() == nullptr);
  auto one = io::open_ig(folder / "file.ig", {.count = 1});
  REQUIRE(one);
  events = 0;
  for (auto const& e : *one) {
    check_event(e);
    ++events;
  }
  CHECK(events == 1);
  CHECK(has(open_refusal(folder / "file.ig", {.first = 3}), "no event is left"));
}

TEST_CASE("files that hold no events are refused") {
  scratch::folder const folder;
  CHECK(has(open_refusal(folder / "none.ig"), "no such file"));
  CHECK(has(open_refusal(folder.path()), "is a folder"));
  scratch::spill(folder / "empty.ig", "");
  CHECK(has(open_refusal(folder / "empty.ig"), "not a zip archive"));
  scratch::spill(folder / "text.ig", event_text{}.str());
  CHECK(has(open_refusal(folder / "text.ig"), "not a zip archive"));
  scratch::make_zip(folder / "foreign.ig", {{"readme.txt", "hello"}, {"Events/", ""}, {"Events/Run_1/", ""}});
  CHECK(has(open_refusal(folder / "foreign.ig"), "holds no events"));
}

TEST_CASE("an archive that was cut short is refused, wherever the cut") {
  scratch::folder const folder;
  write_ig(folder / "whole.ig", event_text{}.str());
  auto const whole = scratch::slurp(folder / "whole.ig");
  for (std::size_t length = 0; length < whole.size(); length += 11) {
    CAPTURE(length);
    scratch::spill(folder / "cut.ig", whole.substr(0, length));
    auto file = io::open_ig(folder / "cut.ig");
    if (!file) continue;
    for (auto const& e : *file) static_cast<void>(e);
    CHECK(file->error() != nullptr);
  }
  scratch::spill(folder / "cut.ig", whole.substr(0, whole.size() / 2));
  CHECK(has(open_refusal(folder / "cut.ig"), "cut short"));
}

TEST_CASE("a damaged member is noticed by its checksum") {
  scratch::folder const folder;
  for (bool const compress : {false, true}) {
    scratch::make_zip(folder / "file.ig", {{member, event_text{}.str()}}, compress);
    auto bytes = scratch::slurp(folder / "file.ig");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x04);
    scratch::spill(folder / "file.ig", bytes);
    auto file = io::open_ig(folder / "file.ig");
    REQUIRE(file);
    for (auto const& e : *file) static_cast<void>(e);
    REQUIRE(file->error() != nullptr);
    CHECK(has(file->error()->message(), "damaged"));
    CHECK(has(file->error()->message(), member));
  }
}

TEST_CASE("an event that claims to be huge is refused before memory is reserved") {
  scratch::folder const folder;
  write_ig(folder / "file.ig", event_text{}.str());
  CHECK(open_refusal(folder / "file.ig", {.max_event_bytes = 100}).empty());
  auto file = io::open_ig(folder / "file.ig", {.max_event_bytes = 100});
  REQUIRE(file);
  CHECK(has(file->read(0).error()->message(), "more than is allowed"));
}

TEST_CASE("numbers of the record that older writers gave a sign") {
  event_text text;
  text.record = R"([194533, -1, 77, "12:00"])";
  scratch::folder const folder;
  write_ig(folder / "file.ig", text.str());
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  auto const e = file->read(0);
  REQUIRE(e);
  CHECK(e->number == 4294967295u);
}

TEST_CASE("any collection can be read with all its columns") {
  scratch::folder const folder;
  event_text text;
  text.taus = "[nan, [1, 2, 3]], [2, [4, 5, 6]]";
  write_ig(folder / "file.ig", text.str());
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  std::array<std::string_view, 2> const names{"PFTaus_V1", "Event_V2"};
  auto const some = file->contents(0, names);
  REQUIRE(some);
  CHECK(some->extents.size() == 6);
  CHECK(some->tables.size() == 2);
  auto const* const taus = some->find("PFTaus_V1");
  REQUIRE(taus != nullptr);
  CHECK(taus->rows == 2);
  REQUIRE(taus->numbers("eta").size() == 2);
  CHECK(std::isnan(taus->numbers("eta")[0]));
  CHECK(taus->numbers("eta")[1] == 2);
  auto const pos = taus->numbers("pos");
  CHECK(std::vector<double>(pos.begin(), pos.end()) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(taus->numbers("nothing").empty());
  auto const* const record = some->find("Event_V2");
  REQUIRE(record != nullptr);
  REQUIRE(record->find("time") != nullptr);
  CHECK(record->find("time")->texts == std::vector<std::string>{"12:00"});
  auto const all = file->contents(0);
  REQUIRE(all);
  CHECK(all->tables.size() == 6);
  CHECK(all->find("EBRecHits_V2")->numbers("front_1").size() == 6);
}

TEST_CASE("collections that are asked for are read beside the events") {
  scratch::folder const folder;
  event_text text;
  text.taus = "[nan, [1, 2, 3]], [2, [4, 5, 6]]";
  write_ig(folder / "file.ig", text.str());
  auto file = io::open_ig(folder / "file.ig", {.also = {"PFTaus_V1", "EBRecHits_V2", "Nothing_V1"}});
  auto plain = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  REQUIRE(plain);
  std::size_t events = 0;
  for (ct::event const& e : *file) {
    ++events;
    check_event(e);
    auto const* const taus = file->also("PFTaus_V1");
    REQUIRE(taus != nullptr);
    CHECK(taus->rows == 2);
    CHECK(taus->numbers("eta")[1] == 2);
    auto const pos = taus->numbers("pos");
    CHECK(std::vector<double>(pos.begin(), pos.end()) == std::vector<double>{1, 2, 3, 4, 5, 6});
    REQUIRE(file->also("EBRecHits_V2") != nullptr);
    CHECK(file->also("EBRecHits_V2")->numbers("front_1").size() == 6);
    CHECK(file->also("Nothing_V1") == nullptr);
    CHECK(file->also("Event_V2") == nullptr);  // not asked for
  }
  CHECK(events == 1);
  for (ct::event const& e : *plain) check_event(e);
  CHECK(file->summary().total(&io::ig_collection_summary::nans) ==
        plain->summary().total(&io::ig_collection_summary::nans));
  CHECK(plain->also("PFTaus_V1") == nullptr);

  text.taus = R"([0.5, "here"])";  // no vector
  write_ig(folder / "broken.ig", text.str());
  auto broken = io::open_ig(folder / "broken.ig", {.also = {"PFTaus_V1"}});
  auto ignorant = io::open_ig(folder / "broken.ig");
  REQUIRE(broken);
  REQUIRE(ignorant);
  CHECK(ignorant->read(0));
  auto const refused = broken->read(0);
  REQUIRE(refused.error() != nullptr);
  CHECK(has(refused.error()->message(), "holds a text in its column pos"));
}

// The file that scripts/make_synthetic_ig.py makes, against what the script says is in it.
TEST_CASE("the synthetic file is read in every dialect") {
  if (std::system("python3 -c pass > /dev/null 2>&1") != 0) {
    MESSAGE("SKIPPED: no python3 to make the synthetic file with");
    return;
  }
  scratch::folder const folder;
  std::string const command = "python3 " CALOTYPE_SOURCE_DIR "/scripts/make_synthetic_ig.py '" +
                              (folder / "file.ig") + "' --events 8 > '" + (folder / "found.json") + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  auto const expected = nlohmann::json::parse(scratch::slurp(folder / "found.json"));
  auto file = io::open_ig(folder / "file.ig");
  REQUIRE(file);
  CHECK(file->size() == 8);
  std::size_t k = 0;
  std::size_t repetitions = 0;
  std::size_t nans = 0;
  std::array<std::pair<char const*, int>, 7> const lists{{{"EB", cms::collection::eb},
                                                          {"EE", cms::collection::ee},
                                                          {"ES", cms::collection::es},
                                                          {"HB", cms::collection::hb},
                                                          {"HE", cms::collection::he},
                                                          {"HO", cms::collection::ho},
                                                          {"HF", cms::collection::hf}}};
  for (auto const& e : *file) {
    CAPTURE(k);
    auto const& found = expected[k++];
    CHECK(e.run == found["run"]);
    CHECK(e.number == found["event"]);
    CHECK(e.luminosity_block == found["ls"]);
    for (auto const& [name, collection] : lists) {
      CAPTURE(name);
      CHECK(e.hits(collection).size() == found["hits"].value(name, std::size_t{0}));
      CHECK(std::is_sorted(e.hits(collection).begin(), e.hits(collection).end(),
                           [](ct::hit const& a, ct::hit const& b) { return a.id < b.id; }));
    }
    CHECK(e.hits(cms::collection::towers).size() == found["towers"]);
    CHECK(e.tracks().size() == found["tracks"]);
    REQUIRE(e.photons().size() == found["photons"]);
    CHECK(e.photons()[0].et == doctest::Approx(found["leading_et"].get<double>()).epsilon(1e-6));
    double sum = 0;
    for (auto const& h : e.hits(cms::collection::eb)) sum += h.energy;
    CHECK(sum == doctest::Approx(found["eb_sum"].get<double>()).epsilon(1e-5));
    repetitions += found["repetitions"].get<std::size_t>();
    nans += found["nans"].get<std::size_t>();
    // Towers lie above HB hits of the same place.
    for (auto const& h : e.hits(cms::collection::towers)) {
      auto const cell = ct::segmentation<cms::towers>::cell(ct::segmentation<cms::towers>::unpack(h.id));
      bool const above = std::any_of(
          e.hits(cms::collection::hb).begin(), e.hits(cms::collection::hb).end(), [&](auto const& b) {
            auto const c = ct::segmentation<cms::hb>::cell(ct::segmentation<cms::hb>::unpack(b.id));
            return c.ieta == cell.ieta && c.iphi == cell.iphi && (b.energy == h.energy || h.energy == 0);
          });
      CHECK(above);
    }
  }
  CHECK(k == 8);
  REQUIRE(file->error() == nullptr);
  CHECK(file->summary().total(&io::ig_collection_summary::repetitions) == repetitions);
  CHECK(file->summary().total(&io::ig_collection_summary::nans) == nans);
}

}  // namespace
