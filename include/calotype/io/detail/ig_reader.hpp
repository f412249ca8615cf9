// Reads the events of an .ig archive one at a time: unpack, condense, parse, check.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/detail/ig_event.hpp>
#include <calotype/io/detail/ig_sax.hpp>
#include <calotype/io/detail/ig_text.hpp>
#include <calotype/io/detail/zip.hpp>
#include <calotype/io/ig_table.hpp>

namespace calotype::io {

struct ig_options {
  std::size_t first = 0;                                   // events to pass over, without unpacking them
  std::size_t count = static_cast<std::size_t>(-1);        // events to read at most
  std::uint64_t max_event_bytes = std::uint64_t{1} << 28;  // a longer text is refused before it is unpacked
  std::vector<std::string>
      also{};  // collections to read beside the events, with all their columns (ig_file::also)
};

// All of one event: every collection's extent, and the tables that were asked for.
struct ig_contents {
  std::vector<ig_extent> extents{};
  std::vector<ig_table> tables{};

  // The table of that name, or null.
  ig_table const* find(std::string_view name) const noexcept {
    for (auto const& table : tables) {
      if (table.name == name) return &table;
    }
    return nullptr;
  }
};

namespace detail {

// The events of one archive, read into buffers that are used again; what `ig_file` stands on.
struct ig_reader {
  ig_reader(zip_archive a, ig_options o) : archive(std::move(a)), options(std::move(o)) {
    for (std::size_t i = 0; i < archive.members().size(); ++i) {
      if (is_event(archive.members()[i].name)) events.push_back(i);
    }
  }

  // Events/Run_R/Event_E, and not a folder's own entry.
  static bool is_event(std::string_view name) noexcept {
    auto const base = name.substr(name.rfind('/') + 1);
    return name.starts_with("Events/") && base.starts_with("Event_");
  }

  zip_member const& entry(std::size_t index) const noexcept { return archive.members()[events[index]]; }

  void rewind() {
    summary = {};
    problem.reset();
    next = options.first;
    advance();
  }

  void advance() {
    auto const last = std::min(events.size(), options.first + std::min(options.count, events.size()));
    done = next >= last;
    if (done) return;
    if (auto outcome = read(next++, current, summary); !outcome) {
      problem = *outcome.error();
      done = true;
    }
  }

  bool is_asked_for(std::string_view name) const noexcept {
    return std::find(options.also.begin(), options.also.end(), name) != options.also.end();
  }

  result<void> read(std::size_t index, event& e, ig_summary& counts) {
    struct {
      ig_reader const& reader;
      ig_event_selection const of_event{};
      ig_keep operator()(std::string_view name) const noexcept {
        return reader.is_asked_for(name) ? ig_keep::everything : of_event(name);
      }
      bool operator()(std::string_view name, std::string_view column) const noexcept {
        return reader.is_asked_for(name) || of_event(name, column);
      }
    } const selection{*this};
    if (auto outcome = parse(index, selection, extents, tables); !outcome) return outcome;
    return ig_event_maker(tables, extents, archive.where(entry(index)), counts).make(e);
  }

  // A collection that was asked for beside the event read last, or null where this has none.
  ig_table const* also(std::string_view name) const noexcept {
    auto const named = [name](auto const& of_event) { return of_event.name == name; };
    if (!is_asked_for(name) || std::none_of(extents.begin(), extents.end(), named)) return nullptr;
    auto const found = std::find_if(tables.begin(), tables.end(), named);
    return found != tables.end() ? &*found : nullptr;
  }

  result<ig_contents> contents(std::size_t index, std::span<std::string_view const> names) {
    struct {
      std::span<std::string_view const> names;
      ig_keep operator()(std::string_view name) const noexcept {
        bool const wanted = names.empty() || std::find(names.begin(), names.end(), name) != names.end();
        return wanted ? ig_keep::everything : ig_keep::nothing;
      }
      bool operator()(std::string_view name, std::string_view) const noexcept {
        return (*this)(name) == ig_keep::everything;
      }
    } const selection{names};
    ig_contents found;
    if (auto outcome = parse(index, selection, found.extents, found.tables); !outcome) return *outcome.error();
    std::erase_if(found.tables, [&](ig_table const& table) {
      return selection(table.name) == ig_keep::nothing ||
             std::none_of(found.extents.begin(), found.extents.end(),
                          [&](ig_extent const& extent) { return extent.name == table.name; });
    });
    return found;
  }

  template <class Selection>
  result<void> parse(std::size_t index, Selection const& selection, std::vector<ig_extent>& found_extents,
                     std::vector<ig_table>& found_tables) {
    if (index >= events.size()) {
      return calotype::error{"there is no event " + std::to_string(index), archive.path(),
                             "it has " + std::to_string(events.size()) + " events, counted from 0"};
    }
    auto const& member = entry(index);
    if (member.size > options.max_event_bytes) {
      return calotype::error{
          "the event is " + std::to_string(member.size) + " bytes long, more than is allowed",
          archive.where(member), "raise ig_options::max_event_bytes if this is right"};
    }
    auto stream = archive.stream(member);
    if (!stream) return *stream.error();
    text.resize(static_cast<std::size_t>(member.size));
    if (auto outcome = stream->read(std::as_writable_bytes(std::span(text))); !outcome) return outcome;
    condense_ig(text, selection, json, found_extents);
    if (auto const what = parse_ig(json, selection, found_tables); !what.empty()) {
      return calotype::error{"the event " + what, archive.where(member), "fetch the file again"};
    }
    return {};
  }

  zip_archive archive;
  ig_options options;
  std::vector<std::size_t> events{};  // the members that are events
  std::size_t next = 0;
  bool done = true;
  event current{};
  std::optional<calotype::error> problem{};
  ig_summary summary{};

  // Buffers used again for every event.
  std::string text{};
  std::string json{};
  std::vector<ig_extent> extents{};
  std::vector<ig_table> tables{};
};

}  // namespace detail
}  // namespace calotype::io
