// calotype evaluate: how well a network separates labelled events, whether it knows the mass, and whether it is
// better than another.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "matched.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/parallel.hpp>
#include <calotype/eval/calibration.hpp>
#include <calotype/eval/comparison.hpp>
#include <calotype/eval/cvm.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/separation.hpp>
#include <calotype/eval/subset.hpp>
#include <calotype/io/output.hpp>
#include <calotype/report/curves.hpp>
#include <calotype/report/mass_plots.hpp>
#include <calotype/report/page.hpp>

namespace program {

namespace {

using json = nlohmann::ordered_json;
namespace eval = ct::eval;

choices<eval::tied_scores> const orders_of_ties{{"shuffled", eval::tied_scores::shuffled},
                                                {"mass", eval::tied_scores::in_mass_order}};

struct evaluate_options {
  std::string file;
  range events;
  std::string model = "cms-b";
  std::string weights;
  std::string against;        // weights of another network
  std::string against_model;  // the same network where it is not named
  std::string report;
  double efficiency = 0.7;
  bool matched = false;
  eval::tied_scores ties = eval::tied_scores::shuffled;
  int threads = 1;
  bool force = false;
  bool json = false;
};

// A network with weights, and what is known of it.
struct contender {
  network_info const* about;
  std::unique_ptr<trained_network> trained;
  std::string weights;
};

// A separation of two sets of events by one score.
struct separation : eval::separation {
  std::string name;
  bool against_rest = false;
  int signal_class = 0, background_class = 0;
  std::optional<std::array<double, 4>> of_kinematics{};   // areas of what a matched sample is matched in
  std::optional<eval::roc_curve> without_prompt_pairs{};  // where the class of fakes has some
};

// How much the score knows of the mass of the events of a class, beside how well it tells them from the signal.
struct mass_dependence {
  int label = 0;
  std::string name;
  std::uint64_t events = 0;
  std::optional<eval::cvm_figure> cvm{};  // none for too few events
  std::optional<double> auc{};            // of the signal against the class
};

// What the first network has more than the second.
struct advantage {
  std::string name;
  eval::comparison figures;
};
struct mass_advantage {
  std::string name;
  eval::difference cvm;
};

struct figures {
  std::uint64_t events = 0;
  std::uint64_t unscored = 0;
  std::uint64_t unmatched = 0;     // without a place in the matched sample
  std::uint64_t prompt_pairs = 0;  // among the fakes
  std::vector<std::uint64_t> per_class;
  std::vector<double> effective;  // per class: how many events of equal weight would say as much
  double accuracy = 0;
  double accuracy_error = 0;
  double cross_entropy = 0;
  std::vector<separation> separations;
  std::vector<mass_dependence> masses;
  std::vector<eval::calibration_curve> calibrations;  // of the classes
  std::vector<advantage> advantages;
  std::vector<mass_advantage> mass_advantages;
};

// The scores of several networks for the same events.
struct scored_events {
  std::vector<eval::predictions> predictions{};  // of every network, with the labels of the file
  std::uint64_t unscored = 0;                    // by one of them at least
  std::vector<std::uint64_t> blocks{};           // what bootstraps keep together
  std::vector<char> prompt_fakes{};              // events of a photon and a jet whose two candidates are prompt
  std::vector<kinematics> momenta{};
  std::uint64_t unmatched = 0;
};

constexpr int fakes = 2;  // the class of a photon and a jet

ct::result<scored_events> predict(evaluate_options const& o, event_source& source,
                                  std::span<contender const> networks) {
  scored_events all;
  std::vector<std::vector<std::unique_ptr<scorer>>> scorers(networks.size());  // per network and thread
  for (std::size_t n = 0; n < networks.size(); ++n) {
    all.predictions.emplace_back().classes = static_cast<int>(networks[n].about->classes.size());
    for (int t = 0; t < o.threads; ++t) scorers[n].push_back(networks[n].trained->make_scorer());
  }
  constexpr std::size_t block = 256;
  struct sample {
    ct::event event;
    truth about;
    std::vector<std::vector<float>> scores{};
    std::vector<double> log_odds{};
  };
  std::vector<sample> waiting;
  block_numbers number_of_block;
  progress bar("scoring", source.size());
  std::uint64_t done = 0;
  auto const score_waiting = [&] {
    ct::for_each_item(o.threads, waiting.size(), [&](int worker, std::size_t i) {
      for (auto& of_network : scorers) {
        scorer& score = *of_network[static_cast<std::size_t>(worker)];
        auto const s = score(waiting[i].event);
        waiting[i].scores.emplace_back(s.begin(), s.end());
        waiting[i].log_odds.push_back(s.empty() ? 0 : score.log_odds());
      }
    });
    for (sample const& s : waiting) {
      if (std::any_of(s.scores.begin(), s.scores.end(), [](auto const& scores) { return scores.empty(); })) {
        ++all.unscored;
        continue;
      }
      all.momenta.push_back(kinematics_of(s.event));
      all.prompt_fakes.push_back(s.about.label == fakes && s.about.prompt_pair);
      all.blocks.push_back(number_of_block(s.about.label, s.about.block));
      for (std::size_t n = 0; n < networks.size(); ++n) {
        auto& p = all.predictions[n];
        p.scores.insert(p.scores.end(), s.scores[n].begin(), s.scores[n].end());
        p.labels.push_back(s.about.label);
        p.weights.push_back(static_cast<double>(s.about.weight));
        p.log_odds.push_back(s.log_odds[n]);
        p.masses.push_back(s.about.m_gg);
      }
    }
    waiting.clear();
  };
  auto const read = source.visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
    for (auto const& p : all.predictions) {
      if (t.label < 0 || (p.classes > 1 && t.label >= p.classes)) {
        return ct::error{"the label " + std::to_string(t.label) + " is none of the network's classes",
                         source.path() + ", " + name_of(e),
                         "give labelled events, as 'calotype simulate' makes them"};
      }
    }
    waiting.push_back({e, t});
    if (waiting.size() == block) score_waiting();
    bar.step(++done);
    return {};
  });
  if (!read) return *read.error();
  score_waiting();
  return all;
}

