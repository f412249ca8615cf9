// A network compiled for several instruction sets by the installed package.
#include "dispatched.hpp"

#include <array>
#include <cstdio>

#include <calotype/nn/dispatched_session.hpp>

namespace ct = calotype;

int main() {
  auto const model = ct::nn::model<mine::quick_tagger>::random(1);
  ct::session<mine::quick_tagger> plain(model);
  ct::session<mine::quick_tagger, ct::exec::dispatched<>> widest(model);
  std::array const input{0.5F, -1.0F, 2.0F};
  std::printf("%s\n", name(widest.instruction_set()));
  return plain(input) == widest(input) ? 0 : 1;
}
