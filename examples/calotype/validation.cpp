// calotype validate: the simulated response beside recorded events.
#include "validation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "events.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/parallel.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/output.hpp>
#include <calotype/observables/diphoton_selection.hpp>
#include <calotype/observables/superclusters.hpp>
#include <calotype/report/plot.hpp>
#include <calotype/sim/simulate.hpp>

namespace program {

namespace {

namespace cms = ct::cms;
namespace sim = ct::sim;
namespace report = ct::report;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

// Of the folder of recorded events: what a trigger on two photons took, and candidates for H to two photons.
constexpr char const* triggered = "DoublePhoton_Run2012B_0.ig";
constexpr char const* candidates = "diphoton_7of10.ig";

std::string in_folder(std::string const& folder, char const* name) {
  return (fs::path(folder) / name).string();
}

// A histogram between two ends; values outside are left out.
struct histogram {
  std::vector<double> edges, counts, squares;

  histogram(int bins, double low, double high, bool logarithmic = false)
      : counts(static_cast<std::size_t>(bins)), squares(counts.size()) {
    for (int i = 0; i <= bins; ++i) {
      double const t = static_cast<double>(i) / bins;
      edges.push_back(logarithmic ? low * std::pow(high / low, t) : low + t * (high - low));
    }
  }
  void add(double x, double weight = 1) {
    if (!(x >= edges.front() && x < edges.back())) return;
    auto const at =
        static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), x) - edges.begin()) - 1;
    counts[at] += weight;
    squares[at] += weight * weight;
  }
  // Of the bins between two of their edges.
  double between(double low, double high) const {
    double sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      double const middle = (edges[i] + edges[i + 1]) / 2;
      if (middle > low && middle < high) sum += counts[i];
    }
    return sum;
  }
  std::vector<double> scaled(double factor) const {
    std::vector<double> y;
    for (double n : counts) y.push_back(n * factor);
    return y;
  }
  std::vector<double> errors(double factor) const {
    std::vector<double> y;
    for (double n : squares) y.push_back(std::sqrt(n) * factor);
    return y;
  }
  std::vector<double> middles() const {
    std::vector<double> x;
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) x.push_back((edges[i] + edges[i + 1]) / 2);
    return x;
  }
};

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x.empty() ? 0 : x[x.size() / 2];
}
double half_width(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x.empty() ? 0 : (x[x.size() * 84 / 100] - x[x.size() * 16 / 100]) / 2;
}

double distance(ct::position a, ct::position b) {
  return std::hypot(a.u - b.u, std::remainder(a.v - b.v, 2 * ct::math::pi));
}

// The ring in which the step of the halo is looked at; within its inner radius of another candidate crystals
// next to a cluster are kept whatever they hold.
constexpr double ring_from = 0.4, ring_to = 0.58;
bool is_away_from_others(ct::position at, ct::photon_candidate const& c,
                         std::vector<ct::photon_candidate> const& found) {
  return std::none_of(found.begin(), found.end(), [&](auto const& other) {
    return &other != &c && distance(at, other.direction) < ring_from;
  });
}

// What the page compares, of one sample.
struct observed {
  double events = 0, photons = 0;
  double rings = 0;  // candidates far enough from the barrel's ends for a full ring of crystals
  double eb = 0, ee = 0, hb = 0, tracks = 0;
  histogram eb_energy{40, 0.05, 50, true}, ee_energy{40, 0.1, 50, true}, hb_energy{40, 0.1, 50, true};
  histogram eb_hits{30, 0, 900}, track_count{30, 0, 300}, track_pt{30, 0.75, 20, true};
  histogram halo_step{32, 0.02, 0.18};    // energies of EB hits in a candidate's ring
  histogram clear_halo_step = halo_step;  // of those away from other candidates
  histogram density{30, 0.15, 0.9};       // EB hits above 0.095 GeV per unit of area, by dR
  histogram r9{30, 0.4, 1}, sigma{30, 0.006, 0.016};
  std::vector<double> r9_values, sigma_values, r9_high, sigma_high;  // the last two of r9 > 0.94

