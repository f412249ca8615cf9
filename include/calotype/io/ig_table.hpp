// One collection of one event of an .ig file: its columns, found by name.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace calotype::io {

// One column as the event's own Types describe it. Columns that were not asked for hold no values.
struct ig_column {
  std::string name;
  std::string type;  // int, double, long long, v3d (three numbers) or string
  bool wanted = false;
  std::vector<double> numbers{};     // one per row, three for v3d; NaN where the file says nan or inf
  std::vector<std::string> texts{};  // one per row of a string column

  bool is_text() const noexcept { return type == "string"; }
  bool is_vector() const noexcept { return type == "v3d"; }
};

struct ig_table {
  std::string name;  // with its version, as in the file: EBRecHits_V2
  std::size_t rows = 0;
  std::vector<ig_column> columns{};

  // The column of that name, or null.
  ig_column const* find(std::string_view column) const noexcept {
    for (auto const& candidate : columns) {
      if (candidate.name == column) return &candidate;
    }
    return nullptr;
  }
  // The numbers of a column, three per row for v3d; empty if there is no such column.
  std::span<double const> numbers(std::string_view column) const noexcept {
    auto const* const found = find(column);
    return found != nullptr ? std::span<double const>(found->numbers) : std::span<double const>();
  }
};

// What an event holds in one collection, whether it was read or passed over.
struct ig_extent {
  std::string name;
  std::size_t rows = 0;
  std::size_t nans = 0;  // places where nan or inf stands for a number
};

}  // namespace calotype::io
