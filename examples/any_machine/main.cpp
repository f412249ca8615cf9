// Compiled for every x86-64 CPU, scores with the widest instructions of the one it meets:
//   any_machine WEIGHTS.safetensors EVENTS.ig [baseline|avx2|avx512]
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "higgs.hpp"

#include <calotype/calotype.hpp>
#include <calotype/io/complain.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/model.hpp>
#include <calotype/nn/dispatched_session.hpp>
namespace ct = calotype;

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: any_machine WEIGHTS.safetensors EVENTS.ig [ISA]\n", stderr), 2;
  ct::exec::dispatched<ct::exec::single, ct::exec::winograd> policy;  // CMakeLists.txt names the same
  if (argc > 3) {
    using enum ct::exec::instruction_set;
    auto const sets = {baseline, avx2, avx512};
    auto const named =
        std::find_if(sets.begin(), sets.end(), [&](auto s) { return argv[3] == std::string_view(name(s)); });
    if (named == sets.end())
      return std::fputs("any_machine: ISA is one of baseline, avx2, avx512\n", stderr), 2;
    policy.widest = *named;
  }
  auto const model = ct::io::load<mine::higgs>(argv[1]);
  auto file = ct::io::open_ig(argv[2]);
  if (!model || !file) return ct::io::complain(model, file);
  ct::session<mine::higgs, decltype(policy)> score(*model, policy);
  std::fprintf(stderr, "%s\n", name(score.instruction_set()));
  for (ct::event const& event : *file) {
    auto const p = score(event);
    if (!score.report().scaled) continue;  // no photon pair, so no m_gg to divide by
    std::printf("%u %llu %.9g\n", event.run, static_cast<unsigned long long>(event.number),
                static_cast<double>(p[0]));
  }
  return file->error() ? ct::io::complain(*file) : 0;
}
