// Electrons and photons in crops of the barrel that no simulation of this library made: those of public
// archives, and the photon candidates of recorded events.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/calotype.hpp>
#include <calotype/eval/roc.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/npz.hpp>
#include <calotype/models/shower_paper.hpp>

namespace shower_samples {

namespace ct = calotype;
using crop = ct::models::shower_crop;
using pixels = decltype(crop::compute(std::declval<ct::event const&>()));

struct sample {
  std::string name;
  std::vector<pixels> crops;
  std::vector<char> is_electron;
};

// The most energetic crystal within 3 of where a candidate points.
inline ct::pixel seed_of(ct::event const& e, ct::photon const& p) {
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
inline bool is_electron(ct::io::ig_contents const& contents, ct::photon const& p) {
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

// The candidates above 15 GeV in the barrel of an .ig file's events, but for events that were seen before.
inline ct::result<void> add_recorded(std::string const& path, seen_events& seen, sample& plain,
                                     sample& scaled) {
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

inline ct::result<sample> read_crops(std::string const& path) {
  auto file = ct::io::open_npz(path);
  if (!file) return *file.error();
  auto const images = file->read<float>("x_train");
  if (!images) return *images.error();
  auto const labels = file->read<float>("y_train");
  if (!labels) return *labels.error();
  sample s{
      "crops of " + std::filesystem::path(path).filename().string(), std::vector<pixels>(labels->size()), {}};
  auto const* const array = file->find("x_train");
  if (array->shape != std::vector<std::uint64_t>{labels->size(), 32, 32}) {
    return ct::error{"x_train is no list of 32 x 32 crops, one for each number of y_train", path,
                     "give such an archive"};
  }
  auto from = images->begin();
  for (std::size_t i = 0; i < labels->size(); ++i) {
    float const label = (*labels)[i];
    bool good = label == 0 || label == 1;
    for (float& x : s.crops[i]) {
      good = good && std::isfinite(*from);
      x = 50 * *from++;
    }
    if (!good) {
      return ct::error{"a pixel is not a finite number, or the label neither 0 nor 1",
                       path + ", crop " + std::to_string(i) + " (counted from 0)", "correct the archive"};
    }
    s.is_electron.push_back(label == 1);
  }
  return s;
}

// The samples of files: one of each .npz archive of crops (x_train float32 (n, 32, 32), the most energetic
// crystal at (16, 16), pixels E / 50 GeV; y_train, 1 for electrons), and two of all .ig files together, whose
// photon candidates with ET > 15 GeV in the barrel count as electrons where there is an electron candidate
// within dR 0.15: as they are, and scaled to ET = 50 GeV, which is what the networks know. Each event counts
// once.
inline ct::result<std::vector<sample>> read(std::span<std::string const> files) {
  std::vector<sample> samples;
  seen_events seen;
  sample plain{"recorded candidates", {}, {}}, scaled{"recorded candidates, scaled to ET = 50 GeV", {}, {}};
  for (std::string const& file : files) {
    if (file.ends_with(".npz")) {
      auto crops = read_crops(file);
      if (!crops) return *crops.error();
      for (sample const& other : samples) {
        if (other.name == crops->name)
          return ct::error{"another file of this name was given before", file, "give it another name"};
      }
      samples.push_back(std::move(*crops));
    } else if (auto const added = add_recorded(file, seen, plain, scaled); !added) {
      return *added.error();
    }
  }
  if (seen.empty()) return samples;
  plain.name += " of " + std::to_string(seen.size()) + " events";
  samples.push_back(std::move(plain));
  samples.push_back(std::move(scaled));
  return samples;
}

// How a network tells the electrons of a sample from its photons; there is no curve of fewer than two of a
// kind.
struct judgement {
  int electrons = 0, photons = 0;
  double mean_of_electrons = 0, mean_of_photons = 0;  // scores
  std::optional<ct::eval::roc_curve> curve{};
};

template <class Net>
ct::result<judgement> judge(ct::session<Net>& score, sample const& s) {
  judgement j;
  std::vector<double> scores;
  for (std::size_t i = 0; i < s.crops.size(); ++i) {
    scores.push_back(static_cast<double>(score(std::span<float const>(s.crops[i]))[0]));
    ++(s.is_electron[i] ? j.electrons : j.photons);
    (s.is_electron[i] ? j.mean_of_electrons : j.mean_of_photons) += scores.back();
  }
  if (j.electrons < 2 || j.photons < 2) return j;
  j.mean_of_electrons /= j.electrons;
  j.mean_of_photons /= j.photons;
  auto curve = ct::eval::roc_curve::make(std::span<double const>(scores), std::span<char const>(s.is_electron));
  if (!curve) return *curve.error();
  j.curve = std::move(*curve);
  return j;
}

}  // namespace shower_samples
