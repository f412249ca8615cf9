// Scores every event of an .ig file with a trained network:  score_events WEIGHTS.safetensors EVENTS.ig
#include <cstdio>

#include <calotype/calotype.hpp>  // the inference header: descriptions, builders, networks, the cpu policy
#include <calotype/io/complain.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/model.hpp>
namespace ct = calotype;

namespace mine {
struct barrel {  // an event becomes pixels, by name: 3 x 170 x 360, geometry included
  static constexpr auto image() {
    constexpr ct::channel_options s{.scale = 50}, h{.scale = 90};  // pixels are 50 E / m_gg, HCAL's 90
    return ct::cms::central({ct::track_pt(s), ct::ecal_energy(s), ct::hcal_energy(h)},
                            {.divide_by = ct::divisor::m_gg});
  }
};
struct higgs {  // the classifier, by name
  using input = barrel;
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return ct::nn::resnet15(); }
};
}  // namespace mine
static_assert(ct::nn::cost<mine::higgs>.parameters == 90'291);         // the paper's Table 2
static_assert(ct::nn::cost<mine::higgs>.workspace_bytes < 4'000'000);  // a trigger's memory budget

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: score_events WEIGHTS.safetensors EVENTS.ig\n", stderr), 2;
  auto const model = ct::io::load<mine::higgs>(argv[1]);  // a result: the weights, or a report
  auto file = ct::io::open_ig(argv[2]);
  if (!model || !file) return ct::io::complain(model, file);
  ct::session<mine::higgs> score{*model};  // one per thread; allocates once, here
  for (ct::event const& event : *file) {
    auto const p = score(event);           // noexcept, allocates nothing
    if (!score.report().scaled) continue;  // no photon pair, so no m_gg to divide by
    std::printf("%u %llu %.3f\n", event.run, static_cast<unsigned long long>(event.number),
                static_cast<double>(p[0]));
  }
  return file->error() ? ct::io::complain(*file) : 0;
}
