// The report of the study: the paper's tables and figures, each with the paper's numbers beside ours.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../matched.hpp"
#include "study.hpp"
#include <nlohmann/json.hpp>

#include <calotype/eval/bootstrap.hpp>
#include <calotype/eval/calibration.hpp>
#include <calotype/eval/comparison.hpp>
#include <calotype/eval/cvm.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/separation.hpp>
#include <calotype/eval/subset.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/report/cms_event_picture.hpp>
#include <calotype/report/curves.hpp>
#include <calotype/report/mass_plots.hpp>
#include <calotype/report/network_diagram.hpp>
#include <calotype/report/page.hpp>
#include <calotype/report/plot.hpp>
#include <calotype/report/png.hpp>
#include <calotype/sim/simulate.hpp>

namespace program::event_study {

namespace {

namespace eval = ct::eval;
namespace rp = ct::report;
using json = nlohmann::ordered_json;

constexpr double efficiency = 0.7;   // of the signal, where the paper quotes the background
constexpr int pairs = 1, fakes = 2;  // the classes of the backgrounds

struct measured {
  result const* of = nullptr;
  std::vector<eval::separation> separations;  // as event_study::separations; of showers, electron or photon
  std::vector<std::optional<eval::roc_curve>> without_prompt_pairs;  // the same, where there are fakes in it
  std::vector<eval::roc_curve> matched;  // as event_study::separations, of the matched sample of collisions
  eval::cvm_figure of_pairs, of_fakes;   // of collisions
};

// A statement of the paper about two trainings, tested on the same events.
struct comparison {
  std::string_view first, second;
  std::size_t separation;
  enum kind : unsigned char { above, not_below, open } claim;
};
constexpr double margin = 0.01;  // of "not below"
constexpr std::array claim_names{"above", "not below", "open"};
constexpr std::array comparisons{
    comparison{"eb", "four-momentum", 4, comparison::above},
    comparison{"cms-b", "four-momentum", 4, comparison::above},
    comparison{"eb-mass-aware", "eb", 3, comparison::above},
    comparison{"cms-b", "eb", 4, comparison::not_below},
    comparison{"cms-b", "reference", 4, comparison::above},
    comparison{"eb", "four-momentum", 3, comparison::open},
    comparison{"ecal", "four-momentum-forward", 4, comparison::above},
    comparison{"cms-i", "four-momentum-forward", 4, comparison::above},
    comparison{"cms-ii", "four-momentum-forward", 4, comparison::above},
    comparison{"ecal-mass-aware", "ecal", 3, comparison::above},
    comparison{"cms-i", "ecal", 4, comparison::not_below},
    comparison{"cms-i", "cms-ii", 3, comparison::open},
    comparison{"shower-cnn", "shower-fcn", 0, comparison::above},
    comparison{"shower-cnn", "shower-fcn-digis", 0, comparison::open},
    comparison{"shower-cnn", "shower-conv-lstm", 0, comparison::open},
};

struct compared {
  comparison const* what = nullptr;
  eval::difference by;

