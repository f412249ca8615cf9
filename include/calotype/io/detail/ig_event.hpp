// An event from its tables: which collections and columns are used, what is tolerated and what is refused.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/detail/ig_text.hpp>
#include <calotype/io/detail/photon_order.hpp>
#include <calotype/io/ig_table.hpp>

namespace calotype::io {

// What was read of one collection over the events of a file, and what was tolerated in it.
struct ig_collection_summary {
  std::string name;
  bool used = false;            // false: passed over, nothing of it is in the events
  std::size_t events = 0;       // events that have the collection
  std::size_t empty = 0;        // of these, events without a row in it
  std::size_t rows = 0;         // all rows, repetitions included
  std::size_t nonpositive = 0;  // hits with energy <= 0; they are kept, an image takes positive ones only
  std::size_t repetitions = 0;  // rows that repeat id and energy of another; dropped
  std::size_t outside = 0;      // towers beyond the tower segmentation; dropped
  std::size_t nans = 0;         // nan or inf in columns that are not used
};

// A kind of collection that the events use but some of them lack.
struct ig_absence {
  std::string name;  // without version: HORecHits
  std::size_t events = 0;
};

struct ig_summary {
  std::size_t events = 0;
  std::vector<ig_collection_summary> collections{};  // in order of appearance
  std::vector<ig_absence> absences{};

  // Sums over all collections.
  std::size_t total(std::size_t ig_collection_summary::*count) const noexcept {
    std::size_t sum = 0;
    for (auto const& collection : collections) sum += collection.*count;
    return sum;
  }
  // The entry of that name, or null.
  ig_collection_summary const* find(std::string_view name) const noexcept {
    for (auto const& collection : collections) {
      if (collection.name == name) return &collection;
    }
    return nullptr;
  }
};

namespace detail {

// A hit list: where it goes and which ids may stand in it.
struct ig_hit_source {
  std::string_view base;  // the collection's name without its version
  int collection = 0;
  std::uint32_t subdetector = 0;  // bits 25..31 of an id
  int (*unpack)(std::uint32_t) = nullptr;
};

template <class Subdetector>
constexpr ig_hit_source ig_hits_of(std::string_view base) {
  using cells = segmentation<Subdetector>;
  return {base, cells::collection, cells::pack(0) >> 25, [](std::uint32_t raw) { return cells::unpack(raw); }};
}

inline constexpr std::array ig_hit_sources{ig_hits_of<cms::eb>("EBRecHits"), ig_hits_of<cms::ee>("EERecHits"),
                                           ig_hits_of<cms::es>("ESRecHits"), ig_hits_of<cms::hb>("HBRecHits"),
                                           ig_hits_of<cms::he>("HERecHits"), ig_hits_of<cms::ho>("HORecHits"),
                                           ig_hits_of<cms::hf>("HFRecHits")};

struct ig_used_columns {
  std::string_view base;
  ig_keep keep;
  std::array<std::string_view, 6> columns;
};

inline constexpr std::array<std::string_view, 4> ig_tower_corners{"front_1", "front_2", "front_3", "front_4"};

inline constexpr ig_used_columns ig_used[] = {
    {"Event", ig_keep::numbers, {"run", "event", "ls"}},
    {"EBRecHits", ig_keep::numbers, {"detid", "energy"}},
    {"EERecHits", ig_keep::numbers, {"detid", "energy"}},
    {"ESRecHits", ig_keep::numbers, {"detid", "energy"}},
    {"HBRecHits", ig_keep::numbers, {"detid", "energy"}},
    {"HERecHits", ig_keep::numbers, {"detid", "energy"}},
    {"HORecHits", ig_keep::numbers, {"detid", "energy"}},
    {"HFRecHits", ig_keep::numbers, {"detid", "energy"}},
    {"CaloTowers", ig_keep::everything, {"hadEnergy", "front_1", "front_2", "front_3", "front_4"}},
    {"Tracks", ig_keep::everything, {"pt", "eta", "phi", "charge", "pos"}},
    {"Photons", ig_keep::numbers, {"et", "eta", "phi", "energy", "r9", "hadronicOverEm"}},
};

// "EBRecHits_V2" -> "EBRecHits"
inline std::string_view ig_base(std::string_view name) noexcept { return name.substr(0, name.rfind("_V")); }

inline int ig_version(std::string_view name) noexcept {
  int version = 0;
  auto const at = name.rfind("_V");
  if (at != name.npos) std::from_chars(name.data() + at + 2, name.data() + name.size(), version);
  return version;
}

inline ig_used_columns const* ig_find_used(std::string_view name) noexcept {
  auto const base = ig_base(name);
  for (auto const& used : ig_used) {
    if (used.base == base) return &used;
  }
  return nullptr;
}

// What the condenser and the parser are asked for when an event is read.
struct ig_event_selection {
  ig_keep operator()(std::string_view name) const noexcept {
    auto const* const used = ig_find_used(name);
    return used != nullptr ? used->keep : ig_keep::nothing;
  }
  bool operator()(std::string_view name, std::string_view column) const noexcept {
    auto const* const used = ig_find_used(name);
    return used != nullptr &&
           std::find(used->columns.begin(), used->columns.end(), column) != used->columns.end();
  }
};

// Turns the tables of one event into an event and adds to a file's summary. `where` names file and member.
class ig_event_maker {
 public:
  ig_event_maker(std::span<ig_table const> tables, std::span<ig_extent const> extents, std::string const& where,
                 ig_summary& summary)
      : tables_(tables), extents_(extents), where_(where), summary_(summary) {}