ct::result<void> separate_all(evaluate_options const& o, network_info const& about, eval::predictions const& p,
                              eval::resampling const& how, figures& f) {
  std::vector<std::pair<int, int>> wanted;
  for (int k = 0; k < p.classes; ++k) wanted.push_back({k, eval::all_others});
  for (int k = 1; k < p.classes; ++k) wanted.push_back({0, k});
  for (auto const& [signal, background] : wanted) {
    auto const events = f.per_class[static_cast<std::size_t>(signal)];
    bool const present =
        events > 0 && (background == eval::all_others ? events < f.events
                                                      : f.per_class[static_cast<std::size_t>(background)] > 0);
    if (!present) continue;  // a class that the file does not hold
    auto s = eval::separate(p, signal, background, o.efficiency, how);
    if (!s) return *s.error();
    auto const name = about.classes[static_cast<std::size_t>(signal)] + " vs " +
                      (background == eval::all_others ? "rest" : class_name(about, background));
    f.separations.push_back({std::move(*s), name, background == eval::all_others, signal, background});
  }
  return {};
}

// The same areas with no event among the fakes that is none.
void separate_without_prompt_pairs(eval::predictions const& of_file, std::vector<char> const& prompt_fakes,
                                   figures& f) {
  f.prompt_pairs = static_cast<std::uint64_t>(std::count(prompt_fakes.begin(), prompt_fakes.end(), 1));
  if (f.prompt_pairs == 0) return;
  std::vector<char> kept;
  for (char prompt : prompt_fakes) kept.push_back(!prompt);
  auto const p = eval::balanced(eval::chosen(of_file, kept));
  for (auto& s : f.separations) {
    if (!s.against_rest && s.background_class != fakes) continue;
    auto curve = eval::one_versus(p, s.signal_class, s.background_class);
    if (curve) s.without_prompt_pairs = std::move(*curve);
  }
}