  // Whether the statement holds; a difference that is only reported has no verdict.
  std::string verdict() const {
    if (what->claim == comparison::open) return "reported only";
    bool const holds = what->claim == comparison::above ? by.exceeds() : by.is_non_inferior(margin);
    return holds ? "holds" : "does not hold";
  }
};

std::string separation_name(comparison const& c) {
  return has_collisions(training_of(c.first).where) ? std::string(separations[c.separation].name)
                                                    : "electron vs photon";
}

template <class... Values>
std::string text(char const* format, Values... values) {
  std::array<char, 256> words{};
  std::snprintf(words.data(), words.size(), format, values...);
  return words.data();
}

bool has_fakes(separation const& s) {
  return s.signal == fakes || s.background == fakes || s.background == eval::all_others;
}

eval::predictions matched_sample(study const& of, result const& r) {
  auto const& factors = of.matching[static_cast<std::size_t>(r.what->where)];
  auto p = r.test;
  std::vector<char> kept;
  for (std::size_t i = 0; i < p.size(); ++i) {
    p.weights[i] *= factors[i];
    kept.push_back(factors[i] > 0);
  }
  return eval::balanced(eval::chosen(p, kept));
}

// One of a category's trainings; null where all were left out.
result const* any_of(study const& s, category where) {
  auto const found = std::find_if(s.results.begin(), s.results.end(),
                                  [where](result const& r) { return r.what->where == where; });
  return found == s.results.end() ? nullptr : &*found;
}

// What pT and |eta| still tell on the matched sample of a category, of which there is a training.
std::array<double, 4> areas_of_kinematics(study const& of, category where, separation const& by) {
  auto const place = static_cast<std::size_t>(where);
  result const* const one = any_of(of, where);
  std::vector<kinematics> momenta;
  for (std::size_t i = 0; i < of.momenta[place].size(); ++i) {
    if (of.matching[place][i] > 0) momenta.push_back(of.momenta[place][i]);
  }
  return remaining_areas(matched_sample(of, *one), momenta, by.signal, by.background);
}

ct::result<measured> measure(study const& of, result const& r) {
  measured m;
  m.of = &r;
  if (!has_collisions(r.what->where)) {
    auto found = eval::separate(r.test, 0, eval::all_others, efficiency);
    if (!found) return *found.error();
    m.separations.push_back(std::move(*found));
    return m;
  }
  auto const all = eval::balanced(r.test);
  eval::resampling const how{.blocks = of.blocks[static_cast<std::size_t>(r.what->where)]};
  std::vector<char> kept;
  for (char prompt : of.prompt_fakes[static_cast<std::size_t>(r.what->where)]) kept.push_back(!prompt);
  auto const without = eval::balanced(eval::chosen(r.test, kept));
  for (separation const& s : separations) {
    auto found = eval::separate(all, s.signal, s.background, efficiency, how);
    if (!found) return *found.error();
    m.separations.push_back(std::move(*found));
    auto& fewer = m.without_prompt_pairs.emplace_back();
    if (!has_fakes(s)) continue;
    auto curve = eval::one_versus(without, s.signal, s.background);
    if (!curve) return *curve.error();
    fewer = std::move(*curve);
  }
  auto const alike = matched_sample(of, r);
  for (separation const& s : separations) {
    auto curve = eval::one_versus(alike, s.signal, s.background);
    if (!curve) return *curve.error();
    m.matched.push_back(std::move(*curve));
  }
  for (auto [label, into] : {std::pair{pairs, &m.of_pairs}, std::pair{fakes, &m.of_fakes}}) {
    auto const cvm = eval::cvm(r.test, label);
    if (!cvm) return *cvm.error();
    *into = *cvm;
  }
  return m;
}

// A category after the other, in the order of the paper's columns, then what it does not have.
void sort_as_published(std::vector<measured>& all) {
  auto const place = [](measured const& m) {
    auto const* const found = published_result(m.of->what->id);
    return std::pair(m.of->what->where,
                     found == nullptr ? std::ssize(published_results) : found - published_results.data());
  };
  std::stable_sort(all.begin(), all.end(),
                   [&place](measured const& a, measured const& b) { return place(a) < place(b); });
}

ct::result<compared> compare(study const& s, comparison const& c, result const& first, result const& second) {
  separation const& by = separations[c.separation];
  auto const found =
      eval::compare(eval::balanced(first.test), second.test, by.signal, by.background, efficiency,
                    {.blocks = s.blocks[static_cast<std::size_t>(first.what->where)]});
  if (!found) return *found.error();
  return compared{&c, found->auc};
}

// Null where a training was left out.
measured const* of(std::vector<measured> const& all, std::string_view id) {
  auto const found =
      std::find_if(all.begin(), all.end(), [id](measured const& m) { return m.of->what->id == id; });
  return found == all.end() ? nullptr : &*found;
}

// Of event_study::separations, where not all are shown: H->gg against the rest, gg and gamma+jet.
constexpr std::array<std::size_t, 3> shown_separations{0, 3, 4};

std::string with_error(double value, double error) {
  return error < 0.0005 ? text("%.4f \u00b1 %.4f", value, error) : text("%.3f \u00b1 %.3f", value, error);
}

// --- the page

// The columns of a category's table: the trainings for which the paper has numbers.
std::vector<measured const*> columns(std::vector<measured> const& all, category where) {
  std::vector<measured const*> found;
  for (measured const& m : all) {
    if (m.of->what->where == where && published_result(m.of->what->id) != nullptr) found.push_back(&m);
  }
  return found;
}

void add_results(rp::page& page, std::vector<measured> const& all, study const& s, category where) {
  auto const list = columns(all, where);
  if (list.empty()) return;
  std::vector<std::string> head{""};
  for (measured const* m : list) head.emplace_back(m->of->what->title);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t k = 0; k < separations.size(); ++k) {
    std::vector<std::string> area{std::string(separations[k].name) + ", AUC"};
    std::vector<std::string> kept{std::string(separations[k].name) + ", FPR at TPR 0.7"};
    for (measured const* m : list) {
      published const& paper = *published_result(m->of->what->id);
      eval::separation const& found = m->separations[k];
      area.push_back(with_error(found.curve.auc(), found.curve.auc_error()) + text(" (%.2f)", paper.auc[k]));
      kept.push_back(with_error(found.background, found.background_error) +
                     text(" (%.2f)", paper.background[k]));
    }
    rows.push_back(std::move(area));
    if (has_fakes(separations[k])) {
      auto& without = rows.emplace_back(1, "without prompt pairs");
      for (measured const* m : list) {
        auto const& curve = *m->without_prompt_pairs[k];
        without.push_back(with_error(curve.auc(), curve.auc_error()));
      }
    }
    rows.push_back(std::move(kept));
  }
  std::vector<std::string> cvm{"CvM, gg"}, of_fakes{"CvM, gamma+jet"};
  for (measured const* m : list) {
    cvm.push_back(text("%.4f (%.3f)", m->of_pairs.value, published_result(m->of->what->id)->cvm));
    of_fakes.push_back(text("%.4f", m->of_fakes.value));
  }
  rows.push_back(std::move(cvm));
  rows.push_back(std::move(of_fakes));
  auto const& floor = list.front()->of_pairs;
  auto const& prompt = s.prompt_fakes[static_cast<std::size_t>(where)];
  page.table(head, rows,
             "Published values in brackets. Errors: DeLong's for the AUC, bootstrap for the FPR" +
                 std::string(s.generated
                                 ? " with hadronisations of one parton event together, which DeLong's takes as "
                                   "independent"
                                 : "") +
                 ". Without prompt pairs: without the " +
                 std::to_string(std::count(prompt.begin(), prompt.end(), 1)) +
                 " gamma+jet events with two prompt photons, which hold no fake. " +
                 text("A score that knows nothing of the mass has a CvM of %.4f \u00b1 %.4f.", floor.floor,
                      floor.floor_error));
}

void add_curves(rp::page& page, std::vector<measured> const& all, category where) {
  auto const list = columns(all, where);
  if (list.empty()) return;
  std::vector<rp::figure> figures;
  for (std::size_t k : shown_separations) {
    std::vector<rp::named_curve> curves;
    for (measured const* m : list)
      curves.push_back({std::string(m->of->what->title), &m->separations[k].curve});
    figures.push_back({rp::roc_figure(curves), std::string(separations[k].name)});
  }
  page.figures(figures);
}

// Whether a class is told from the others by more than the momenta of its photons.
void add_matched(rp::page& page, std::vector<measured> const& all, study const& s) {
  page.section("Beyond kinematics");
  page.paragraph(
      std::string("AUC on a matched sample: ") + about_matching +
      ". What is left to the four-momentum network is the mass and the opening angle, and differences "
      "within the cells in which classes are matched: the last rows are the areas that pT and |eta| "
      "alone still have, 0.5 where they were matched perfectly.");
  for (category where : {category::central, category::forward}) {
    if (any_of(s, where) == nullptr) continue;
    std::vector<std::string> head{""};
    for (separation const& by : separations) head.emplace_back(by.name);
    std::vector<std::vector<std::string>> rows;
    for (measured const& m : all) {
      if (m.of->what->where != where) continue;
      auto& row = rows.emplace_back(1, std::string(m.of->what->title));
      for (auto const& curve : m.matched) row.push_back(with_error(curve.auc(), curve.auc_error()));
    }
    std::vector<std::array<double, 4>> areas;
    for (separation const& by : separations) areas.push_back(areas_of_kinematics(s, where, by));
    for (std::size_t q = 0; q < kinematics_names.size(); ++q) {
      auto& row = rows.emplace_back(1, std::string(kinematics_names[q]) + " alone");
      for (auto const& a : areas) row.push_back(text("%.3f", a[q]));
    }
    auto const& factors = s.matching[static_cast<std::size_t>(where)];
    auto const left = std::count_if(factors.begin(), factors.end(), [](double f) { return f > 0; });
    page.table(head, rows,
               std::string(name_of(where)) + ": " + std::to_string(left) + " of " +
                   std::to_string(factors.size()) + " test events");
  }
}

void add_mass(rp::page& page, std::vector<measured> const& all, study const& s) {
  page.section("Mass sculpting (Figure 5)");
  page.paragraph(
      "Score of H->gg against the mass of the pair, CMS-B, for true gg and gamma+jet events that passed the "
      "selection: on images as they are, and divided by the mass with the loss against learning it. Below, the "
      "spectrum of true gg events before and after the cut that keeps 70 % of the signal, with the division "
      "alone, too.");
  std::vector<rp::figure> figures;
  for (auto const& [label, name] : {std::pair{pairs, "gg"}, std::pair{fakes, "gamma+jet"}}) {
    for (std::string_view id : {"cms-b-mass-aware", "cms-b"}) {
      result const* const r = s.find(id);
      if (r == nullptr) continue;
      figures.push_back({rp::score_against_mass(r->test, label, "score of H->gg"),
                         std::string(name) + ", " + std::string(r->what->title)});
    }
  }
  for (std::string_view id : {"cms-b-mass-aware", "cms-b-division-only", "cms-b"}) {
    measured const* const m = of(all, id);
    if (m == nullptr) continue;
    figures.push_back(
        {rp::spectrum_before_and_after(m->of->test, pairs, m->separations[3].curve.threshold_at(efficiency)),
         "true gg, cut on " + std::string(m->of->what->title)});
  }
  page.figures(figures);
}

// What is seen of the classes apart from the two photons.
void add_controls(rp::page& page, std::vector<measured> const& all, study const& s) {
  auto const sees_all = [](measured const& m) { return m.of->what->view == view::everything; };
  if (std::all_of(all.begin(), all.end(), sees_all)) return;
  page.section("Controls");
  page.paragraph(
      "EB, not divided by the mass, on crystals more than 0.7 in dR from both candidates, and on the "
      "simultaneous collisions alone, as if there had been no hard one. The former still see where the "
      "candidates were, since their surroundings are empty. The latter must tell nothing: 0.50 within two "
      "standard errors, but for one area in twenty. " +
      std::string(s.generated ? "They are of events that passed the selection, which may have preferred some."
                              : "Event by event all classes have the same run era and the same simultaneous "
                                "collisions, so that these errors, which take events as independent, are "
                                "generous."));
  std::vector<std::string> head{""};
  for (separation const& by : separations) head.emplace_back(by.name);
  std::vector<std::vector<std::string>> rows;
  for (measured const& m : all) {
    if (m.of->what->view == view::everything) continue;
    auto& row = rows.emplace_back(1, std::string(m.of->what->title));
    for (auto const& by : m.separations) row.push_back(with_error(by.curve.auc(), by.curve.auc_error()));
  }
  page.table(head, rows, "AUC");
}

// A figure of one training with several seeds.
struct by_seed {
  std::string name;
  std::vector<double> values;

