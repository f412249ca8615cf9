#include "study.hpp"

#include <algorithm>

namespace program::event_study {

std::string_view name_of(category c) {
  switch (c) {
    case category::central:
      return "central";
    case category::forward:
      return "central+forward";
    case category::showers:
      return "showers";
    case category::shower_pairs:
      break;
  }
  return "pairs of showers";
}

training const& training_of(std::string_view id) {
  return *std::find_if(trainings.begin(), trainings.end(), [id](training const& t) { return t.id == id; });
}

published const* published_result(std::string_view id) {
  auto const* const found = std::find_if(published_results.begin(), published_results.end(),
                                         [id](published const& p) { return p.id == id; });
  return found == published_results.end() ? nullptr : found;
}

result const* study::find(std::string_view id) const {
  auto const found =
      std::find_if(results.begin(), results.end(), [id](result const& r) { return r.what->id == id; });
  return found == results.end() ? nullptr : &*found;
}

}  // namespace program::event_study
