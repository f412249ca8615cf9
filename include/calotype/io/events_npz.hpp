// Simulated or converted events in .npz: hits, tracks and photons ragged (values and offsets), with labels and
// weights.
//
// For n events with h hits, t tracks and p photons in all:
//   run u4[n]  luminosity_block u4[n]  event u8[n]  label i4[n]  weight f4[n]  m_gg f4[n]
//   era i4[n]  interactions i4[n]  block i8[n]  prompt_pair u1[n]
//   hit_offset i8[n+1]     hit_id u4[h]  hit_energy f4[h]  hit_collection u1[h]
//   track_offset i8[n+1]   track_pt track_eta track_phi track_charge track_d0 track_z0 f4[t]
//   photon_offset i8[n+1]  photon_et photon_eta photon_phi photon_energy photon_r9 photon_h_over_e f4[p]
//   pulse_offset i8[n+1]   pulse_id u4[q]  pulse_samples f4[q,10]     digitised pulses, where asked for
//   metadata u1[bytes]     a JSON object of texts, in UTF-8
// Event i has the hits hit_offset[i] .. hit_offset[i+1]-1, by collection, then id, both rising; units as in
// `event`. When reading, luminosity_block, weight (1), m_gg (0), era, interactions, block (-1), prompt_pair
// (0), track_d0, track_z0 (0), the photons, the pulses and metadata may be absent; other arrays are ignored.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/detail/npz_metadata.hpp>
#include <calotype/io/detail/photon_order.hpp>
#include <calotype/io/detail/stream_iterator.hpp>
#include <calotype/io/npz.hpp>

namespace calotype::io {

// What training and tests need to know of an event besides what the detector saw.
struct event_labels {
  std::int32_t label = -1;  // the class, counted from 0; -1 where unknown
  float weight = 1;
  float m_gg = 0;                  // invariant mass of the two leading photons in GeV, 0 where there are none
  std::int32_t era = -1;           // of the run, counted from 0; -1 where unknown
  std::int32_t interactions = -1;  // simultaneous collisions besides the hard one; -1 where unknown
  std::int64_t block = -1;         // the same for events that must not be split; -1 where each is its own
  bool prompt_pair = false;        // both photons are known to be none of a jet's
};
struct labelled_event : event, event_labels {};

namespace detail {

template <class Record>
struct float_field {
  char const* name;
  float Record::*member;
  bool optional;
};

inline constexpr std::array track_fields{float_field<track>{"track_pt", &track::pt, false},
                                         float_field<track>{"track_eta", &track::eta, false},
                                         float_field<track>{"track_phi", &track::phi, false},
                                         float_field<track>{"track_charge", &track::charge, false},
                                         float_field<track>{"track_d0", &track::d0, true},
                                         float_field<track>{"track_z0", &track::z0, true}};
inline constexpr std::array photon_fields{float_field<photon>{"photon_et", &photon::et, false},
                                          float_field<photon>{"photon_eta", &photon::eta, false},
                                          float_field<photon>{"photon_phi", &photon::phi, false},
                                          float_field<photon>{"photon_energy", &photon::energy, true},
                                          float_field<photon>{"photon_r9", &photon::r9, true},
                                          float_field<photon>{"photon_h_over_e", &photon::h_over_e, true}};

// The name of the first field that is not finite in one of the records, or null.
template <class Record, std::size_t Fields>
char const* not_finite(std::type_identity_t<std::span<Record const>> records,
                       std::array<float_field<Record>, Fields> const& fields) noexcept {
  for (auto const& field : fields) {
    for (Record const& record : records) {
      if (!std::isfinite(record.*field.member)) return field.name;
    }
  }
  return nullptr;
}

}  // namespace detail

// Whether an event_writer writes the digitised pulses of events.
enum class with_pulses : bool { no, yes };

// Appends events one by one; `close` makes the file appear. See `npz_writer` for what happens on failure.
class event_writer {
 public:
  static result<event_writer> create(std::string path, std::map<std::string, std::string> const& metadata = {},
                                     npz_options options = {}, with_pulses pulses = with_pulses::no) {
    auto npz = npz_writer::create(path, options);
    if (!npz) return *npz.error();
    event_writer writer(std::move(*npz));
    if (pulses == with_pulses::yes) writer.pulses_.emplace(writer.npz_);
    auto outcome = detail::write_metadata(writer.npz_, metadata);
    if (!outcome) return *outcome.error();
    return writer;
  }

