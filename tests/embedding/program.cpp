// A program with its weights in it: no file, no exceptions, no run-time type information. Every policy of the
// CPU, and weights that pass or fail their self-test.
#include <atomic>
#include <cstdio>
#include <type_traits>

#include "first.hpp"
#include "tagger.hpp"
#include "unit.hpp"

#include <calotype/core/parallel.hpp>
#include <calotype/exec/pool.hpp>
#include <calotype/kernel/scalar.hpp>

namespace {

namespace ct = calotype;

void print(char const* name, std::array<float, 3> const& p) {
  std::printf("%s %a %a %a\n", name, static_cast<double>(p[0]), static_cast<double>(p[1]),
              static_cast<double>(p[2]));
}

template <class Policy>
bool agrees(ct::nn::model<user::tagger> const& model, std::array<float, 3> const& want, Policy policy = {}) {
  ct::session<user::tagger, Policy> score(model, policy);
  return score(user::sample_event(1)) == want;
}

// Views of temporary data do not compile.
using weights_type = std::remove_const_t<decltype(user::trained::tagger)>;
static_assert(std::is_constructible_v<ct::nn::model<user::tagger>, weights_type const&>);
static_assert(!std::is_constructible_v<ct::nn::model<user::tagger>, weights_type>);
static_assert(!std::is_constructible_v<ct::nn::model<user::tagger>, weights_type const>);

}  // namespace

int main() {
  std::array<float, 3> one{}, two{};
  if (!first(one) || !second(two)) return std::puts("a self-test fails"), 1;
  print("first", one);
  print("second", two);

  ct::nn::model<user::tagger> const model(user::trained::tagger);
  if (model.parameters().data() != user::trained::tagger.numbers)
    return std::puts("the weights were copied"), 1;
  using arch = ct::exec::best_arch;
  if (!agrees<ct::exec::scalar>(model, one)) return std::puts("exec::scalar differs"), 1;
  if (!agrees<ct::exec::cpu<arch, ct::exec::pool>>(model, one, {{.count = 2}}))
    return std::puts("pool differs"), 1;
  ct::session<user::tagger, ct::exec::cpu<arch, ct::exec::single, ct::exec::winograd>> quick(model);
  float const difference = quick(user::sample_event(1))[0] - one[0];
  if (!(difference < 1e-4f && difference > -1e-4f)) return std::puts("winograd differs too much"), 1;

  std::atomic<int> wrong{0};
  ct::for_each_item(2, 4, [&](int, std::size_t) { wrong += !agrees<ct::exec::cpu<>>(model, one); });
  if (wrong > 0) return std::puts("threads differ"), 1;

  static weights_type damaged = user::trained::tagger;
  damaged.numbers[0] += 1;
  if (ct::nn::passes_self_test(ct::nn::model<user::tagger>(damaged), damaged)) {
    return std::puts("damaged weights pass their self-test"), 1;
  }
}
