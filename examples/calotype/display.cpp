// calotype display: events as pictures.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "common.hpp"
#include "events.hpp"
#include "images.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/report/cms_event_picture.hpp>
#include <calotype/report/png.hpp>

namespace program {

namespace {

namespace fs = std::filesystem;
using ct::report::picture;

struct display_options {
  std::string file;
  range events;
  std::string out;
  std::vector<layout> layouts{layout::ecal_centric, layout::hcal_centric};
  ct::hcal_source hcal = ct::hcal_source::hits;
  std::string model;
  std::string weights;
  ct::report::event_picture_options look;
  bool force = false;
  bool json = false;
};

// The scores of an event as the line below its title.
std::string score_line(scorer& score, network_info const& about, ct::event const& e) {
  auto const scores = score(e);
  if (scores.empty()) return about.name + ": no score, the event has fewer than two photons";
  std::string text = about.name + ":";
  for (std::size_t i = 0; i < scores.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, " %.3f", static_cast<double>(scores[i]));
    text += "   " + pretty_class(about.classes[i]) + number;
  }
  return text;
}

// How the pictures of an event begin: run, event, and the label where there is one, for samples of different
// processes number their events alike. An event that comes again all the same is told by its place in the file.
std::string stem_of(ct::event const& e, truth const& t, std::uint64_t place, std::set<std::string>& taken) {
  std::string stem = "run" + std::to_string(e.run) + "_event" + std::to_string(e.number);
  if (t.label >= 0) stem += "_label" + std::to_string(t.label);
  if (!taken.insert(stem).second) stem += "_index" + std::to_string(place);
  return stem;
}

template <ct::hcal_source Source>
ct::result<void> draw_all(display_options const& o, event_source& source, scorer* score,
                          network_info const* about, std::vector<std::string>& written) {
  auto painter = std::make_unique<ct::report::cms_event_painter<Source>>(o.look);
  progress bar("drawing", source.size());
  std::uint64_t done = 0, without_towers = 0;
  std::set<std::string> stems;
  auto const drawn = source.visit([&](ct::event const& e, truth const& t) -> ct::result<void> {
    std::string const stem = stem_of(e, t, o.events.skip + done, stems);
    if (Source == ct::hcal_source::towers && !has_towers(e)) ++without_towers;
    ct::report::cms_picture_text text;
    if (score != nullptr) text.subtitle = score_line(*score, *about, e);
    for (layout const where : o.layouts) {
      text.note = name_of(layouts, where);
      picture const p = where == layout::central        ? painter->central(e, text)
                        : where == layout::ecal_centric ? painter->ecal_centric(e, text)
                                                        : painter->hcal_centric(e, text);
      std::string const path = (fs::path(o.out) / (stem + "_" + text.note + ".png")).string();
      if (auto apart = check_apart(path, {o.file, o.weights}); !apart) return apart;
      if (auto saved = ct::report::write_png(p, path, {.force = o.force}); !saved) return saved;
      written.push_back(path);
    }
    bar.step(++done);
    return {};
  });
  if (drawn && without_towers == done && done > 0) return no_towers(source.path());
  if (drawn) report_without_towers(without_towers);
  return drawn;
}

int display(display_options const& o) {
  auto source = event_source::open(o.file, o.events);
  if (!source) return fail(*source.error());
  network const* net = nullptr;
  std::unique_ptr<scorer> score;
  if (!o.model.empty() || !o.weights.empty()) {
    auto found = find_network(o.model.empty() ? default_model : std::string_view(o.model));
    if (!found) return fail(*found.error());
    net = *found;
    if (auto readable = check_digis(*source, net->info()); !readable) return fail(*readable.error());
    auto loaded = net->load(o.weights);
    if (!loaded) return fail(*loaded.error());
    score = (*loaded)->make_scorer();
  }

  std::error_code code;
  bool const made = fs::create_directory(o.out, code);
  if (!fs::is_directory(o.out)) {
    return fail({"the folder for the pictures cannot be made", o.out,
                 fs::exists(o.out) ? "a file of that name is in the way, name another"
                                   : "make the folder above it first"});
  }
  std::vector<std::string> written;
  auto const* about = net != nullptr ? &net->info() : nullptr;
  auto const outcome = o.hcal == ct::hcal_source::hits
                           ? draw_all<ct::hcal_source::hits>(o, *source, score.get(), about, written)
                           : draw_all<ct::hcal_source::towers>(o, *source, score.get(), about, written);
  if (!outcome) {
    // Pictures of this failed call must not pass for a complete set.
    for (auto const& path : written) fs::remove(path, code);
    if (made) fs::remove(o.out, code);
    return fail(*outcome.error());
  }
  std::fputs(source->tolerated().c_str(), stderr);
  if (o.json) {
    std::printf("%s\n",
                nlohmann::json(written).dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    for (auto const& path : written) std::printf("%s\n", path.c_str());
  }
  return success;
}

}  // namespace

void add_display(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o =
      add_command<display_options>(app, status, "display", "Draw events as the event paper does",
                                   "Tracks yellow and ECAL blue on logarithmic scales, HCAL grey on a linear "
                                   "one, the two leading photons marked:\n"
                                   "one PNG per event and layout, like Figures 1 and 2 of the event paper.",
                                   command, display);
  command->add_option("file", o.file, "Events to draw")->required()->type_name("FILE");
  command->add_option("--out", o.out, "Folder for the pictures; made if it does not exist")
      ->required()
      ->type_name("DIR");
  add_range(*command, o.events);
  add_choice_list(*command, "--layout", o.layouts, layouts,
                  "central: the barrel; ecal-centric: barrel and both endcaps, crystal by crystal;\n"
                  "hcal-centric: all stitched together on the HCAL's towers (default: the last two)");
  add_choice(*command, "--hcal", o.hcal, hcal_sources,
             "Hadronic energy from hits (default), or from towers where recorded hit lists are thinned");
  command
      ->add_option("--model", o.model,
                   "Write the scores of this network below the title (" + std::string(default_model) +
                       " if --weights are given)")
      ->type_name("M");
  command->add_option("--weights", o.weights, "Its weights (default: those that come with the program)")
      ->type_name("W");
  command->add_option("--scale", o.look.scale, "Pixels per crystal and direction (default: 4)")
      ->check(CLI::Range(1, 16))
      ->type_name("PX");
  command->add_option("--min-pt", o.look.track_threshold, "Draw tracks from this pT on (default: 0.7)")
      ->check(finite_in(1e-6, 1e6))
      ->type_name("GeV");
  command->add_option("--min-ecal", o.look.ecal_threshold, "Draw crystals from this energy on (default: 0.15)")
      ->check(finite_in(1e-6, 1e6))
      ->type_name("GeV");
  command->add_option("--min-hcal", o.look.hcal_threshold, "Draw towers from this energy on (default: 0.7)")
      ->check(finite_in(1e-6, 1e6))
      ->type_name("GeV");
  add_force(*command, o.force);
  add_json(*command, o.json, "Print the names of the pictures as a JSON list");
}

}  // namespace program
