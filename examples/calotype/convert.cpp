// calotype convert: weights in another form.
#include <algorithm>
#include <cstdio>
#include <string>

#include "common.hpp"
#include "networks.hpp"
#include <nlohmann/json.hpp>

namespace program {

namespace {

choices<weights_format> const formats{{"header", weights_format::header},
                                      {"safetensors", weights_format::safetensors}};
choices<ct::io::number_type> const number_types{
    {"f32", ct::io::number_type::f32}, {"f16", ct::io::number_type::f16}, {"bf16", ct::io::number_type::bf16}};

struct convert_options {
  std::string weights;
  std::string model;
  conversion_request request;
  bool names_constant = false;
  bool json = false;
};

int convert(convert_options o) {
  auto const net = find_network(o.model);
  if (!net) return fail(*net.error());
  conversion_request& r = o.request;
  if (r.to == weights_format::header && r.numbers != ct::io::number_type::f32) {
    return fail({"--numbers has no effect on a header, whose numbers are those of its weights", "command line",
                 "leave the option out, or convert the weights first"});
  }
  if (r.to == weights_format::safetensors && o.names_constant) {
    return fail({"--name and --namespace have no effect on a safetensors file, which has no constant",
                 "command line", "leave them out"});
  }
  if (r.to == weights_format::header && r.constant.name.empty()) {
    r.constant.name = o.model;
    std::replace(r.constant.name.begin(), r.constant.name.end(), '-', '_');
  }
  r.notes = {{"converted_by", command_line()}};
  auto const done = (*net)->convert(o.weights, r);
  if (!done) return fail(*done.error());
  auto const parameters = (*net)->info().parameters;
  if (o.json) {
    nlohmann::ordered_json report{
        {"out", r.out}, {"format", name_of(formats, r.to)}, {"model", o.model}, {"parameters", parameters}};
    if (r.to == weights_format::safetensors) report["numbers"] = name_of(number_types, r.numbers);
    if (r.to == weights_format::header) report["constant"] = r.constant.scope + "::" + r.constant.name;
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else if (r.to == weights_format::header) {
    std::printf("%s: %s parameters of %s as %s::%s\n", r.out.c_str(), grouped(parameters).c_str(),
                o.model.c_str(), r.constant.scope.c_str(), r.constant.name.c_str());
  } else {
    std::printf("%s: %s parameters of %s\n", r.out.c_str(), grouped(parameters).c_str(), o.model.c_str());
  }
  return success;
}

}  // namespace

void add_convert(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o =
      add_command<convert_options>(app, status, "convert", "Write weights in another form",
                                   "header: constant data to compile into a program; weights for another "
                                   "network are then a compiler error.\n"
                                   "safetensors: with --unverified, weights that another program saved "
                                   "under PyTorch's names become weights\n"
                                   "that say what they are for and carry a self-test; with --numbers, files "
                                   "of half the size.",
                                   command, convert);
  command->add_option("weights", o.weights, "Weights to read")->required()->type_name("W.safetensors");
  command->add_option("--model", o.model, "Network that they are for; 'calotype models' lists them")
      ->required()
      ->type_name("M");
  add_choice(*command, "--to", o.request.to, formats, "Form to write")->required();
  command->add_option("--out", o.request.out, "File to write")->required()->type_name("F");
  add_choice(*command, "--numbers", o.request.numbers, number_types,
             "Numbers of a safetensors file (default: f32); f16 and bf16 round, for half the size");
  command->add_option("--namespace", o.request.constant.scope, "Namespace of the constant (default: weights)")
      ->type_name("A[::B]");
  command->add_option("--name", o.request.constant.name, "Name of the constant (default: the network's)")
      ->type_name("NAME");
  for (char const* const option : {"--namespace", "--name"})
    command->get_option(option)->each([&o](std::string const&) { o.names_constant = true; });
  command->add_flag("--unverified", o.request.unverified,
                    "Take the weights by the names of their tensors alone, for files of other programs");
  add_force(*command, o.request.force);
  add_json(*command, o.json, "Print a JSON object");
}

}  // namespace program
