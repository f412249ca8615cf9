// What a user's first program needs: a description, its types, and the library's version.
#if defined(SINGLE_HEADER)
#include <calotype.hpp>
#else
#include <calotype/core/config.hpp>
#include <calotype/image/event.hpp>
#endif

#if defined(USE_ig)
#include <calotype/io/ig.hpp>
#endif
#if defined(USE_npz)
#include <calotype/io/npz.hpp>
#endif
#if defined(USE_safetensors)
#include <calotype/io/safetensors.hpp>
#endif

#include <cstdio>

int main() {
  std::printf("calotype %d.%d.%d\n", calotype::version_major, calotype::version_minor, calotype::version_patch);
  return 0;
}
