#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <calotype/image/event.hpp>
#include <calotype/io/events_npz.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;

static_assert(std::input_iterator<io::event_file::iterator>);
static_assert(ct::concepts::event<io::labelled_event>);

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Event k of a sample: k hits in two collections, k tracks, k % 3 photons.
io::labelled_event sample_event(std::uint32_t k) {
  io::labelled_event e;
  e.run = 1 + k;
  e.luminosity_block = 2 + k;
  e.number = (std::uint64_t{1} << 33) + k;
  e.label = static_cast<std::int32_t>(k % 3) - 1;
  auto const x = static_cast<float>(k);
  e.weight = 0.5f + x;
  e.m_gg = 100 + x;
  e.era = static_cast<std::int32_t>(k % 4) - 1;
  e.interactions = static_cast<std::int32_t>(k) - 1;
  e.block = (std::int64_t{1} << 40) + k;
  e.prompt_pair = k % 2 == 1;
  for (std::uint32_t i = 0; i < k; ++i) {
    e.hit_lists[i % 2 == 0 ? 0 : 11].push_back({1000 + 7 * i, x - static_cast<float>(i)});
    e.track_list.push_back({1 + x, 2 + x, 3, -1, 0.5f, static_cast<float>(i)});
  }
  for (std::uint32_t i = 0; i < k % 3; ++i) {
    e.photon_list.push_back({50 - static_cast<float>(i), 1, 2, 60 + x, 0.9f, 0.1f});
  }
  return e;
}

bool same(io::labelled_event const& a, io::labelled_event const& b) {
  auto const equal = [](auto const& x, auto const& y, auto const& match) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), match);
  };
  bool hits = true;
  for (int c = 0; c < ct::max_collections; ++c) {
    hits = hits && equal(a.hits(c), b.hits(c), [](ct::hit const& x, ct::hit const& y) {
             return x.id == y.id && x.energy == y.energy;
           });
  }
  return hits && a.run == b.run && a.luminosity_block == b.luminosity_block && a.number == b.number &&
         a.label == b.label && a.weight == b.weight && a.m_gg == b.m_gg && a.era == b.era &&
         a.interactions == b.interactions && a.block == b.block && a.prompt_pair == b.prompt_pair &&
         equal(a.tracks(), b.tracks(),
               [](ct::track const& x, ct::track const& y) {
                 return x.pt == y.pt && x.eta == y.eta && x.phi == y.phi && x.charge == y.charge &&
                        x.d0 == y.d0 && x.z0 == y.z0;
               }) &&
         equal(a.photons(), b.photons(), [](ct::photon const& x, ct::photon const& y) {
           return x.et == y.et && x.eta == y.eta && x.phi == y.phi && x.energy == y.energy && x.r9 == y.r9 &&
                  x.h_over_e == y.h_over_e;
         });
}

TEST_CASE("events come back as they were written") {
  scratch::folder const folder;
  std::map<std::string, std::string> const metadata{{"process", "H->\u03b3\u03b3"}, {"seed", "7"}};
  {
    auto writer = io::event_writer::create(folder / "events.npz", metadata);
    REQUIRE(writer);
    for (std::uint32_t k = 0; k < 50; ++k) REQUIRE(writer->append(sample_event(k)));
    REQUIRE(writer->close());
  }
  CHECK(folder.list() == std::vector<std::string>{"events.npz"});
  auto file = io::open_events(folder / "events.npz");
  REQUIRE(file);
  CHECK(file->size() == 50);
  CHECK(file->metadata() == metadata);
  for (int pass = 0; pass < 2; ++pass) {
    std::uint32_t k = 0;
    for (io::labelled_event const& e : *file) CHECK(same(e, sample_event(k++)));
    CHECK(k == 50);
    CHECK(file->error() == nullptr);
  }
}

TEST_CASE("digitised pulses come back where they were asked for") {
  scratch::folder const folder;
  auto const pulsed = [](std::uint32_t k) {
    auto e = sample_event(k);
    for (std::uint32_t i = 0; i < k; ++i) {
      ct::pulse& p = e.pulse_list.emplace_back();
      p.id = 50 + i;
      for (std::size_t s = 0; s < p.samples.size(); ++s)
        p.samples[s] = static_cast<float>(100 * k + 10 * i + s);
    }
    return e;
  };
  for (auto const asked : {io::with_pulses::no, io::with_pulses::yes}) {
    bool const wanted = asked == io::with_pulses::yes;
    std::string const path = folder / (wanted ? "with.npz" : "without.npz");
    auto writer = io::event_writer::create(path, {}, {}, asked);
    REQUIRE(writer);
    for (std::uint32_t k = 0; k < 5; ++k) REQUIRE(writer->append(pulsed(k)));
    REQUIRE(writer->close());
    auto file = io::open_events(path);
    REQUIRE(file);
    CHECK(file->has_pulses() == wanted);
    std::uint32_t k = 0;
    for (io::labelled_event const& e : *file) {
      CHECK(same(e, sample_event(k)));
      auto const expected = wanted ? pulsed(k).pulse_list : std::vector<ct::pulse>{};
      CHECK(std::equal(
          e.pulses().begin(), e.pulses().end(), expected.begin(), expected.end(),
          [](ct::pulse const& a, ct::pulse const& b) { return a.id == b.id && a.samples == b.samples; }));
      ++k;
    }
    CHECK(k == 5);
    CHECK(file->error() == nullptr);
  }
}