  void add(ct::event const& e, std::vector<ct::photon_candidate> const& found) {
    ++events;
    eb += static_cast<double>(e.hits(cms::collection::eb).size());
    ee += static_cast<double>(e.hits(cms::collection::ee).size());
    hb += static_cast<double>(e.hits(cms::collection::hb).size());
    eb_hits.add(static_cast<double>(e.hits(cms::collection::eb).size()));
    for (auto const& h : e.hits(cms::collection::eb)) eb_energy.add(static_cast<double>(h.energy));
    for (auto const& h : e.hits(cms::collection::ee)) ee_energy.add(static_cast<double>(h.energy));
    for (auto const& h : e.hits(cms::collection::hb)) hb_energy.add(static_cast<double>(h.energy));
    double seen = 0;
    for (auto const& t : e.tracks()) {
      if (!(t.pt > 0.75F)) continue;
      ++seen;
      track_pt.add(static_cast<double>(t.pt));
    }
    tracks += seen;
    track_count.add(seen);
    add_rings(e, found);
  }

  void add_rings(ct::event const& e, std::vector<ct::photon_candidate> const& found) {
    for (auto const& c : found) {
      if (std::fabs(c.direction.u) > 0.85 || c.cluster.collection != cms::collection::eb) continue;
      ++rings;
      for (auto const& h : e.hits(cms::collection::eb)) {
        int const cell = ct::segmentation<cms::eb>::unpack(h.id);
        if (cell < 0) continue;
        auto const at = ct::segmentation<cms::eb>::center(cell);
        double const away = distance(at, c.direction);
        auto const energy = static_cast<double>(h.energy);
        if (away > ring_from && away < ring_to) {
          halo_step.add(energy);
          if (is_away_from_others(at, c, found)) clear_halo_step.add(energy);
        }
        if (energy > 0.095) density.add(away, 1 / (2 * ct::math::pi * away));
      }
    }
  }

  // EB hits within 0.02 GeV of the step at 0.095 GeV, and those below it, away from other candidates.
  json step() const {
    return {{"below", clear_halo_step.between(0.075, 0.095)}, {"hits", clear_halo_step.between(0.075, 0.115)}};
  }

  // Of the two leading candidates.
  void add_shapes(std::vector<ct::photon_candidate> const& found) {
    for (std::size_t k = 0; k < found.size() && k < 2; ++k) {
      auto const& c = found[k].cluster;
      if (c.collection != cms::collection::eb) continue;
      ++photons;
      auto const one_r9 = static_cast<double>(c.r9()), width = static_cast<double>(c.shapes.sigma_ieta_ieta);
      r9.add(one_r9);
      sigma.add(width);
      r9_values.push_back(one_r9);
      sigma_values.push_back(width);
      if (!(one_r9 > 0.94)) continue;
      r9_high.push_back(one_r9);
      sigma_high.push_back(width);
    }
  }
};

// The photon candidates that the page is about: ET > 20 GeV and little behind them.
std::vector<ct::photon_candidate> photons_of(ct::photon_finder& find, ct::event const& e, double vertex_z) {
  std::vector<ct::photon_candidate> kept;
  for (auto const& c : find(e, vertex_z, 20)) {
    if (ct::passes_h_over_e(c.seen)) kept.push_back(c);
  }
  return kept;
}

// use(event, its photon candidates) for every event of a recorded file.
template <class F>
ct::result<void> for_recorded(std::string const& path, F use) {
  auto source = event_source::open(path, {}, with_vertices::yes);
  if (!source) return *source.error();
  ct::photon_finder find;
  return source->visit([&](ct::event const& e, truth const&) -> ct::result<void> {
    use(e, photons_of(find, e, source->vertex_z().value_or(0)));
    return {};
  });
}