// Of every class but the signal that the file holds.
void add_mass_dependence(evaluate_options const& o, network_info const& about, eval::predictions const& p,
                         figures& f) {
  for (int label = 1; label <= *std::max_element(p.labels.begin(), p.labels.end()); ++label) {
    mass_dependence m{label, class_name(about, label)};
    for (std::size_t i = 0; i < p.size(); ++i) m.events += p.labels[i] == label && p.masses[i] > 0;
    if (m.events == 0) continue;
    if (auto const figure = eval::cvm(p, label, {.ties = o.ties})) m.cvm = *figure;
    if (auto const curve = eval::one_versus_one(p, 0, label)) m.auc = curve->auc();
    f.masses.push_back(std::move(m));
  }
}

// The signal against what both networks can tell it from, by the score of the first class.
ct::result<void> compare_all(evaluate_options const& o, network_info const& about,
                             std::span<eval::predictions const> both, eval::resampling const& how, figures& f) {
  auto const first = eval::balanced(both[0]);
  auto const second = eval::balanced(both[1]);
  std::string const signal = about.classes.front();
  auto const compare = [&](int background, std::string const& name) -> ct::result<void> {
    auto c = eval::compare(first, second, 0, background, o.efficiency, how);
    if (!c) return *c.error();
    f.advantages.push_back({signal + " vs " + name, *c});
    return {};
  };
  if (auto compared = compare(eval::all_others, "rest"); !compared) return compared;
  for (mass_dependence const& m : f.masses) {
    if (!m.auc) continue;
    if (auto compared = compare(m.label, m.name); !compared) return compared;
  }
  for (mass_dependence const& m : f.masses) {
    if (!m.cvm) continue;
    auto const d = eval::compare_cvm(both[0], both[1], m.label, how, {.ties = o.ties});
    if (!d) return *d.error();
    f.mass_advantages.push_back({m.name, *d});
  }
  return {};
}

// Leaves the matched sample.
ct::result<void> match(evaluate_options const& o, network_info const& about, scored_events& all) {
  auto const& first = all.predictions.front();
  std::vector<std::string> names;
  for (int label = 0; label < 3; ++label) names.push_back(class_name(about, label));
  auto const factors = matching_factors(first.labels, first.weights, all.momenta, names, o.file);
  if (!factors) return *factors.error();
  std::vector<char> kept;
  for (double f : *factors) kept.push_back(f > 0);
  for (auto& p : all.predictions) {
    for (std::size_t i = 0; i < p.size(); ++i) p.weights[i] *= (*factors)[i];
    p = eval::chosen(p, kept);
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    all.blocks[next] = all.blocks[i];
    all.momenta[next] = all.momenta[i];
    all.prompt_fakes[next++] = all.prompt_fakes[i];
  }
  all.unmatched = kept.size() - next;
  all.blocks.resize(next);
  all.momenta.resize(next);
  all.prompt_fakes.resize(next);
  return {};
}

// How many events of equal weight say as much as some.
struct effective_number {
  double sum = 0, squares = 0, events = 0;

  void add(double weight) {
    sum += weight;
    squares += weight * weight;
    ++events;
  }
  // Of equal weights their number, which rounding must not pass.
  double value() const { return squares > 0 ? std::min(sum * sum / squares, events) : 0; }
};