  // Fails, with nothing written of the event, where it is none that a reader takes: hits of a collection and
  // pulses are sorted by id without repetition, as in every `event`, and all numbers that are written are
  // finite.
  result<void> append(labelled_event const& e) { return append<event>(e, e); }
  template <concepts::event Event>
  result<void> append(Event const& e, event_labels const& labels) {
    if (auto flaw = flaw_of(e, labels); !flaw.empty()) {
      return calotype::error{std::move(flaw),
                             npz_.path() + ", event " + std::to_string(event_count_) + " (counted from 0)",
                             "leave the event out"};
    }
    static_cast<void>(npz_.append(run_, static_cast<std::uint32_t>(e.run)));
    static_cast<void>(npz_.append(luminosity_block_, luminosity_block_of(e)));
    static_cast<void>(npz_.append(number_, static_cast<std::uint64_t>(e.number)));
    static_cast<void>(npz_.append(label_, labels.label));
    static_cast<void>(npz_.append(weight_, labels.weight));
    static_cast<void>(npz_.append(m_gg_, labels.m_gg));
    static_cast<void>(npz_.append(era_, labels.era));
    static_cast<void>(npz_.append(interactions_, labels.interactions));
    static_cast<void>(npz_.append(block_, labels.block));
    static_cast<void>(npz_.append(prompt_pair_, std::uint8_t{labels.prompt_pair}));
    for (int collection = 0; collection < max_collections; ++collection) {
      std::span<hit const> const hits = e.hits(collection);
      for (auto const& h : hits) {
        static_cast<void>(npz_.append(hit_id_, h.id));
        static_cast<void>(npz_.append(hit_energy_, h.energy));
        static_cast<void>(npz_.append(hit_collection_, static_cast<std::uint8_t>(collection)));
      }
      hit_count_ += static_cast<std::int64_t>(hits.size());
    }
    tracks_.append(npz_, e.tracks(), detail::track_fields);
    photons_.append(npz_, e.photons(), detail::photon_fields);
    if constexpr (requires { e.pulses(); }) {
      if (pulses_) pulses_->append(npz_, e.pulses());
    } else {
      if (pulses_) pulses_->append(npz_, {});
    }
    ++event_count_;
    return npz_.append(hit_offset_, hit_count_);
  }

  // Puts the file in its place; without a single event it fails. Nothing may be appended afterwards.
  result<void> close() {
    if (event_count_ == 0)
      return calotype::error{"there is no event to write", npz_.path(), "nothing was left behind"};
    return npz_.close();
  }

 private:
  template <class Record, std::size_t Fields>
  struct ragged {
    ragged(npz_writer& npz, std::string offset_name,
           std::array<detail::float_field<Record>, Fields> const& fields)
        : offset(npz.add<std::int64_t>(std::move(offset_name))) {
      for (std::size_t k = 0; k < Fields; ++k) columns[k] = npz.add<float>(fields[k].name);
      static_cast<void>(npz.append(offset, 0));
    }
    void append(npz_writer& npz, std::span<Record const> records,
                std::array<detail::float_field<Record>, Fields> const& fields) {
      for (std::size_t k = 0; k < Fields; ++k) {
        for (auto const& record : records) static_cast<void>(npz.append(columns[k], record.*fields[k].member));
      }
      count += static_cast<std::int64_t>(records.size());
      static_cast<void>(npz.append(offset, count));
    }
    npz_column<std::int64_t> offset;
    std::array<npz_column<float>, Fields> columns{};
    std::int64_t count = 0;
  };

  struct pulse_columns {
    explicit pulse_columns(npz_writer& npz)
        : offset(npz.add<std::int64_t>("pulse_offset")),
          id(npz.add<std::uint32_t>("pulse_id")),
          samples(npz.add<float>("pulse_samples", {pulse_samples})) {
      static_cast<void>(npz.append(offset, 0));
    }
    void append(npz_writer& npz, std::span<pulse const> pulses) {
      for (pulse const& p : pulses) {
        static_cast<void>(npz.append(id, p.id));
        static_cast<void>(npz.append(samples, p.samples));
      }
      count += static_cast<std::int64_t>(pulses.size());
      static_cast<void>(npz.append(offset, count));
    }
    npz_column<std::int64_t> offset;
    npz_column<std::uint32_t> id;
    npz_column<float> samples;
    std::int64_t count = 0;
  };

