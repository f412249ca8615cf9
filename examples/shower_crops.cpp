// Electron or photon? Scores crops of the barrel that no simulation of this library made:
//
//   shower_crops shower-cnn WEIGHTS.safetensors FILE...
//
// with weights of shower-cnn or shower-fcn. A FILE is an .npz archive of crops (x_train float32 (n, 32, 32),
// the most energetic crystal at (16, 16), pixels E / 50 GeV; y_train, 1 for electrons), or an .ig file of
// recorded events, whose photon candidates with ET > 15 GeV in the barrel count as electrons where there is an
// electron candidate within dR 0.15. Candidates of all .ig files are judged together, each event once; their
// crops as they are, and scaled to ET = 50 GeV, which is what the networks know.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/calotype.hpp>
#include <calotype/eval/roc.hpp>
#include <calotype/io/complain.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/model.hpp>
#include <calotype/io/npz.hpp>
#include <calotype/models/shower_paper.hpp>

namespace ct = calotype;

namespace {

using crop = ct::models::shower_crop;
using pixels = decltype(crop::compute(std::declval<ct::event const&>()));

struct sample {
  std::string name;
  std::vector<pixels> crops;
  std::vector<char> is_electron;
};

// The most energetic crystal within 3 of where a candidate points.
ct::pixel seed_of(ct::event const& e, ct::photon const& p) {
  using eb = ct::segmentation<ct::cms::eb>;
  int const cell = eb::find(static_cast<double>(p.eta), static_cast<double>(p.phi));
  ct::pixel best;
  float most = 0;
  for (ct::hit const h : e.hits(ct::cms::collection::eb)) {
    int const other = eb::unpack(h.id);
    if (cell < 0 || other < 0 || !(h.energy > most)) continue;
    int const rows = other / 360 - cell / 360, cols = (other % 360 - cell % 360 + 540) % 360 - 180;
    if (rows < -3 || rows > 3 || cols < -3 || cols > 3) continue;
    most = h.energy;
    best = {other / 360, other % 360};
  }
  return best;
}

// Whether there is an electron candidate within dR 0.15.
bool is_electron(ct::io::ig_contents const& contents, ct::photon const& p) {
  for (auto const& table : contents.tables) {
    auto const eta = table.numbers("eta"), phi = table.numbers("phi");
    for (std::size_t i = 0; i < eta.size() && i < phi.size(); ++i) {
      double const across = std::remainder(phi[i] - static_cast<double>(p.phi), 2 * ct::math::pi);
      if (std::hypot(eta[i] - static_cast<double>(p.eta), across) < 0.15) return true;
    }
  }
  return false;
}

using seen_events = std::set<std::pair<std::uint32_t, std::uint64_t>>;

ct::result<void> add_recorded(std::string const& path, seen_events& seen, sample& plain, sample& scaled) {
  auto file = ct::io::open_ig(path);
  if (!file) return *file.error();
  for (std::size_t i = 0; i < file->size(); ++i) {
    auto const event = file->read(i);
    if (!event) return *event.error();
    if (!seen.insert({event->run, event->number}).second) continue;
    static constexpr std::array<std::string_view, 3> names{"GsfElectrons_V1", "GsfElectrons_V2",
                                                           "GsfElectrons_V3"};
    auto const contents = file->contents(i, names);
    if (!contents) return *contents.error();
    for (ct::photon const& p : event->photons()) {
      if (!(p.et > 15) || !(std::fabs(p.eta) < 1.479F)) continue;
      auto image = ct::cms::crystals_around<crop>(*event, seed_of(*event, p));
      char const truth = is_electron(*contents, p);
      plain.crops.push_back(image);
      plain.is_electron.push_back(truth);
      for (float& x : image) x *= 50 / p.et;
      scaled.crops.push_back(image);
      scaled.is_electron.push_back(truth);
    }
  }
  return {};
}

ct::result<sample> read_crops(std::string const& path) {
  auto file = ct::io::open_npz(path);
  if (!file) return *file.error();
  auto const images = file->read<float>("x_train");
  if (!images) return *images.error();
  auto const labels = file->read<float>("y_train");
  if (!labels) return *labels.error();
  sample s{path, std::vector<pixels>(labels->size()), {}};
  if (images->size() != labels->size() * std::tuple_size_v<pixels>) {
    return ct::error{"x_train is no list of 32 x 32 crops, one for each number of y_train", path,
                     "give such an archive"};
  }
  auto from = images->begin();
  for (std::size_t i = 0; i < labels->size(); ++i) {
    for (float& x : s.crops[i]) x = 50 * *from++;
    s.is_electron.push_back((*labels)[i] == 1);
  }
  return s;
}

// The scores of a sample, in a line.
template <class Net>
ct::result<void> judge(ct::session<Net>& score, sample const& s) {
  std::vector<double> scores;
  std::array<double, 2> sum{};
  std::array<int, 2> count{};
  for (std::size_t i = 0; i < s.crops.size(); ++i) {
    scores.push_back(static_cast<double>(score(std::span<float const>(s.crops[i]))[0]));
    auto const kind = static_cast<std::size_t>(s.is_electron[i]);
    sum[kind] += scores.back();
    ++count[kind];
  }
  std::printf("%s: %d electrons, %d photons", s.name.c_str(), count[1], count[0]);
  if (count[0] > 0 && count[1] > 0) {
    auto const curve =
        ct::eval::roc_curve::make(std::span<double const>(scores), std::span<char const>(s.is_electron));
    if (!curve) return *curve.error();
    std::printf("; AUC %.3f +- %.3f, mean score %.3f and %.3f", curve->auc(), curve->auc_error(),
                sum[1] / count[1], sum[0] / count[0]);
  }
  std::printf("\n");
  return {};
}

template <class Net>
int score_files(std::string const& weights, std::span<char const* const> files) {
  auto const model = ct::io::load<Net>(weights);
  if (!model) return ct::io::complain(model);
  ct::session<Net> score{*model};
  seen_events seen;
  sample plain{"recorded candidates", {}, {}}, scaled{"the same, scaled to ET = 50 GeV", {}, {}};
  ct::result<void> done;
  for (std::string const file : files) {
    if (file.ends_with(".npz")) {
      auto const crops = read_crops(file);
      if (!crops) return ct::io::complain(crops);
      done = judge(score, *crops);
    } else {
      done = add_recorded(file, seen, plain, scaled);
    }
    if (!done) return ct::io::complain(done);
  }
  if (seen.empty()) return 0;
  plain.name += " of " + std::to_string(seen.size()) + " events";
  for (sample const* s : {&plain, &scaled}) {
    if (done = judge(score, *s); !done) return ct::io::complain(done);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view const model = argc < 4 ? "" : argv[1];
  auto const files =
      std::span<char const* const>(argv, static_cast<std::size_t>(argc)).subspan(argc < 4 ? 0 : 3);
  if (model == "shower-cnn") return score_files<ct::models::shower_cnn>(argv[2], files);
  if (model == "shower-fcn") return score_files<ct::models::shower_fcn>(argv[2], files);
  return std::fputs("usage: shower_crops shower-cnn|shower-fcn WEIGHTS.safetensors FILE.npz|FILE.ig ...\n",
                    stderr),
         2;
}
