// Recorded events from .ig files (the zip archives of the CMS event displays), one at a time.
//
//   auto file = ct::io::open_ig("events.ig");
//   if (!file) return ct::io::complain(file);
//   for (ct::event const& event : *file) ...
//   return ct::io::complain(*file);  // 0 if every event could be read
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/detail/ig_reader.hpp>
#include <calotype/io/detail/stream_iterator.hpp>
#include <calotype/io/detail/zip.hpp>
#include <calotype/io/ig_table.hpp>

namespace calotype::io {

// An open .ig file; made by `open_ig`. Iterating reads event after event into one buffer: a reference is valid
// until the next step, one iteration runs at a time, and `begin` starts anew. After an iteration that ended
// early `error` says why. Memory: the text of one event, twice, and its tables. Not for concurrent use; open it
// once per thread.
class ig_file {
 public:
  using iterator = detail::stream_iterator<detail::ig_reader>;

  std::string const& path() const noexcept { return reader_->archive.path(); }
  // The number of events in the file, whichever are to be read.
  std::size_t size() const noexcept { return reader_->events.size(); }
  // The name of an event's member in the archive; its run and number need not be the event's.
  std::string const& member(std::size_t index) const noexcept { return reader_->entry(index).name; }

  iterator begin() {
    reader_->rewind();
    return iterator(reader_.get());
  }
  std::default_sentinel_t end() const noexcept { return {}; }

  // Why the last iteration ended early; null if it did not.
  calotype::error const* error() const noexcept { return reader_->problem ? &*reader_->problem : nullptr; }
  // What the last iteration met so far.
  ig_summary const& summary() const noexcept { return reader_->summary; }

  // A collection that ig_options::also names, of the event that an iteration is at; null where it has none.
  // Valid until the next step or read(). What cannot be read of such a collection is the event's error.
  ig_table const* also(std::string_view name) const noexcept { return reader_->also(name); }

  // One event by its place in the file, whose collections also() then gives. Leaves an iteration and its
  // summary alone otherwise.
  result<event> read(std::size_t index) {
    event e;
    ig_summary unused;
    if (auto outcome = reader_->read(index, e, unused); !outcome) return *outcome.error();
    return e;
  }
  // The named collections of an event with all their columns (no names: all collections).
  result<ig_contents> contents(std::size_t index, std::span<std::string_view const> names = {}) {
    return reader_->contents(index, names);
  }

 private:
  friend result<ig_file> open_ig(std::string path, ig_options options);
  explicit ig_file(std::unique_ptr<detail::ig_reader> reader) : reader_(std::move(reader)) {}

  std::unique_ptr<detail::ig_reader> reader_;
};

// Opens a file. Fails if it is missing, no zip archive, or without events (in the file, or to read).
inline result<ig_file> open_ig(std::string path, ig_options options = {}) {
  auto archive = detail::zip_archive::open(std::move(path));
  if (!archive) return *archive.error();
  auto reader = std::make_unique<detail::ig_reader>(std::move(*archive), options);
  auto const size = reader->events.size();
  auto const& name = reader->archive.path();
  if (size == 0) {
    return calotype::error{"the archive holds no events", name,
                           "give an .ig file, with members Events/Run_*/Event_*"};
  }
  if (options.first >= size || options.count == 0) {
    return calotype::error{"no event is left to read", name, "it has " + std::to_string(size) + " events"};
  }
  return ig_file(std::move(reader));
}

}  // namespace calotype::io