  explicit event_writer(npz_writer npz) : npz_(std::move(npz)) {
    static_cast<void>(npz_.append(hit_offset_, 0));
  }

  // What of an event a reader would refuse; empty where there is nothing.
  template <class Event>
  std::string flaw_of(Event const& e, event_labels const& labels) const {
    auto const not_finite = [](std::string_view name) { return std::string(name) + " is NaN or infinity"; };
    if (!std::isfinite(labels.weight)) return not_finite("weight");
    if (!std::isfinite(labels.m_gg)) return not_finite("m_gg");
    for (int collection = 0; collection < max_collections; ++collection) {
      std::span<hit const> const hits = e.hits(collection);
      if (!ids_rise(hits)) return "the hits of a collection are not in the order of id, or repeat one";
      for (hit const& h : hits) {
        if (!std::isfinite(h.energy)) return not_finite("hit_energy");
      }
    }
    if (auto const* const name = detail::not_finite(e.tracks(), detail::track_fields)) return not_finite(name);
    if (auto const* const name = detail::not_finite(e.photons(), detail::photon_fields))
      return not_finite(name);
    if constexpr (requires { e.pulses(); }) {
      std::span<pulse const> pulses;
      if (pulses_) pulses = e.pulses();
      if (!ids_rise(pulses)) return "the pulses are not in the order of id, or repeat one";
      for (pulse const& p : pulses) {
        for (float const sample : p.samples) {
          if (!std::isfinite(sample)) return not_finite("pulse_samples");
        }
      }
    }
    return {};
  }
  template <class Record>
  static bool ids_rise(std::span<Record const> records) noexcept {
    for (std::size_t i = 1; i < records.size(); ++i) {
      if (records[i].id <= records[i - 1].id) return false;
    }
    return true;
  }

  template <class Event>
  static std::uint32_t luminosity_block_of(Event const& e) noexcept {
    if constexpr (requires { e.luminosity_block; }) return e.luminosity_block;
    return 0;
  }

  npz_writer npz_;
  npz_column<std::uint32_t> run_ = npz_.add<std::uint32_t>("run");
  npz_column<std::uint32_t> luminosity_block_ = npz_.add<std::uint32_t>("luminosity_block");
  npz_column<std::uint64_t> number_ = npz_.add<std::uint64_t>("event");
  npz_column<std::int32_t> label_ = npz_.add<std::int32_t>("label");
  npz_column<float> weight_ = npz_.add<float>("weight");
  npz_column<float> m_gg_ = npz_.add<float>("m_gg");
  npz_column<std::int32_t> era_ = npz_.add<std::int32_t>("era");
  npz_column<std::int32_t> interactions_ = npz_.add<std::int32_t>("interactions");
  npz_column<std::int64_t> block_ = npz_.add<std::int64_t>("block");
  npz_column<std::uint8_t> prompt_pair_ = npz_.add<std::uint8_t>("prompt_pair");
  npz_column<std::int64_t> hit_offset_ = npz_.add<std::int64_t>("hit_offset");
  npz_column<std::uint32_t> hit_id_ = npz_.add<std::uint32_t>("hit_id");
  npz_column<float> hit_energy_ = npz_.add<float>("hit_energy");
  npz_column<std::uint8_t> hit_collection_ = npz_.add<std::uint8_t>("hit_collection");
  ragged<track, 6> tracks_{npz_, "track_offset", detail::track_fields};
  ragged<photon, 6> photons_{npz_, "photon_offset", detail::photon_fields};
  std::optional<pulse_columns> pulses_{};
  std::int64_t hit_count_ = 0;
  std::size_t event_count_ = 0;
};

namespace detail {

// Reads the events of an archive in their order; what `event_file` stands on.
class event_npz_reader {
 public:
  explicit event_npz_reader(npz_file npz) : npz_(std::move(npz)) {}

  npz_file const& npz() const noexcept { return npz_; }
  std::size_t size() const noexcept { return size_; }
  std::map<std::string, std::string> const& metadata() const noexcept { return metadata_; }
  bool has_pulses() const noexcept { return npz_.find("pulse_offset") != nullptr; }