ct::result<figures> judge(evaluate_options const& o, network_info const& about, scored_events const& scored) {
  auto const& of_file = scored.predictions.front();
  eval::resampling const how{.blocks = scored.blocks};
  if (auto good = eval::check(of_file); !good) return *good.error();
  figures f;
  f.events = of_file.size();
  f.unscored = scored.unscored;
  f.unmatched = scored.unmatched;
  f.per_class.resize(std::max<std::size_t>(2, about.classes.size()));
  auto const p = eval::balanced(of_file);
  effective_number all;
  std::vector<effective_number> of_class(f.per_class.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    // A yes-or-no network knows its class and the rest.
    auto const k = std::min(static_cast<std::size_t>(p.labels[i]), f.per_class.size() - 1);
    ++f.per_class[k];
    of_class[k].add(p.weight(i));
    all.add(p.weight(i));
  }
  for (auto const& n : of_class) f.effective.push_back(n.value());
  f.accuracy = eval::accuracy(p);
  f.accuracy_error = std::sqrt(f.accuracy * (1 - f.accuracy) / all.value());
  f.cross_entropy = eval::cross_entropy(p);
  if (auto separated = separate_all(o, about, p, how, f); !separated) return *separated.error();
  if (f.separations.empty()) {
    return ct::error{"all events are of one class, so that nothing can be separated", o.file,
                     "give a file of several classes"};
  }
  separate_without_prompt_pairs(of_file, scored.prompt_fakes, f);
  for (auto& s : f.separations) {
    if (o.matched) s.of_kinematics = remaining_areas(p, scored.momenta, s.signal_class, s.background_class);
  }
  for (int k = 0; k < p.classes; ++k) {
    auto const curve = eval::calibrate(p, k);
    if (!curve) return *curve.error();
    f.calibrations.push_back(*curve);
  }
  add_mass_dependence(o, about, of_file, f);
  if (scored.predictions.size() > 1) {
    if (auto compared = compare_all(o, about, scored.predictions, how, f); !compared) return *compared.error();
  }
  return f;
}

json as_json(eval::difference const& d) {
  return {{"value", d.value}, {"error", d.error}, {"lower", d.lower}, {"upper", d.upper}};
}

json as_json(mass_dependence const& m) {
  json j{
      {"label", m.label}, {"class", m.name}, {"events", m.events}, {"cvm", nullptr}, {"auc_signal", nullptr}};
  if (m.cvm) {
    j["cvm"] = {{"value", m.cvm->value}, {"floor", m.cvm->floor}, {"floor_error", m.cvm->floor_error}};
  }
  if (m.auc) j["auc_signal"] = *m.auc;
  return j;
}

json as_json(std::string const& name, eval::calibration_curve const& c) {
  json j{{"class", name}, {"expected_error", c.expected_error}, {"bins", json::array()}};
  for (auto const& b : c.bins) {
    j["bins"].push_back({{"low", b.low},
                         {"high", b.high},
                         {"events", b.events},
                         {"score", b.score},
                         {"observed", b.observed},
                         {"error", b.error}});
  }
  return j;
}

json as_json(evaluate_options const& o, std::span<contender const> networks, figures const& f) {
  network_info const& about = *networks[0].about;
  json report{{"model", about.name},
              {"file", o.file},
              {"events", f.events},
              {"not_scored", f.unscored},
              {"matched", o.matched},
              {"not_matched", f.unmatched},
              {"prompt_pairs", f.prompt_pairs},
              {"accuracy", f.accuracy},
              {"accuracy_error", f.accuracy_error},
              {"cross_entropy", f.cross_entropy}};
  for (std::size_t k = 0; k < f.per_class.size(); ++k) {
    report["classes"].push_back({{"label", k},
                                 {"name", k < about.classes.size() ? about.classes[k] : "rest"},
                                 {"events", f.per_class[k]},
                                 {"effective_events", f.effective[k]}});
  }
  report["separations"] = json::array();
  for (auto const& s : f.separations) {
    report["separations"].push_back({{"name", s.name},
                                     {"auc", s.curve.auc()},
                                     {"auc_error", s.curve.auc_error()},
                                     {"signal_efficiency", o.efficiency},
                                     {"background_efficiency", s.background},
                                     {"background_efficiency_error", s.background_error}});
    for (std::size_t q = 0; s.of_kinematics && q < s.of_kinematics->size(); ++q)
      report["separations"].back()["auc_of_kinematics"][kinematics_names[q]] = (*s.of_kinematics)[q];
    if (!s.without_prompt_pairs) continue;
    report["separations"].back()["auc_without_prompt_pairs"] = s.without_prompt_pairs->auc();
    report["separations"].back()["auc_without_prompt_pairs_error"] = s.without_prompt_pairs->auc_error();
  }
  report["mass_dependence"] = json::array();
  for (auto const& m : f.masses) report["mass_dependence"].push_back(as_json(m));
  report["calibration"] = json::array();
  for (std::size_t k = 0; k < f.calibrations.size(); ++k) {
    report["calibration"].push_back(as_json(about.classes[k], f.calibrations[k]));
  }
  if (networks.size() > 1) {
    json against{{"model", networks[1].about->name}, {"weights", networks[1].weights}};
    for (auto const& a : f.advantages) {
      against["separations"].push_back({{"name", a.name},
                                        {"auc", as_json(a.figures.auc)},
                                        {"background_efficiency", as_json(a.figures.background)}});
    }
    against["mass_dependence"] = json::array();
    for (auto const& m : f.mass_advantages) {
      against["mass_dependence"].push_back({{"class", m.name}, {"cvm", as_json(m.cvm)}});
    }
    report["against"] = std::move(against);
  }
  return report;
}