  result<void> make(event& e) {
    count();
    e.run = 0;
    e.luminosity_block = 0;
    e.number = 0;
    for (auto& list : e.hit_lists) list.clear();
    e.track_list.clear();
    e.photon_list.clear();
    e.pulse_list.clear();

    identity(e);
    for (auto const& source : ig_hit_sources) hits(source, e);
    towers(e);
    tracks(e);
    photons(e);
    if (problem_) return std::move(*problem_);
    ++summary_.events;
    return {};
  }

 private:
  // Every collection of the event enters the summary, used or not.
  void count() {
    for (auto const& extent : extents_) {
      auto& entry = summary_of(extent.name);
      ++entry.events;
      entry.rows += extent.rows;
      entry.empty += extent.rows == 0 ? 1 : 0;
      entry.nans += extent.nans;
    }
    for (auto const& used : ig_used) {
      if (newest(used.base) == nullptr) ++absence_of(used.base).events;
    }
  }

  void identity(event& e) {
    auto const* const table = newest("Event");
    if (table == nullptr || table->rows == 0) {
      return refuse("the event does not say its run and number", "collection Event");
    }
    auto const run = column(*table, "run");
    auto const number = column(*table, "event");
    auto const block = optional_column(*table, "ls");
    if (problem_) return;
    // Older writers put 32-bit numbers out with a sign.
    auto const unsigned32 = [](double value) { return value < 0 ? value + 4294967296.0 : value; };
    double const r = unsigned32(run[0]);
    double const n = unsigned32(number[0]);
    double const b = block.empty() ? 0 : unsigned32(block[0]);
    if (!is_whole(r, 4294967295.0) || !is_whole(n, 9007199254740992.0) || !is_whole(b, 4294967295.0)) {
      return refuse("run, event or luminosity block is not a whole number in range", place(*table, 0));
    }
    e.run = static_cast<std::uint32_t>(r);
    e.number = static_cast<std::uint64_t>(n);
    e.luminosity_block = static_cast<std::uint32_t>(b);
  }