// use(event, its photon candidates) for events of a sample, in their order.
template <class F>
void for_simulated(sim::sample const& what, std::uint64_t events, int threads, F use) {
  struct seen {
    sim::simulated_event event{};
    std::vector<ct::photon_candidate> found{};
  };
  sim::simulator const make(what);
  std::vector<ct::photon_finder> find(static_cast<std::size_t>(threads));
  std::vector<sim::workspace> memory(static_cast<std::size_t>(threads));
  constexpr std::uint64_t block = 256;  // in memory at a time
  std::vector<seen> some;
  progress bar("simulating", events);
  for (std::uint64_t done = 0; done < events; done += block) {
    some.resize(static_cast<std::size_t>(std::min(block, events - done)));
    ct::for_each_item(threads, some.size(), [&](int worker, std::size_t i) {
      auto& s = some[i];
      s.event = make(done + i, memory[static_cast<std::size_t>(worker)]);
      s.found = photons_of(find[static_cast<std::size_t>(worker)], s.event.event, s.event.truth.vertex_z);
    });
    for (auto const& s : some) use(s.event, s.found);
    bar.step(done + some.size());
  }
}

std::string number(char const* format, double x) {
  char text[48];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

// Two samples in one plot, each per event (or as a share); recorded ones as points.
struct comparison {
  observed const& simulated;
  observed const& recorded;

  report::figure operator()(histogram observed::*what, std::string const& title, std::string const& unit,
                            std::string const& caption, double observed::*per, bool log_x, bool log_y) const {
    auto const& s = simulated.*what;
    auto const& r = recorded.*what;
    double const fs = factor(simulated, per), fr = factor(recorded, per);
    auto const ys = s.scaled(fs), yr = r.scaled(fr), es = r.errors(fr);
    double top = 0, least = 1e9;
    for (double y : ys) {
      top = std::max(top, y);
      if (y > 0) least = std::min(least, y);
    }
    for (double y : yr) top = std::max(top, y);
    if (!(top > 0)) top = 1;
    report::plot p({title, s.edges.front(), s.edges.back(), log_x},
                   {unit, log_y ? std::min(least, top / 10) / 2 : 0, top * (log_y ? 3 : 1.25), log_y});
    p.histogram(s.edges, ys, "simulated");
    if (recorded.events > 0) p.points(r.middles(), yr, es, "recorded 2012");
    return {p.svg(), caption};
  }
  static double factor(observed const& o, double observed::*per) { return o.*per > 0 ? 1 / (o.*per) : 0; }
};

// A number of the plots, of both samples; recorded ones may be missing.
struct pair_of_numbers {
  std::string name;
  double simulated = 0;
  std::optional<double> recorded{}, error{};  // the error of the recorded one
};

void add_numbers(report::page& page, json& numbers, std::vector<pair_of_numbers> const& list) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& n : list) {
    json entry{{"name", n.name}, {"simulated", n.simulated}, {"recorded", nullptr}, {"error", nullptr}};
    if (n.recorded) entry["recorded"] = *n.recorded;
    if (n.error) entry["error"] = *n.error;
    numbers["compared"].push_back(std::move(entry));
    rows.push_back({n.name,
                    n.recorded
                        ? number("%.4g", *n.recorded) + (n.error ? " \u00b1 " + number("%.2g", *n.error) : "")
                        : "-",
                    number("%.4g", n.simulated)});
  }
  std::vector<std::string> const head{"", "recorded", "simulated"};
  page.table(head, rows);
}

