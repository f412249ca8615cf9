// calotype info: what is in a file.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include "common.hpp"
#include "events.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/io/events_npz.hpp>
#include <calotype/io/ig.hpp>
#include <calotype/io/particles_npz.hpp>
#include <calotype/io/safetensors.hpp>

namespace program {

namespace {

using json = nlohmann::ordered_json;

struct info_options {
  std::string file;
  bool json = false;
};

void print(json const& report) {
  std::printf("%s\n", report.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

int info_ig(info_options const& o) {
  auto file = ct::io::open_ig(o.file);
  if (!file) return fail(*file.error());
  std::map<std::uint32_t, std::size_t> runs;
  {
    progress bar("reading", file->size());
    std::size_t done = 0;
    for (ct::event const& e : *file) {
      ++runs[e.run];
      bar.step(++done);
    }
  }
  if (file->error() != nullptr) return fail(*file->error());
  auto const& summary = file->summary();
  if (o.json) {
    json report{{"file", o.file}, {"kind", "events"}, {"format", "ig"}, {"events", summary.events}};
    for (auto const& [run, events] : runs) report["runs"].push_back({{"run", run}, {"events", events}});
    for (auto const& c : summary.collections) {
      report["collections"].push_back({{"name", c.name},
                                       {"used", c.used},
                                       {"events", c.events},
                                       {"empty", c.empty},
                                       {"rows", c.rows},
                                       {"energy_not_positive", c.nonpositive},
                                       {"repetitions", c.repetitions},
                                       {"outside", c.outside},
                                       {"nan_in_unused_columns", c.nans}});
    }
    report["absent"] = json::array();
    for (auto const& a : summary.absences) report["absent"].push_back({{"name", a.name}, {"events", a.events}});
    print(report);
    return success;
  }
  std::printf("%s: %s event%s of CMS in an .ig archive\n", o.file.c_str(), grouped(summary.events).c_str(),
              summary.events == 1 ? "" : "s");
  std::printf("runs:");
  for (auto const& [run, events] : runs) std::printf(" %u (%zu)", run, events);
  std::printf("\n\n%-28s %8s %8s %10s %10s\n", "collection", "events", "empty", "rows", "E <= 0");
  auto const list = [&](bool used) {
    for (auto const& c : summary.collections) {
      if (c.used != used) continue;
      std::printf("%-28s %8zu %8zu %10s %10s\n", ct::one_line(c.name).c_str(), c.events, c.empty,
                  grouped(c.rows).c_str(), c.nonpositive > 0 ? grouped(c.nonpositive).c_str() : "");
    }
  };
  list(true);
  if (std::any_of(summary.collections.begin(), summary.collections.end(),
                  [](auto const& c) { return !c.used; })) {
    std::printf("\nskipped, not part of images:\n");
    list(false);
  }
  bool first = true;
  auto const note = [&first](std::size_t count, char const* text) {
    if (count == 0) return;
    if (first) std::printf("\ntolerated:\n");
    first = false;
    std::printf("  %s: %s\n", text, grouped(count).c_str());
  };
  using collection = ct::io::ig_collection_summary;
  note(summary.total(&collection::nonpositive), "hits with energy <= 0, left out of images");
  note(summary.total(&collection::repetitions), "rows that repeat another, counted once");
  note(summary.total(&collection::outside), "towers beyond the calorimeters, left out");
  note(summary.total(&collection::nans), "nan or inf in columns that are not used");
  for (auto const& a : summary.absences) note(a.events, ("events without " + ct::one_line(a.name)).c_str());
  return success;
}

int info_npz(info_options const& o) {
  auto file = ct::io::open_npz(o.file);
  if (!file) return fail(*file.error());
  std::map<int, std::size_t> labels;
  std::map<std::string, std::string> metadata;
  std::size_t events = 0;
  bool const holds_events = file->find("hit_offset") != nullptr;
  bool const holds_particles =
      !holds_events && file->find("offsets") != nullptr && file->find("pdg_id") != nullptr;
  if (holds_events) {
    auto source = ct::io::open_events(o.file);
    if (!source) return fail(*source.error());
    metadata = source->metadata();
    progress bar("reading", source->size());
    for (auto const& e : *source) {
      ++labels[e.label];
      bar.step(++events);
    }
    if (source->error() != nullptr) return fail(*source->error());
  } else if (holds_particles) {
    auto source = ct::io::open_particles(o.file);
    if (!source) return fail(*source.error());
    metadata = source->metadata();
    events = source->size();
  }
  auto const shape_text = [](ct::io::npz_array const& a) {
    std::string text;
    for (auto extent : a.shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
    return text;
  };
  if (o.json) {
    char const* const kind = holds_events ? "events" : holds_particles ? "particles" : "arrays";
    json report{{"file", o.file}, {"kind", kind}, {"format", "npz"}};
    if (holds_events || holds_particles) {
      report["events"] = events;
      for (auto const& [label, count] : labels)
        report["labels"].push_back({{"label", label}, {"events", count}});
      report["metadata"] = metadata;
    }
    for (auto const& a : file->arrays()) {
      report["arrays"].push_back(
          {{"name", a.name}, {"type", std::string(ct::io::name_of(a.type))}, {"shape", a.shape}});
    }
    print(report);
    return success;
  }
  if (holds_events || holds_particles) {
    std::printf("%s: %s %sevents in an .npz archive\n", o.file.c_str(), grouped(events).c_str(),
                holds_particles ? "generated " : "");
    for (auto const& [label, count] : labels)
      std::printf("  label %2d: %s events\n", label, grouped(count).c_str());
    for (auto const& [key, text] : metadata)
      std::printf("  %s: %s\n", ct::one_line(key).c_str(), ct::one_line(text).c_str());
  } else {
    std::printf("%s: %zu arrays in an .npz archive\n", o.file.c_str(), file->arrays().size());
  }
  std::printf("\n%-20s %-10s %s\n", "array", "type", "shape");
  for (auto const& a : file->arrays()) {
    std::printf("%-20s %-10s %s\n", ct::one_line(a.name).c_str(), std::string(ct::io::name_of(a.type)).c_str(),
                shape_text(a).c_str());
  }
  return success;
}

int info_model(info_options const& o) {
  auto const file = ct::io::safetensors_file::open(o.file);
  if (!file) return fail(*file.error());
  std::uint64_t parameters = 0;
  for (auto const& t : file->entries()) parameters += t.size();
  if (o.json) {
    json report{{"file", o.file}, {"kind", "model"}, {"format", "safetensors"}, {"parameters", parameters}};
    report["metadata"] = file->metadata();
    for (auto const& t : file->entries()) {
      report["tensors"].push_back({{"name", t.name}, {"shape", t.shape}, {"type", ct::io::name_of(t.stored)}});
    }
    print(report);
    return success;
  }
  auto const& metadata = file->metadata();
  auto const of = [&metadata](char const* key) {
    auto const found = metadata.find(key);
    return found == metadata.end() ? std::string("?") : ct::one_line(found->second);
  };
  if (of("format") == "calotype-checkpoint") {
    std::printf("%s: checkpoint of a training, %s of %s epochs, %zu tensors\n", o.file.c_str(),
                of("epochs_done").c_str(), of("epochs").c_str(), file->entries().size());
  } else {
    std::printf("%s: weights of a network, %s parameters in %zu tensors\n", o.file.c_str(),
                grouped(parameters).c_str(), file->entries().size());
  }
  for (auto const& [key, text] : file->metadata()) {
    auto const shown = key == "provenance.history"
                           ? std::to_string(history_from(text).size()) + " epoch(s), which --json shows"
                           : ct::one_line(text);
    std::printf("  %-32s %s\n", ct::one_line(key).c_str(), shown.c_str());
  }
  std::printf("\n%-28s %-5s %s\n", "tensor", "type", "shape");
  for (auto const& t : file->entries()) {
    std::string shape;
    for (auto extent : t.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(extent);
    std::printf("%-28s %-5s %s\n", ct::one_line(t.name).c_str(), ct::io::name_of(t.stored).data(),
                shape.c_str());
  }
  return success;
}

int info(info_options const& o) {
  auto const kind = kind_of_file(o.file);
  if (!kind) return fail(*kind.error());
  switch (*kind) {
    case file_kind::archive:
      return info_npz(o);
    case file_kind::model:
      return info_model(o);
    case file_kind::events_ig:
    case file_kind::unknown:
      return info_ig(o);
  }
  return failure;
}

}  // namespace

void add_info(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<info_options>(
      app, status, "info", "Tell what is in a file",
      "Events, collections and what was tolerated in them (.ig, .npz); what generated events "
      "are of (.npz);\n"
      "layout, classes, provenance and tensors of a trained network (.safetensors).",
      command, info);
  command->add_option("file", o.file, "File of events, arrays or weights")->required()->type_name("FILE");
  add_json(*command, o.json, "Print a JSON object");
}

}  // namespace program
