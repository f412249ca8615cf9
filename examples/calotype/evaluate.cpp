// calotype evaluate: how well a network separates labelled events.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/core/parallel.hpp>
#include <calotype/eval/predictions.hpp>
#include <calotype/eval/separation.hpp>
#include <calotype/io/output.hpp>
#include <calotype/report/curves.hpp>

namespace program {

namespace {

using json = nlohmann::ordered_json;
namespace eval = ct::eval;

struct evaluate_options {
  std::string file;
  range events;
  std::string model = "cms-b";
  std::string weights;
  std::string report;
  double efficiency = 0.7;
  int threads = 1;
  bool force = false;
  bool json = false;
};

// A separation of two sets of events by one score.
struct separation : eval::separation {
  std::string name;
};

struct figures {
  std::uint64_t events = 0;
  std::uint64_t unscored = 0;
  std::vector<std::uint64_t> per_class;
  double accuracy = 0;
  double accuracy_error = 0;
  double cross_entropy = 0;
  std::vector<separation> separations;
};

// The scores of all events of a file; labels beyond the only class of a yes-or-no network count as its
// opposite.
ct::result<eval::predictions> predict(evaluate_options const& o, event_source& source,
                                      trained_network const& net, network_info const& about,
                                      std::uint64_t& unscored) {
  eval::predictions p;
  p.classes = static_cast<int>(about.classes.size());
  std::vector<std::unique_ptr<scorer>> scorers;
  for (int t = 0; t < o.threads; ++t) scorers.push_back(net.make_scorer());
  constexpr std::size_t block = 256;
  struct sample {
    ct::event event;
    truth about;
    std::vector<float> scores;
  };
  std::vector<sample> waiting;
  progress bar("scoring", source.size());
  std::uint64_t done = 0;
  auto const score_waiting = [&] {
    ct::for_each_item(o.threads, waiting.size(), [&](int worker, std::size_t i) {
      auto const s = (*scorers[static_cast<std::size_t>(worker)])(waiting[i].event);
      waiting[i].scores.assign(s.begin(), s.end());
    });
    for (sample const& s : waiting) {
      if (s.scores.empty()) {
        ++unscored;
        continue;
      }
      p.scores.insert(p.scores.end(), s.scores.begin(), s.scores.end());
      p.labels.push_back(p.classes == 1 ? std::min(s.about.label, 1) : s.about.label);
      p.weights.push_back(static_cast<double>(s.about.weight));
    }
    waiting.clear();
  };
  auto const read = source.visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
    if (t.label < 0 || (p.classes > 1 && t.label >= p.classes)) {
      return ct::error{"the label " + std::to_string(t.label) + " is none of the network's classes",
                       source.path() + ", " + name_of(e),
                       "give labelled events, as 'calotype simulate' makes them"};
    }
    waiting.push_back({e, t, {}});
    if (waiting.size() == block) score_waiting();
    bar.step(++done);
    return {};
  });
  if (!read) return *read.error();
  score_waiting();
  return p;
}

ct::result<figures> judge(evaluate_options const& o, network_info const& about, eval::predictions const& raw) {
  if (auto good = eval::check(raw); !good) return *good.error();
  figures f;
  f.events = raw.size();
  f.per_class.resize(std::max<std::size_t>(2, about.classes.size()));
  for (int label : raw.labels) ++f.per_class[static_cast<std::size_t>(label)];
  auto const p = eval::balanced(raw);
  f.accuracy = eval::accuracy(p);
  f.accuracy_error = std::sqrt(f.accuracy * (1 - f.accuracy) / static_cast<double>(p.size()));
  f.cross_entropy = eval::cross_entropy(p);
  std::vector<std::pair<std::string, std::pair<int, int>>> wanted;
  for (int k = 0; k < p.classes; ++k)
    wanted.push_back({about.classes[static_cast<std::size_t>(k)] + " vs rest", {k, eval::all_others}});
  for (int k = 1; k < p.classes; ++k) {
    wanted.push_back({about.classes[0] + " vs " + about.classes[static_cast<std::size_t>(k)], {0, k}});
  }
  for (auto const& [name, sides] : wanted) {
    bool const present = f.per_class[static_cast<std::size_t>(sides.first)] > 0 &&
                         (sides.second < 0 ? f.per_class[static_cast<std::size_t>(sides.first)] < f.events
                                           : f.per_class[static_cast<std::size_t>(sides.second)] > 0);
    if (!present) continue;  // a class that the file does not hold
    auto s = eval::separate(p, sides.first, sides.second, o.efficiency);
    if (!s) return *s.error();
    f.separations.push_back({std::move(*s), name});
  }
  return f;
}

