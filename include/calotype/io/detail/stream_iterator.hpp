// An iterator over something that is read step by step.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace calotype::io::detail {

// `Reader` has a value `current`, a flag `done`, and `advance()`. All copies of an iterator stand at the same
// place.
template <class Reader>
class stream_iterator {
 public:
  using value_type = decltype(Reader::current);
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  stream_iterator() = default;
  explicit stream_iterator(Reader* reader) : reader_(reader) {}

  value_type const& operator*() const noexcept { return reader_->current; }
  value_type const* operator->() const noexcept { return &reader_->current; }
  stream_iterator& operator++() {
    reader_->advance();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(stream_iterator const& i, std::default_sentinel_t) noexcept { return i.reader_->done; }

 private:
  Reader* reader_ = nullptr;
};

}  // namespace calotype::io::detail
