// expect: calotype::nn: an input with reads_pulses must have compute
#include <array>

#include <calotype/nn/input.hpp>

struct given {  // what a caller makes: no event, and no pulses of one
  static constexpr bool reads_pulses = true;
  static constexpr auto tensor() { return std::array{calotype::kernel::map_shape{1, 2, 2}}; }
};

bool const refused = calotype::nn::input_traits<given>::reads_pulses;