template <class... Values>
std::string text(char const* format, Values... values) {
  std::array<char, 512> line{};
  std::snprintf(line.data(), line.size(), format, values...);
  return line.data();
}

std::string with_error(double value, double error) { return text("%.4f \u00b1 %.4f", value, error); }

std::string interval(eval::difference const& d) {
  return text("%+.4f (%+.4f to %+.4f)", d.value, d.lower, d.upper);
}

using table_rows = std::vector<std::vector<std::string>>;

table_rows separation_rows(figures const& f) {
  table_rows all;
  for (auto const& s : f.separations) {
    all.push_back(
        {s.name, with_error(s.curve.auc(), s.curve.auc_error()), with_error(s.background, s.background_error)});
    if (f.prompt_pairs > 0) {
      auto const& w = s.without_prompt_pairs;
      all.back().push_back(w ? with_error(w->auc(), w->auc_error()) : "");
    }
    for (std::size_t q = 0; s.of_kinematics && q < s.of_kinematics->size(); ++q)
      all.back().push_back(text("%.3f", (*s.of_kinematics)[q]));
  }
  return all;
}

table_rows mass_rows(figures const& f) {
  table_rows all;
  for (auto const& m : f.masses) {
    all.push_back({"true " + m.name, m.cvm ? text("%.4f", m.cvm->value) : "needs 200 events",
                   m.cvm ? with_error(m.cvm->floor, m.cvm->floor_error) : "",
                   m.auc ? text("%.4f", *m.auc) : "no signal", grouped(m.events)});
  }
  return all;
}

table_rows advantage_rows(figures const& f) {
  table_rows all;
  for (auto const& a : f.advantages)
    all.push_back({a.name, interval(a.figures.auc), interval(a.figures.background)});
  return all;
}

table_rows mass_advantage_rows(figures const& f) {
  table_rows all;
  for (auto const& m : f.mass_advantages) all.push_back({"true " + m.name, interval(m.cvm)});
  return all;
}

std::string explanation(evaluate_options const& o, figures const& f) {
  auto words = text(
      "On a balanced mix of the classes. Background kept at a signal efficiency of %.0f %%. Errors are one "
      "standard deviation: DeLong's for the AUC, from 200 bootstrap samples for the background.",
      100 * o.efficiency);
  if (f.prompt_pairs > 0) {
    words += " " + grouped(f.prompt_pairs) +
             " of the gamma+jet events have two prompt photons and hold no fake; areas without them stand "
             "beside.";
  }
  if (o.matched) {
    words += std::string(" Matched sample: ") + about_matching + "; " + grouped(f.unmatched) +
             " events are left out, the others say as much as";
    for (double const& n : f.effective) words += text(&n == &f.effective.front() ? " %.0f" : ", %.0f", n);
    words +=
        " unweighted ones of each class. Beside: the areas that pT1, pT2 and |eta| alone still have, 0.5 "
        "where they were matched perfectly.";
  }
  return words;
}