TEST_CASE("a sample without events is neither written nor read") {
  scratch::folder const folder;
  auto writer = io::event_writer::create(folder / "events.npz");
  REQUIRE(writer);
  CHECK(has(writer->close().error()->message(), "no event"));
}

TEST_CASE("an event that no reader would take is not written") {
  scratch::folder const folder;
  float const nan = std::numeric_limits<float>::quiet_NaN();
  auto good = sample_event(5);
  good.pulse_list = {{50, {}}, {51, {}}};
  for (auto const asked : {io::with_pulses::no, io::with_pulses::yes}) {
    bool const pulses = asked == io::with_pulses::yes;
    std::string const path = folder / (pulses ? "with.npz" : "without.npz");
    auto writer = io::event_writer::create(path, {}, {}, asked);
    REQUIRE(writer);
    REQUIRE(writer->append(good));
    auto const refusal = [&](auto const& change) {
      auto e = good;
      change(e);
      auto const appended = writer->append(e);
      return appended ? "" : appended.error()->message();
    };
    CHECK(has(refusal([](auto& e) { e.hit_lists[0][1].id = e.hit_lists[0][0].id; }),
              "event 1 (counted from 0): the hits of a collection are not in the order of id, or repeat one"));
    CHECK(has(refusal([](auto& e) { std::swap(e.hit_lists[11][0], e.hit_lists[11][1]); }), "order of id"));
    CHECK(has(refusal([&](auto& e) { e.hit_lists[11][0].energy = nan; }), "hit_energy is NaN"));
    CHECK(has(refusal([&](auto& e) { e.weight = nan; }), "weight is NaN"));
    CHECK(has(refusal([](auto& e) { e.m_gg = INFINITY; }), "m_gg is NaN"));
    CHECK(has(refusal([&](auto& e) { e.track_list[4].z0 = nan; }), "track_z0 is NaN"));
    CHECK(has(refusal([](auto& e) { e.photon_list[1].h_over_e = INFINITY; }), "photon_h_over_e is NaN"));
    // what is not written need not be right
    CHECK(has(refusal([](auto& e) { e.pulse_list[1].id = 50; }), "the pulses are not in the order") == pulses);
    CHECK(has(refusal([&](auto& e) { e.pulse_list[1].samples[9] = nan; }), "pulse_samples is NaN") == pulses);
    REQUIRE(writer->append(good));
    REQUIRE(writer->close());
    auto file = io::open_events(path);
    REQUIRE(file);
    CHECK(file->size() == (pulses ? 2 : 4));
    for (io::labelled_event const& e : *file) CHECK(same(e, good));
    CHECK(file->error() == nullptr);
  }
}

// The arrays of a sample of two events, as a test or a Python program would write them.
struct arrays {
  std::vector<std::uint64_t> event{1, 2};
  std::vector<std::uint32_t> run{1, 1};
  std::vector<std::int32_t> label{0, 1};
  std::vector<float> weight{1, 1};
  std::vector<std::int64_t> hit_offset{0, 2, 3};
  std::vector<std::uint32_t> hit_id{5, 9, 7};
  std::vector<float> hit_energy{1, 2, 3};
  std::vector<std::uint8_t> hit_collection{0, 1, 0};
  std::vector<std::int64_t> track_offset{0, 0, 1};
  std::vector<float> track_pt{4};
  std::vector<float> track_eta{0};
  std::string left_out{};
  std::vector<std::int64_t> pulse_offset{};  // none: no pulses
  std::vector<std::uint32_t> pulse_id{};
  std::vector<float> pulse_samples{};
  std::uint64_t samples = 10;  // of a pulse