  void hits(ig_hit_source const& source, event& e) {
    auto const* const table = problem_ ? nullptr : newest(source.base);
    if (table == nullptr || table->rows == 0) return;
    auto const ids = column(*table, "detid");
    auto const energies = column(*table, "energy");
    if (problem_) return;
    auto& entry = summary_of(table->name);
    rows_.clear();
    for (std::size_t row = 0; row < table->rows; ++row) {
      double const value = ids[row] < 0 ? ids[row] + 4294967296.0 : ids[row];
      if (!is_whole(value, 4294967295.0))
        return refuse("the detector id is not a whole number in range", place(*table, row));
      auto const id = static_cast<std::uint32_t>(value);
      if (id >> 25 != source.subdetector) {
        return refuse("the detector id " + std::to_string(id) + " belongs to another subdetector",
                      place(*table, row));
      }
      if (source.unpack(id) < 0) {
        return refuse("there is no cell with the detector id " + std::to_string(id), place(*table, row));
      }
      entry.nonpositive += energies[row] <= 0 ? 1 : 0;
      rows_.push_back({id, row});
    }
    fill(*table, energies, e.hit_lists[static_cast<std::size_t>(source.collection)]);
  }

  // One hit per tower with its hadronic energy. A tower is found by the centre of its front corners: its eta
  // and phi columns are the energy's, not the tower's.
  void towers(event& e) {
    auto const* const table = problem_ ? nullptr : newest("CaloTowers");
    if (table == nullptr || table->rows == 0) return;
    auto const energies = column(*table, "hadEnergy");
    std::array<std::span<double const>, 4> corners;
    for (std::size_t k = 0; k < corners.size(); ++k) corners[k] = column(*table, ig_tower_corners[k]);
    if (problem_) return;
    using cells = segmentation<cms::towers>;
    auto& entry = summary_of(table->name);
    rows_.clear();
    for (std::size_t row = 0; row < table->rows; ++row) {
      double x = 0;
      double y = 0;
      double eta = 0;
      for (auto const& corner : corners) {
        auto const point = corner.subspan(3 * row, 3);
        x += point[0];
        y += point[1];
        eta += std::asinh(point[2] / std::hypot(point[0], point[1])) / 4;
      }
      int const index = cells::find(eta, std::atan2(y, x));
      entry.nonpositive += energies[row] <= 0 ? 1 : 0;
      if (index < 0) {
        ++entry.outside;
      } else {
        rows_.push_back({cells::pack(index), row});
      }
    }
    fill(*table, energies, e.hit_lists[static_cast<std::size_t>(cells::collection)]);
  }

  // Impact parameters in cm with respect to the z axis: d0 = -x sin phi + y cos phi (the sign of CMS's dxy) and
  // z of the nearest point, from the reference point `pos`, in m, moved along the momentum's direction.
  void tracks(event& e) {
    auto const* const table = problem_ ? nullptr : newest("Tracks");
    if (table == nullptr || table->rows == 0) return;
    auto const pt = column(*table, "pt");
    auto const eta = column(*table, "eta");
    auto const phi = column(*table, "phi");
    auto const charge = column(*table, "charge");
    auto const pos = optional_column(*table, "pos");
    if (problem_) return;
    for (std::size_t row = 0; row < table->rows; ++row) {
      double d0 = 0;
      double z0 = 0;
      if (!pos.empty()) {
        auto const point = pos.subspan(3 * row, 3);
        double const c = std::cos(phi[row]);
        double const s = std::sin(phi[row]);
        d0 = 100 * (point[1] * c - point[0] * s);
        z0 = 100 * (point[2] - (point[0] * c + point[1] * s) * std::sinh(eta[row]));
      }
      e.track_list.push_back(
          {narrow(pt[row]), narrow(eta[row]), narrow(phi[row]), narrow(charge[row]), narrow(d0), narrow(z0)});
    }
  }

  void photons(event& e) {
    auto const* const table = problem_ ? nullptr : newest("Photons");
    if (table == nullptr || table->rows == 0) return;
    auto const et = column(*table, "et");
    auto const eta = column(*table, "eta");
    auto const phi = column(*table, "phi");
    auto const energy = column(*table, "energy");
    auto const r9 = optional_column(*table, "r9");
    auto const h_over_e = optional_column(*table, "hadronicOverEm");
    if (problem_) return;
    for (std::size_t row = 0; row < table->rows; ++row) {
      e.photon_list.push_back({narrow(et[row]), narrow(eta[row]), narrow(phi[row]), narrow(energy[row]),
                               r9.empty() ? 0.0f : narrow(r9[row]),
                               h_over_e.empty() ? 0.0f : narrow(h_over_e[row])});
    }
    order_by_et(e.photon_list);
  }

