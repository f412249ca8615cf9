// Simulated collisions as the recorded events of 2012 look: event i of a sample is a pure function of (sample,
// i).
//
//   ct::sim::simulator const make{{.process = ct::sim::process::higgs, .seed = 1}};
//   for (std::uint64_t i = 0; i < 1000; ++i) use(make(i).event);          // any order, any number of threads
//
// The collisions are those of the embedded generators or, one by one, of an event generator
// (sim/generated.hpp); pile-up is made anew or drawn from a library (sim/hit_library.hpp).
//
// A parametric response, not Geant4: docs/simulation.md says what is modelled, what is not, and where each
// number is from.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/image/event.hpp>
#include <calotype/observables/diphoton_selection.hpp>
#include <calotype/sim/digis.hpp>
#include <calotype/sim/generated.hpp>
#include <calotype/sim/hit_library.hpp>
#include <calotype/sim/process.hpp>
#include <calotype/sim/reconstruction.hpp>
#include <calotype/sim/response.hpp>
#include <calotype/sim/revision.hpp>
#include <calotype/sim/soft.hpp>

namespace calotype::sim {

// Which events are kept. central, forward: those whose candidates are a pair of this category as seen from the
// vertex and from the origin (observables/diphoton_selection.hpp). none: every collision that passes the
// generator's own cuts.
enum class selection : std::uint8_t { central, forward, none };

// A run era of 2012: how many events the event paper selected in it (its Table 1), and the mean pile-up,
// between the 18 and 21 that the paper names.
struct run_era {
  std::string_view name;
  int central, forward;
  double pile_up;
};
inline constexpr std::array run_eras{run_era{"Run2012AB", 16308, 35141, 18},
                                     run_era{"Run2012C", 24538, 47885, 19.5},
                                     run_era{"Run2012D", 22206, 52576, 21}};

// Events of an era among those of the paper; central unless forward ones are asked for.
constexpr int events_of(run_era const& era, selection which) {
  return which == selection::forward ? era.forward : era.central;
}

// What to simulate.
struct sample {
  sim::process process = sim::process::higgs;
  std::uint64_t seed = 1;
  double pile_up =
      18;  // mean number of interactions besides the hard one; varies from event to event as in 2012
  sim::collections collections = sim::collections::reduced;
  sim::selection selection = sim::selection::central;
  bool scaled_pt = false;    // ask for pT > m/3 and m/4 as well
  double fragmentation = 1;  // > 1 hardens, < 1 softens the meson that fakes a photon: share^(1/fragmentation)
  double track_pt_min = 0.75;  // GeV; the recorded lists of the event display end there
  bool eras = false;           // draw the run era of every event, and its pile-up by that of the era
  bool digis = false;          // make the pulses behind the hits of the barrel
};

// What really happened.
struct truth {
  candidate_truth candidates[2];
  double vertex_z = 0;   // cm, of the hard collision
  int interactions = 0;  // pile-up
  int attempts = 0;      // collisions drawn until one passed the selection
};

struct simulated_event {
  calotype::event event;
  int label = 0;  // see label_of
  float weight = 1;
  float m_gg = 0;           // GeV, of the two leading candidates; 0 where there are fewer
  int era = -1;             // of run_eras; -1 where none was drawn
  std::int64_t block = -1;  // the same for events that must not be split; -1 where each is its own
  sim::truth truth;

  // Whether neither candidate is a jet's.
  bool prompt_pair() const { return truth.candidates[0].prompt && truth.candidates[1].prompt; }
};

// Memory that simulating an event takes for a while, for a thread to keep from one event to the next. Given
// back between events that stay, it would leave holes that nothing fits into again: ten times their size.
struct workspace {
  deposits energies;
  std::vector<track> tracks;
  std::vector<particle> particles;
  readout::masks masks;
  event lists;
  photon_finder find;
  std::vector<remnant> remnants;
};

// Simulates the events of one sample. Immutable: any number of threads may share one. With eras or a library,
// event i has the same era, the same number of interactions and the same soft collisions in every process.
class simulator {
 public:
  // Pile-up comes from the library's part where one is given, which must outlive the simulator and not be
  // empty.
  explicit simulator(sample const& s, overlays const* pile_up = nullptr)
      : sample_(s), pile_up_(pile_up), channels_(channel_state{}) {}

