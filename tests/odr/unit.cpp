// Compiled twice, for two instruction sets. Macros as other people's headers define them come first; libstdc++
// undoes `min` and `max` itself, as it must where windows.h was included, the others stay.
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

// clang-format off
#include <outside_headers.hpp>

#define I poisoned by <complex.h>
#define B0 poisoned by <termios.h>
#define small poisoned by <rpcndr.h>

#include <calotype_headers.hpp>
#include "digest.hpp"
#include "unit.hpp"
// clang-format on

std::uint64_t CALOTYPE_ODR_UNIT() {
  calotype::hasher h;
  for (auto const& [part, bits] : digests()) h.add(bits);
  return h.value();
}
