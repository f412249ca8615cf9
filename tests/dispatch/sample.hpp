// Numbers to score, and the policies that the CMakeLists.txt compiles networks for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../sample_event.hpp"
#include "networks.hpp"

#include <calotype/calotype.hpp>
#include <calotype/core/hash.hpp>
#include <calotype/core/random.hpp>
#include <calotype/exec/pool.hpp>
#include <calotype/nn/dispatched_session.hpp>

namespace dispatch_test {

using calotype_test::sample_event;

using direct = ct::exec::dispatched<>;
using winograd = ct::exec::dispatched<ct::exec::single, ct::exec::winograd>;
using threads = ct::exec::dispatched<ct::exec::pool, ct::exec::winograd>;

template <class Net>
std::vector<float> numbers_for(std::uint64_t number) {
  ct::stream draw(6, number, 2);
  std::vector<float> numbers(ct::nn::input_size<Net>());
  for (float& x : numbers) x = draw.uniform(-1.f, 1.f);
  return numbers;
}

}  // namespace dispatch_test
