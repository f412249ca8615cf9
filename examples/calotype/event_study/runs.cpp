#include "runs.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <utility>

#include "../common.hpp"

#include <calotype/io/safetensors.hpp>

namespace program::event_study {

namespace {

namespace fs = std::filesystem;

std::string file_name(std::string const& path) { return fs::path(path).filename().string(); }

std::string given_weights(request const& o, run const& r) {
  return (fs::path(o.weights) / (r.name + ".safetensors")).string();
}
std::string kept_weights(request const& o, run const& r) {
  return (fs::path(o.out) / (r.name + ".safetensors")).string();
}

// Whether a training can go on where an earlier one stopped.
ct::result<void> check_kept(request const& o, run const& r) {
  std::string const path = checkpoint_of(o, r);
  if (std::error_code unknown; !fs::exists(path, unknown)) return {};
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto const file = ct::io::safetensors_file::open(path);
  if (!file) return *file.error();
  auto const data = file->metadata().find("note.data");
  if (data != file->metadata().end() && data->second == data_of(o, r)) return {};
  return ct::error{
      "the checkpoint was made with other events", path,
      "take the budget, seed and options that it was made with, or name another folder with --out"};
}

}  // namespace

std::vector<run> runs_of(request const& o, training const& t) {
  std::string const id(t.id);
  auto const is_wanted = [&id](std::string const& name) { return name == id || name == all_trainings; };
  if (!o.only.empty() && std::none_of(o.only.begin(), o.only.end(), is_wanted)) return {};
  std::vector<run> runs{run{&t, id, o.seed}};
  bool const several = std::find(reseeded.begin(), reseeded.end(), t.id) != reseeded.end();
  for (int k = 1; several && k < o.seeds; ++k) {
    auto const seed = o.seed + static_cast<std::uint64_t>(k);
    runs.push_back(run{&t, id + "-seed-" + std::to_string(seed), seed});
  }
  if (o.paper_split && published_result(t.id) != nullptr)
    runs.push_back(run{&t, id + "-paper-split", o.seed, true});
  return runs;
}

bool is_generated(request const& o, category c) { return has_collisions(c) && !o.particles.empty(); }

simulation_options options_of(request const& o, category c) {
  simulation_options how;
  how.seed = o.seed;
  how.threads = o.threads;
  how.selection = c == category::forward ? ct::sim::selection::forward : ct::sim::selection::central;
  how.eras = has_collisions(c);
  if (!has_collisions(c)) how.pile_up = 0;
  how.digis = c == category::showers;
  how.labelled = is_generated(o, c);
  if (has_collisions(c) && !o.library.empty()) how.library = "parts of " + file_name(o.library);
  return how;
}

std::string data_of(request const& o, category c) {
  std::string text = "simulated, " + std::to_string(o.size.training[static_cast<std::size_t>(c)]) +
                     " events per class, " + std::to_string(o.size.validation) + " for validation and " +
                     std::to_string(o.size.test) + " for the test, " + description(options_of(o, c));
  for (std::size_t k = 0; is_generated(o, c) && k < o.particles.size(); ++k)
    text += (k == 0 ? ", of " : " ") + file_name(o.particles[k]);
  return text;
}

std::string data_of(request const& o, run const& r) {
  std::string text = data_of(o, r.what->where);
  if (r.what->view == view::rest_of_event) text += ", crystals within dR 0.7 of the candidates left out";
  if (r.what->view == view::overlay) text += ", simultaneous collisions alone";
  if (r.validated_by_test) text += ", validated with the events of the test";
  return text;
}

std::string training_note(run const& r) { return r.name + ", strength " + std::to_string(r.what->strength); }

ct::train::adam optimiser_of(event_study::size const& size) { return {.rate_decay = size.rate_decay}; }

std::string weights_of(request const& o, run const& r) {
  return is_given(o, r) ? given_weights(o, r) : kept_weights(o, r);
}

std::string checkpoint_of(request const& o, run const& r) { return kept_weights(o, r) + ".checkpoint"; }

bool is_given(request const& o, run const& r) {
  std::error_code unknown;
  return !o.weights.empty() && fs::exists(given_weights(o, r), unknown);
}

bool is_trained_here(request const& o, category c) {
  for (training const& t : trainings) {
    if (t.where != c) continue;
    auto const runs = runs_of(o, t);
    if (!std::all_of(runs.begin(), runs.end(), [&o](run const& r) { return is_given(o, r); })) return true;
  }
  return false;
}

ct::result<std::vector<ct::train::epoch_report>> history_of(request const& o, run const& r) {
  std::string const path = given_weights(o, r);
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto const file = ct::io::safetensors_file::open(path);
  if (!file) return *file.error();
  auto const note = [&file](char const* name) {
    auto const found = file->metadata().find(std::string("provenance.") + name);
    return found == file->metadata().end() ? std::string() : found->second;
  };
  constexpr char const* remedy = "take the budget, seed and options that they were made with";
  auto const data = note("data");
  if (data.empty())
    return ct::error{
        "the weights do not say which events they were trained on, among which those of the test may be", path,
        remedy};
  if (data != data_of(o, r)) {
    return ct::error{"the weights were trained on other events (" + ct::one_line(data) +
                         "), among which those of the test may be",
                     path, remedy};
  }
  struct setting {
    char const* key;
    char const* words;
    std::string wanted;
  };
  for (setting const& s :
       {setting{"training", "training", training_note(r)}, setting{"seed", "seed", std::to_string(r.seed)},
        setting{"epochs", "number of epochs", std::to_string(o.size.epochs)},
        setting{"batch", "size of the batches", std::to_string(o.size.batch)},
        setting{"learning_rate", "learning rate", learning_rate_note(optimiser_of(o.size))}}) {
    auto const had = note(s.key);
    if (had == s.wanted) continue;
    return ct::error{std::string("the ") + s.words + " of the weights is " +
                         (had.empty() ? "unknown" : ct::one_line(had)) + " instead of " + s.wanted,
                     path, remedy};
  }
  return history_from(note("history"));
}

ct::result<void> check_found(request const& o) {
  std::error_code unknown;
  if (!o.weights.empty() && !fs::is_directory(o.weights, unknown))
    return ct::error{"there is no such folder", o.weights, "name one with --weights, or leave it out"};
  bool any = false;
  for (training const& t : trainings) {
    auto const net = find_network(t.model);
    if (!net) return *net.error();
    for (run const& r : runs_of(o, t)) {
      if (!is_given(o, r)) {
        if (auto usable = check_kept(o, r); !usable) return usable;
        continue;
      }
      any = true;
      if (auto const history = history_of(o, r); !history) return *history.error();
      if (auto const weights = (*net)->load(given_weights(o, r)); !weights) return *weights.error();
    }
  }
  if (!any && !o.weights.empty() && o.only.empty()) {
    return ct::error{"the folder holds no weights of this study", o.weights,
                     "name the folder of an earlier run, or leave --weights out"};
  }
  return {};
}

}  // namespace program::event_study
