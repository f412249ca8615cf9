// What calotype measures of itself; `folder` holds what prepare() wrote.
#pragma once

#include <memory>
#include <string>

#include "../protocol.hpp"
#include "networks.hpp"

namespace peers {

// Each is defined in a file of its own, since each compiles every kernel of its network several times.
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
// The network in units for several instruction sets, one of them chosen at start.
std::unique_ptr<contestant> make_dispatched_inference(request const&, std::string const& folder);
std::unique_ptr<contestant> make_training(request const&, std::string const& folder);

// The weights of all engines: the same for all inputs of as many channels.
inline constexpr unsigned long long seed = 1;

}  // namespace peers
