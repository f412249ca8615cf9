#include "runs.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <system_error>

#include "../common.hpp"

#include <calotype/io/safetensors.hpp>
#include <calotype/train/checkpoint.hpp>

namespace program::event_study {

namespace {

namespace fs = std::filesystem;

std::string file_name(std::string const& path) { return fs::path(path).filename().string(); }

std::string given_weights(request const& asked, run const& r) {
  return (fs::path(asked.weights) / (r.name + ".safetensors")).string();
}
std::string kept_weights(request const& asked, run const& r) {
  return (fs::path(asked.out) / (r.name + ".safetensors")).string();
}

// Which revision of the simulation made the events that weights or a checkpoint name, this one or an earlier
// one; nothing where they are not those of this training.
std::optional<int> revision_of(std::string const& data, request const& asked, run const& r) {
  for (int revision = ct::sim::revision; revision > 0; --revision) {
    if (data == data_of(asked, r, revision)) return revision;
  }
  return std::nullopt;
}

// Whether a training can go on where an earlier one stopped.
ct::result<void> check_kept(request const& asked, run const& r) {
  std::string const path = checkpoint_of(asked, r);
  if (std::error_code unknown; !fs::exists(path, unknown)) {
    std::string const weights = kept_weights(asked, r);
    if (asked.force || !fs::exists(weights, unknown)) return {};
    return ct::error{"the weights exist already, without the checkpoint of their training", weights,
                     "take them with --weights, replace them with --force, or name another folder with --out"};
  }
  if (auto usable = check_input(path); !usable) return *usable.error();
  auto const file = ct::io::safetensors_file::open(path);
  if (!file) return *file.error();
  auto const data = file->metadata().find("note.data");
  auto const revision = revision_of(data == file->metadata().end() ? "" : data->second, asked, r);
  if (!revision) {
    return ct::error{
        "the checkpoint was made with other events", path,
        "take the budget, seed and options that it was made with, or name another folder with --out"};
  }
  if (*revision != ct::sim::revision) {
    return ct::error{"the checkpoint was made with events of another revision of the simulation", path,
                     "remove it, or name another folder with --out"};
  }
  if (!ct::train::is_checkpoint_of(file->metadata(), training_options(asked, r))) {
    return ct::error{"the checkpoint was made with other settings or by another version of this program", path,
                     "remove it, or name another folder with --out"};
  }
  return {};
}

}  // namespace

std::vector<run> runs_of(request const& asked, training const& t) {
  std::string const id(t.id);
  auto const is_wanted = [&id](std::string const& name) { return name == id || name == all_trainings; };
  if (!asked.only.empty() && std::none_of(asked.only.begin(), asked.only.end(), is_wanted)) return {};
  std::vector<run> runs{run{&t, id, asked.seed}};
  bool const several = std::find(reseeded.begin(), reseeded.end(), t.id) != reseeded.end();
  for (int k = 1; several && k < asked.seeds; ++k) {
    auto const seed = asked.seed + static_cast<std::uint64_t>(k);
    runs.push_back(run{&t, id + "-seed-" + std::to_string(seed), seed});
  }
  if (asked.paper_split && published_result(t.id) != nullptr)
    runs.push_back(run{&t, id + "-paper-split", asked.seed, true});
  for (run& r : runs) {
    std::error_code unknown;
    r.given = !asked.weights.empty() && fs::exists(given_weights(asked, r), unknown);
  }
  if (asked.no_training) std::erase_if(runs, [](run const& r) { return !r.given; });
  return runs;
}

bool is_generated(request const& asked, category c) { return has_collisions(c) && !asked.particles.empty(); }

simulation_options options_of(request const& asked, category c) {
  simulation_options how;
  how.seed = asked.seed;
  how.threads = asked.threads;
  how.selection = c == category::forward ? ct::sim::selection::forward : ct::sim::selection::central;
  how.eras = has_collisions(c);
  if (!has_collisions(c)) how.pile_up = 0;
  how.digis = c == category::showers;
  how.labelled = is_generated(asked, c);
  if (has_collisions(c) && !asked.library.empty()) how.library = "parts of " + file_name(asked.library);
  return how;
}

std::string data_of(request const& asked, category c, int revision) {
  std::string text = "simulated, " + std::to_string(asked.size.training[static_cast<std::size_t>(c)]) +
                     " events per class, " + std::to_string(asked.size.validation) + " for validation and " +
                     std::to_string(asked.size.test[static_cast<std::size_t>(c)]) + " for the test, " +
                     description(options_of(asked, c), revision);
  for (std::size_t k = 0; is_generated(asked, c) && k < asked.particles.size(); ++k)
    text += (k == 0 ? ", of " : " ") + file_name(asked.particles[k]);
  return text;
}

std::string data_of(request const& asked, run const& r, int revision) {
  std::string text = data_of(asked, r.what->where, revision);
  if (r.what->view == view::rest_of_event) text += ", crystals within dR 0.7 of the candidates left out";
  if (r.what->view == view::overlay) text += ", simultaneous collisions alone";
  if (r.validated_by_test) text += ", validated with the events of the test";
  return text;
}

std::string training_note(run const& r) { return r.name + ", strength " + std::to_string(r.what->strength); }

ct::train::options training_options(request const& asked, run const& r) {
  ct::train::options options;
  options.optimiser = optimiser_of(asked.size);
  options.batch_size = asked.size.batch;
  options.epochs = asked.size.epochs;
  options.seed = r.seed;
  options.threads = asked.threads;
  options.decorrelation.strength = r.what->strength;
  if (r.what->strength > 0) options.cvm_bound = r.what->where == category::central ? 0.002 : 0.004;
  return options;
}

std::string weights_of(request const& asked, run const& r) {
  return r.given ? given_weights(asked, r) : kept_weights(asked, r);
}

std::string checkpoint_of(request const& asked, run const& r) { return kept_weights(asked, r) + ".checkpoint"; }

bool is_trained_here(request const& asked, category c) {
  for (training const& t : trainings) {
    if (t.where != c) continue;
    auto const runs = runs_of(asked, t);
    if (!std::all_of(runs.begin(), runs.end(), [](run const& r) { return r.given; })) return true;
  }
  return false;
}

ct::result<record> record_of(request const& asked, run const& r) {
  std::string const path = given_weights(asked, r);
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
  auto const simulation = revision_of(data, asked, r);
  // of a generator's events, other ones pass another simulation, so that the parts' borders have moved
  if (!simulation || (*simulation != ct::sim::revision && is_generated(asked, r.what->where))) {
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
        setting{"epochs", "number of epochs", std::to_string(asked.size.epochs)},
        setting{"batch", "size of the batches", std::to_string(asked.size.batch)},
        setting{"learning_rate", "learning rate", learning_rate_note(optimiser_of(asked.size))}}) {
    auto const had = note(s.key);
    if (had == s.wanted) continue;
    return ct::error{std::string("the ") + s.words + " of the weights is " +
                         (had.empty() ? "unknown" : ct::one_line(had)) + " instead of " + s.wanted,
                     path, remedy};
  }
  return record{history_from(note("history")), *simulation};
}

ct::result<void> check_found(request const& asked) {
  std::error_code unknown;
  if (!asked.weights.empty() && asked.weights != asked.out && !fs::is_directory(asked.weights, unknown))
    return ct::error{"there is no such folder", asked.weights, "name one with --weights, or leave it out"};
  bool any = false;
  for (training const& t : trainings) {
    auto const net = find_network(t.model);
    if (!net) return *net.error();
    for (run const& r : runs_of(asked, t)) {
      if (!r.given) {
        if (auto usable = check_kept(asked, r); !usable) return usable;
        continue;
      }
      any = true;
      if (auto const past = record_of(asked, r); !past) return *past.error();
      if (auto const weights = (*net)->load(given_weights(asked, r)); !weights) return *weights.error();
    }
  }
  if (!any && !asked.weights.empty() && asked.only.empty()) {
    return ct::error{"the folder holds no weights of this study", asked.weights,
                     "name the folder of an earlier run, or leave --weights out"};
  }
  return {};
}

}  // namespace program::event_study