  template <class T>
  void put(io::npz_writer& writer, std::string const& name, std::vector<T> const& values) const {
    if (name != left_out) REQUIRE(writer.append(writer.add<T>(name), values));
  }
  std::string refusal() const {
    scratch::folder const folder;
    auto writer = io::npz_writer::create(folder / "events.npz");
    REQUIRE(writer);
    put(*writer, "event", event);
    put(*writer, "run", run);
    put(*writer, "label", label);
    put(*writer, "weight", weight);
    put(*writer, "hit_offset", hit_offset);
    put(*writer, "hit_id", hit_id);
    put(*writer, "hit_energy", hit_energy);
    put(*writer, "hit_collection", hit_collection);
    put(*writer, "track_offset", track_offset);
    put(*writer, "track_pt", track_pt);
    put(*writer, "track_eta", track_eta);
    put(*writer, "track_phi", track_eta);
    put(*writer, "track_charge", track_eta);
    put(*writer, "something_else", track_eta);
    if (!pulse_offset.empty()) {
      put(*writer, "pulse_offset", pulse_offset);
      put(*writer, "pulse_id", pulse_id);
      REQUIRE(writer->append(writer->add<float>("pulse_samples", {samples}), pulse_samples));
    }
    REQUIRE(writer->close());
    auto file = io::open_events(folder / "events.npz");
    if (!file) return file.error()->message();
    std::size_t events = 0;
    for (auto const& e : *file) {
      CHECK(e.weight == 1.0f);
      CHECK(e.m_gg == 0.0f);
      CHECK(e.era == -1);
      CHECK(e.interactions == -1);
      CHECK(e.block == -1);
      CHECK(!e.prompt_pair);
      ++events;
    }
    CHECK((file->error() != nullptr || events == 2));
    return file->error() != nullptr ? file->error()->message() : "";
  }
};

TEST_CASE("files that do not hold together are refused with the event") {
  CHECK(arrays{}.refusal().empty());
  for (auto const* const name : {"event", "run", "label", "hit_offset", "hit_id", "hit_energy",
                                 "hit_collection", "track_offset", "track_pt"}) {
    arrays a;
    a.left_out = name;
    CHECK(has(a.refusal(), "there is no array '" + std::string(name) + "'"));
  }
  arrays a;
  a.left_out = "weight";
  CHECK(a.refusal().empty());

  auto const with = [](auto const& change) {
    arrays b;
    change(b);
    return b.refusal();
  };
  CHECK(has(with([](arrays& b) { b.event = {}; }), "holds no events"));
  auto const with_pulses = [&](auto const& change) {
    return with([&](arrays& b) {
      b.pulse_offset = {0, 2, 2};
      b.pulse_id = {3, 4};
      b.pulse_samples.assign(20, 1.0f);
      change(b);
    });
  };
  CHECK(with_pulses([](arrays&) {}).empty());
  CHECK(has(with_pulses([](arrays& b) { b.pulse_offset = {0, 2}; }), "'pulse_offset' does not have the shape"));
  CHECK(has(with_pulses([](arrays& b) { b.samples = 5; }), "no array 'pulse_samples' of the shape (2, 10)"));
  CHECK(has(with_pulses([](arrays& b) { b.pulse_id = {4, 4}; }), "pulses are not in the order of id"));
  CHECK(has(with_pulses([](arrays& b) { b.pulse_offset = {0, 1, 1}; }), "values behind the last event"));
  CHECK(has(with_pulses([](arrays& b) { b.pulse_samples[7] = INFINITY; }), "'pulse_samples' holds NaN"));
  CHECK(has(with([](arrays& b) { b.label = {0}; }), "'label' does not have the shape (2,)"));
  CHECK(has(with([](arrays& b) { b.hit_offset = {0, 3}; }), "'hit_offset' does not have the shape (3,)"));
  CHECK(has(with([](arrays& b) { b.hit_energy = {1, 2}; }), "'hit_energy' does not have the shape (3,)"));
  CHECK(has(with([](arrays& b) { b.hit_offset = {1, 2, 3}; }), "the first of 'hit_offset' is not 0"));
  CHECK(has(with([](arrays& b) {
              b.hit_offset = {0, 2, 1};
            }),
            "event 1 (counted from 0): the offsets do not rise"));
  CHECK(has(with([](arrays& b) { b.hit_offset = {0, -1, 3}; }), "offsets do not rise"));
  CHECK(has(with([](arrays& b) { b.hit_offset = {0, 2, 4}; }), "reach beyond"));
  CHECK(has(with([](arrays& b) {
              b.hit_offset = {0, 2, std::numeric_limits<std::int64_t>::max()};
            }),
            "reach beyond"));
  CHECK(has(with([](arrays& b) { b.hit_offset = {0, 1, 2}; }), "behind the last event"));
  CHECK(has(with([](arrays& b) { b.track_offset = {0, 0, 0}; }), "behind the last event"));
  CHECK(has(with([](arrays& b) { b.hit_collection = {1, 0, 0}; }), "order of collection"));
  CHECK(has(with([](arrays& b) { b.hit_collection = {0, 12, 0}; }), "order of collection"));
  CHECK(has(with([](arrays& b) {
              b.hit_collection = {0, 0, 0};
              b.hit_id = {9, 9, 1};
            }),
            "repeat one"));
  float const nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(has(with([&](arrays& b) { b.hit_energy[2] = nan; }), "'hit_energy' holds NaN"));
  CHECK(has(with([&](arrays& b) { b.track_pt = {nan}; }), "'track_pt' holds NaN"));
  CHECK(has(with([&](arrays& b) { b.weight = {1, nan}; }), "'weight' holds NaN"));
}

}  // namespace