// What the plots of energies and of thinning show, as numbers.
std::vector<pair_of_numbers> numbers_of_plots(observed const& simulated, observed const& recorded) {
  std::vector<pair_of_numbers> list;
  bool const beside = recorded.events > 0;
  auto const count = [&](std::string name, histogram observed::*what, double low, double high) {
    auto& n = list.emplace_back(
        pair_of_numbers{std::move(name), (simulated.*what).between(low, high) / simulated.events});
    if (!beside) return;
    double const found = (recorded.*what).between(low, high);
    n.recorded = found / recorded.events;
    n.error = std::sqrt(found) / recorded.events;
  };
  count("EB hits of 0.1 to 1 GeV per event", &observed::eb_energy, 0.1, 1);
  count("EB hits above 1 GeV per event", &observed::eb_energy, 1, 50);
  count("EE hits of 0.2 to 2 GeV per event", &observed::ee_energy, 0.2, 2);
  count("EE hits above 2 GeV per event", &observed::ee_energy, 2, 50);
  count("HB hits of 0.5 to 2 GeV per event", &observed::hb_energy, 0.5, 2);
  count("HB hits above 2 GeV per event", &observed::hb_energy, 2, 50);
  count("tracks above 2 GeV per event", &observed::track_pt, 2, 20);
  // The numbers on both sides of an edge, the larger by the smaller.
  auto const edge = [&](std::string name, histogram observed::*what, std::array<double, 3> at, bool rises) {
    auto const ratio = [&](observed const& o) -> std::optional<double> {
      double const low = (o.*what).between(at[0], at[1]), high = (o.*what).between(at[1], at[2]);
      if (!(low > 0 && high > 0)) return std::nullopt;
      return rises ? high / low : low / high;
    };
    list.push_back({std::move(name), ratio(simulated).value_or(0), ratio(recorded)});
  };
  edge("halo hits of 0.095 to 0.115 GeV over those of 0.075 to 0.095", &observed::halo_step,
       {0.075, 0.095, 0.115}, true);
  edge("hits at 0.5 to 0.6 from a candidate over those at 0.6 to 0.7, per area", &observed::density,
       {0.5, 0.6, 0.7}, false);
  return list;
}

// The shares of HB hits, in bins of energy, that are kept in the thinned lists of 2012, from towers.
constexpr std::array kept_edges{0.7, 0.9, 1.2, 2.0, 4.0, 8.0};
constexpr std::array kept_shares{0.20, 0.30, 0.71, 0.95, 1.0};

// The share of HB hits that the thinned lists keep, by energy, with what towers of recorded events say.
report::figure kept_in_hb(json& numbers, validation_options const& o) {
  histogram all(24, 0.3, 8, true), kept(24, 0.3, 8, true);
  std::array<double, kept_shares.size()> all_in_bin{}, kept_in_bin{};
  for (auto which : {sim::collections::full, sim::collections::reduced}) {
    auto& fill = which == sim::collections::full ? all : kept;
    auto& in_bin = which == sim::collections::full ? all_in_bin : kept_in_bin;
    for_simulated({.process = sim::process::born, .seed = 31, .collections = which},
                  std::max<std::uint64_t>(o.events / 4, 1), o.threads, [&](auto const& e, auto const&) {
                    for (auto const& h : e.event.hits(cms::collection::hb)) {
                      auto const energy = static_cast<double>(h.energy);
                      fill.add(energy);
                      auto const bin =
                          std::upper_bound(kept_edges.begin(), kept_edges.end(), energy) - kept_edges.begin();
                      if (bin > 0 && bin < std::ssize(kept_edges)) ++in_bin[static_cast<std::size_t>(bin - 1)];
                    }
                  });
  }
  std::vector<double> share, error;
  for (std::size_t i = 0; i < all.counts.size(); ++i) {
    double const n = all.counts[i], f = n > 0 ? kept.counts[i] / n : 0;
    share.push_back(n > 0 ? f : std::nan(""));
    error.push_back(n > 0 ? std::sqrt(f * (1 - f) / n) : 0);
  }
  for (std::size_t i = 0; i < kept_shares.size(); ++i) {
    numbers["kept_in_hb"].push_back(
        {{"from", kept_edges[i]},
         {"to", kept_edges[i + 1]},
         {"simulated", all_in_bin[i] > 0 ? json(kept_in_bin[i] / all_in_bin[i]) : json()},
         {"recorded", kept_shares[i]}});
  }
  std::vector<double> const edges(kept_edges.begin(), kept_edges.end());
  std::vector<double> const recorded(kept_shares.begin(), kept_shares.end());
  report::plot p({"energy [GeV]", 0.3, 8, true}, {"kept", 0, 1.1});
  p.histogram(edges, recorded, "towers of 2012");
  p.points(all.middles(), share, error, "simulated");
  p.legend_at(report::legend_place::bottom_right);
  return {p.svg(),
          "Share of HB hits in the thinned lists. The recorded shares compare hits with calorimeter towers."};
}

