// Prints the bits of scores under every instruction set that this CPU has, up to the one named: bits [WIDEST]
// Run on different machines and compared. On the standard error: which units were run.
#include <cstdio>
#include <cstring>

#include "sample.hpp"

namespace {

using namespace dispatch_test;

template <class Net, class Policy>
std::uint64_t digest(Policy policy) {
  ct::session<Net, Policy> score(ct::nn::model<Net>::random(3), policy);
  ct::hasher h;
  auto add = [&](auto const& scores) {
    for (float s : scores) h.add(s);
    for (float l : score.logits()) h.add(l);
    h.add(score.report().used).add(score.report().scaled);
  };
  for (std::uint64_t i = 0; i < 3; ++i) {
    if constexpr (ct::nn::detail::reads_events<Net>()) add(score(sample_event(i)));
    add(score(std::span<float const>(numbers_for<Net>(i))));
  }
  return h.value();
}

}  // namespace

int main(int argc, char** argv) {
  using ct::exec::instruction_set;
  for (auto set : {instruction_set::baseline, instruction_set::avx2, instruction_set::avx512}) {
    if (!ct::exec::supports(set) || (argc > 1 && std::strcmp(name(set), argv[1]) != 0)) continue;
    std::fprintf(stderr, "%s\n", name(set));
    auto print = [](char const* what, std::uint64_t bits) {
      std::printf("%016llx %s\n", static_cast<unsigned long long>(bits), what);
    };
    print("barrel, direct", digest<barrel>(direct{.widest = set}));
    print("barrel, winograd", digest<barrel>(winograd{.widest = set}));
    print("barrel, winograd, threads", digest<barrel>(threads{.widest = set, .threads = {.count = 2}}));
    print("photons", digest<photons>(direct{.widest = set}));
    print("map", digest<map>(direct{.widest = set}));
  }
}
