#include "inference.hpp"

template <>
std::unique_ptr<peers::contestant> peers::make_inference<peers::cms_b>(request const& r,
                                                                       std::string const& folder) {
  return make_inference_of<cms_b>(r, folder);
}