  struct id_row {
    std::uint32_t id;
    std::size_t row;
  };

  // `rows_` sorted by id into a hit list; a row that repeats id and energy is dropped, another energy refused.
  void fill(ig_table const& table, std::span<double const> energies, std::vector<hit>& list) {
    auto const before = [](id_row const& a, id_row const& b) {
      return a.id != b.id ? a.id < b.id : a.row < b.row;
    };
    if (!std::is_sorted(rows_.begin(), rows_.end(), before)) std::sort(rows_.begin(), rows_.end(), before);
    list.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      auto const [id, row] = rows_[i];
      if (i > 0 && rows_[i - 1].id == id) {
        if (energies[rows_[i - 1].row] != energies[row]) {
          return refuse("the detector id " + std::to_string(id) + " has another energy in row " +
                            std::to_string(rows_[i - 1].row + 1),
                        place(table, row));
        }
        ++summary_of(table.name).repetitions;
      } else {
        list.push_back({id, narrow(energies[row])});
      }
    }
  }

  // The finite numbers of a column; refuses if it is missing or not a number somewhere.
  std::span<double const> column(ig_table const& table, std::string_view name) {
    if (table.find(name) == nullptr) {
      refuse("there is no column " + std::string(name), "collection " + table.name);
      return {};
    }
    return optional_column(table, name);
  }
  std::span<double const> optional_column(ig_table const& table, std::string_view name) {
    auto const* const found = table.find(name);
    if (found == nullptr) return {};
    std::size_t const width = found->is_vector() ? 3 : 1;
    bool const is_vector = name == "pos" || name.starts_with("front_");
    if (found->is_text() || is_vector != found->is_vector()) {
      refuse("the column " + found->name + " has the unexpected type " + found->type,
             "collection " + table.name);
      return {};
    }
    for (std::size_t i = 0; i < found->numbers.size(); ++i) {
      if (!(std::fabs(found->numbers[i]) <= static_cast<double>(std::numeric_limits<float>::max()))) {
        refuse("the column " + found->name + " holds NaN, infinity or a number too large for single precision",
               place(table, i / width));
        return {};
      }
    }
    return found->numbers;
  }

  // The table of that name with the highest version, or null.
  ig_table const* newest(std::string_view base) const noexcept {
    ig_table const* best = nullptr;
    for (auto const& extent : extents_) {
      if (ig_base(extent.name) != base) continue;
      for (auto const& table : tables_) {
        if (table.name == extent.name && (best == nullptr || ig_version(best->name) < ig_version(table.name))) {
          best = &table;
        }
      }
    }
    return best;
  }

  ig_collection_summary& summary_of(std::string_view name) {
    for (auto& entry : summary_.collections) {
      if (entry.name == name) return entry;
    }
    return summary_.collections.emplace_back(
        ig_collection_summary{.name = std::string(name), .used = ig_find_used(name) != nullptr});
  }
  ig_absence& absence_of(std::string_view base) {
    for (auto& entry : summary_.absences) {
      if (entry.name == base) return entry;
    }
    return summary_.absences.emplace_back(ig_absence{.name = std::string(base)});
  }

  static float narrow(double value) noexcept { return static_cast<float>(value); }
  static bool is_whole(double value, double largest) noexcept {
    return value >= 0 && value <= largest && value == std::floor(value);
  }

  static std::string place(ig_table const& table, std::size_t row) {
    return "collection " + table.name + ", row " + std::to_string(row + 1);
  }
  void refuse(std::string what, std::string const& place) {
    if (!problem_) {
      problem_ = calotype::error{std::move(what), where_ + ", " + place,
                                 "leave this event out or fetch the file again"};
    }
  }

  std::span<ig_table const> tables_;
  std::span<ig_extent const> extents_;
  std::string const& where_;
  ig_summary& summary_;
  std::vector<id_row> rows_{};
  std::optional<calotype::error> problem_{};
};

}  // namespace detail
}  // namespace calotype::io