  // Checks which arrays there are and that their lengths agree.
  result<void> check() {
    auto const* const number = npz_.find("event");
    if (number == nullptr)
      return refuse("there is no array 'event'", "give a file of events, as simulate writes it");
    if (number->rows() == 0) return refuse("the file holds no events", "write it again");
    size_ = static_cast<std::size_t>(number->rows());
    for (auto const* const name : {"run", "event", "label"}) require(name, size_);
    for (auto const* const name :
         {"luminosity_block", "weight", "m_gg", "era", "interactions", "block", "prompt_pair"}) {
      permit(name, size_);
    }
    require_ragged("hit_offset", {{"hit_id", false}, {"hit_energy", false}, {"hit_collection", false}});
    require_ragged("track_offset", names_of(track_fields));
    if (npz_.find("photon_offset") != nullptr) require_ragged("photon_offset", names_of(photon_fields));
    if (has_pulses()) {
      require_ragged("pulse_offset", {{"pulse_id", false}});
      auto const* const id = npz_.find("pulse_id");
      require_rows("pulse_samples", id != nullptr ? id->rows() : 0, pulse_samples);
    }
    if (problem) return *problem;
    auto metadata = read_metadata(npz_);
    if (!metadata) return *metadata.error();
    metadata_ = std::move(*metadata);
    return {};
  }

  void rewind() {
    problem.reset();
    index_ = 0;
    open(run_, "run");
    open(luminosity_block_, "luminosity_block");
    open(number_, "event");
    open(label_, "label");
    open(weight_, "weight");
    open(m_gg_, "m_gg");
    open(era_, "era");
    open(interactions_, "interactions");
    open(block_, "block");
    open(prompt_pair_, "prompt_pair");
    open(hit_id_, "hit_id");
    open(hit_energy_, "hit_energy");
    open(hit_collection_, "hit_collection");
    open(pulse_id_, "pulse_id");
    open(pulse_samples_, "pulse_samples");
    hits_.open(*this, "hit_offset");
    tracks_.open(*this, "track_offset");
    photons_.open(*this, "photon_offset");
    pulses_.open(*this, "pulse_offset");
    open_fields(track_streams_, track_fields);
    open_fields(photon_streams_, photon_fields);
    done = problem.has_value();
    if (!done) advance();
  }

  void advance() {
    done = index_ == size_;
    if (done) return finish();
    current.run = value(run_, 0u);
    current.luminosity_block = value(luminosity_block_, 0u);
    current.number = value(number_, std::uint64_t{0});
    current.label = value(label_, -1);
    current.weight = finite(value(weight_, 1.0f), "weight");
    current.m_gg = finite(value(m_gg_, 0.0f), "m_gg");
    current.era = value(era_, -1);
    current.interactions = value(interactions_, -1);
    current.block = value(block_, std::int64_t{-1});
    current.prompt_pair = value(prompt_pair_, std::uint8_t{0}) != 0;
    read_hits();
    read_records(tracks_, track_streams_, track_fields, current.track_list);
    read_records(photons_, photon_streams_, photon_fields, current.photon_list);
    order_by_et(current.photon_list);
    read_pulses();
    ++index_;
    done = problem.has_value();
  }

  labelled_event current{};
  bool done = true;
  std::optional<calotype::error> problem{};

 private:
  struct named {
    std::string name;
    bool optional;
  };

  // The offsets of a ragged list.
  struct ragged {
    void open(event_npz_reader& reader, std::string_view name) {
      reader.open(offsets, name);
      last = 0;
      if (offsets && reader.value(offsets, std::int64_t{0}) != 0) {
        reader.fail("the first of '" + std::string(name) + "' is not 0");
      }
    }
    // The number of records of the next event, of which `left` remain.
    std::size_t next(event_npz_reader& reader, std::uint64_t left) {
      auto const end = reader.value(offsets, last);
      if (end < last || static_cast<std::uint64_t>(end - last) > left) {
        reader.fail("the offsets do not rise, or reach beyond the values");
        return 0;
      }
      return static_cast<std::size_t>(end - std::exchange(last, end));
    }
    std::optional<npz_stream<std::int64_t>> offsets{};
    std::int64_t last = 0;
  };

  template <std::size_t Fields>
  using float_streams = std::array<std::optional<npz_stream<float>>, Fields>;

  template <class Record, std::size_t Fields>
  static std::vector<named> names_of(std::array<float_field<Record>, Fields> const& fields) {
    std::vector<named> names;
    for (auto const& field : fields) names.push_back({field.name, field.optional});
    return names;
  }

