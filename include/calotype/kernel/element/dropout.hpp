// Dropout of one number. Which numbers fall is a pure function of (key, index), the same on every machine.
#pragma once

#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/core/random.hpp>
#include <calotype/kernel/arithmetic.hpp>

namespace calotype::kernel::element {

// value / (1 - rate) with probability 1 - rate, else +0 (0 <= rate < 1). `index` is the place in channel, row,
// column order; the uniform number is the first word of Philox block (index, 0, 0, 0), as random::stream makes
// floats of words.
template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real dropped(Real rate, std::uint64_t key, int index, Real value) {
  std::uint32_t const word =
      philox({static_cast<std::uint32_t>(index), 0, 0, 0},
             {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)})[0];
  Real const uniform = mul(add(static_cast<Real>(word >> 9), Real(0.5)), Real(0x1p-23));
  return uniform < rate ? Real{0} : mul(value, divide(Real{1}, add(Real{1}, -rate)));
}

}  // namespace calotype::kernel::element
