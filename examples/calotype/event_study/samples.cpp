#include "samples.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "../common.hpp"

#include <calotype/core/parallel.hpp>
#include <calotype/detector/presets/cms_run1.hpp>

namespace program::event_study {

namespace {

std::vector<ct::sim::process> processes_of(category c) {
  using enum ct::sim::process;
  if (c == category::showers) return {electron, photon};
  if (c == category::shower_pairs) return {electron_pair, photon_pair};
  return {higgs, born, gamma_jet};
}

// Leaves the crystals that are more than 0.7 from both candidates.
void leave_rest_of_event(labelled_events& events) {
  constexpr double radius = 0.7;
  using eb = ct::segmentation<ct::cms::eb>;
  for (auto& e : events) {
    auto const candidates = e.photons().first(std::min<std::size_t>(2, e.photons().size()));
    std::erase_if(e.hit_lists[ct::cms::collection::eb], [&candidates](ct::hit const& h) {
      auto const at = eb::center(eb::unpack(h.id));
      return std::any_of(candidates.begin(), candidates.end(), [&at](ct::photon const& p) {
        return std::hypot(at.u - static_cast<double>(p.eta),
                          std::remainder(at.v - static_cast<double>(p.phi), 2 * ct::math::pi)) < radius;
      });
    });
  }
}

// Leaves what the events' simultaneous collisions, of which `soft` has those of a library, look like alone.
void leave_overlay(labelled_events& events, simulation_options const& how, ct::sim::overlays const* soft) {
  std::vector<ct::sim::simulator> make;  // by label
  for (ct::sim::process p : {ct::sim::process::higgs, ct::sim::process::born, ct::sim::process::gamma_jet}) {
    make.emplace_back(ct::sim::sample{.process = p,
                                      .seed = how.seed,
                                      .pile_up = how.pile_up,
                                      .collections = how.collections,
                                      .selection = ct::sim::selection::none,
                                      .eras = how.eras},
                      soft);
  }
  std::vector<ct::sim::workspace> memory(static_cast<std::size_t>(how.threads));
  progress bar("simulating overlays", events.size());
  std::atomic<std::uint64_t> done{0};
  ct::for_each_item(how.threads, events.size(), [&](int worker, std::size_t i) {
    auto& e = events[i];
    ct::sim::generated_event const nothing{.number = static_cast<std::uint64_t>(e.number)};
    auto alone = make[static_cast<std::size_t>(e.label)](nothing, {}, memory[static_cast<std::size_t>(worker)]);
    if (alone) static_cast<ct::event&>(e) = std::move(alone->event);
    if (++done % 64 == 0 && worker == 0) bar.step(done);
  });
}

}  // namespace

ct::result<std::unique_ptr<pile_up>> open_library(request const& asked) {
  auto p = std::make_unique<pile_up>();
  if (asked.library.empty()) return p;
  auto loaded = load_library(asked.library, parts);
  if (!loaded) return *loaded.error();
  p->library = std::move(*loaded);
  for (std::size_t k = 0; k < parts; ++k) p->of.emplace_back(p->library, k, parts);
  return p;
}

ct::result<std::vector<ct::io::particle_file>> open_generated(request const& asked) {
  std::vector<ct::io::particle_file> files;
  std::vector<std::string> missing{"higgs", "born", "gamma-jet"};
  for (auto const& path : asked.particles) {
    auto file = open_particles(path);
    if (!file) return *file.error();
    auto const name = file->metadata().find("process");
    auto const wanted = name == file->metadata().end()
                            ? missing.end()
                            : std::find(missing.begin(), missing.end(), name->second);
    if (wanted == missing.end()) {
      return ct::error{"the file is of no process that is still needed", path,
                       "give one file each of higgs, born and gamma-jet"};
    }
    missing.erase(wanted);
    files.push_back(std::move(*file));
  }
  if (!missing.empty()) {
    return ct::error{"no file holds " + missing.front() + " events", "--particles",
                     "give one file each of higgs, born and gamma-jet"};
  }
  return files;
}

ct::result<samples> simulate_samples(request const& asked, category c, pile_up const& soft) {
  simulation_options how = options_of(asked, c);
  bool const generated = is_generated(asked, c);
  bool const trains = is_trained_here(asked, c);
  std::vector<ct::io::particle_file> files;
  if (generated) {
    auto opened = open_generated(asked);
    if (!opened) return *opened.error();
    files = std::move(*opened);
  }
  samples s;
  struct part {
    labelled_events* list;
    std::uint64_t events;
    char const* name;
  };
  std::array<part, parts> const all{
      part{&s.learn.training, asked.size.training[static_cast<std::size_t>(c)], "training"},
      part{&s.learn.validation, asked.size.validation, "validation"},
      part{&s.test, asked.size.test[static_cast<std::size_t>(c)], "test"}};
  std::uint64_t first = 0;
  std::set<std::pair<int, std::int64_t>> taken;  // blocks of earlier parts, which must not be split
  for (std::size_t k = 0; k < parts; ++k) {
    part const& p = all[k];
    bool const wanted = p.list == &s.test ? asked.only.empty() || asked.paper_split : trains;
    std::set<std::pair<int, std::int64_t>> here;
    auto const keep = [&](ct::sim::simulated_event&& e) -> ct::result<void> {
      if (e.block >= 0) here.insert({e.label, e.block});
      if (wanted) p.list->push_back(labelled(std::move(e)));
      return {};
    };
    auto const fits = [&taken](ct::sim::simulated_event const& e) {
      return e.block < 0 || !taken.contains({e.label, e.block});
    };
    if (has_collisions(c)) how.overlays = soft.part(k);
    ct::result<void> made;
    if (generated) {  // where the next part begins is known once this one has been read
      made = simulate_generated(files, how, p.events, keep, fits);
    } else if (wanted) {
      made = simulate_events(processes_of(c), how, first, p.events, std::string("simulating, ") + p.name, keep);
    }
    if (!made) {
      auto problem = *made.error();
      if (generated) problem.where += std::string(", for ") + p.name;
      return problem;
    }
    first += p.events;
    taken.merge(here);
  }
  return s;
}

void show(event_study::view view, samples& s, simulation_options const& how, pile_up const& soft) {
  std::array<labelled_events*, parts> const all{&s.learn.training, &s.learn.validation, &s.test};
  for (std::size_t k = 0; k < parts; ++k) {
    if (view == view::rest_of_event) leave_rest_of_event(*all[k]);
    if (view == view::overlay) leave_overlay(*all[k], how, soft.part(k));
  }
}

}  // namespace program::event_study
