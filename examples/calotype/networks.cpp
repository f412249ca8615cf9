#include "networks.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "calotype_tree.hpp"
#include <nlohmann/json.hpp>

namespace program {

network const& eb_network();
network const& cms_b_network();
network const& ecal_network();
network const& cms_i_network();
network const& cms_ii_network();
network const& four_momentum_network();
network const& four_momentum_3_network();
network const& reference_network();
network const& eb_mass_aware_network();
network const& cms_b_mass_aware_network();
network const& ecal_mass_aware_network();
network const& eb_sum_pt_network();
network const& eb_deeper_network();
network const& eb_average_pooling_network();
network const& eb_batch_norm_network();
network const& eb_fcn_head_network();
network const& four_momentum_shallow_network();
network const& four_momentum_narrow_network();
network const& shower_cnn_network();
network const& shower_fcn_network();
network const& shower_cnn_digis_network();
network const& shower_fcn_digis_network();
network const& shower_conv_lstm_network();
network const& shower_resnet_network();

std::span<network const* const> networks() {
  static std::array const all{&eb_network(),
                              &cms_b_network(),
                              &ecal_network(),
                              &cms_i_network(),
                              &cms_ii_network(),
                              &four_momentum_network(),
                              &four_momentum_3_network(),
                              &reference_network(),
                              &eb_mass_aware_network(),
                              &cms_b_mass_aware_network(),
                              &ecal_mass_aware_network(),
                              &eb_sum_pt_network(),
                              &eb_deeper_network(),
                              &eb_average_pooling_network(),
                              &eb_batch_norm_network(),
                              &eb_fcn_head_network(),
                              &four_momentum_shallow_network(),
                              &four_momentum_narrow_network(),
                              &shower_cnn_network(),
                              &shower_fcn_network(),
                              &shower_cnn_digis_network(),
                              &shower_conv_lstm_network(),
                              &shower_fcn_digis_network(),
                              &shower_resnet_network()};
  return all;
}

ct::result<network const*> find_network(std::string_view name) {
  std::string known;
  for (network const* n : networks()) {
    if (n->info().name == name) return n;
    known += (known.empty() ? "" : " ") + n->info().name;
  }
  return ct::error{"there is no network '" + std::string(name) + "'", {}, "choose one of: " + known};
}

std::string class_name(network_info const& about, int label) {
  constexpr std::array<char const*, 3> simulated{"H->gg", "gg", "gamma+jet"};
  auto const k = static_cast<std::size_t>(label);
  if (k < about.classes.size()) return about.classes[k];
  return k < simulated.size() ? simulated[k] : "label " + std::to_string(label);
}

std::string default_weights(std::string_view name) {
  namespace fs = std::filesystem;
  fs::path folder = CALOTYPE_SOURCE_DIR "/examples/weights";
  if (char const* const given = std::getenv("CALOTYPE_WEIGHTS"); given != nullptr) {
    folder = given;
  } else {
    std::error_code unknown;
    auto const installed =
        fs::read_symlink("/proc/self/exe", unknown).parent_path().parent_path() / "share/calotype/weights";
    if (fs::is_directory(installed, unknown)) folder = installed;
  }
  return (folder / (std::string(name) + ".safetensors")).string();
}

nlohmann::ordered_json as_json(ct::train::epoch_report const& e) {
  return {{"epoch", e.epoch},
          {"loss", e.loss},
          {"validation_loss", e.validation_loss},
          {"validation_auc", e.validation_auc},
          {"validation_cvm", e.validation_cvm.value},
          {"seconds", e.seconds},
          {"best", e.best}};
}

std::string learning_rate_note(ct::train::adam const& a) {
  std::array<char, 96> text{};
  int const n = std::snprintf(text.data(), text.size(), "%g", a.learning_rate);
  if (a.rate_decay != 1) {
    auto const at = static_cast<std::size_t>(n);
    std::snprintf(text.data() + at, text.size() - at, ", times %g from epoch to epoch", a.rate_decay);
  }
  return text.data();
}

std::string history_text(std::span<ct::train::epoch_report const> history) {
  auto list = nlohmann::ordered_json::array();
  for (auto const& e : history) list.push_back(as_json(e));
  return list.dump();
}

std::vector<ct::train::epoch_report> history_from(std::string const& text) {
  using json = nlohmann::json;
  json const list = json::parse(text, nullptr, false);
  if (!list.is_array()) return {};
  std::vector<ct::train::epoch_report> history;
  for (json const& j : list) {
    auto const number = [&j](char const* name) {
      return j.is_object() && j.contains(name) && j[name].is_number() ? j[name].get<double>() : 0.0;
    };
    auto& e = history.emplace_back();
    e.epoch = static_cast<std::uint64_t>(std::clamp(number("epoch"), 0.0, 1e9));
    e.loss = number("loss");
    e.validation_loss = number("validation_loss");
    e.validation_auc = number("validation_auc");
    e.validation_cvm.value = number("validation_cvm");
    e.seconds = number("seconds");
    e.best = j.is_object() && j.contains("best") && j["best"].is_boolean() && j["best"].get<bool>();
  }
  return history;
}

std::string pretty_class(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> signs{
      {{"->", "→"}, {"gamma", "γ"}, {"gg", "γγ"}}};
  for (auto const& [plain, sign] : signs) {
    if (auto const at = text.find(plain); at != text.npos) text.replace(at, plain.size(), sign);
  }
  return text;
}

}  // namespace program
