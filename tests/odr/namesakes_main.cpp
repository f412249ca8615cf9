// Both libraries in one process, or, with CALOTYPE_NAMESAKE, one of them alone.
#include <cstdio>

#include "namesakes.hpp"

int main() {
  unsigned long long numbers[2] = {};
#if !defined(CALOTYPE_NAMESAKE) || CALOTYPE_NAMESAKE == 1
  numbers[0] = first_of_namesakes();
  std::printf("first %016llx\n", numbers[0]);
#endif
#if !defined(CALOTYPE_NAMESAKE) || CALOTYPE_NAMESAKE == 2
  numbers[1] = second_of_namesakes();
  std::printf("second %016llx\n", numbers[1]);
#endif
  return numbers[0] != 0 || numbers[1] != 0 ? 0 : 1;
}
