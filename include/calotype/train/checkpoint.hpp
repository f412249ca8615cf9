// A training run on disk: everything needed to go on exactly where it stopped.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/io/model.hpp>
#include <calotype/io/safetensors.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/options.hpp>

namespace calotype::train {

// What a checkpoint holds. Training and validation data are not part of it: the caller must offer the same
// again.
template <class Net>
struct checkpoint {
  train::options settings;
  train::progress done;
  std::vector<float> parameters, first_moment, second_moment;
  run_state<Net> state;
  io::provenance notes;  // what the caller wants to find again, e.g. how the data were made
};

namespace detail {

inline constexpr char const* checkpoint_format = "calotype-checkpoint";

inline std::string exact(double number) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%a", number);
  return text.data();
}

}  // namespace detail

// Writes the state of a run; call it between epochs (from fit's on_epoch). Replaces an older checkpoint, whole
// or not at all.
template <class Net, class Policy>
result<void> save_checkpoint(std::string const& path, trainer<Net, Policy> const& t,
                             run_state<Net> const& state, io::provenance const& notes = {}) {
  options const& o = t.settings();
  std::map<std::string, std::string> metadata{
      {"format", detail::checkpoint_format},
      {"format_version", "1"},
      {"network_signature", io::detail::hexadecimal(nn::signature<Net>)},
      {"learning_rate", detail::exact(o.optimiser.learning_rate)},
      {"beta1", detail::exact(o.optimiser.beta1)},
      {"beta2", detail::exact(o.optimiser.beta2)},
      {"epsilon", detail::exact(o.optimiser.epsilon)},
      {"batch_size", std::to_string(o.batch_size)},
      {"epochs", std::to_string(o.epochs)},
      {"seed", std::to_string(o.seed)},
      {"steps_done", std::to_string(t.done().steps)},
      {"epochs_done", std::to_string(t.done().epochs)},
      {"best_auc", detail::exact(state.best_auc)},
  };
  for (auto const& h : state.history) {
    metadata["epoch." + std::to_string(h.epoch)] =
        detail::exact(h.loss) + " " + detail::exact(h.validation_loss) + " " + detail::exact(h.validation_auc) +
        " " + detail::exact(h.seconds) + (h.best ? " best" : "");
  }
  for (auto const& [key, text] : notes) metadata.emplace("note." + key, text);
  auto const now = t.save();
  std::vector<io::tensor_view> const tensors{
      {"parameters", {now.parameters.size()}, now.parameters},
      {"first_moment", {now.first_moment.size()}, now.first_moment},
      {"second_moment", {now.second_moment.size()}, now.second_moment},
      {"best_parameters", {state.best_parameters.size()}, state.best_parameters},
  };
  return io::write_safetensors(path, tensors, metadata, {.force = true});
}

// Reads a run back. Refused with one sentence: a damaged file, another kind of file, another network, numbers
// that are not finite.
template <class Net>
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
  auto number = [&meta](std::string const& key) { return std::strtod(meta(key).c_str(), nullptr); };
  auto whole = [&meta](std::string const& key) { return std::strtoull(meta(key).c_str(), nullptr, 10); };
  if (meta("format") != detail::checkpoint_format) return refuse("this is not a checkpoint of a training run");
  if (meta("network_signature") != io::detail::hexadecimal(nn::signature<Net>)) {
    return refuse("the checkpoint belongs to another network or input");
  }
  checkpoint<Net> c;
  c.settings.optimiser = {number("learning_rate"), number("beta1"), number("beta2"), number("epsilon")};
  c.settings.batch_size = static_cast<int>(whole("batch_size"));
  c.settings.epochs = static_cast<int>(whole("epochs"));
  c.settings.seed = whole("seed");
  c.done = {whole("steps_done"), whole("epochs_done")};
  c.state.best_auc = number("best_auc");
  for (std::uint64_t e = 1; e <= c.done.epochs; ++e) {
    std::string const text = meta("epoch." + std::to_string(e));
    epoch_report h;
    h.epoch = e;
    char* at = nullptr;
    h.loss = std::strtod(text.c_str(), &at);
    h.validation_loss = std::strtod(at, &at);
    h.validation_auc = std::strtod(at, &at);
    h.seconds = std::strtod(at, &at);
    h.best = text.ends_with("best");
    c.state.history.push_back(h);
  }
  for (auto const& [key, text] : file->metadata) {
    if (key.starts_with("note.")) c.notes.emplace(key.substr(5), text);
  }
  constexpr auto size = static_cast<std::size_t>(nn::model<Net>::size);
  for (auto [name, into] :
       {std::pair{"parameters", &c.parameters}, std::pair{"first_moment", &c.first_moment},
        std::pair{"second_moment", &c.second_moment}, std::pair{"best_parameters", &c.state.best_parameters}}) {
    io::tensor const* t = file->find(name);
    bool const may_be_empty = into == &c.state.best_parameters && c.done.epochs == 0;
    if (t == nullptr || (t->values.size() != size && !(may_be_empty && t->values.empty()))) {
      return refuse("the checkpoint's '" + std::string(name) + "' is missing or has the wrong length");
    }
    for (float x : t->values) {
      if (!std::isfinite(x))
        return refuse("the checkpoint's '" + std::string(name) + "' holds a number that is not finite");
    }
    *into = t->values;
  }
  return c;
}

// Puts a trainer where the checkpoint was taken; its options but for threads and epochs must be the
// checkpoint's.
template <class Net, class Policy>
void resume(trainer<Net, Policy>& t, checkpoint<Net> const& c) {
  t.restore({c.parameters, c.first_moment, c.second_moment, c.done});
}

}  // namespace calotype::train
