// calotype models: the cost sheet of the built-in networks.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "common.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

#include <calotype/io/output.hpp>
#include <calotype/report/network_diagram.hpp>

namespace program {

namespace {

struct models_options {
  std::vector<std::string> names;
  bool json = false;
  bool diagram = false;
  std::string out;
  bool force = false;
};

void print_json(std::vector<network_info const*> const& list, bool diagram) {
  auto report = nlohmann::ordered_json::array();
  for (network_info const* n : list) {
    report.push_back({{"name", n->name},
                      {"task", n->task},
                      {"input", n->input},
                      {"preprocessing", n->preprocessing},
                      {"classes", n->classes},
                      {"parameters", n->parameters},
                      {"idle_parameters", n->idle_parameters},
                      {"multiply_adds", n->multiply_adds},
                      {"workspace_bytes", n->workspace_bytes},
                      {"layout_signature", n->layout_signature},
                      {"network_signature", n->network_signature}});
    if (!diagram) continue;
    auto& layers = report.back()["layers"] = nlohmann::ordered_json::array();
    for (layer_line const& l : n->layers) {
      layers.push_back({{"layer", l.what},
                        {"output", l.output},
                        {"parameters", l.parameters},
                        {"multiply_adds", l.multiply_adds}});
    }
  }
  std::printf("%s\n", report.dump(2).c_str());
}

std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& w : words) text += (text.empty() ? "" : " | ") + w;
  return text;
}

void print_diagram(network_info const& n) {
  std::printf("\n%s: %s\n", n.name.c_str(), n.task.c_str());
  std::printf("  reads   %s\n", n.input.c_str());
  std::printf("  pixels  %s\n", n.preprocessing.c_str());
  std::printf("  tells   %s\n\n", joined(n.classes).c_str());
  std::printf("  %-32s %16s %12s %14s\n", "layer", "output", "parameters", "multiply-adds");
  for (layer_line const& l : n.layers) {
    std::printf("  %-32s %16s %12s %14s\n", l.what.c_str(), l.output.c_str(),
                l.parameters > 0 ? grouped(l.parameters).c_str() : "",
                l.multiply_adds > 0 ? grouped(l.multiply_adds).c_str() : "");
  }
  if (n.idle_parameters > 0) {
    std::printf("  %-32s %16s %12s\n", "projections never applied", "", grouped(n.idle_parameters).c_str());
  }
  std::printf("  %-32s %16s %12s %14s\n", "total", "", grouped(n.parameters).c_str(),
              grouped(n.multiply_adds).c_str());
}

ct::result<void> draw_diagram(models_options const& o, std::vector<network_info const*> const& list) {
  if (list.size() != 1) {
    return ct::error{"a drawing shows one network", "command line",
                     "name one, as in 'calotype models cms-b --diagram --out F.svg'"};
  }
  auto file = ct::io::output_file::create(o.out, {.force = o.force});
  if (!file) return *file.error();
  if (auto drawn = file->write(ct::report::network_diagram(list.front()->diagram)); !drawn) return drawn;
  return file->commit();
}

int models(models_options const& o) {
  std::vector<network_info const*> list;
  for (auto const& name : o.names) {
    auto const found = find_network(name);
    if (!found) return fail(*found.error());
    list.push_back(&(*found)->info());
  }
  if (list.empty()) {
    for (network const* n : networks()) list.push_back(&n->info());
  }
  if (!o.out.empty()) {
    if (auto drawn = draw_diagram(o, list); !drawn) return fail(*drawn.error());
  }
  if (o.json) {
    print_json(list, o.diagram);
    return success;
  }
  std::printf("%-21s %10s %14s %12s  %s\n", "name", "parameters", "multiply-adds", "workspace", "input");
  for (network_info const* n : list) {
    char million[32];
    std::snprintf(million, sizeof million, "%.1f M", static_cast<double>(n->multiply_adds) / 1e6);
    char kilobytes[32];
    std::snprintf(kilobytes, sizeof kilobytes, "%.0f kB", static_cast<double>(n->workspace_bytes) / 1e3);
    std::printf("%-21s %10s %14s %12s  %s\n", n->name.c_str(), grouped(n->parameters).c_str(), million,
                kilobytes, n->input.c_str());
  }
  if (o.diagram) {
    for (network_info const* n : list) print_diagram(*n);
  }
  return success;
}

}  // namespace

void add_models(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<models_options>(app, status, "models", "List the built-in networks and what they cost",
                                        "Parameters, multiply-adds of one event, and the bytes of image, "
                                        "builder and activations that one event needs;\n"
                                        "the compiler knows all of them before anything runs.",
                                        command, models);
  command->add_option("names", o.names, "Networks to list (default: all)")->type_name("NAME");
  add_json(*command, o.json, "Print a JSON list");
  auto* const diagram = command->add_flag("--diagram", o.diagram, "Show every layer");
  auto* const out =
      command->add_option("--out", o.out, "Draw the layers of one network, as the event paper's Figure 3 does")
          ->needs(diagram)
          ->type_name("FILE.svg");
  add_force(*command, o.force);
  command->get_option("--force")->needs(out);
}

}  // namespace program