constexpr char const* about_cvm =
    "CvM of the score of the first class and m_gg, for the true events of a class: how much a cut on the score "
    "bends "
    "their spectrum. Random scores have the figure beside it, not 0, and so has a classifier that knows "
    "nothing: look "
    "at the AUC too. A bump narrower than the masses of 200 events is not seen.";
constexpr char const* about_differences =
    "Differences with the middle 95 % of 200 paired bootstrap samples of the same events. Larger AUCs, and "
    "smaller "
    "backgrounds and CvM, are better.";

std::string expected_errors(network_info const& about, figures const& f) {
  std::string all = "Expected calibration error:";
  for (std::size_t k = 0; k < f.calibrations.size(); ++k) {
    all += (k == 0 ? " " : ", ") + about.classes[k] + text(" %.4f", f.calibrations[k].expected_error);
  }
  return all + ".";
}

// Characters, not bytes.
std::size_t width_of(std::string const& cell) {
  return static_cast<std::size_t>(std::count_if(
      cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Columns as wide as they must be; signs as plain as a terminal wants them.
void print_table(std::vector<std::string> const& head, table_rows const& all) {
  std::vector<std::size_t> widths;
  for (auto const& cell : head) widths.push_back(width_of(cell));
  for (auto const& row : all) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]) + 1);
  }
  auto const print = [&](std::vector<std::string> const& row) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      std::string cell = row[c];
      if (auto const at = cell.find("\u00b1"); at != cell.npos) cell.replace(at, 2, "+-");
      int const width = static_cast<int>(widths[c]);
      std::printf(c == 0 ? "%-*s" : "   %*s", width, cell.c_str());
    }
    std::puts("");
  };
  print(head);
  for (auto const& row : all) print(row);
  std::puts("");
}

// Lines of at most 100 characters.
std::string wrapped(std::string words) {
  std::size_t line = 0;
  while (words.size() - line > 100) {
    auto const blank = words.rfind(' ', line + 100);
    if (blank == words.npos || blank <= line) break;
    words[blank] = '\n';
    line = blank + 1;
  }
  return words;
}

std::vector<std::string> advantage_head(evaluate_options const& o) {
  return {"", "AUC", text("background kept at %.0f %%", 100 * o.efficiency)};
}
std::vector<std::string> separation_head(evaluate_options const& o, figures const& f) {
  auto head = advantage_head(o);
  if (f.prompt_pairs > 0) head.emplace_back("AUC without prompt pairs");
  if (o.matched) head.insert(head.end(), kinematics_names.begin(), kinematics_names.end());
  return head;
}
std::vector<std::string> const mass_head{"", "CvM", "random scores", "AUC of the signal", "events"};
std::vector<std::string> const mass_advantage_head{"", "CvM"};

void print_text(evaluate_options const& o, std::span<contender const> networks, figures const& f) {
  network_info const& about = *networks[0].about;
  std::printf("%s on %s: %s events", about.name.c_str(), o.file.c_str(), grouped(f.events).c_str());
  for (std::size_t k = 0; k < f.per_class.size(); ++k) {
    std::printf("%s%s %s", k == 0 ? " (" : ", ", grouped(f.per_class[k]).c_str(),
                k < about.classes.size() ? about.classes[k].c_str() : "rest");
  }
  std::printf(")\n\n");
  print_table(separation_head(o, f), separation_rows(f));
  std::printf("accuracy %.4f +- %.4f, cross-entropy %.4f\n%s\n%s\n\n", f.accuracy, f.accuracy_error,
              f.cross_entropy, expected_errors(about, f).c_str(), wrapped(explanation(o, f)).c_str());
  if (!f.masses.empty()) {
    print_table(mass_head, mass_rows(f));
    std::printf("%s\n", wrapped(about_cvm).c_str());
  }
  if (networks.size() > 1) {
    std::printf("\nMore than %s (%s)\n\n", networks[1].about->name.c_str(), networks[1].weights.c_str());
    print_table(advantage_head(o), advantage_rows(f));
    if (!f.mass_advantages.empty()) print_table(mass_advantage_head, mass_advantage_rows(f));
    std::printf("%s\n", wrapped(about_differences).c_str());
  }
}