  sim::sample const& description() const { return sample_; }

  // Event i: collisions are drawn until one passes the selection. Should none of 100,000 do, the event is
  // empty but for its label.
  simulated_event operator()(std::uint64_t i) const {
    workspace memory;
    return (*this)(i, memory);
  }
  simulated_event operator()(std::uint64_t i, workspace& memory) const {
    simulated_event out;
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      out = simulated_event{};
      stream random(sample_.seed, i, first_purpose(attempt));
      if (collide(out, i, attempt, random, memory)) return out;
    }
    out = simulated_event{};
    out.label = label_of(sample_.process);
    return out;
  }

  // A generated collision, underlying event included, as event `hard.number`; nothing where it does not pass
  // the selection.
  std::optional<simulated_event> operator()(generated_event const& hard,
                                            std::span<particle const> particles) const {
    workspace memory;
    return (*this)(hard, particles, memory);
  }
  std::optional<simulated_event> operator()(generated_event const& hard, std::span<particle const> particles,
                                            workspace& memory) const {
    simulated_event out;
    stream random(sample_.seed, hard.number, first_purpose(0));
    hard_event collision{{hard.candidates[0], hard.candidates[1]}, {}, {particles.begin(), particles.end()}};
    // what a jet holds in truth says little of the candidate that it makes
    bool const prompt = hard.candidates[0].prompt && hard.candidates[1].prompt;
    if (selective() && hard.has_candidates && prompt && !promising(collision)) return {};
    if (!observe(out, collision, nullptr, hard.number, 0, random, memory)) return {};
    out.label = hard.label;
    out.weight = hard.weight;
    out.block = hard.block;
    return out;
  }

 private:
  static constexpr int max_attempts = 100000;
  static constexpr std::uint32_t purposes = 1000;  // streams per attempt
  static constexpr std::uint32_t common_purpose = 0xffffff00U;
  static constexpr std::uint32_t pulses_purpose = 200;  // of an attempt's; those of `readout` begin at 100

  // The streams of an attempt. Processes have streams of their own: event i of one tells nothing of event i of
  // another.
  std::uint32_t first_purpose(int attempt) const {
    return (static_cast<std::uint32_t>(sample_.process) * max_attempts + static_cast<std::uint32_t>(attempt)) *
           purposes;
  }

  // Whether anything is asked of an event: all that a gun makes are kept.
  bool selective() const { return sample_.selection != sim::selection::none && !is_gun(sample_.process); }

  pair_category wanted() const {
    return sample_.selection == sim::selection::forward ? pair_category::forward : pair_category::central;
  }

  // Cheap cuts on the truth, looser than the selection on the candidates.
  bool promising(hard_event const& hard) const {
    auto const& [a, b] = hard.candidates;
    real const first = most_seen(a), second = most_seen(b);
    if (first < 18 || second < 17) return false;
    double const end = pair_eta_max(wanted());
    if (math::abs(a.eta) > end + 0.03 || math::abs(b.eta) > end + 0.06) return false;
    return mass(first, a.eta, a.phi, second, b.eta, b.phi) > 84;
  }
  // Of a fake's jet a supercluster takes in more than the candidate: up to half as much again but in one case
  // of a hundred.
  static real most_seen(candidate_truth const& c) { return c.prompt ? c.pt : 1.5 * c.pt; }

  static real mass(real pt1, real eta1, real phi1, real pt2, real eta2, real phi2) {
    real const m2 = 2 * pt1 * pt2 * (math::cosh(eta1 - eta2) - math::sincos(phi1 - phi2).cos);
    return m2 > 0 ? math::sqrt(m2) : real(0);
  }

