// What is fixed for the ECAL, not for the event: how well its crystals are calibrated, and which give no
// signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/sim/response.hpp>

namespace calotype::sim {

// Spreads of the calibration (as shares of the energy) and shares of silent channels, alone or in groups of 5 x
// 5 that one front-end card reads. In 2012 less than 1 % of the crystals were silent, calibrated to about 0.5 %
// (EB) and 1.5 % (EE).
struct channel_state {
  std::uint64_t seed = 2012;
  double barrel_spread = 0.005, endcap_spread = 0.015;
  double silent = 0.001, silent_groups = 0.006;
};

// The factor on the energy of every crystal, 0 for a silent one, in the order of `deposits`. A pure function of
// the state.
class channel_factors {
 public:
  explicit channel_factors(channel_state const& state = {})
      : eb(make(state, 0, eb_rows, eb_columns, state.barrel_spread)),
        ee(make(state, 1, 2 * ee_side, ee_side, state.endcap_spread)) {}

  std::vector<float> eb, ee;

 private:
  static constexpr std::uint32_t purpose = 0xfffffd00U;  // no event's

  static std::vector<float> make(channel_state const& state, std::uint32_t part, int rows, int columns,
                                 double spread) {
    std::vector<float> out(static_cast<std::size_t>(rows * columns));
    stream singles(state.seed, 0, purpose + 2 * part), groups(state.seed, 0, purpose + 2 * part + 1);
    for (float& factor : out) {
      bool const silent = singles.uniform<double>() < state.silent;
      real const f = 1 + spread * real(singles.normal<double>());
      factor = silent ? 0.0F : static_cast<float>(f);
    }
    for (int r = 0; r < rows; r += 5) {
      for (int c = 0; c < columns; c += 5) {
        if (groups.uniform<double>() >= state.silent_groups) continue;
        for (int k = 0; k < 25; ++k) out[static_cast<std::size_t>((r + k / 5) * columns + c + k % 5)] = 0;
      }
    }
    return out;
  }
};

}  // namespace calotype::sim