void add_mass_section(evaluate_options const& o, std::span<contender const> networks,
                      std::span<eval::predictions const> scored, figures const& f, ct::report::page& page) {
  page.section("Mass");
  page.table(mass_head, mass_rows(f));
  page.paragraph(about_cvm);
  std::string const signal = pretty_class(networks[0].about->classes.front());
  for (std::size_t n = 0; n < networks.size(); ++n) {
    std::vector<ct::report::figure> figures;
    auto const& of =
        networks.size() > 1 ? networks[n].about->name + " (" + networks[n].weights + "): " : std::string();
    auto const curve = eval::one_versus_rest(scored[n], 0);
    for (mass_dependence const& m : f.masses) {
      figures.push_back({ct::report::score_against_mass(scored[n], m.label, "score of " + signal),
                         of + "true " + pretty_class(m.name)});
    }
    for (mass_dependence const& m : f.masses) {
      if (!curve) continue;  // no signal
      figures.push_back(
          {ct::report::spectrum_before_and_after(scored[n], m.label, curve->threshold_at(o.efficiency)),
           of + "spectrum of true " + pretty_class(m.name) +
               text(", all and after the cut that keeps %.0f %% of the signal", 100 * o.efficiency)});
    }
    page.figures(figures);
  }
}

std::string as_html(evaluate_options const& o, std::span<contender const> networks,
                    std::span<eval::predictions const> scored, figures const& f) {
  network_info const& about = *networks[0].about;
  ct::report::page page(about.name);
  page.paragraph(about.task + "; reads " + about.input + ".");
  page.paragraph("File: " + o.file + ". Weights: " + networks[0].weights + ".");
  page.paragraph(grouped(f.events) + text(" events, accuracy %.4f \u00b1 %.4f, cross-entropy %.4f.", f.accuracy,
                                          f.accuracy_error, f.cross_entropy));
  page.section("Separation");
  page.table(separation_head(o, f), separation_rows(f));
  page.paragraph(explanation(o, f));
  std::vector<ct::report::named_curve> rest;
  std::vector<ct::report::named_curve> pairs;
  for (auto const& s : f.separations) { (s.against_rest ? rest : pairs).push_back({s.name, &s.curve}); }
  std::vector<ct::report::figure> figures;
  if (!rest.empty()) figures.push_back({ct::report::roc_figure(rest), "Each class against the rest"});
  if (!pairs.empty()) figures.push_back({ct::report::roc_figure(pairs), "The signal against each background"});
  page.figures(figures);
  if (!f.masses.empty()) add_mass_section(o, networks, scored, f, page);
  page.section("Calibration");
  page.paragraph(expected_errors(about, f));
  std::array const reliability{
      ct::report::figure{ct::report::calibration_plot(f.calibrations, about.classes),
                         "How often a score comes true, on a balanced mix of the classes"}};
  page.figures(reliability);
  if (networks.size() > 1) {
    page.section("More than " + networks[1].about->name + " (" + networks[1].weights + ")");
    page.table(advantage_head(o), advantage_rows(f));
    if (!f.mass_advantages.empty()) page.table(mass_advantage_head, mass_advantage_rows(f));
    page.paragraph(about_differences);
  }
  page.paragraph("Made by: " + command_line());
  return page.html();
}

ct::result<contender> load(std::string const& model, std::string const& weights) {
  auto const net = find_network(model);
  if (!net) return *net.error();
  auto trained = (*net)->load(weights);
  if (!trained) return *trained.error();
  return contender{&(*net)->info(), std::move(*trained), weights.empty() ? default_weights(model) : weights};
}

