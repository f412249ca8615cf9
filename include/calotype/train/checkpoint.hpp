// A training run on disk: everything needed to go on exactly where it stopped.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/io/detail/number_text.hpp>
#include <calotype/io/model.hpp>
#include <calotype/io/safetensors.hpp>
#include <calotype/train/check.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/options.hpp>

namespace calotype::train {

// What a checkpoint holds. Training and validation data are not part of it: the caller must offer the same
// again.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
struct checkpoint {
  train::options settings;
  train::progress done;
  std::vector<float> parameters, first_moment, second_moment;
  score_ring ring;
  run_state<Net> state;
  io::provenance notes;  // what the caller wants to find again, e.g. how the data were made
};

namespace detail {

inline constexpr char const* checkpoint_format = "calotype-checkpoint";
inline constexpr char const* checkpoint_version = "3";

using io::detail::exact_text;

// What a checkpoint says of the options; threads do not matter.
inline std::map<std::string, std::string> settings_text(options const& o) {
  return {
      {"format", checkpoint_format},
      {"format_version", checkpoint_version},
      {"learning_rate", exact_text(o.optimiser.learning_rate)},
      {"rate_decay", exact_text(o.optimiser.rate_decay)},
      {"beta1", exact_text(o.optimiser.beta1)},
      {"beta2", exact_text(o.optimiser.beta2)},
      {"epsilon", exact_text(o.optimiser.epsilon)},
      {"batch_size", std::to_string(o.batch_size)},
      {"epochs", std::to_string(o.epochs)},
      {"seed", std::to_string(o.seed)},
      {"decorrelation.strength", exact_text(o.decorrelation.strength)},
      {"decorrelation.neighbours", std::to_string(o.decorrelation.neighbours)},
      {"decorrelation.ring", std::to_string(o.decorrelation.ring)},
      {"decorrelation.label", std::to_string(o.decorrelation.label)},
      {"cvm_bound", exact_text(o.cvm_bound)},
  };
}

// The numbers of an epoch in the order in which a checkpoint lists them.
template <class Report>
auto numbers_of(Report& h) {
  return std::array{&h.loss,
                    &h.validation_loss,
                    &h.validation_auc,
                    &h.validation_cvm.value,
                    &h.validation_cvm.floor,
                    &h.validation_cvm.floor_error,
                    &h.seconds};
}

// "events windows" of the CvM, then numbers_of, then "[ best]", as save_checkpoint writes an epoch.
inline std::optional<epoch_report> epoch_of(std::uint64_t epoch, std::string_view text) {
  epoch_report h;
  h.epoch = epoch;
  for (std::size_t* into : {&h.validation_cvm.events, &h.validation_cvm.windows}) {
    auto const end = text.find(' ');
    auto const number = io::detail::whole_number(text.substr(0, end));
    if (!number || end == std::string_view::npos) return std::nullopt;
    *into = static_cast<std::size_t>(*number);
    text.remove_prefix(end + 1);
  }
  for (double* into : numbers_of(h)) {
    auto const end = text.find(' ');
    auto const number = io::detail::exact_number(text.substr(0, end));
    if (!number) return std::nullopt;
    *into = *number;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  h.best = text == "best";
  return h.best || text.empty() ? std::optional(h) : std::nullopt;
}

}  // namespace detail

// Whether the metadata of a file are those of a checkpoint that this version reads, of a run with these
// options; the number of epochs may be another.
inline bool is_checkpoint_of(std::map<std::string, std::string> const& metadata, options const& o) {
  auto const wanted = detail::settings_text(o);
  return std::all_of(wanted.begin(), wanted.end(), [&metadata](auto const& entry) {
    auto const found = metadata.find(entry.first);
    return entry.first == "epochs" || (found != metadata.end() && found->second == entry.second);
  });
}

// Writes the state of a run; call it between epochs (from fit's on_epoch). Replaces an older checkpoint, whole
// or not at all. What load_checkpoint would refuse is refused here: options that check_options refuses, numbers
// that are not finite, and a history that is not of all epochs done.
template <class Net, class Policy, std::uint64_t Signature = nn::signature<Net>>
result<void> save_checkpoint(std::string const& path, trainer<Net, Policy> const& t,
                             run_state<Net> const& state, io::provenance const& notes = {}) {
  if (auto good = check_options(t.settings()); !good) return good;
  std::map<std::string, std::string> metadata = detail::settings_text(t.settings());
  metadata.merge(std::map<std::string, std::string>{
      {"network_signature", io::detail::hexadecimal(nn::signature<Net>)},
      {"steps_done", std::to_string(t.done().steps)},
      {"epochs_done", std::to_string(t.done().epochs)},
      {"best_auc", detail::exact_text(state.best_auc)},
  });
  for (auto const& h : state.history) {
    std::string& text = metadata["epoch." + std::to_string(h.epoch)];
    text = std::to_string(h.validation_cvm.events);
    text += ' ';
    text += std::to_string(h.validation_cvm.windows);
    for (double const* number : detail::numbers_of(h)) {  // g++ 12 warns of " " + text at -O3
      text += ' ';
      text += detail::exact_text(*number);
    }
    if (h.best) text += " best";
  }
  for (auto const& [key, text] : notes) metadata.emplace("note." + key, text);
  auto const now = t.save();
  bool finite = std::isfinite(state.best_auc) && nn::all_finite(now.parameters) &&
                nn::all_finite(now.first_moment) && nn::all_finite(now.second_moment) &&
                nn::all_finite(state.best_parameters);
  for (auto const& h : state.history) {
    for (double const* number : detail::numbers_of(h)) finite = finite && std::isfinite(*number);
  }
  std::vector<float> ring;
  for (scored_mass const& e : now.ring) ring.insert(ring.end(), {e.mass, e.score, e.weight});
  if (!finite || !nn::all_finite(ring)) {
    return error{"the state of the run holds a number that is not finite", path,
                 "start anew with a smaller learning rate"};
  }
  if (state.history.size() != t.done().epochs) {
    return error{"the run's state has " + std::to_string(state.history.size()) +
                     " epochs and its trainer has done " + std::to_string(t.done().epochs),
                 path, "give the state that fit() filled, or that resume() put back"};
  }
  std::vector<io::tensor_view> const tensors{
      {"parameters", {now.parameters.size()}, now.parameters},
      {"first_moment", {now.first_moment.size()}, now.first_moment},
      {"second_moment", {now.second_moment.size()}, now.second_moment},
      {"best_parameters", {state.best_parameters.size()}, state.best_parameters},
      {"ring", {now.ring.size(), 3}, ring},  // mass, score and weight of each
  };
  return io::write_safetensors(path, tensors, metadata, {.force = true});
}

// Reads a run back. Refused with one sentence: a damaged file, another kind of file, another network, numbers
// that are not finite.
template <class Net, std::uint64_t Signature = nn::signature<Net>>
result<checkpoint<Net>> load_checkpoint(std::string const& path) {
  auto file = io::read_safetensors(path);
  if (!file) return *file.error();
  auto refuse = [&path](std::string what) {
    return error{std::move(what), path, "name the checkpoint of this run, or start anew without --resume"};
  };
  auto meta = [&file](std::string const& key) {
    auto const found = file->metadata.find(key);
    return found == file->metadata.end() ? std::string() : found->second;
  };
  if (meta("format") != detail::checkpoint_format || meta("format_version") != detail::checkpoint_version) {
    return refuse("this is not a checkpoint of a training run that this version reads");
  }
  if (meta("network_signature") != io::detail::hexadecimal(nn::signature<Net>)) {
    return refuse("the checkpoint belongs to another network or input");
  }
  std::string wrong;  // the first entry that is not what it should be
  auto real = [&](std::string const& key) {
    auto const x = io::detail::exact_number(meta(key));
    if ((!x || !std::isfinite(*x)) && wrong.empty()) wrong = key;
    return x.value_or(0);
  };
  auto whole = [&](std::string const& key, std::uint64_t least, std::uint64_t most) {
    auto const x = io::detail::whole_number(meta(key));
    if ((!x || *x < least || *x > most) && wrong.empty()) wrong = key;
    return x.value_or(0);
  };
  constexpr std::uint64_t many = 1'000'000'000;
  checkpoint<Net> c;
  c.settings.optimiser = {real("learning_rate"), real("rate_decay"), real("beta1"), real("beta2"),
                          real("epsilon")};
  c.settings.batch_size = static_cast<int>(whole("batch_size", 0, many));
  c.settings.epochs = static_cast<int>(whole("epochs", 0, many));
  c.settings.seed = whole("seed", 0, ~std::uint64_t{0});
  c.settings.decorrelation = {real("decorrelation.strength"),
                              static_cast<int>(whole("decorrelation.neighbours", 0, many)),
                              static_cast<int>(whole("decorrelation.ring", 0, many)),
                              static_cast<int>(whole("decorrelation.label", 0, many))};
  c.settings.cvm_bound = real("cvm_bound");
  c.done = {whole("steps_done", 0, ~std::uint64_t{0} - 1), whole("epochs_done", 0, many)};
  c.state.best_auc = real("best_auc");
  if (!(c.state.best_auc >= -1 && c.state.best_auc <= 1) && wrong.empty()) wrong = "best_auc";
  for (std::uint64_t e = 1; e <= c.done.epochs && wrong.empty(); ++e) {
    std::string const key = "epoch." + std::to_string(e), text = meta(key);
    auto const h = detail::epoch_of(e, text);
    if (!h) {
      wrong = key;
    } else {
      c.state.history.push_back(*h);
    }
  }
  if (auto const good = check_options(c.settings); wrong.empty() && !good) return refuse(good.error()->what);
  if (!wrong.empty()) return refuse("the checkpoint's entry '" + wrong + "' is missing or out of range");
  for (auto const& [key, text] : file->metadata) {
    if (key.starts_with("note.")) c.notes.emplace(key.substr(5), text);
  }
  constexpr std::size_t trained = nn::trained_numbers<Net>::size;
  for (auto [name, into] :
       {std::pair{"parameters", &c.parameters}, std::pair{"first_moment", &c.first_moment},
        std::pair{"second_moment", &c.second_moment}, std::pair{"best_parameters", &c.state.best_parameters}}) {
    io::tensor const* t = file->find(name);
    bool const is_best = into == &c.state.best_parameters, may_be_empty = is_best && c.done.epochs == 0;
    std::size_t const size = is_best ? static_cast<std::size_t>(nn::model<Net>::size) : trained;
    if (t == nullptr || (t->values.size() != size && !(may_be_empty && t->values.empty()))) {
      return refuse("the checkpoint's '" + std::string(name) + "' is missing or has the wrong length");
    }
    if (!nn::all_finite(t->values)) {
      return refuse("the checkpoint's '" + std::string(name) + "' holds a number that is not finite");
    }
    *into = t->values;
  }
  auto const variances = std::span(c.parameters).subspan(trained - nn::trained_numbers<Net>::channels);
  if (std::any_of(variances.begin(), variances.end(), [](float v) { return v < 0; })) {
    return refuse("the checkpoint's 'parameters' hold a variance below zero");
  }
  io::tensor const* const ring = file->find("ring");
  if (ring == nullptr || ring->values.size() % 3 != 0 || !nn::all_finite(ring->values)) {
    return refuse("the checkpoint's 'ring' is missing or damaged");
  }
  for (std::size_t i = 0; i < ring->values.size(); i += 3) {
    c.ring.push_back({ring->values[i], ring->values[i + 1], ring->values[i + 2]});
  }
  return c;
}

// Puts a trainer and the state of its run where the checkpoint was taken. Fails, and changes nothing, where an
// option of the trainer, but for threads and epochs, is another than the checkpoint's.
template <class Net, class Policy, std::uint64_t Signature = nn::signature<Net>>
result<void> resume(trainer<Net, Policy>& t, run_state<Net>& state, checkpoint<Net> const& c) {
  auto const had = detail::settings_text(c.settings), has = detail::settings_text(t.settings());
  for (auto const& [name, value] : had) {
    if (name == "epochs" || has.at(name) == value) continue;
    return error{"the checkpoint was made with '" + name + "' " + value + ", not " + has.at(name),
                 "training options", "take the checkpoint's settings, or start anew"};
  }
  t.restore({c.parameters, c.first_moment, c.second_moment, c.done, c.ring});
  state = c.state;
  return {};
}

}  // namespace calotype::train
