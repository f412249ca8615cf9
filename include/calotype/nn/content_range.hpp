// The ranges of what a network was trained on, by name (nn/input_content.hpp says what the names mean).
#pragma once

#include <map>
#include <string>

namespace calotype::nn {

// Where most training events lie in one quantity; both ends belong to it. No range holds NaN.
struct content_range {
  double low = 0;
  double high = 0;
  constexpr bool contains(double x) const noexcept { return low <= x && x <= high; }
  friend constexpr bool operator==(content_range, content_range) = default;
};

// By the names of input_content.
using content_ranges = std::map<std::string, content_range>;

}  // namespace calotype::nn