// The mass of H -> two photons and the shapes of its photons, beside recorded candidates.
ct::result<void> add_higgs(report::page& page, json& numbers, validation_options const& o) {
  observed simulated, recorded;
  histogram mass(60, 110, 140);
  std::vector<double> values;
  for_simulated({.process = sim::process::higgs, .seed = 1}, o.events, o.threads,
                [&](auto const& e, auto const& found) {
                  simulated.add_shapes(found);
                  simulated.add_rings(e.event, found);
                  values.push_back(static_cast<double>(e.m_gg));
                  mass.add(values.back());
                });
  std::vector<std::vector<std::string>> rows;
  std::vector<double> off;
  auto const compare = [&](ct::event const& e, std::vector<ct::photon_candidate> const& found) {
    recorded.add_shapes(found);
    recorded.add_rings(e, found);
    ++recorded.events;
    std::vector<ct::photon> ours;
    for (auto const& c : found) ours.push_back(c.seen);
    double const m = ct::diphoton_mass(ours), theirs = ct::diphoton_mass(e.photons());
    if (!(m > 0 && theirs > 0)) return;
    off.push_back(std::fabs(m / theirs - 1));
    rows.push_back({std::to_string(e.run), number("%.2f", theirs), number("%.2f", m),
                    number("%+.2f %%", 100 * (m / theirs - 1))});
  };
  if (!o.recorded.empty()) {
    if (auto seen = for_recorded(in_folder(o.recorded, candidates), compare); !seen) return seen;
  }

  page.subsection("The mass of H to two photons");
  double const top = *std::max_element(mass.counts.begin(), mass.counts.end());
  report::plot p({"two-photon mass [GeV]", 110, 140}, {"events", 0, 1.2 * top + 1});
  p.histogram(mass.edges, mass.counts, "simulated");
  double const error = 1.25 * half_width(values) / std::sqrt(static_cast<double>(values.size()));
  numbers["m_gg"] = {{"median", median(values)}, {"error", error}, {"half_width", half_width(values)}};
  report::figure const one[] = {{p.svg(), "Median " + number("%.2f", median(values)) + " +- " +
                                              number("%.2f", error) +
                                              " GeV (goal 125.0 +- 0.3), half of the central 68 % " +
                                              number("%.2f GeV", half_width(values))}};
  page.figures(one);
  if (!rows.empty()) {
    std::vector<std::string> const head{"run", "CMS", "from the hits", "difference"};
    page.table(head, rows,
               "Recorded candidates [GeV]; median difference " + number("%.2f %%", 100 * median(off)) +
                   " (goal 1.5 %)");
    numbers["m_gg_of_recorded"] = {{"events", off.size()}, {"median_distance", median(off)}};
  }

  page.subsection("Shapes of photons");
  rows.clear();
  auto const row = [&](std::string const& name, std::vector<double> observed::*what) {
    auto const of = [&](observed const& sample) {
      auto const& x = sample.*what;
      return x.empty() ? std::string("-")  // no recorded events
                       : number("%.4f", median(x)) + ", " + number("%.4f", half_width(x)) + " (" +
                             std::to_string(x.size()) + ")";
    };
    rows.push_back({name, of(recorded), of(simulated)});
  };
  row("r9", &observed::r9_values);
  row("r9, r9 > 0.94", &observed::r9_high);
  row("sigma_ieta_ieta", &observed::sigma_values);
  row("sigma_ieta_ieta, r9 > 0.94", &observed::sigma_high);
  auto const shape = [&](std::string const& name, std::vector<double> observed::*what) {
    auto const of = [&](observed const& sample) -> json {
      auto const& x = sample.*what;
      if (x.empty()) return nullptr;
      return {{"median", median(x)}, {"half_width", half_width(x)}, {"photons", x.size()}};
    };
    numbers["shapes"].push_back({{"name", name}, {"simulated", of(simulated)}, {"recorded", of(recorded)}});
  };
  shape("r9", &observed::r9_values);
  shape("r9, r9 > 0.94", &observed::r9_high);
  shape("sigma_ieta_ieta, r9 > 0.94", &observed::sigma_high);
  std::vector<std::string> const head{"median, half of the central 68 % (photons)", "recorded candidates",
                                      "simulated"};
  page.table(head, rows);
  comparison const plot{simulated, recorded};
  report::figure const shapes[] = {
      plot(&observed::r9, "r9", "share", "E(3x3) / E(supercluster).", &observed::photons, false, false),
      plot(&observed::sigma, "sigma_ieta_ieta", "share", "Width along eta.", &observed::photons, false, false)};
  page.figures(shapes);

  page.subsection("The step of the halo");
  json const ours = simulated.step(), theirs = recorded.step();
  numbers["halo_step"] = {{"simulated", ours}, {"recorded", o.recorded.empty() ? json() : theirs}};
  auto const told = [](json const& step) {
    return number("%.0f", step["below"].get<double>()) + " of " + number("%.0f", step["hits"].get<double>());
  };
  report::figure const step[] = {
      plot(&observed::clear_halo_step, "energy [GeV]", "per photon",
           "EB hits at 0.4 < dR < 0.58 of a photon, 0.4 away from others. Of those within 0.02 GeV of the "
           "step at 0.095 GeV lie below it: " +
               told(ours) + " simulated" + (o.recorded.empty() ? "." : ", " + told(theirs) + " recorded."),
           &observed::rings, false, false)};
  page.figures(step);
  return {};
}

