// The bits of the Winograd arithmetic, written down, for compilers and machines that never meet.
#include "winograd_layer.hpp"

using namespace calotype;
using namespace calotype::test;

TEST_CASE("winograd: the bits") {
  fingerprint print;
  for_each_cut([&]<conv_shape S>() {
    for (numbers const& x : results<winograd_policy<exec::best_arch>, S>()) print.add(x.data(), x.size());
  });
  CHECK(print.value() == 17914292043638393872u);
}
