// expect: calotype::nn: compute.event. of this network.s input gives another number of values than its features
// or
#include <array>

#include <calotype/calotype.hpp>

struct tagger {
  struct input {
    static constexpr auto features() { return calotype::labels("pt", "eta", "phi"); }
    static std::array<float, 2> compute(calotype::event const&) { return {}; }
  };
  static constexpr auto classes() { return calotype::labels("a", "b"); }
  static constexpr auto layers() { return calotype::nn::layers(calotype::nn::logits{}); }
};

float refused(calotype::session<tagger>& score, calotype::event const& e) { return score(e)[0]; }
