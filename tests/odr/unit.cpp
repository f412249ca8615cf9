// Compiled twice, for two instruction sets. Macros as other people's headers define them come first; libstdc++
// undoes `min` and `max` itself, as it must where windows.h was included, the others stay.
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

#include <outside_headers.hpp>

#define I poisoned by<complex.h>
#define B0 poisoned by<termios.h>
#define small poisoned by<rpcndr.h>

#include "unit.hpp"
#include <calotype_headers.hpp>

std::uint64_t CALOTYPE_ODR_UNIT() { return calotype::hasher{}.add("odr").add(0.1).value(); }