struct validate_options {
  validation_options how;
  std::string out;
  bool force = false;
  bool json = false;
};

int validate(validate_options const& o) {
  if (o.how.events == 0) return fail({"no event is asked for", "command line", "say how many with -n"});
  if (auto usable = check_recorded(o.how.recorded); !usable) return fail(*usable.error());
  if (!o.how.recorded.empty()) {
    auto const apart =
        check_apart(o.out, {in_folder(o.how.recorded, triggered), in_folder(o.how.recorded, candidates)});
    if (!apart) return fail(*apart.error());
  }
  auto file = ct::io::output_file::create(o.out, {.force = o.force});
  if (!file) return fail(*file.error());
  report::page page("The simulated response beside recorded events");
  auto const numbers = add_validation(page, o.how);
  if (!numbers) return fail(*numbers.error());
  page.paragraph("Made by: " + command_line());
  if (auto written = file->write(page.html()); !written) return fail(*written.error());
  if (auto placed = file->commit(); !placed) return fail(*placed.error());
  std::printf("%s\n", o.json ? numbers->dump(2).c_str() : o.out.c_str());
  return success;
}

}  // namespace

ct::result<void> check_recorded(std::string const& folder) {
  if (folder.empty()) return {};
  for (char const* const name : {triggered, candidates}) {
    if (auto usable = check_input(in_folder(folder, name)); !usable) {
      return ct::error{usable.error()->what, usable.error()->where,
                       "name the folder of the event display's files with --recorded, or leave it out"};
    }
  }
  return {};
}