  double mean() const {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
  double spread() const {
    double squares = 0;
    for (double v : values) squares += (v - mean()) * (v - mean());
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
};

std::vector<by_seed> figures_by_seed(std::vector<measured const*> const& list) {
  std::vector<by_seed> figures;
  for (std::size_t k = 0; k < separations.size(); ++k) {
    auto& f = figures.emplace_back(by_seed{std::string(separations[k].name) + ", AUC", {}});
    for (measured const* m : list) f.values.push_back(m->separations[k].curve.auc());
  }
  auto& f = figures.emplace_back(by_seed{"CvM, gg", {}});
  for (measured const* m : list) f.values.push_back(m->of_pairs.value);
  return figures;
}

// One training with all its seeds, that of the study first.
std::vector<measured const*> seeds_of(std::vector<measured> const& all, std::vector<measured> const& others,
                                      std::string_view id) {
  std::vector<measured const*> list;
  if (measured const* const first = of(all, id)) list.push_back(first);
  for (measured const& m : others) {
    if (m.of->what->id == id) list.push_back(&m);
  }
  return list;
}

void add_seeds(rp::page& page, std::vector<measured> const& all, std::vector<measured> const& others) {
  if (others.empty()) return;
  page.section("Seeds");
  page.paragraph(
      "The same events, other initial weights and another order: the spread (standard deviation) is what a "
      "single training leaves to chance, beside the errors of the test.");
  for (std::string_view id : reseeded) {
    auto const list = seeds_of(all, others, id);
    if (list.size() < 2) continue;
    std::vector<std::string> head{std::string(list.front()->of->what->title)};
    for (measured const* m : list) head.push_back("seed " + std::to_string(m->of->seed));
    head.emplace_back("mean \u00b1 spread");
    std::vector<std::vector<std::string>> rows;
    for (by_seed const& f : figures_by_seed(list)) {
      auto& row = rows.emplace_back(1, f.name);
      for (double v : f.values) row.push_back(text("%.4f", v));
      row.push_back(text("%.4f \u00b1 %.4f", f.mean(), f.spread()));
    }
    page.table(head, rows);
  }
}

void add_paper_split(rp::page& page, std::vector<measured> const& all, std::vector<measured> const& chosen) {
  if (chosen.empty()) return;
  page.section("Validation = test, as in the paper");
  page.paragraph(
      "The epoch chosen by the test events themselves, as the paper does, beside that chosen by events that "
      "serve nothing else. The trainings are the same, epoch by epoch: what differs is by how much the choice "
      "flatters the test, and nothing does where both choose the same epoch.");
  std::vector<std::string> head{"", "events"};
  for (std::size_t k : shown_separations) head.push_back(std::string(separations[k].name) + ", AUC");
  head.emplace_back("CvM, gg");
  std::vector<std::vector<std::string>> rows;
  for (measured const& m : chosen) {
    training const& t = *m.of->what;
    measured const* const own = of(all, t.id);
    if (own == nullptr) continue;
    auto& row = rows.emplace_back(1, std::string(t.title));
    row.emplace_back(name_of(t.where));
    for (std::size_t k : shown_separations)
      row.push_back(text("%.4f / %.4f", own->separations[k].curve.auc(), m.separations[k].curve.auc()));
    row.push_back(text("%.4f / %.4f", own->of_pairs.value, m.of_pairs.value));
  }
  page.table(head, rows, "Three-way split / validation = test");
}

// Whether scores are what a probability with equal priors would be.
ct::result<void> add_calibration(rp::page& page, std::vector<measured> const& all) {
  auto const classes = ct::models::event_classes();
  std::vector<std::string> const names(classes.names.begin(), classes.names.end());
  std::vector<rp::figure> figures;
  std::vector<std::vector<std::string>> rows;
  for (std::string_view id : {"eb", "cms-b"}) {
    measured const* const m = of(all, id);
    if (m == nullptr) continue;
    auto const balanced = eval::balanced(m->of->test);
    std::vector<eval::calibration_curve> curves;
    auto& row = rows.emplace_back(1, std::string(m->of->what->title));
    for (int k = 0; k < balanced.classes; ++k) {
      auto curve = eval::calibrate(balanced, k);
      if (!curve) return *curve.error();
      row.push_back(text("%.4f", curve->expected_error));
      curves.push_back(std::move(*curve));
    }
    figures.push_back({rp::calibration_plot(curves, names), std::string(m->of->what->title)});
  }
  if (rows.empty()) return {};
  page.section("Calibration");
  std::vector<std::string> head{""};
  head.insert(head.end(), names.begin(), names.end());
  page.table(head, rows, "Expected calibration error of each class, with as many events of every class");
  page.figures(figures);
  return {};
}

// Events per class, and those of the test by run era.
void add_samples(rp::page& page, study const& s) {
  struct in_paper {
    category where;
    int training, test;
  };
  std::vector<std::vector<std::string>> sizes, eras;
  for (auto const& paper :
       {in_paper{category::central, 51200, 11800}, in_paper{category::forward, 120000, 15600}}) {
    if (any_of(s, paper.where) == nullptr) continue;
    auto const place = static_cast<std::size_t>(paper.where);
    auto const number = [](auto n) { return grouped(static_cast<std::uint64_t>(n)); };
    sizes.push_back({std::string(name_of(paper.where)),
                     number(s.size.training[place]) + " (" + number(paper.training) + ")",
                     number(s.size.validation), number(s.size.test[place]) + " (" + number(paper.test) + ")"});
    auto const& of_classes = s.eras[place];
    auto const classes = ct::models::event_classes();
    for (std::size_t label = 0; label < of_classes.size(); ++label) {
      auto& row = eras.emplace_back();
      row.push_back(std::string(name_of(paper.where)) + ", " + std::string(classes[static_cast<int>(label)]));
      for (std::uint64_t events : of_classes[label]) row.push_back(number(events));
    }
    auto& row = eras.emplace_back(1, std::string(name_of(paper.where)) + ", the paper's whole sample");
    for (auto const& era : ct::sim::run_eras) {
      row.push_back(number(events_of(
          era, paper.where == category::forward ? ct::sim::selection::forward : ct::sim::selection::central)));
    }
  }
  if (sizes.empty()) return;
  std::array<std::string, 4> const head{"events per class", "training", "validation", "test"};
  page.table(head, sizes, "The paper's in brackets (Table 3), whose test events serve the validation, too");
  std::vector<std::string> of_eras{"test events"};
  for (auto const& era : ct::sim::run_eras) of_eras.emplace_back(era.name);
  page.table(of_eras, eras, "By run era (Table 1)");
}

// Those whose epochs are known.
std::vector<result const*> with_history(std::vector<result const*> list) {
  std::erase_if(list, [](result const* r) { return r->history.empty(); });
  return list;
}

// One figure of every epoch of several trainings; there must be one.
template <class Figure>
std::string by_epoch(std::vector<result const*> const& list, std::string const& title, bool logarithmic,
                     Figure const& figure) {
  double low = 1e9, high = -1e9, last = 1;
  for (result const* r : list) {
    for (auto const& e : r->history) {
      low = std::min(low, figure(e));
      high = std::max(high, figure(e));
      last = std::max(last, static_cast<double>(e.epoch));
    }
  }
  double const room = logarithmic ? 0 : 0.08 * (high - low) + 1e-6;
  rp::plot plot({"epoch", 0, last + 1},
                {title, logarithmic ? std::max(low, 1e-5) / 1.5 : low - room,
                 logarithmic ? high * 1.5 : high + room, logarithmic},
                360, 260);
  plot.legend_at(rp::legend_place::beside);
  for (result const* r : list) {
    std::vector<double> x, y;
    for (auto const& e : r->history) {
      x.push_back(static_cast<double>(e.epoch));
      y.push_back(figure(e));
    }
    plot.line(x, y, std::string(r->what->title));
  }
  return plot.svg();
}

// CvM and areas of trainings, and the property in which they differ.
template <class Property>
void add_variants(rp::page& page, std::vector<measured> const& all, std::string const& differs,
                  std::initializer_list<std::string_view> ids, Property const& property) {
  std::vector<std::vector<std::string>> rows;
  eval::cvm_figure const* random = nullptr;
  for (std::string_view id : ids) {
    measured const* const m = of(all, id);
    if (m == nullptr) continue;
    random = &m->of_pairs;
    auto& row = rows.emplace_back(1, std::string(m->of->what->title));
    row.push_back(property(*m->of->what));
    row.push_back(text("%.4f", m->of_pairs.value));
    for (std::size_t k : shown_separations) {
      auto const& curve = m->separations[k].curve;
      row.push_back(with_error(curve.auc(), curve.auc_error()));
    }
  }
  if (random == nullptr) return;
  std::vector<std::string> head{"", differs, "CvM, gg"};
  for (std::size_t k : shown_separations) head.push_back("AUC, " + std::string(separations[k].name));
  page.table(head, rows,
             "On the test events. A score that knows nothing of the mass has a CvM of " +
                 text("%.4f \u00b1 %.4f", random->floor, random->floor_error));
}

void add_ablations(rp::page& page, std::vector<measured> const& all) {
  page.section("Other architectures");
  page.paragraph(
      "EB with the means of its windows in place of the maxima, with batch normalisation behind every "
      "convolution, with 23 convolutions in place of 15, and with two hidden layers behind the last pool; the "
      "four-momentum network with two of its four hidden layers, and with layers of 32 units in place of 128. "
      "One seed each: differences below 0.01 may be chance.");
  add_variants(page, all, "parameters",
               {"eb", "eb-average-pooling", "eb-batch-norm", "eb-deeper", "eb-fcn-head", "four-momentum",
                "four-momentum-shallow", "four-momentum-narrow"},
               [](training const& t) {
                 auto const net = find_network(t.model);
                 return net ? grouped((*net)->info().parameters) : std::string();
               });
}

void add_decorrelation(rp::page& page, std::vector<measured> const& all, study const& s) {
  page.section("Ways to keep the mass out");
  page.paragraph(
      "EB on images as they are, divided by the mass or by the sum of the photons' pT, with the loss against "
      "learning the mass alone, and with both; lambda multiplies that loss, which the mean over a batch's gg "
      "events defines here. A useless classifier has a small CvM, too: look at both figures.");
  add_variants(
      page, all, "lambda",
      {"eb-mass-aware", "eb-loss-only", "eb-sum-pt", "eb-division-only", "eb-lambda-0.15", "eb", "eb-lambda-3"},
      [](training const& t) { return text("%g", t.strength); });
  page.paragraph("Epoch by epoch on the validation events:");
  std::vector<result const*> list;
  for (std::string_view id : {"eb-mass-aware", "eb-division-only", "eb-sum-pt", "eb-loss-only", "eb"})
    if (result const* const r = s.find(id)) list.push_back(r);
  list = with_history(std::move(list));
  if (list.empty()) return;
  std::array const figures{
      rp::figure{by_epoch(list, "CvM of gg", true, [](auto const& e) { return e.validation_cvm.value; })},
      rp::figure{by_epoch(list, "AUC, H->gg against the rest", false,
                          [](auto const& e) { return e.validation_auc; })}};
  page.figures(figures);
}

void add_other_showers(rp::page& page, study const& s) {
  page.paragraph(
      "What a network learns of a simulation need not hold elsewhere." +
      std::string(s.other_showers.empty() ? " Showers of other origin were not given (--showers)." : ""));
  if (s.other_showers.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (judged_showers const& o : s.other_showers) {
    rows.push_back({std::string(training_of(o.id).title), o.sample, std::to_string(o.electrons),
                    std::to_string(o.photons),
                    o.curve ? with_error(o.curve->auc(), o.curve->auc_error()) : std::string("-")});
  }
  std::array<std::string, 5> const head{"network, input", "showers", "electrons", "photons", "AUC"};
  page.table(head, rows,
             "Showers of other origin. Recorded candidates above 15 GeV in the barrel count as electrons where "
             "there is an electron candidate within dR 0.15; the networks know 50 GeV alone.");
}

void add_showers(rp::page& page, std::vector<measured> const& all, study const& s) {
  page.section("Electrons and photons (Tables 4 and 5)");
  page.paragraph(
      "Particle guns at pT 50 GeV without pile-up, told apart by the barrel's crystals alone. Two independent "
      "showers of a known kind carry twice the information of one: from the single-shower area one expects "
      "0.85 to 0.92 for pairs; the published 1.00 means that something else was learned there.");
  std::vector<std::vector<std::string>> rows;
  for (published_shower const& paper : published_showers) {
    measured const* const m = of(all, paper.id);
    if (m == nullptr) continue;
    auto const& by = m->separations.front();
    rows.push_back({std::string(m->of->what->title), std::string(name_of(m->of->what->where)),
                    with_error(by.curve.auc(), by.curve.auc_error()),
                    paper.auc > 0 ? text("%.2f", paper.auc) : std::string("-")});
  }
  std::array<std::string, 4> const head{"network, input", "events", "AUC", "published"};
  page.table(head, rows,
             "The published networks saw CMS's simulation. The digis here are made for hits whose energies are "
             "given, and tell no more than these; the FCN has 128 first units on digis, which are ten times as "
             "many inputs, and 256 on energies.");
  add_other_showers(page, s);
}

// How many trainings were not done here.
std::ptrdiff_t given_weights(study const& s) {
  std::ptrdiff_t given = 0;
  for (auto const* list : {&s.results, &s.other_seeds, &s.chosen_by_test})
    given += std::count_if(list->begin(), list->end(), [](result const& r) { return r.given; });
  return given;
}

// Of the optimiser in an epoch.
std::uint64_t steps_of(event_study::size const& s, training const& t) {
  std::uint64_t const classes = has_collisions(t.where) ? 3 : 2, batch = static_cast<std::uint64_t>(s.batch);
  return (classes * s.training[static_cast<std::size_t>(t.where)] + batch - 1) / batch;
}

void add_trainings(rp::page& page, study const& s) {
  page.section("Training");
  std::string unknown;
  std::vector<std::vector<std::string>> rows;
  for (result const& r : s.results) {
    auto const net = find_network(r.what->model);
    double seconds = 0;
    std::uint64_t best = 0;
    for (auto const& e : r.history) {
      seconds += e.seconds;
      if (e.best) best = e.epoch;
    }
    rows.push_back({std::string(r.what->title), std::string(name_of(r.what->where)), std::string(r.what->model),
                    net ? grouped((*net)->info().parameters) : "", text("%g", r.what->strength),
                    r.history.empty() ? "" : std::to_string(best) + " of " + std::to_string(r.history.size()),
                    r.history.empty() ? "" : grouped(steps_of(s.size, *r.what) * r.history.size()),
                    r.history.empty() ? "" : text("%.1f", seconds / 60)});
    if (r.history.empty()) unknown += (unknown.empty() ? "" : ", ") + std::string(r.what->title);
  }
  std::array<std::string, 8> const head{
      "", "events", "network", "parameters", "lambda of the CvM loss", "epoch chosen", "Adam steps", "minutes"};
  page.table(head, rows, "Trainings (Table 2 has 88,723 / 90,291 / 295,187 / 299,891 / 90,291 parameters)");
  if (auto const given = given_weights(s); given > 0) {
    page.paragraph(
        "Weights of " + std::to_string(given) +
        " trainings were given (--weights); their minutes are those of the machine that trained them.");
  }
  if (!unknown.empty())
    page.paragraph("Weights that say nothing of their epochs, so that no curve shows these: " + unknown + ".");
  std::vector<rp::figure> figures;
  for (category c : categories) {
    std::vector<result const*> list;
    for (result const& r : s.results) {
      bool const beside = has_collisions(c) && published_result(r.what->id) == nullptr;
      if (r.what->where == c && !beside) list.push_back(&r);
    }
    list = with_history(std::move(list));
    if (list.empty()) continue;
    auto const caption = std::string(name_of(c));
    figures.push_back({by_epoch(list, "training loss", false, [](auto const& e) { return e.loss; }), caption});
    figures.push_back(
        {by_epoch(list, "validation loss", false, [](auto const& e) { return e.validation_loss; }), caption});
  }
  page.figures(figures);
}

void add_networks(rp::page& page) {
  page.section("Networks (Figure 3)");
  std::vector<rp::figure> figures;
  for (std::string_view name : {"cms-b", "cms-i"}) {
    auto const net = find_network(name);
    if (net) figures.push_back({rp::network_diagram((*net)->info().diagram), std::string(name)});
  }
  page.figures(figures);
}

ct::result<void> add_events(rp::page& page, study const& s) {
  page.section("Events (Figures 1 and 2)");
  auto painter = std::make_unique<rp::cms_event_painter<>>(rp::event_picture_options{.scale = 2});
  std::vector<rp::figure> figures;
  auto const add = [&figures](rp::picture const& p, std::string const& words) -> ct::result<void> {
    auto const png = rp::encode_png(p);
    if (!png) return *png.error();
    figures.push_back({rp::image_element(*png, words), words});
    return {};
  };
  for (auto const& [where, event] : s.shown) {
    std::string const which = "A photon + jet event, " + std::string(name_of(where));
    rp::cms_picture_text words;
    words.note = "ecal-centric";
    if (auto added = add(painter->ecal_centric(event, words), which + ", ECAL-centric"); !added) return added;
    words.note = "hcal-centric";
    if (auto added = add(painter->hcal_centric(event, words), which + ", HCAL-centric"); !added) return added;
  }
  page.paragraph(
      "Tracks yellow (logarithmic), ECAL blue (logarithmic), HCAL grey (linear); small values left out.");
  page.figures(figures);
  return {};
}

void add_comparisons(rp::page& page, std::vector<compared> const& list) {
  page.section("What the paper says of its classifiers");
  std::vector<std::vector<std::string>> rows;
  for (compared const& c : list) {
    std::string const sign = c.what->claim == comparison::above       ? " above "
                             : c.what->claim == comparison::not_below ? " not below "
                                                                      : " against ";
    rows.push_back(
        {std::string(training_of(c.what->first).title) + sign + std::string(training_of(c.what->second).title),
         std::string(name_of(training_of(c.what->first).where)), separation_name(*c.what),
         text("%+.4f \u00b1 %.4f", c.by.value, c.by.error), text("%+.4f to %+.4f", c.by.lower, c.by.upper),
         c.verdict()});
  }
  std::array<std::string, 6> const head{"statement", "events", "AUC of", "difference", "95 % interval", ""};
  page.table(
      head, rows,
      "Paired bootstrap on the test events; \"above\": the whole interval is above 0, \"not below\": it is "
      "above -0.01.");
}

json as_json(eval::cvm_figure const& f) {
  return {{"value", f.value}, {"floor", f.floor}, {"floor_error", f.floor_error}, {"events", f.events}};
}

json as_json(measured const& m) {
  training const& t = *m.of->what;
  published const* paper = published_result(t.id);
  json j{{"id", t.id},
         {"model", t.model},
         {"title", t.title},
         {"category", name_of(t.where)},
         {"strength", t.strength}};
  bool const collisions = has_collisions(t.where);
  if (collisions) {
    j["cvm_gg"] = as_json(m.of_pairs);
    j["cvm_gamma_jet"] = as_json(m.of_fakes);
  }
  if (paper != nullptr) j["cvm_gg"]["published"] = paper->cvm;
  for (std::size_t k = 0; k < m.separations.size(); ++k) {
    eval::separation const& s = m.separations[k];
    json row{{"name", collisions ? separations[k].name : "electron vs photon"},
             {"auc", s.curve.auc()},
             {"auc_error", s.curve.auc_error()},
             {"background", s.background},
             {"background_error", s.background_error}};
    if (collisions) {
      row["auc_matched"] = m.matched[k].auc();
      row["auc_matched_error"] = m.matched[k].auc_error();
    }
    if (collisions && m.without_prompt_pairs[k]) {
      row["auc_without_prompt_pairs"] = m.without_prompt_pairs[k]->auc();
      row["auc_without_prompt_pairs_error"] = m.without_prompt_pairs[k]->auc_error();
    }
    if (paper != nullptr) {
      row["published_auc"] = paper->auc[k];
      row["published_background"] = paper->background[k];
    }
    j["separations"].push_back(std::move(row));
  }
  for (auto const& e : m.of->history) j["epochs"].push_back(program::as_json(e));
  j["simulation"] = m.of->simulation;
  return j;
}

}  // namespace

ct::result<report> report_on(study const& s) {
  std::vector<measured> all;
  for (result const& r : s.results) {
    auto m = measure(s, r);
    if (!m) return *m.error();
    all.push_back(std::move(*m));
  }
  sort_as_published(all);
  std::vector<measured> others, chosen;
  for (auto const& [list, into] : {std::pair{&s.other_seeds, &others}, std::pair{&s.chosen_by_test, &chosen}}) {
    for (result const& r : *list) {
      auto m = measure(s, r);
      if (!m) return *m.error();
      into->push_back(std::move(*m));
    }
    sort_as_published(*into);
  }
  std::vector<compared> tested;
  for (comparison const& c : comparisons) {
    result const *const first = s.find(c.first), *const second = s.find(c.second);
    if (first == nullptr || second == nullptr) continue;
    auto t = compare(s, c, *first, *second);
    if (!t) return *t.error();
    tested.push_back(std::move(*t));
  }

  rp::page page("End-to-end event classification, H->gg against gg and gamma+jet");
  page.paragraph(
      "The study of Andrews, Paulini, Gleyzer and Poczos, \"End-to-End Physics Event Classification with "
      "CMS Open Data\" (2020), done again on simulated events of this program. Budget: " +
      std::string(s.size.name) + ", " + std::to_string(s.size.epochs) + " epochs in batches of " +
      std::to_string(s.size.batch) + ", learning rate " + learning_rate_note(optimiser_of(s.size)) + ", seed " +
      std::to_string(s.seed) + ".");
  page.paragraph(
      "What differs from the paper: its events are CMS's own simulation with Geant4; these come from a "
      "parametric detector response, tuned to recorded events, behind " +
      std::string(s.generated ? "the collisions of an event generator. " : "a parametrised generator. ") +
      "Kinematics and the fakes of photon + jet are those of Pythia 8, exactly or nearly, and not of CMS's "
      "sample; numbers agree with the paper's in kind, not digit by digit. Priors are "
      "balanced: a score is no probability of being a Higgs boson.");
  std::vector<std::vector<std::string>> rows;
  for (category c : categories) {
    if (any_of(s, c) != nullptr)
      rows.push_back({std::string(name_of(c)), s.samples[static_cast<std::size_t>(c)]});
  }
  std::array<std::string, 2> const head{"category", "events"};
  page.table(head, rows, "Samples: parts have no event in common");
  add_samples(page, s);
  std::string left_out;
  for (training const& t : trainings) {
    if (s.find(t.id) != nullptr) continue;
    left_out += (left_out.empty() ? "" : "; ") + std::string(t.title) + ", " + std::string(name_of(t.where));
  }
  if (!left_out.empty()) page.paragraph("Not trained, and left out of all that follows: " + left_out + ".");
  std::string earlier;
  for (auto const* list : {&s.results, &s.other_seeds, &s.chosen_by_test}) {
    for (result const& r : *list) {
      if (r.simulation == ct::sim::revision) continue;
      earlier += (earlier.empty() ? "" : "; ") + std::string(r.what->title) + ", " +
                 std::string(name_of(r.what->where)) +
                 (r.seed == s.seed ? "" : ", seed " + std::to_string(r.seed));
    }
  }
  if (!earlier.empty()) {
    page.paragraph("Trained on events of an earlier revision of the simulation than " +
                   std::to_string(ct::sim::revision) + ", which made those of the tests: " + earlier + ".");
  }
  for (auto const& [where, number] : {std::pair{category::central, "6"}, std::pair{category::forward, "7"}}) {
    page.section("Results, " + std::string(name_of(where)) + " (Table " + number + ", Figure " +
                 (where == category::central ? "4" : "6") + ")");
    add_results(page, all, s, where);
    add_curves(page, all, where);
  }
  add_matched(page, all, s);
  add_controls(page, all, s);
  add_comparisons(page, tested);
  add_seeds(page, all, others);
  add_paper_split(page, all, chosen);
  add_mass(page, all, s);
  if (auto added = add_calibration(page, all); !added) return *added.error();
  add_decorrelation(page, all, s);
  add_ablations(page, all);
  add_showers(page, all, s);
  add_trainings(page, s);
  add_networks(page);
  if (auto added = add_events(page, s); !added) return *added.error();
  page.section("The simulated response beside recorded events");
  auto validation = add_validation(page, s.validation);
  if (!validation) return *validation.error();
  page.paragraph("Made by: " + command_line());

  json numbers{{"study", "event-paper"},
               {"budget", s.size.name},
               {"seed", s.seed},
               {"simulation", ct::sim::revision},
               {"epochs", s.size.epochs},
               {"batch", s.size.batch},
               {"rate_decay", s.size.rate_decay},
               {"validation_events", s.size.validation},
               {"minutes", s.minutes},
               {"threads", s.threads},
               {"given_weights", given_weights(s)},
               {"command", command_line()}};
  for (category c : categories) {
    auto const& prompt = s.prompt_fakes[static_cast<std::size_t>(c)];
    if (has_collisions(c) && any_of(s, c) != nullptr)
      numbers["prompt_pairs"][std::string(name_of(c))] = std::count(prompt.begin(), prompt.end(), 1);
    for (separation const& by : separations) {
      if (!has_collisions(c) || any_of(s, c) == nullptr) break;
      json areas{{"name", by.name}};
      auto const found = areas_of_kinematics(s, c, by);
      for (std::size_t q = 0; q < found.size(); ++q) areas[kinematics_names[q]] = found[q];
      numbers["auc_of_kinematics_matched"][std::string(name_of(c))].push_back(std::move(areas));
    }
    numbers["events"][std::string(name_of(c))] = s.size.training[static_cast<std::size_t>(c)];
    numbers["test_events"][std::string(name_of(c))] = s.size.test[static_cast<std::size_t>(c)];
    numbers["samples"][std::string(name_of(c))] = s.samples[static_cast<std::size_t>(c)];
    for (std::size_t k = 0; k < ct::sim::run_eras.size() && has_collisions(c) && any_of(s, c) != nullptr; ++k) {
      auto& of_era = numbers["test_events_by_era"][std::string(name_of(c))][ct::sim::run_eras[k].name];
      for (auto const& of_class : s.eras[static_cast<std::size_t>(c)]) of_era.push_back(of_class[k]);
    }
  }
  for (judged_showers const& o : s.other_showers) {
    json row{{"id", o.id}, {"sample", o.sample}, {"electrons", o.electrons}, {"photons", o.photons}};
    if (o.curve) row.update({{"auc", o.curve->auc()}, {"auc_error", o.curve->auc_error()}});
    numbers["other_showers"].push_back(std::move(row));
  }
  numbers["validation"] = std::move(*validation);
  for (measured const& m : all) numbers["trainings"].push_back(as_json(m));
  for (training const& t : trainings) {
    if (s.find(t.id) == nullptr) numbers["left_out"].push_back({{"id", t.id}, {"title", t.title}});
  }
  for (measured const& m : chosen) numbers["paper_split"].push_back(as_json(m));
  for (std::string_view id : reseeded) {
    if (others.empty()) break;  // one seed only
    json of_seeds{{"id", id}};
    auto const list = seeds_of(all, others, id);
    if (list.size() < 2) continue;
    for (measured const* m : list) of_seeds["seeds"].push_back(m->of->seed);
    for (by_seed const& f : figures_by_seed(list))
      of_seeds["figures"].push_back(
          {{"name", f.name}, {"values", f.values}, {"mean", f.mean()}, {"spread", f.spread()}});
    numbers["by_seed"].push_back(std::move(of_seeds));
  }
  for (compared const& c : tested) {
    numbers["comparisons"].push_back({{"first", c.what->first},
                                      {"second", c.what->second},
                                      {"auc_of", separation_name(*c.what)},
                                      {"claim", claim_names[c.what->claim]},
                                      {"difference", c.by.value},
                                      {"error", c.by.error},
                                      {"lower", c.by.lower},
                                      {"upper", c.by.upper},
                                      {"verdict", c.verdict()}});
  }
  for (comparison const& c : comparisons) {
    if (s.find(c.first) != nullptr && s.find(c.second) != nullptr) continue;
    numbers["comparisons"].push_back({{"first", c.first},
                                      {"second", c.second},
                                      {"auc_of", separation_name(c)},
                                      {"claim", claim_names[c.claim]}});
  }
  return report{page.html(), numbers.dump(2, ' ', false, json::error_handler_t::replace) + "\n"};
}

}  // namespace program::event_study
