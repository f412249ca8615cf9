// One of two parts of a program, each with a model of its own for the same network, under the same name.
#include "unit.hpp"

#include "tagger.hpp"
#include WEIGHTS

bool NAME(std::array<float, 3>& scores) {
  namespace ct = calotype;
  ct::nn::model<user::tagger> const model(user::trained::tagger);
  if (!ct::nn::passes_self_test(model, user::trained::tagger)) return false;
  alignas(64) static std::byte memory[ct::session<user::tagger>::block_bytes];
  ct::session<user::tagger> score(model, memory);
  scores = score(user::sample_event(1));
  return true;
}