ct::result<json> add_validation(report::page& page, validation_options const& o) {
  observed recorded, simulated;
  if (!o.recorded.empty()) {
    auto const seen = for_recorded(
        in_folder(o.recorded, triggered),
        [&](ct::event const& e, std::vector<ct::photon_candidate> const& found) { recorded.add(e, found); });
    if (!seen) return *seen.error();
  }
  // which share of what a two-photon trigger takes is prompt pairs is not known: half of each
  for (auto const& [process, events] : {std::pair{sim::process::born, o.events - o.events / 2},
                                        std::pair{sim::process::gamma_jet, o.events / 2}}) {
    for_simulated({.process = process, .seed = 17, .pile_up = 16, .selection = sim::selection::forward}, events,
                  o.threads, [&simulated](auto const& e, auto const& found) { simulated.add(e.event, found); });
  }
  json numbers{{"simulated_events", o.events},
               {"recorded_events", static_cast<std::uint64_t>(recorded.events)}};

  page.paragraph(
      std::to_string(o.events) +
      " simulated events with 16 interactions, half of two prompt photons and half of a photon beside a jet; " +
      (o.recorded.empty()
           ? std::string("no recorded events were given, so that the simulation stands alone.")
           : number("%.0f", recorded.events) +
                 " recorded events of the two-photon trigger of 2012 (11 vertices). The recorded ones "
                 "pass a trigger, not the selection of the simulated ones, and many of their candidates "
                 "are no photons; what was tuned was tuned on them."));
  comparison const plot{simulated, recorded};
  auto const per_event = &observed::events;
  page.subsection("Occupancy");
  std::vector<std::vector<std::string>> rows;
  auto const row = [&](char const* name, double observed::*what) {
    double const s = simulated.*what / simulated.events;
    double const r = recorded.events > 0 ? recorded.*what / recorded.events : 0;
    numbers["per_event"].push_back(
        {{"name", name}, {"simulated", s}, {"recorded", recorded.events > 0 ? json(r) : json()}});
    rows.push_back({name, recorded.events > 0 ? number("%.1f", r) : "-", number("%.1f", s),
                    r > 0 ? number("%.2f", s / r) : "-"});
  };
  row("EB hits", &observed::eb);
  row("EE hits", &observed::ee);
  row("HB hits", &observed::hb);
  row("tracks above 0.75 GeV", &observed::tracks);
  std::vector<std::string> const head{"per event", "recorded", "simulated", "ratio (goal 0.67 to 1.5)"};
  page.table(head, rows);
  report::figure const counts[] = {
      plot(&observed::eb_hits, "EB hits", "share of events", "Crystals per event.", per_event, false, false),
      plot(&observed::track_count, "tracks", "share of events", "Tracks above 0.75 GeV per event.", per_event,
           false, false),
      plot(&observed::track_pt, "pT [GeV]", "per event", "Transverse momenta of tracks.", per_event, true,
           true)};
  page.figures(counts);
  page.subsection("Energies of hits");
  report::figure const energies[] = {
      plot(&observed::eb_energy, "energy [GeV]", "per event", "EB", per_event, true, true),
      plot(&observed::ee_energy, "energy [GeV]", "per event", "EE", per_event, true, true),
      plot(&observed::hb_energy, "energy [GeV]", "per event", "HB", per_event, true, true)};
  page.figures(energies);
  page.subsection("Thinning");
  auto const per_ring = &observed::rings;
  report::figure const thinning[] = {
      plot(&observed::clear_halo_step, "energy [GeV]", "per candidate",
           "EB hits at 0.4 < dR < 0.58 of a candidate, 0.4 away from others: the step at 0.095 "
           "GeV.",
           per_ring, false, false),
      plot(&observed::density, "dR", "per candidate and area",
           "EB hits above 0.095 GeV round candidates: the end of the halo at 0.6.", per_ring, false, true),
      kept_in_hb(numbers, o)};
  page.figures(thinning);
  add_numbers(page, numbers, numbers_of_plots(simulated, recorded));
  numbers["halo_step_of_trigger"] = {{"simulated", simulated.step()},
                                     {"recorded", o.recorded.empty() ? json() : recorded.step()}};
  if (auto added = add_higgs(page, numbers, o); !added) return *added.error();
  page.paragraph(
      "Not here: photons against neutral pions, and profiles beside CMS's full simulation "
      "(docs/simulation.md).");
  return numbers;
}

void add_recorded(CLI::App& command, std::string& recorded) {
  command
      .add_option("--recorded", recorded,
                  std::string("Folder of events recorded in 2012, to be compared with (") + triggered + ", " +
                      candidates + " of the event display)")
      ->type_name("DIR");
}

void add_validate(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<validate_options>(
      app, status, "validate", "Compare simulated with recorded events",
      "One page: occupancies, energies of hits, tracks, thinning, shapes of photons and the mass of H to two\n"
      "photons. Without recorded events it shows the simulation alone.",
      command, validate);
  o.how.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  add_count(*command, "-n", o.how.events, "Simulated events of each sample (default: 1000)", 1'000'000);
  add_recorded(*command, o.how.recorded);
  command->add_option("--out", o.out, "The page")->required()->type_name("PAGE.html");
  command
      ->add_option("--threads", o.how.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print the numbers of the page as a JSON object");
}

}  // namespace program