json as_json(evaluate_options const& o, network_info const& about, figures const& f) {
  json report{{"model", about.name},
              {"file", o.file},
              {"events", f.events},
              {"not_scored", f.unscored},
              {"accuracy", f.accuracy},
              {"accuracy_error", f.accuracy_error},
              {"cross_entropy", f.cross_entropy}};
  for (std::size_t k = 0; k < f.per_class.size(); ++k) {
    report["classes"].push_back({{"label", k},
                                 {"name", k < about.classes.size() ? about.classes[k] : "rest"},
                                 {"events", f.per_class[k]}});
  }
  report["separations"] = json::array();
  for (auto const& s : f.separations) {
    report["separations"].push_back({{"name", s.name},
                                     {"auc", s.curve.auc()},
                                     {"auc_error", s.curve.auc_error()},
                                     {"signal_efficiency", o.efficiency},
                                     {"background_efficiency", s.background},
                                     {"background_efficiency_error", s.background_error}});
  }
  return report;
}

void print_text(evaluate_options const& o, network_info const& about, figures const& f) {
  std::printf("%s on %s: %s events", about.name.c_str(), o.file.c_str(), grouped(f.events).c_str());
  for (std::size_t k = 0; k < f.per_class.size(); ++k) {
    std::printf("%s%s %s", k == 0 ? " (" : ", ", grouped(f.per_class[k]).c_str(),
                k < about.classes.size() ? about.classes[k].c_str() : "rest");
  }
  std::printf(")\n\n%-24s %18s %24s\n", "", "AUC", "background kept");
  for (auto const& s : f.separations) {
    std::printf("%-24s %9.4f +- %.4f %15.4f +- %.4f\n", s.name.c_str(), s.curve.auc(), s.curve.auc_error(),
                s.background, s.background_error);
  }
  std::printf("\naccuracy %.4f +- %.4f, cross-entropy %.4f\n", f.accuracy, f.accuracy_error, f.cross_entropy);
  std::printf(
      "\nOn a balanced mix of the classes. Background kept at a signal efficiency of %.0f %%. Errors are one "
      "standard\n"
      "deviation: DeLong's for the AUC, from 200 bootstrap samples for the background.\n",
      100 * o.efficiency);
}

std::string as_html(evaluate_options const& o, network_info const& about, figures const& f) {
  using ct::report::escaped;
  std::vector<ct::report::named_curve> rest;
  std::vector<ct::report::named_curve> pairs;
  std::string rows;
  for (auto const& s : f.separations) {
    (s.name.ends_with(" vs rest") ? rest : pairs).push_back({s.name, &s.curve});
    char text[160];
    std::snprintf(text, sizeof text, "<td>%.4f &plusmn; %.4f</td><td>%.4f &plusmn; %.4f</td></tr>\n",
                  s.curve.auc(), s.curve.auc_error(), s.background, s.background_error);
    rows += "<tr><td>" + escaped(s.name) + "</td>" + text;
  }
  char summary[256];
  std::snprintf(summary, sizeof summary,
                "%s events, accuracy %.4f &plusmn; %.4f, cross-entropy %.4f; on a balanced mix of the classes.",
                grouped(f.events).c_str(), f.accuracy, f.accuracy_error, f.cross_entropy);
  char efficiency[64];
  std::snprintf(efficiency, sizeof efficiency, "background kept at %.0f %% signal", 100 * o.efficiency);
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(about.name) +
      "</title><style>body{font:16px/1.5 sans-serif;color:#262a33;max-width:68rem;margin:2rem auto;padding:0 "
      "1rem}"
      "table{border-collapse:collapse}td,th{padding:.3rem 1rem;text-align:left;border-bottom:1px solid #e4e7ec}"
      ".figures{display:flex;flex-wrap:wrap;gap:1rem}</style></head><body>\n<h1>" +
      escaped(about.name) + "</h1>\n<p>" + escaped(about.task) + "; reads " + escaped(about.input) +
      ".<br>File: " + escaped(o.file) +
      "<br>Weights: " + escaped(o.weights.empty() ? "those in the repository" : o.weights) + "</p>\n<p>" +
      summary + "</p>\n<table><tr><th></th><th>AUC</th><th>" + efficiency + "</th></tr>\n" + rows +
      "</table>\n<div class=\"figures\">\n";
  if (!rest.empty()) html += ct::report::roc_figure(rest);
  if (!pairs.empty()) html += ct::report::roc_figure(pairs);
  return html + "</div>\n<p>Made by: " + escaped(command_line()) + "</p>\n</body></html>\n";
}

