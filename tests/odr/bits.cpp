// Prints the digests; built with flags as different as users' are, and compared with what bits.txt says.
#include <cstdio>

#include "digest.hpp"

int main() {
  for (auto const& [part, bits] : digests()) {
    std::printf("%016llx  %s\n", static_cast<unsigned long long>(bits), part);
  }
}
