// The simulated response beside recorded events, as one page:
//
//   validate_simulation PAGE.html EVENTS [FOLDER]
//
// FOLDER holds the event display's files of 2012 (docs/simulation.md names the open-data records). Without it
// the page shows the simulation alone.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/io/complain.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/output.hpp>
#include <calotype/observables/diphoton_selection.hpp>
#include <calotype/observables/superclusters.hpp>
#include <calotype/report/page.hpp>
#include <calotype/report/plot.hpp>
#include <calotype/sim/simulate.hpp>

namespace {

namespace ct = calotype;
namespace cms = ct::cms;
namespace sim = ct::sim;
namespace report = ct::report;

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

// What the page compares, of one sample.
struct observed {
  double events = 0, photons = 0;
  double eb = 0, ee = 0, hb = 0, tracks = 0;
  histogram eb_energy{40, 0.05, 50, true}, ee_energy{40, 0.1, 50, true}, hb_energy{40, 0.1, 50, true};
  histogram eb_hits{30, 0, 900}, track_count{30, 0, 300}, track_pt{30, 0.75, 20, true};
  histogram halo_step{32, 0.02, 0.18};  // energies of EB hits at 0.4 < dR < 0.58 of a photon
  histogram density{30, 0.15, 0.9};     // EB hits above 0.095 GeV per unit of area, by dR
  histogram r9{30, 0.4, 1}, sigma{30, 0.006, 0.016};
  std::vector<double> r9_values, sigma_values, sigma_high;

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
    for (auto const& c : found) {
      if (std::fabs(c.direction.u) > 0.85 || c.cluster.collection != cms::collection::eb) continue;
      ++photons;  // far enough from the ends for a full ring of crystals
      for (auto const& h : e.hits(cms::collection::eb)) {
        int const cell = ct::segmentation<cms::eb>::unpack(h.id);
        if (cell < 0) continue;
        auto const at = ct::segmentation<cms::eb>::center(cell);
        double const away =
            std::hypot(at.u - c.direction.u, std::remainder(at.v - c.direction.v, 2 * ct::math::pi));
        auto const energy = static_cast<double>(h.energy);
        if (away > 0.4 && away < 0.58) halo_step.add(energy);
        if (energy > 0.095) density.add(away, 1 / (2 * ct::math::pi * away));
      }
    }
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
      if (one_r9 > 0.94) sigma_high.push_back(width);
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

// z of the first recorded vertex in cm; 0 where there is none.
double primary_vertex(ct::io::ig_file& file, std::size_t event) {
  std::string_view const names[] = {"Vertices_V1"};
  auto const contents = file.contents(event, names);
  if (!contents) return 0;
  auto const* const table = contents->find("Vertices_V1");
  return table != nullptr && table->numbers("pos").size() >= 3 ? 100 * table->numbers("pos")[2] : 0;
}

// use(event, its photon candidates) for every event of a recorded file; 0, or the exit status after a
// complaint.
template <class F>
int for_recorded(std::string const& path, F use) {
  auto file = ct::io::open_ig(path);
  if (!file) return ct::io::complain(file);
  ct::photon_finder find;
  for (std::size_t i = 0; i < file->size(); ++i) {
    auto const e = file->read(i);
    if (!e) return ct::io::complain(e);
    use(*e, photons_of(find, *e, primary_vertex(*file, i)));
  }
  return 0;
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

// The share of HB hits that the thinned lists keep, by energy, with what towers of recorded events say.
report::figure kept_in_hb(std::uint64_t events) {
  histogram all(24, 0.3, 8, true), kept(24, 0.3, 8, true);
  for (auto which : {sim::collections::full, sim::collections::reduced}) {
    sim::simulator const make({.process = sim::process::born, .seed = 31, .collections = which});
    auto& fill = which == sim::collections::full ? all : kept;
    for (std::uint64_t i = 0; i < events; ++i) {
      for (auto const& h : make(i).event.hits(cms::collection::hb)) fill.add(static_cast<double>(h.energy));
    }
  }
  std::vector<double> share, error;
  for (std::size_t i = 0; i < all.counts.size(); ++i) {
    double const n = all.counts[i], f = n > 0 ? kept.counts[i] / n : 0;
    share.push_back(n > 0 ? f : std::nan(""));
    error.push_back(n > 0 ? std::sqrt(f * (1 - f) / n) : 0);
  }
  std::vector<double> const edges{0.7, 0.9, 1.2, 2, 4, 8}, recorded{0.20, 0.30, 0.71, 0.95, 1};
  report::plot p({"energy [GeV]", 0.3, 8, true}, {"kept", 0, 1.1});
  p.histogram(edges, recorded, "towers of 2012");
  p.points(all.middles(), share, error, "simulated");
  p.legend_in(report::corner::bottom_right);
  return {p.svg(),
          "Share of HB hits in the thinned lists. The recorded shares compare hits with calorimeter towers."};
}

// The mass of H -> two photons and the shapes of its photons, beside recorded candidates; 0, or the exit status
// after a complaint.
int higgs(report::page& page, std::uint64_t events, std::string const& folder) {
  ct::photon_finder find;
  observed simulated, recorded;
  histogram mass(60, 110, 140);
  std::vector<double> values;
  sim::simulator const make({.process = sim::process::higgs, .seed = 1});
  for (std::uint64_t i = 0; i < events; ++i) {
    auto const e = make(i);
    simulated.add_shapes(photons_of(find, e.event, e.truth.vertex_z));
    values.push_back(static_cast<double>(e.m_gg));
    mass.add(values.back());
  }
  std::vector<std::vector<std::string>> rows;
  std::vector<double> off;
  auto const compare = [&](ct::event const& e, std::vector<ct::photon_candidate> const& found) {
    recorded.add_shapes(found);
    ++recorded.events;
    std::vector<ct::photon> ours;
    for (auto const& c : found) ours.push_back(c.seen);
    double const m = ct::diphoton_mass(ours), theirs = ct::diphoton_mass(e.photons());
    if (!(m > 0 && theirs > 0)) return;
    off.push_back(std::fabs(m / theirs - 1));
    rows.push_back({std::to_string(e.run), number("%.2f", theirs), number("%.2f", m),
                    number("%+.2f %%", 100 * (m / theirs - 1))});
  };
  if (!folder.empty()) {
    if (int const failed = for_recorded(folder + "/diphoton_7of10.ig", compare); failed != 0) return failed;
  }

  page.section("The mass of H to two photons");
  double const top = *std::max_element(mass.counts.begin(), mass.counts.end());
  report::plot p({"two-photon mass [GeV]", 110, 140}, {"events", 0, 1.2 * top + 1});
  p.histogram(mass.edges, mass.counts, "simulated");
  double const error = 1.25 * half_width(values) / std::sqrt(static_cast<double>(values.size()));
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
  }

  page.section("Shapes of photons");
  rows.clear();
  auto const row = [&](std::string const& name, std::vector<double> observed::*what) {
    auto const of = [&](observed const& o) {
      auto const& x = o.*what;
      return x.empty() ? std::string("-")
                       : number("%.4f", median(x)) + ", " + number("%.4f", half_width(x)) + " (" +
                             std::to_string(x.size()) + ")";
    };
    rows.push_back({name, of(recorded), of(simulated)});
  };
  row("r9", &observed::r9_values);
  row("sigma_ieta_ieta", &observed::sigma_values);
  row("sigma_ieta_ieta, r9 > 0.94", &observed::sigma_high);
  std::vector<std::string> const head{"median, half of the central 68 % (photons)", "recorded candidates",
                                      "simulated"};
  page.table(head, rows);
  comparison const plot{simulated, recorded};
  report::figure const shapes[] = {
      plot(&observed::r9, "r9", "share", "E(3x3) / E(supercluster).", &observed::photons, false, false),
      plot(&observed::sigma, "sigma_ieta_ieta", "share", "Width along eta.", &observed::photons, false, false)};
  page.figures(shapes);
  return 0;
}

int validate(std::string const& target, std::uint64_t events, std::string const& folder) {
  auto out = ct::io::output_file::create(target, {.force = true});
  if (!out) return ct::io::complain(out);
  ct::photon_finder find;
  observed recorded, simulated;
  if (!folder.empty()) {
    int const failed = for_recorded(
        folder + "/DoublePhoton_Run2012B_0.ig",
        [&](ct::event const& e, std::vector<ct::photon_candidate> const& found) { recorded.add(e, found); });
    if (failed != 0) return failed;
  }
  sim::simulator const make({.process = sim::process::born, .seed = 17, .pile_up = 16});
  for (std::uint64_t i = 0; i < events; ++i) {
    auto const e = make(i);
    simulated.add(e.event, photons_of(find, e.event, e.truth.vertex_z));
  }

  report::page page("The simulated response beside recorded events");
  page.paragraph(std::to_string(events) + " simulated events of two prompt photons with 16 interactions; " +
                 number("%.0f", recorded.events) +
                 " recorded events of the two-photon trigger of 2012 (11 vertices). The recorded ones pass a "
                 "trigger, not the "
                 "selection of the simulated ones, and many of their candidates are no photons; what was tuned "
                 "was tuned on them.");
  comparison const plot{simulated, recorded};
  auto const per_event = &observed::events;
  page.section("Occupancy");
  std::vector<std::vector<std::string>> rows;
  auto const row = [&](char const* name, double observed::*what) {
    double const s = simulated.*what / simulated.events;
    double const r = recorded.events > 0 ? recorded.*what / recorded.events : 0;
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
  page.section("Energies of hits");
  report::figure const energies[] = {
      plot(&observed::eb_energy, "energy [GeV]", "per event", "EB", per_event, true, true),
      plot(&observed::ee_energy, "energy [GeV]", "per event", "EE", per_event, true, true),
      plot(&observed::hb_energy, "energy [GeV]", "per event", "HB", per_event, true, true)};
  page.figures(energies);
  page.section("Thinning");
  auto const per_photon = &observed::photons;
  report::figure const thinning[] = {
      plot(&observed::halo_step, "energy [GeV]", "per candidate",
           "EB hits at 0.4 < dR < 0.58 of a candidate: the step at 0.095 GeV.", per_photon, false, false),
      plot(&observed::density, "dR", "per candidate and area",
           "EB hits above 0.095 GeV round candidates: the end of the halo at 0.6.", per_photon, false, true),
      kept_in_hb(std::max<std::uint64_t>(events / 4, 1))};
  page.figures(thinning);
  if (int const failed = higgs(page, events, folder); failed != 0) return failed;
  page.section("Not on this page");
  page.paragraph(
      "Photons against neutral pions: tests/reference/sim/photon_pion.cpp trains a boosted tree with "
      "scikit-learn. Profiles "
      "beside Geant4: its data sets could not be fetched where this was written.");
  if (auto written = out->write(page.html()); !written) return ct::io::complain(written);
  if (auto placed = out->commit(); !placed) return ct::io::complain(placed);
  std::printf("%s: EB hits %.0f, HB hits %.0f, tracks %.0f per simulated event\n", target.c_str(),
              simulated.eb / simulated.events, simulated.hb / simulated.events,
              simulated.tracks / simulated.events);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  long const events = count >= 3 ? std::atol(words[2]) : 0;
  if (count < 3 || count > 4 || events < 1) {
    std::fprintf(stderr, "usage: validate_simulation PAGE.html EVENTS [FOLDER]\n");
    return 1;
  }
  return validate(words[1], static_cast<std::uint64_t>(events), count == 4 ? words[3] : "");
}
