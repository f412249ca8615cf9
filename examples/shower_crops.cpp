// Electron or photon? Scores crops of the barrel that no simulation of this library made:
//
//   shower_crops shower-cnn WEIGHTS.safetensors FILE...
//
// with weights of shower-cnn or shower-fcn. A FILE is an .npz archive of crops, or an .ig file of recorded
// events; shower_samples.hpp says what is taken of them.
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shower_samples.hpp"

#include <calotype/io/complain.hpp>
#include <calotype/io/model.hpp>

namespace ct = calotype;

namespace {

template <class Net>
int score_files(std::string const& weights, std::span<std::string const> files) {
  auto const model = ct::io::load<Net>(weights);
  if (!model) return ct::io::complain(model);
  auto const samples = shower_samples::read(files);
  if (!samples) return ct::io::complain(samples);
  ct::session<Net> score{*model};
  for (auto const& s : *samples) {
    auto const j = shower_samples::judge(score, s);
    if (!j) return ct::io::complain(j);
    std::printf("%s: %d electrons, %d photons", s.name.c_str(), j->electrons, j->photons);
    if (j->curve) {
      std::printf("; AUC %.3f +- %.3f, mean score %.3f and %.3f", j->curve->auc(), j->curve->auc_error(),
                  j->mean_of_electrons, j->mean_of_photons);
    }
    std::printf("\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view const model = argc < 4 ? "" : argv[1];
  std::vector<std::string> const files(argv + (argc < 4 ? argc : 3), argv + argc);
  if (model == "shower-cnn") return score_files<ct::models::shower_cnn>(argv[2], files);
  if (model == "shower-fcn") return score_files<ct::models::shower_fcn>(argv[2], files);
  return std::fputs("usage: shower_crops shower-cnn|shower-fcn WEIGHTS.safetensors FILE.npz|FILE.ig ...\n",
                    stderr),
         2;
}
