#include <cstdio>

#include "unit.hpp"

int main() {
  std::uint64_t const a = baseline();
  std::uint64_t const b = native();
  std::printf("baseline %016llx native %016llx\n", static_cast<unsigned long long>(a),
              static_cast<unsigned long long>(b));
  return a == b ? 0 : 1;
}
