// calotype classify: scores of single events.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/image/kinematics.hpp>
#include <calotype/observables/diphoton_selection.hpp>
#include <calotype/observables/superclusters.hpp>
#include <calotype/observables/vertex.hpp>

namespace program {

namespace {

struct classify_options {
  std::string file;
  range events;
  std::string model{default_model};
  std::string weights;
  bool strict = false;
  bool json = false;
};

// The photon candidates that this library finds in the hits of an event, seen from its vertex.
struct own_candidates {
  double vertex_z = 0;
  char const* vertex_from = "origin";  // the file; the tracks, which point to it; or neither
  std::vector<ct::photon> photons;
};

// What is printed of an event.
struct verdict {
  ct::event const* event = nullptr;
  double m_gg = 0;  // of the file's candidates
  own_candidates own{};
  std::span<float const> scores{};  // empty where there are none
  std::vector<outlier> outside{};   // of the training ranges
  bool ranges_known = false;
  bool refused = false;        // for what lies outside
  std::optional<int> label{};  // where the file tells
  std::string label_name{};
};

std::span<ct::photon const> leading(std::span<ct::photon const> photons) {
  return photons.first(std::min<std::size_t>(2, photons.size()));
}

using json = nlohmann::ordered_json;

json as_json(std::span<ct::photon const> photons) {
  auto list = json::array();
  for (ct::photon const& g : leading(photons)) list.push_back({{"et", g.et}, {"eta", g.eta}, {"phi", g.phi}});
  return list;
}

json mass_or_null(double m) { return m > 0 ? json(m) : json(); }

void print_json(verdict const& v, network_info const& net) {
  ct::event const& e = *v.event;
  json line{{"run", e.run},
            {"event", e.number},
            {"category", name_of(ct::category_of(e.photons()))},
            {"m_gg", mass_or_null(v.m_gg)},
            {"scores", nullptr}};
  if (!v.scores.empty()) {
    auto& s = line["scores"] = json::object();
    for (std::size_t i = 0; i < v.scores.size(); ++i) s[net.classes[i]] = v.scores[i];
  }
  line["photons"] = as_json(e.photons());
  line["own"] = {{"category", name_of(ct::category_of(v.own.photons))},
                 {"m_gg", mass_or_null(ct::diphoton_mass(v.own.photons))},
                 {"photons", as_json(v.own.photons)},
                 {"vertex_z", v.own.vertex_z},
                 {"vertex_from", v.own.vertex_from}};
  line["outside"] = v.ranges_known ? json::array() : json();
  for (outlier const& o : v.outside) {
    line["outside"].push_back({{"quantity", o.name},
                               {"value", std::isfinite(o.value) ? json(o.value) : json()},
                               {"low", o.range.low},
                               {"high", o.range.high}});
  }
  line["refused"] = v.refused;
  if (v.label) line["label"] = *v.label;
  std::printf("%s\n", line.dump().c_str());
}

void print_header(network_info const& net, bool has_labels) {
  std::printf("%10s %12s %7s | %7s %6s %6s | %7s %6s %6s | %7s %-15s |", "run", "event", "photons", "ET1",
              "eta1", "phi1", "ET2", "eta2", "phi2", "m_gg", "category");
  for (auto const& name : net.classes) std::printf(" %10s", name.c_str());
  std::printf("%s\n", has_labels ? " | label" : "");
}

void print_photons(char const* whose, std::span<ct::photon const> photons, double mass) {
  std::printf(" %7s |", whose);
  for (std::size_t i = 0; i < 2; ++i) {
    if (i < photons.size()) {
      ct::photon const& g = photons[i];
      std::printf(" %7.1f %6.2f %6.2f |", static_cast<double>(g.et), static_cast<double>(g.eta),
                  static_cast<double>(g.phi));
    } else {
      std::printf(" %7s %6s %6s |", "-", "-", "-");
    }
  }
  if (mass > 0) {
    std::printf(" %7.1f", mass);
  } else {
    std::printf(" %7s", "-");
  }
  std::printf(" %-15s |", std::string(name_of(ct::category_of(photons))).c_str());
}

// "m_gg 83.2 (91.4 to 182.1)"
std::string text_of(outlier const& o) {
  std::array<char, 160> text{};
  int const n = std::isfinite(o.value) ? std::snprintf(text.data(), text.size(), " %.5g", o.value) : 0;
  std::string const value = n > 0 ? text.data() : " missing";
  std::snprintf(text.data(), text.size(), " (%.5g to %.5g)", o.range.low, o.range.high);
  return o.name + value + text.data();
}

void print_rows(verdict const& v, network_info const& net) {
  ct::event const& e = *v.event;
  std::printf("%10u %12llu", e.run, static_cast<unsigned long long>(e.number));
  print_photons("file", e.photons(), v.m_gg);
  for (float s : v.scores) std::printf(" %10.3f", static_cast<double>(s));
  for (std::size_t i = v.scores.size(); i < net.classes.size(); ++i) {
    std::printf(" %10s", v.refused ? "refused" : "-");
  }
  if (v.label) std::printf(" | %s", v.label_name.c_str());
  std::printf("\n%23s", "");
  print_photons("ours", v.own.photons, ct::diphoton_mass(v.own.photons));
  std::printf("\n");
  for (std::size_t i = 0; i < v.outside.size(); ++i) {
    std::printf("%s%s%s", i == 0 ? "    outside the training range: " : ", ", text_of(v.outside[i]).c_str(),
                i + 1 == v.outside.size() ? "\n" : "");
  }
}

// How many events became what.
struct tally {
  std::uint64_t without_photons = 0, outside = 0;
  std::string first_outside{};  // and in what
};

int classify(classify_options const& o) {
  auto const net = find_network(o.model);
  if (!net) return fail(*net.error());
  auto source = event_source::open(o.file, o.events, with_vertices::yes);
  if (!source) return fail(*source.error());
  auto const trained = (*net)->load(o.weights);
  if (!trained) return fail(*trained.error());
  auto const score = (*trained)->make_scorer();
  auto const check = (*trained)->make_range_check();
  network_info const& about = (*net)->info();
  std::string const weights = o.weights.empty() ? default_weights(about.name) : o.weights;
  if (check == nullptr && o.strict) {
    return fail(
        {"the weights do not say what events they were trained on, so that --strict cannot tell which are "
         "unlike them",
         weights, "leave --strict out, or train them again"});
  }
  if (auto readable = check_digis(*source, about); !readable) return fail(*readable.error());

  tally total;
  std::uint64_t done = 0;
  ct::photon_finder find;
  if (!o.json) print_header(about, source->has_labels());
  {
    progress bar("scoring", source->size());
    auto const outcome = source->visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
      verdict v{.event = &e, .m_gg = t.m_gg, .ranges_known = check != nullptr};
      if (source->has_labels()) {
        v.label = t.label;
        v.label_name = source->label_name(t.label);
      }
      if (auto const recorded = source->vertex_z()) {
        v.own.vertex_z = *recorded;
        v.own.vertex_from = "file";
      } else if (auto const pointed_to = ct::primary_vertex_z(e.tracks())) {
        v.own.vertex_z = *pointed_to;
        v.own.vertex_from = "tracks";
      }
      for (auto const& c : find(e, v.own.vertex_z, 10)) {
        if (ct::passes_h_over_e(c.seen)) v.own.photons.push_back(c.seen);
      }
      if (check != nullptr) v.outside = (*check)(e);
      if (!v.outside.empty() && total.outside++ == 0) {
        total.first_outside = name_of(e) + ", with " + text_of(v.outside.front());
      }
      v.refused = o.strict && !v.outside.empty();
      if (!v.refused) v.scores = (*score)(e);
      total.without_photons += !v.refused && v.scores.empty();
      if (o.json) {
        print_json(v, about);
      } else {
        print_rows(v, about);
      }
      bar.step(++done);
      return {};
    });
    bar.finish();
    if (!outcome) return fail(*outcome.error());
  }
  if (!o.json) {
    std::printf(
        "\nET in GeV, phi in radians, m_gg in GeV; file: the candidates that the file records, ours: those "
        "found in its "
        "hits.\n"
        "The scores were learned from simulated events in equal numbers per class: on recorded data they rank\n"
        "candidates; they are no probabilities.\n");
  }
  std::fputs(source->tolerated().c_str(), stderr);
  if (total.without_photons > 0) {
    std::fprintf(
        stderr,
        "no score: %s events with fewer than two photon candidates, whose image has no m_gg to divide by\n",
        grouped(total.without_photons).c_str());
  }
  if (check == nullptr) {
    std::fprintf(stderr, "not checked: the weights do not say what events they were trained on (%s)\n",
                 weights.c_str());
  }
  if (total.outside == 0) return success;
  if (o.strict) {
    return fail(
        {grouped(total.outside) + " of " + grouped(done) +
             " events lie outside the ranges of the training events and were not scored, the first of them " +
             total.first_outside,
         o.file, "leave --strict out, or use weights trained on such events"});
  }
  std::fprintf(stderr, "outside the ranges of the training events: %s of %s events\n",
               grouped(total.outside).c_str(), grouped(done).c_str());
  return success;
}

}  // namespace

void add_classify(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<classify_options>(
      app, status, "classify", "Score events with a trained network",
      "Per event: run, event, the two leading photons, m_gg and category as the file's own candidates\n"
      "and those found in its hits have them, how much the event looks like H to two photons, two\n"
      "photons, or a photon and a jet that fakes one, and in what it is unlike the training's events.",
      command, classify);
  command->add_option("file", o.file, "Events to score")->required()->type_name("FILE");
  command
      ->add_option("--model", o.model,
                   "Network (default: " + std::string(default_model) + "); 'calotype models' lists them")
      ->type_name("M");
  command->add_option("--weights", o.weights, "Its weights (default: those that come with the program)")
      ->type_name("W.safetensors");
  command->add_flag(
      "--strict", o.strict,
      "Score no event that lies outside the ranges of the training events, and fail if there is one");
  add_range(*command, o.events);
  add_json(*command, o.json, "Print one JSON object per event and line");
}

}  // namespace program
