// Events and numbers to score, and the policies that the CMakeLists.txt compiles networks for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "networks.hpp"

#include <calotype/calotype.hpp>
#include <calotype/core/hash.hpp>
#include <calotype/core/random.hpp>
#include <calotype/exec/pool.hpp>
#include <calotype/nn/dispatched_session.hpp>

namespace dispatch_test {

using direct = ct::exec::dispatched<>;
using winograd = ct::exec::dispatched<ct::exec::single, ct::exec::winograd>;
using threads = ct::exec::dispatched<ct::exec::pool, ct::exec::winograd>;

inline ct::event event_number(std::uint64_t number) {
  ct::stream draw(5, number, 1);
  ct::event e;
  e.number = number;
  using eb = ct::segmentation<ct::cms::eb>;
  for (int cell = static_cast<int>(draw.below(40)); cell < eb::size();
       cell += 1 + static_cast<int>(draw.below(80))) {
    e.hit_lists[ct::cms::collection::eb].push_back({eb::pack(cell), draw.exponential()});
  }
  e.hit_lists[ct::cms::collection::eb].push_back({0xffffffffu, 1.f});  // of no detector
  for (int i = 0; i < 30; ++i) {
    e.track_list.push_back(
        {.pt = 1 + draw.exponential(), .eta = draw.uniform(-2.f, 2.f), .phi = draw.uniform(-3.f, 3.f)});
  }
  e.photon_list = {{.et = 60, .eta = 0.5f, .phi = 1, .energy = 67.66f},
                   {.et = 40, .eta = -0.25f, .phi = -1.5f, .energy = 41.3f}};
  return e;
}

template <class Net>
std::vector<float> numbers_for(std::uint64_t number) {
  ct::stream draw(6, number, 2);
  std::vector<float> numbers(ct::nn::input_size<Net>());
  for (float& x : numbers) x = draw.uniform(-1.f, 1.f);
  return numbers;
}

}  // namespace dispatch_test