  // Of two photon candidates.
  static real mass(photon const& a, photon const& b) {
    return mass(wide(a.et), wide(a.eta), wide(a.phi), wide(b.et), wide(b.eta), wide(b.phi));
  }
  static double wide(float x) { return static_cast<double>(x); }

  // Any two clusters of the hard collision alone that noise and pile-up may still lift over the cuts.
  bool hopeful(std::vector<photon_candidate> const& found) const {
    double const end = pair_eta_max(wanted()) + 0.03;
    for (auto const& a : found) {
      for (auto const& b : found) {
        if (&a < &b && math::abs(wide(a.seen.eta)) < end && math::abs(wide(b.seen.eta)) < end &&
            mass(a.seen, b.seen) > 85) {
          return true;
        }
      }
    }
    return false;
  }

  bool selected(std::vector<photon_candidate> const& found, real m) const {
    if (!selective()) return true;
    if (!selects_pair(wanted(), found, m.value)) return false;
    return !sample_.scaled_pt || (wide(found[0].seen.et) > m / 3 && wide(found[1].seen.et) > m / 4);
  }

  bool collide(simulated_event& out, std::uint64_t i, int attempt, stream& random, workspace& memory) const {
    hard_event hard;
    bool const made = generate(hard, sample_.process, sample_.fragmentation, random);
    if (!made || (selective() && !promising(hard))) return false;
    soft_interaction const underlying = underlying_event();
    return observe(out, hard, is_gun(sample_.process) ? nullptr : &underlying, i, attempt, random, memory);
  }

  // Events drawn from the shares of the eras.
  int draw_era(stream& random) const {
    int total = 0;
    for (auto const& era : run_eras) total += events_of(era, sample_.selection);
    auto left = static_cast<int>(random.below(static_cast<std::uint32_t>(total)));
    int which = 0;
    for (auto const& era : run_eras) {
      left -= events_of(era, sample_.selection);
      if (left < 0) break;
      ++which;
    }
    return which;
  }