int evaluate(evaluate_options const& o) {
  if (!o.against_model.empty() && o.against.empty()) {
    return fail(
        {"--against-model names a network without weights", "command line", "name them with --against"});
  }
  auto const known = find_network(o.model);
  if (!known) return fail(*known.error());
  auto source = event_source::open(o.file, o.events);
  if (!source) return fail(*source.error());
  if (!source->has_labels()) {
    return fail({"the events have no labels to judge scores by", o.file,
                 "give an .npz file, as 'calotype simulate' writes it"});
  }
  std::vector<contender> networks;
  auto own = load(o.model, o.weights);
  if (!own) return fail(*own.error());
  networks.push_back(std::move(*own));
  if (!o.against.empty()) {
    auto other = load(o.against_model.empty() ? o.model : o.against_model, o.against);
    if (!other) return fail(*other.error());
    networks.push_back(std::move(*other));
  }
  for (contender const& n : networks) {
    if (auto readable = check_digis(*source, *n.about); !readable) return fail(*readable.error());
  }
  std::optional<ct::io::output_file> page;
  if (!o.report.empty()) {
    for (contender const& n : networks) {
      if (auto apart = check_apart(o.report, {o.file, n.weights}); !apart) return fail(*apart.error());
    }
    auto file = ct::io::output_file::create(o.report, {.force = o.force});
    if (!file) return fail(*file.error());
    page.emplace(std::move(*file));
  }

  auto scored = predict(o, *source, networks);
  if (!scored) return fail(*scored.error());
  if (scored->predictions[0].size() == 0)
    return fail({"no event has the two photon candidates that the network needs", o.file, "give others"});
  if (o.matched) {
    if (auto matched = match(o, *networks[0].about, *scored); !matched) return fail(*matched.error());
  }
  auto const f = judge(o, *networks[0].about, *scored);
  if (!f) return fail(*f.error());
  if (page) {
    if (auto written = page->write(as_html(o, networks, scored->predictions, *f)); !written)
      return fail(*written.error());
    if (auto placed = page->commit(); !placed) return fail(*placed.error());
  }
  if (f->unscored > 0) {
    std::fprintf(stderr, "no score: %s events with fewer than two photon candidates\n",
                 grouped(f->unscored).c_str());
  }
  if (o.json) {
    std::printf("%s\n", as_json(o, networks, *f).dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else {
    print_text(o, networks, *f);
  }
  return success;
}

}  // namespace

void add_evaluate(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<evaluate_options>(
      app, status, "evaluate", "Judge a trained network on labelled events",
      "Area under the ROC curve of each class against the rest and of the signal "
      "against each background, the background\n"
      "kept at a signal efficiency, accuracy and cross-entropy, with errors; whether the "
      "score knows m_gg (CvM), whether it\n"
      "is a probability (calibration), and whether it is better than another.",
      command, evaluate);
  o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  command->add_option("file", o.file, "Labelled events that the network has not seen")
      ->required()
      ->type_name("FILE");
  command->add_option("--model", o.model, "Network (default: cms-b); 'calotype models' lists them")
      ->type_name("M");
  command->add_option("--weights", o.weights, "Its weights (default: those that come with the program)")
      ->type_name("W.safetensors");
  command
      ->add_option("--against", o.against,
                   "Weights of another network: quote the differences to it on the same events, with intervals")
      ->type_name("W2.safetensors");
  command
      ->add_option("--against-model", o.against_model, "That network, where it is another (default: the same)")
      ->type_name("M2");
  command->add_option("--report", o.report, "Write a page with the tables, the curves and the spectra")
      ->type_name("R.html");
  command->add_option("--efficiency", o.efficiency, "Signal efficiency of the working point (default: 0.7)")
      ->check(finite_in(0.001, 0.999))
      ->type_name("TPR");
  command->add_flag(
      "--matched", o.matched,
      "Judge events with both photon candidates above 40 GeV, weighted so that all classes have one\n"
      "distribution of pT1, pT2 and |eta|, and quote what these still tell");
  add_choice(
      *command, "--ties", o.ties, orders_of_ties,
      "Order of equal scores in CvM: by random numbers (shuffled, default), or by mass as published (mass),\n"
      "where a constant score counts as a copy of the mass");
  command
      ->add_option("--threads", o.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_range(*command, o.events);
  add_force(*command, o.force);
  command->get_option("--force")->needs("--report");
  add_json(*command, o.json, "Print a JSON object");
}

}  // namespace program
