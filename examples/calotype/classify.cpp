// calotype classify: scores of single events.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

namespace program {

namespace {

struct classify_options {
  std::string file;
  range events;
  std::string model = "cms-b";
  std::string weights;
  bool json = false;
};

void print_json(ct::event const& e, truth const& t, network_info const& net, std::span<float const> scores,
                bool labels) {
  nlohmann::ordered_json line{{"run", e.run}, {"event", e.number}, {"m_gg", nullptr}, {"scores", nullptr}};
  if (t.m_gg > 0) line["m_gg"] = t.m_gg;
  if (!scores.empty()) {
    auto& s = line["scores"] = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < scores.size(); ++i) s[net.classes[i]] = scores[i];
  }
  auto& photons = line["photons"] = nlohmann::ordered_json::array();
  for (ct::photon const& g : e.photons().first(std::min<std::size_t>(2, e.photons().size()))) {
    photons.push_back({{"et", g.et}, {"eta", g.eta}, {"phi", g.phi}});
  }
  if (labels) line["label"] = t.label;
  std::printf("%s\n", line.dump().c_str());
}

void print_header(network_info const& net) {
  std::printf("%10s %12s | %7s %6s %6s | %7s %6s %6s | %7s |", "run", "event", "ET1", "eta1", "phi1", "ET2",
              "eta2", "phi2", "m_gg");
  for (auto const& name : net.classes) std::printf(" %10s", name.c_str());
  std::printf("\n");
}

void print_row(ct::event const& e, truth const& t, network_info const& net, std::span<float const> scores) {
  std::printf("%10u %12llu |", e.run, static_cast<unsigned long long>(e.number));
  for (std::size_t i = 0; i < 2; ++i) {
    if (i < e.photons().size()) {
      ct::photon const& g = e.photons()[i];
      std::printf(" %7.1f %6.2f %6.2f |", static_cast<double>(g.et), static_cast<double>(g.eta),
                  static_cast<double>(g.phi));
    } else {
      std::printf(" %7s %6s %6s |", "-", "-", "-");
    }
  }
  if (t.m_gg > 0) {
    std::printf(" %7.1f |", t.m_gg);
  } else {
    std::printf(" %7s |", "-");
  }
  for (float s : scores) std::printf(" %10.3f", static_cast<double>(s));
  for (std::size_t i = scores.size(); i < net.classes.size(); ++i) std::printf(" %10s", "-");
  std::printf("\n");
}

int classify(classify_options const& o) {
  auto const net = find_network(o.model);
  if (!net) return fail(*net.error());
  auto source = event_source::open(o.file, o.events);
  if (!source) return fail(*source.error());
  auto const trained = (*net)->load(o.weights);
  if (!trained) return fail(*trained.error());
  auto const score = (*trained)->make_scorer();
  network_info const& about = (*net)->info();

  std::uint64_t unscored = 0;
  std::uint64_t done = 0;
  if (!o.json) print_header(about);
  {
    progress bar("scoring", source->size());
    auto const outcome = source->visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
      auto const scores = (*score)(e);
      unscored += scores.empty();
      if (o.json) {
        print_json(e, t, about, scores, source->has_labels());
      } else {
        print_row(e, t, about, scores);
      }
      bar.step(++done);
      return {};
    });
    bar.finish();
    if (!outcome) return fail(*outcome.error());
  }
  std::fputs(source->tolerated().c_str(), stderr);
  if (unscored > 0) {
    std::fprintf(
        stderr,
        "no score: %s events with fewer than two photon candidates, whose image has no m_gg to divide by\n",
        grouped(unscored).c_str());
  }
  if (!o.json) {
    std::printf(
        "\nET in GeV, phi in radians, m_gg in GeV. The scores were learned from simulated events in equal "
        "numbers per class:\n"
        "on recorded data they rank candidates; they are not the probability that an event is a Higgs "
        "boson.\n");
  }
  return success;
}

}  // namespace

void add_classify(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<classify_options>(app, status, "classify", "Score events with a trained network",
                                          "Per event: run, event, the two leading photons, m_gg, and how much "
                                          "the event looks like H to two photons, two\n"
                                          "photons, or a photon and a jet that fakes one.",
                                          command, classify);
  command->add_option("file", o.file, "Events to score")->required()->type_name("FILE");
  command->add_option("--model", o.model, "Network (default: cms-b); 'calotype models' lists them")
      ->type_name("M");
  command->add_option("--weights", o.weights, "Its weights (default: those in the repository)")
      ->type_name("W.safetensors");
  add_range(*command, o.events);
  add_json(*command, o.json, "Print one JSON object per event and line");
}

}  // namespace program