  // What is recorded of a collision, whose underlying event is added unless it is null; false where it does not
  // pass the selection.
  bool observe(simulated_event& out, hard_event& hard, soft_interaction const* underlying, std::uint64_t i,
               int attempt, stream& random, workspace& memory) const {
    response detector(endcap_, random, std::move(memory.energies), std::move(memory.tracks));
    bool const passed = observe(out, hard, underlying, i, attempt, random, detector, memory);
    memory.energies = std::move(detector.energies);
    memory.tracks = std::move(detector.tracks);
    return passed;
  }
  bool observe(simulated_event& out, hard_event const& hard, soft_interaction const* underlying,
               std::uint64_t i, int attempt, stream& random, response& detector, workspace& memory) const {
    real const vertex_z = vertex_spread * real(random.normal<double>());
    std::vector<particle>& particles = memory.particles;
    particles.assign(hard.particles.begin(), hard.particles.end());
    event& lists = memory.lists;
    photon_finder& find = memory.find;
    if (underlying != nullptr) add_soft(particles, *underlying, random);
    for (auto const& p : particles) detector.add(p, vertex_z);
    readout reader(endcap_, detector.energies, sample_.seed, i, first_purpose(attempt), &channels_,
                   &memory.masks);
    // far from passing already: save the pile-up
    reader.write_full(lists);
    if (selective() && !hopeful(find(lists, vertex_z.value, 17))) return false;
    // what surrounds an event: of its own stream where it is to be the same for every process
    stream common(sample_.seed, i, common_purpose);
    stream& around = sample_.eras || pile_up_ != nullptr ? common : random;
    out.era = sample_.eras ? draw_era(around) : -1;
    double const mean = sample_.eras ? run_eras[static_cast<std::size_t>(out.era)].pile_up : sample_.pile_up;
    // interactions: gamma-Poisson with the relative width of the 2012 profile (21.7 +- 7.65)
    constexpr double shape = 12.8;
    int const interactions = around.poisson(mean * around.gamma(shape) / shape);
    for (int k = 0; k < interactions; ++k) {
      if (pile_up_ != nullptr) {
        pile_up_->add(detector.energies, detector.tracks, around);
        continue;
      }
      particles.clear();
      add_soft(particles, soft_interaction{}, around);
      real const z = vertex_spread * real(around.normal<double>());
      for (auto const& p : particles) detector.add(p, z);
    }

    int const barrel = random.poisson(120 * mean), endcaps = random.poisson(20 * mean);
    memory.remnants.clear();
    detector.add_out_of_time(barrel, endcaps, 0.055, sample_.digis ? &memory.remnants : nullptr);

    reader.digitise();
    reader.write_full(lists);
    std::vector<photon_candidate> photons;
    for (auto const& c : find(lists, vertex_z.value, 10)) {
      if (passes_h_over_e(c.seen)) photons.push_back(c);
    }
    real const m = photons.size() < 2 ? real(0) : mass(photons[0].seen, photons[1].seen);
    if (!selected(photons, m)) return false;

    out.event.run = 1;
    out.event.luminosity_block = 1;
    out.event.number = i;
    reader.write(out.event, photons, sample_.collections);
    for (auto const& t : detector.tracks) {
      if (static_cast<double>(t.pt) > sample_.track_pt_min) out.event.track_list.push_back(t);
    }
    for (auto const& c : photons) out.event.photon_list.push_back(c.seen);
    if (sample_.digis) {
      stream noise(sample_.seed, i, first_purpose(attempt) + pulses_purpose);
      std::sort(memory.remnants.begin(), memory.remnants.end(), by_cell);
      for (hit const h : out.event.hits(cms::collection::eb)) {
        auto const other = pulse_behind(remnant_of(memory.remnants, h.id), noise);
        auto const others = std::span(&other, other.energy > 0 ? 1 : 0);
        out.event.pulse_list.push_back({h.id, pulses_(wide(h.energy), others, noise)});
      }
    }
    out.label = label_of(sample_.process);
    out.m_gg = static_cast<float>(m);
    out.truth = {{hard.candidates[0], hard.candidates[1]}, vertex_z.value, interactions, attempt + 1};
    return true;
  }

  static bool by_cell(remnant const& a, remnant const& b) {
    return a.cell != b.cell ? a.cell < b.cell : a.energy < b.energy;
  }
  // What other crossings added to the energy of a crystal; the list is sorted.
  static float remnant_of(std::span<remnant const> list, std::uint32_t id) {
    auto const cell = static_cast<std::uint32_t>(segmentation<cms::eb>::unpack(id));
    float sum = 0;
    for (auto r = std::lower_bound(list.begin(), list.end(), remnant{cell, 0}, by_cell);
         r != list.end() && r->cell == cell; ++r) {
      sum += r->energy;
    }
    return sum;
  }
  // The pulse of the crossing before or after this one that adds so much to the energy of a crystal.
  out_of_time_pulse pulse_behind(float added, stream& random) const {
    if (!(added > 0)) return {};
    double const ns = random.below(2) == 0 ? -bunch_spacing_ns : bunch_spacing_ns;
    return {(wide(added) / pulses_.share_of(ns)).value, ns};
  }

  // What Pythia's collisions hold besides recoil and jets.
  soft_interaction underlying_event() const {
    struct activity {
      double charged, shape;
    };
    auto const [charged, shape] = sample_.process == process::higgs  ? activity{11.4, 2.6}
                                  : sample_.process == process::born ? activity{9.7, 2.0}
                                                                     : activity{10.3, 2.8};
    return {.charged_per_eta = charged, .shape = shape, .temperature = 0.170};
  }

  sim::sample sample_;
  overlays const* pile_up_;
  endcap_map endcap_;
  channel_factors channels_;
  pulse_maker pulses_{barrel_digitiser};
};

// One event; a loop should keep a simulator, whose tables cost a millisecond, and a workspace.
inline simulated_event simulate(sample const& s, std::uint64_t i) { return simulator(s)(i); }

}  // namespace calotype::sim
