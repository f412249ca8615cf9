// Prints the digests; built twice, with flags as different as users' are, and the outputs compared.
#include <cstdio>

#include "digest.hpp"

int main() {
  for (auto const& [part, bits] : digests()) {
    std::printf("%016llx  %s\n", static_cast<unsigned long long>(bits), part);
  }
}