  void require(std::string const& name, std::uint64_t length) {
    if (npz_.find(name) == nullptr) {
      keep(refuse("there is no array '" + name + "'", "give a file of events, as simulate writes it"));
    }
    permit(name, length);
  }
  void permit(std::string const& name, std::uint64_t length) {
    auto const* const array = npz_.find(name);
    if (array != nullptr && (array->shape.size() != 1 || array->shape[0] != length)) {
      keep(refuse("the array '" + name + "' does not have the shape (" + std::to_string(length) + ",)",
                  "write the file again"));
    }
  }
  // An array of so many rows of `length` values.
  void require_rows(std::string const& name, std::uint64_t rows, std::uint64_t length) {
    auto const* const array = npz_.find(name);
    if (array == nullptr || array->shape != std::vector<std::uint64_t>{rows, length}) {
      keep(refuse("there is no array '" + name + "' of the shape (" + std::to_string(rows) + ", " +
                      std::to_string(length) + ")",
                  "write the file again"));
    }
  }
  // Offsets and values that belong together.
  void require_ragged(std::string const& offset, std::vector<named> const& names) {
    require(offset, std::uint64_t{size_} + 1);
    auto const* const first = npz_.find(names.front().name);
    auto const length = first != nullptr ? first->rows() : 0;
    for (auto const& [name, optional] : names) optional ? permit(name, length) : require(name, length);
  }

  template <class T>
  void open(std::optional<npz_stream<T>>& stream, std::string_view name) {
    stream.reset();
    if (npz_.find(name) == nullptr) return;
    if (auto opened = npz_.stream<T>(name)) {
      stream.emplace(std::move(*opened));
    } else {
      keep(*opened.error());
    }
  }
  template <class Record, std::size_t Fields>
  void open_fields(float_streams<Fields>& streams, std::array<float_field<Record>, Fields> const& fields) {
    for (std::size_t k = 0; k < Fields; ++k) open(streams[k], fields[k].name);
  }

  template <class T>
  T value(std::optional<npz_stream<T>>& stream, std::type_identity_t<T> otherwise) {
    if (stream && !problem) {
      if (auto outcome = stream->read(std::span(&otherwise, 1)); !outcome) keep(*outcome.error());
    }
    return otherwise;
  }
  template <class T>
  void values(std::optional<npz_stream<T>>& stream, std::vector<T>& into, std::size_t count) {
    into.resize(count);
    if (problem) return;
    if (auto outcome = stream->read(into); !outcome) keep(*outcome.error());
  }

  void read_hits() {
    for (auto& list : current.hit_lists) list.clear();
    auto const count = hits_.next(*this, hit_id_->left());
    values(hit_id_, ids_, count);
    values(hit_energy_, floats_, count);
    values(hit_collection_, collections_, count);
    for (std::size_t i = 0; i < count && !problem; ++i) {
      bool const same = i > 0 && collections_[i] == collections_[i - 1];
      if (collections_[i] >= max_collections || (i > 0 && collections_[i] < collections_[i - 1]) ||
          (same && ids_[i] <= ids_[i - 1])) {
        return fail("the hits are not in the order of collection and id, or repeat one");
      }
      current.hit_lists[collections_[i]].push_back({ids_[i], finite(floats_[i], "hit_energy")});
    }
  }

  void read_pulses() {
    current.pulse_list.clear();
    if (!pulses_.offsets) return;
    auto const count = pulses_.next(*this, pulse_id_->left());
    values(pulse_id_, ids_, count);
    values(pulse_samples_, floats_, count * pulse_samples);
    for (std::size_t i = 0; i < count && !problem; ++i) {
      if (i > 0 && ids_[i] <= ids_[i - 1]) return fail("the pulses are not in the order of id, or repeat one");
      pulse& p = current.pulse_list.emplace_back();
      p.id = ids_[i];
      for (std::size_t k = 0; k < p.samples.size(); ++k)
        p.samples[k] = finite(floats_[i * p.samples.size() + k], "pulse_samples");
    }
  }