int evaluate(evaluate_options const& o) {
  auto const net = find_network(o.model);
  if (!net) return fail(*net.error());
  auto source = event_source::open(o.file, o.events);
  if (!source) return fail(*source.error());
  if (!source->has_labels()) {
    return fail({"the events have no labels to judge scores by", o.file,
                 "give an .npz file, as 'calotype simulate' writes it"});
  }
  auto const trained = (*net)->load(o.weights);
  if (!trained) return fail(*trained.error());
  network_info const& about = (*net)->info();
  std::optional<ct::io::output_file> page;
  if (!o.report.empty()) {
    auto const weights = o.weights.empty() ? default_weights(o.model) : o.weights;
    if (auto apart = check_apart(o.report, {o.file, weights}); !apart) return fail(*apart.error());
    auto file = ct::io::output_file::create(o.report, {.force = o.force});
    if (!file) return fail(*file.error());
    page.emplace(std::move(*file));
  }

  std::uint64_t unscored = 0;
  auto const p = predict(o, *source, **trained, about, unscored);
  if (!p) return fail(*p.error());
  if (p->size() == 0)
    return fail({"no event has the two photon candidates that the network needs", o.file, "give others"});
  auto f = judge(o, about, *p);
  if (!f) return fail(*f.error());
  f->unscored = unscored;
  if (f->separations.empty()) {
    return fail({"all events are of one class, so that nothing can be separated", o.file,
                 "give a file of several classes"});
  }
  if (page) {
    if (auto written = page->write(as_html(o, about, *f)); !written) return fail(*written.error());
    if (auto placed = page->commit(); !placed) return fail(*placed.error());
  }
  if (unscored > 0) {
    std::fprintf(stderr, "no score: %s events with fewer than two photon candidates\n",
                 grouped(unscored).c_str());
  }
  if (o.json) {
    std::printf("%s\n", as_json(o, about, *f).dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else {
    print_text(o, about, *f);
  }
  return success;
}

}  // namespace

void add_evaluate(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o =
      add_command<evaluate_options>(app, status, "evaluate", "Judge a trained network on labelled events",
                                    "Area under the ROC curve of each class against the rest and of the signal "
                                    "against each background, the background\n"
                                    "kept at a signal efficiency, accuracy and cross-entropy, with errors.",
                                    command, evaluate);
  o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  command->add_option("file", o.file, "Labelled events that the network has not seen")
      ->required()
      ->type_name("FILE");
  command->add_option("--model", o.model, "Network (default: cms-b); 'calotype models' lists them")
      ->type_name("M");
  command->add_option("--weights", o.weights, "Its weights (default: those in the repository)")
      ->type_name("W.safetensors");
  command->add_option("--report", o.report, "Write a page with the table and the ROC curves")
      ->type_name("R.html");
  command->add_option("--efficiency", o.efficiency, "Signal efficiency of the working point (default: 0.7)")
      ->check(finite_in(0.001, 0.999))
      ->type_name("TPR");
  command
      ->add_option("--threads", o.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_range(*command, o.events);
  add_force(*command, o.force);
  add_json(*command, o.json, "Print a JSON object");
}

}  // namespace program
