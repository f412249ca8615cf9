#include "inference.hpp"

template <>
std::unique_ptr<peers::contestant> peers::make_inference<peers::tiny>(request const& r,
                                                                      std::string const& folder) {
  return make_inference_of<tiny>(r, folder);
}