  template <class Record, std::size_t Fields>
  void read_records(ragged& list, float_streams<Fields>& streams,
                    std::array<float_field<Record>, Fields> const& fields, std::vector<Record>& records) {
    records.clear();
    if (!list.offsets) return;
    records.resize(list.next(*this, streams[0]->left()));
    for (std::size_t k = 0; k < Fields; ++k) {
      if (!streams[k]) continue;
      values(streams[k], floats_, records.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].*fields[k].member = finite(floats_[i], fields[k].name);
      }
    }
  }

  // Behind the last event nothing may be left over.
  void finish() {
    if (hit_id_->left() > 0 || track_streams_[0]->left() > 0 ||
        (photon_streams_[0] && photon_streams_[0]->left() > 0) || (pulses_.offsets && pulse_id_->left() > 0)) {
      fail("there are values behind the last event");
    }
  }

  float finite(float number, std::string_view name) {
    if (!std::isfinite(number)) fail("the array '" + std::string(name) + "' holds NaN or infinity");
    return number;
  }

  void fail(std::string what) {
    keep({std::move(what), npz_.path() + ", event " + std::to_string(index_) + " (counted from 0)",
          "write the file again"});
  }
  calotype::error refuse(std::string what, std::string remedy) const {
    return {std::move(what), npz_.path(), std::move(remedy)};
  }
  void keep(calotype::error e) {
    if (!problem) problem = std::move(e);
  }

  npz_file npz_;
  std::size_t size_ = 0;
  std::size_t index_ = 0;
  std::map<std::string, std::string> metadata_{};
  std::optional<npz_stream<std::uint32_t>> run_{};
  std::optional<npz_stream<std::uint32_t>> luminosity_block_{};
  std::optional<npz_stream<std::uint64_t>> number_{};
  std::optional<npz_stream<std::int32_t>> label_{};
  std::optional<npz_stream<float>> weight_{};
  std::optional<npz_stream<float>> m_gg_{};
  std::optional<npz_stream<std::int32_t>> era_{};
  std::optional<npz_stream<std::int32_t>> interactions_{};
  std::optional<npz_stream<std::int64_t>> block_{};
  std::optional<npz_stream<std::uint8_t>> prompt_pair_{};
  std::optional<npz_stream<std::uint32_t>> hit_id_{};
  std::optional<npz_stream<float>> hit_energy_{};
  std::optional<npz_stream<std::uint8_t>> hit_collection_{};
  ragged hits_{};
  ragged tracks_{};
  ragged photons_{};
  ragged pulses_{};
  std::optional<npz_stream<std::uint32_t>> pulse_id_{};
  std::optional<npz_stream<float>> pulse_samples_{};
  float_streams<track_fields.size()> track_streams_{};
  float_streams<photon_fields.size()> photon_streams_{};
  std::vector<std::uint32_t> ids_{};
  std::vector<std::uint8_t> collections_{};
  std::vector<float> floats_{};
};

}  // namespace detail

// An open file of events; made by `open_events`. Iterating works as for an `ig_file`: one event at a time into
// one buffer, `begin` starts anew, `error` says why an iteration ended early. Not for concurrent use.
class event_file {
 public:
  using iterator = detail::stream_iterator<detail::event_npz_reader>;

  std::string const& path() const noexcept { return reader_->npz().path(); }
  std::size_t size() const noexcept { return reader_->size(); }
  std::map<std::string, std::string> const& metadata() const noexcept { return reader_->metadata(); }
  // Whether the events have digitised pulses.
  bool has_pulses() const noexcept { return reader_->has_pulses(); }
  // The archive itself, for arrays that events do not use.
  npz_file const& npz() const noexcept { return reader_->npz(); }

  iterator begin() {
    reader_->rewind();
    return iterator(reader_.get());
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Why the last iteration ended early; null if it did not.
  calotype::error const* error() const noexcept { return reader_->problem ? &*reader_->problem : nullptr; }

 private:
  friend result<event_file> open_events(std::string path);
  explicit event_file(npz_file npz) : reader_(std::make_unique<detail::event_npz_reader>(std::move(npz))) {}

  std::unique_ptr<detail::event_npz_reader> reader_;
};

// Opens a file and checks that its arrays belong together; the values are checked as they are read.
inline result<event_file> open_events(std::string path) {
  auto npz = open_npz(std::move(path));
  if (!npz) return *npz.error();
  event_file file(std::move(*npz));
  if (auto outcome = file.reader_->check(); !outcome) return *outcome.error();
  return file;
}

}  // namespace calotype::io
