// expect: calotype::kernel::ops: no kernels for this policy; include the header that brings it
// and more: what the kernels' types would be
#include <array>

#include <calotype/exec/policy.hpp>
#include <calotype/nn/engine.hpp>
namespace ct = calotype;
struct numbers {
  static constexpr auto features() { return ct::labels("a", "b"); }
};
struct tagger {
  using input = numbers;
  static constexpr auto classes() { return ct::labels("signal", "background"); }
  static constexpr auto layers() { return ct::nn::layers(ct::nn::logits{}); }
};
int main() { ct::nn::inference_engine<tagger, ct::exec::scalar> engine; }
