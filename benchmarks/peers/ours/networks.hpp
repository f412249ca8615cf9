// The networks that are measured, by the names that performance tables use.
#pragma once

#include <memory>
#include <string>

#include "../../networks.hpp"
#include "../protocol.hpp"

namespace peers {

namespace ct = calotype;

using namespace measured;

struct eb : resnet15_on<ecal_barrel_image> {
  static constexpr auto name = "EB";
};
struct cms_b : resnet15_on<barrel_image> {
  static constexpr auto name = "CMSB";
};
struct cms_ii : resnet15_on<hcal_centric_image> {
  static constexpr auto name = "CMSII";
};
struct jet : resnet15_on<plain_image<3, 125, 125>> {
  static constexpr auto name = "JET";
};
struct tiny : resnet15_on<plain_image<1, 32, 32>> {
  static constexpr auto name = "TINY";
};

// `folder` holds what prepare() wrote. Each is defined in a file of its own, since each compiles every kernel
// of its network several times.
template <class Net>
std::unique_ptr<contestant> make_inference(request const&, std::string const& folder);
template <>
std::unique_ptr<contestant> make_inference<eb>(request const&, std::string const& folder);
template <>
std::unique_ptr<contestant> make_inference<cms_b>(request const&, std::string const& folder);
template <>
std::unique_ptr<contestant> make_inference<cms_ii>(request const&, std::string const& folder);
template <>
std::unique_ptr<contestant> make_inference<jet>(request const&, std::string const& folder);
template <>
std::unique_ptr<contestant> make_inference<tiny>(request const&, std::string const& folder);
std::unique_ptr<contestant> make_training(request const&, std::string const& folder);

// The weights of all engines: the same for all inputs of as many channels.
inline constexpr unsigned long long seed = 1;

}  // namespace peers
