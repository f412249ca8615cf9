// A network description as a `network`.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "networks.hpp"

#include <calotype/image/kinematics.hpp>
#include <calotype/io/model.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/cost.hpp>
#include <calotype/nn/input_content.hpp>
#include <calotype/nn/session.hpp>
#include <calotype/train/checkpoint.hpp>
#include <calotype/train/trainer.hpp>

namespace program {

// Whether an event without two photon candidates has no input.
template <class Input>
constexpr bool needs_photons() {
  if constexpr (ct::nn::input_traits<Input>::is_image) {
    return ct::image_traits<Input>::options.divide_by != ct::divisor::none;
  } else {
    return requires(ct::event const& e) { Input::applies(e); };
  }
}

template <class Net>
class scorer_of final : public scorer {
 public:
  explicit scorer_of(ct::nn::model<Net> const& model) : score_(model) {}

  std::span<float const> operator()(ct::event const& e) override {
    if (needs_photons<typename Net::input>() && !(ct::diphoton_mass(e.photons()) > 0)) return {};
    last_ = score_(e);
    return last_;
  }
  double log_odds() const override { return score_.log_odds(); }

 private:
  ct::session<Net> score_;
  typename ct::session<Net>::scores last_{};
};

template <class Net>
class range_check_of final : public range_check {
 public:
  explicit range_check_of(ct::nn::content_ranges const& ranges) : ranges_(ranges) {}

  std::vector<outlier> operator()(ct::event const& e) override {
    std::vector<outlier> found;
    auto const values = content_(e);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto const range = ranges_.find(content_.names()[i]);
      if (range == ranges_.end() || range->second.contains(values[i])) continue;
      found.push_back({range->first, values[i], range->second});
    }
    return found;
  }

 private:
  ct::nn::content_ranges ranges_;
  ct::nn::input_content<typename Net::input> content_;
};

template <class Net>
class trained_network_of final : public trained_network {
 public:
  trained_network_of(ct::nn::model<Net> model, ct::nn::content_ranges ranges)
      : model_(std::move(model)), ranges_(std::move(ranges)) {}
  std::unique_ptr<scorer> make_scorer() const override { return std::make_unique<scorer_of<Net>>(model_); }
  std::unique_ptr<range_check> make_range_check() const override {
    if (ranges_.empty()) return nullptr;
    return std::make_unique<range_check_of<Net>>(ranges_);
  }

 private:
  ct::nn::model<Net> model_;
  ct::nn::content_ranges ranges_;
};

// The training ranges of a weights file, once each of them is of a quantity that the network has: one of
// another would be passed over.
template <class Net>
ct::result<ct::nn::content_ranges> ranges_for(ct::io::safetensors_file const& file) {
  auto ranges = ct::io::training_ranges(file);
  if (!ranges) return ranges;
  ct::nn::input_content<typename Net::input> const content;
  auto const names = content.names();
  for (auto const& [name, range] : *ranges) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return ct::error{"the file has a training range of '" + name + "', which the network's input does not have",
                     file.path(), "use the program that trained these weights, or train anew"};
  }
  return ranges;
}

// Events in memory as a data set.
struct event_data {
  labelled_events const* events;

  std::size_t size() const { return events->size(); }
  ct::event const& sample(std::size_t i) const { return (*events)[i]; }
  int label(std::size_t i) const { return (*events)[i].label; }
  float weight(std::size_t i) const { return (*events)[i].weight; }
  float mass(std::size_t i) const { return (*events)[i].m_gg; }
};

// The checkpoint to go on from, once nothing that decides the numbers contradicts it. Threads and the number of
// epochs are free to change.
template <class Net>
ct::result<ct::train::checkpoint<Net>> checkpoint_of(training_request const& r) {
  if (auto usable = check_input(r.checkpoint); !usable) return *usable.error();
  auto loaded = ct::train::load_checkpoint<Net>(r.checkpoint);
  if (!loaded) return *loaded.error();
  auto const& had = loaded->settings;
  auto& notes = loaded->notes;
  if (notes["data"] != r.data) {
    return ct::error{"the checkpoint was made with other events (" + notes["data"] + ")", r.checkpoint,
                     "offer the same again"};
  }
  auto const differs = [&](char const* option, auto const& given, auto const& before) {
    return given != before && std::find(r.set.begin(), r.set.end(), option) != r.set.end();
  };
  auto const& o = r.options;
  auto const& ours = o.decorrelation;
  auto const& theirs = had.decorrelation;
  for (auto const& [option, different] :
       {std::pair{"--batch", differs("--batch", o.batch_size, had.batch_size)},
        std::pair{"--rate", differs("--rate", o.optimiser.learning_rate, had.optimiser.learning_rate)},
        std::pair{"--rate-decay", differs("--rate-decay", o.optimiser.rate_decay, had.optimiser.rate_decay)},
        std::pair{"--seed", differs("--seed", o.seed, had.seed)},
        std::pair{"--decorrelate", differs("--decorrelate", ours.strength, theirs.strength)},
        std::pair{"--neighbours", differs("--neighbours", ours.neighbours, theirs.neighbours)},
        std::pair{"--ring", differs("--ring", ours.ring, theirs.ring)},
        std::pair{"--cvm-bound", differs("--cvm-bound", o.cvm_bound, had.cvm_bound)},
        std::pair{"--arithmetic",
                  differs("--arithmetic", name_of(arithmetics, r.arithmetic), notes["arithmetic"])}}) {
    if (different) {
      return ct::error{std::string("the checkpoint was made with another ") + option, r.checkpoint,
                       "leave the option out, or start anew without --resume"};
    }
  }
  if (notes["arithmetic"] != "direct" && notes["arithmetic"] != "winograd") {
    return ct::error{"the checkpoint does not say which arithmetic it was made with", r.checkpoint,
                     "start anew without --resume"};
  }
  return loaded;
}

// The training itself, from the beginning or from a checkpoint.
template <class Net, class Arithmetic>
ct::result<std::vector<ct::train::epoch_report>> train_with(
    training_request const& r, std::optional<ct::train::checkpoint<Net>> const& before) {
  using policy = ct::exec::cpu<ct::exec::best_arch, ct::exec::single, Arithmetic>;
  std::string const arithmetic_name = std::same_as<Arithmetic, ct::exec::direct> ? "direct" : "winograd";
  ct::train::options options = r.options;
  ct::train::run_state<Net> state;
  if (before) {
    options = before->settings;
    options.epochs = r.options.epochs;
    options.threads = r.options.threads;
  }
  ct::train::trainer<Net, policy> trainer(ct::nn::model<Net>::initial(options.seed), options);
  if (before) {
    if (auto resumed = ct::train::resume(trainer, state, *before); !resumed) return *resumed.error();
  }

  ct::result<void> saved;
  auto const trained =
      ct::train::fit(trainer, event_data{&r.training}, event_data{&r.validation}, state, r.on_step,
                     [&](ct::train::epoch_report const& report) {
                       r.on_epoch(report);
                       saved = ct::train::save_checkpoint(r.checkpoint, trainer, state,
                                                          {{"data", r.data}, {"arithmetic", arithmetic_name}});
                       return static_cast<bool>(saved);
                     });
  if (!trained) return *trained.error();
  if (!saved) return *saved.error();
  if (state.best_parameters.empty()) {
    return ct::error{"there is no epoch to be trained", r.checkpoint, "ask for more with --epochs"};
  }
  ct::io::provenance notes = r.notes;
  notes["data"] = r.data;
  notes["seed"] = std::to_string(options.seed);
  notes["arithmetic"] = arithmetic_name;
  notes["batch"] = std::to_string(options.batch_size);
  notes["learning_rate"] = learning_rate_note(options.optimiser);
  notes["epochs"] = std::to_string(trainer.done().epochs);
  notes["history"] = history_text(state.history);
  auto const text = [](char const* format, auto... values) {
    std::array<char, 96> line{};
    std::snprintf(line.data(), line.size(), format, values...);
    return std::string(line.data());
  };
  auto const& d = options.decorrelation;
  if (d.strength > 0) {
    notes["decorrelation"] =
        text("CvM loss, strength %g, %d neighbours, ring of %d", d.strength, d.neighbours, d.ring);
  }
  if (options.cvm_bound > 0) notes["cvm_bound"] = text("%g", options.cvm_bound);
  if (auto const* const best = state.best(); best != nullptr) {
    notes["best_epoch"] = std::to_string(best->epoch);
    if (!r.validation.empty()) notes["validation_auc"] = text("%.4f", best->validation_auc);
    auto const& cvm = best->validation_cvm;
    if (cvm.windows > 0) {
      notes["validation_cvm"] =
          text("%.5f (random scores: %.5f +- %.5f)", cvm.value, cvm.floor, cvm.floor_error);
    }
  }
  auto written = ct::io::save<Net>(r.out, ct::nn::model<Net>(state.best_parameters), notes, {.force = r.force},
                                   ct::nn::ranges_of<typename Net::input>(r.training));
  if (!written) return *written.error();
  return state.history;
}

template <class Net>
ct::result<std::vector<ct::train::epoch_report>> train_network(training_request const& r) {
  std::optional<ct::train::checkpoint<Net>> before;
  bool direct = r.arithmetic == arithmetic::direct;
  if (r.resume) {
    auto loaded = checkpoint_of<Net>(r);
    if (!loaded) return *loaded.error();
    before = std::move(*loaded);
    direct = before->notes["arithmetic"] == "direct";
  }
  return direct ? train_with<Net, ct::exec::direct>(r, before) : train_with<Net, ct::exec::winograd>(r, before);
}

template <class Net>
ct::result<void> convert_weights(std::string const& weights, conversion_request const& r) {
  if (auto readable = check_input(weights); !readable) return readable;
  if (auto apart = check_apart(r.out, {weights}); !apart) return apart;
  auto file = ct::io::safetensors_file::open(weights);
  if (!file) return *file.error();
  auto const model = r.unverified ? ct::io::load_unverified<Net>(*file) : ct::io::load<Net>(*file);
  if (!model) return *model.error();
  ct::io::provenance notes = r.notes;
  constexpr std::string_view prefix = "provenance.";
  for (auto const& [key, text] : file->metadata()) {
    if (key.starts_with(prefix)) notes.emplace(key.substr(prefix.size()), text);
  }
  if (r.to == weights_format::header) notes.erase("history");  // numbers by the thousand, for no reader of code
  auto const ranges = ranges_for<Net>(*file);
  if (!ranges) return *ranges.error();
  return r.to == weights_format::header
             ? ct::io::save_constant<Net>(r.out, *model, r.constant, notes, {.force = r.force})
             : ct::io::save<Net>(r.out, *model, notes, {.force = r.force, .numbers = r.numbers}, *ranges);
}

inline std::string shape_text(ct::nn::map_shape s) {
  return s.is_vector()
             ? std::to_string(s.channels)
             : std::to_string(s.channels) + " x " + std::to_string(s.rows) + " x " + std::to_string(s.cols);
}

// The steps of a plan in words.
template <class Net>
std::vector<layer_line> layer_lines() {
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  using ct::nn::op;
  std::vector<layer_line> lines;
  for (int i = 0; i < plan.step_count; ++i) {
    auto const& s = plan.at(i);
    layer_line line;
    line.output = shape_text(plan.shape(s.out));
    std::string const side = std::to_string(s.kernel) + "x" + std::to_string(s.kernel);
    std::string const step = s.stride > 1 ? " /" + std::to_string(s.stride) : "";
    switch (s.kind) {
      case op::image_import:
        line.what = "image";
        break;
      case op::conv:
        line.what = "conv " + side + step + (s.shortcut >= 0 ? " + shortcut" : "");
        line.multiply_adds = static_cast<std::uint64_t>(plan.conv(i).multiply_adds());
        break;
      case op::conv_lstm:
        line.what = "conv LSTM " + side + ", " + std::to_string(s.steps) + " steps";
        line.multiply_adds = static_cast<std::uint64_t>(s.steps * plan.lstm(i).gates().multiply_adds());
        break;
      case op::max_pool:
        line.what = "max pool " + side;
        break;
      case op::global_max_pool:
        line.what = "global max pool";
        break;
      case op::avg_pool:
        line.what = "average pool " + side;
        break;
      case op::global_avg_pool:
        line.what = "global average pool";
        break;
      case op::flatten:
        line.what = "flatten";
        break;
      case op::dense:
        line.what = "dense";
        line.multiply_adds = static_cast<std::uint64_t>(plan.dense(i).weights());
        break;
      case op::dropout:
        line.what = "dropout";
        break;
    }
    if (s.normalised) line.what += ", batch norm";
    if (s.relu) line.what += ", relu";
    if (s.weight >= 0) {
      line.parameters =
          static_cast<std::uint64_t>(plan.parameter_at(s.weight).size() + plan.parameter_at(s.bias).size());
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

inline ct::report::box_kind box_kind_of(ct::nn::op kind) {
  using ct::nn::op;
  using enum ct::report::box_kind;
  switch (kind) {
    case op::conv:
    case op::conv_lstm:
      return convolution;
    case op::max_pool:
    case op::global_max_pool:
    case op::avg_pool:
    case op::global_avg_pool:
      return pooling;
    case op::dense:
      return dense;
    default:
      return other;
  }
}

// The inputs and the steps as boxes; what only brings an image into another order in memory is left out.
template <class Net>
std::vector<ct::report::diagram_box> diagram_boxes(std::vector<layer_line> const& lines) {
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  std::vector<ct::report::diagram_box> boxes;
  std::vector<int> box_of(static_cast<std::size_t>(plan.value_count), -1);  // that makes a value
  for (int v = 0; v < plan.value_count; ++v) {
    if (!plan.value_at(v).input) continue;
    box_of[static_cast<std::size_t>(v)] = static_cast<int>(boxes.size());
    boxes.push_back({ct::report::box_kind::input,
                     plan.shape(v).is_vector() ? "features" : "image",
                     shape_text(plan.shape(v)),
                     {},
                     -1});
  }
  // a joined vector has a maker for each of its parts
  auto const makers = [&](int v) {
    std::vector<int> found;
    if (box_of[static_cast<std::size_t>(v)] >= 0) return std::vector<int>{box_of[static_cast<std::size_t>(v)]};
    for (int part = 0; part < plan.value_count; ++part) {
      if (plan.value_at(part).parent == v) found.push_back(box_of[static_cast<std::size_t>(part)]);
    }
    return found;
  };
  for (int i = 0; i < plan.step_count; ++i) {
    auto const& s = plan.at(i);
    int& made_by = box_of[static_cast<std::size_t>(s.out)];
    if (s.kind == ct::nn::op::image_import) {
      made_by = makers(s.in).front();
      continue;
    }
    made_by = static_cast<int>(boxes.size());
    auto const& line = lines[static_cast<std::size_t>(i)];
    boxes.push_back({box_kind_of(s.kind), line.what, line.output, makers(s.in),
                     s.shortcut >= 0 ? makers(s.shortcut).front() : -1});
  }
  return boxes;
}

template <class Net>
class network_of final : public network {
 public:
  network_of(std::string name, std::string task) {
    constexpr auto cost = ct::nn::cost<Net>;
    using input = typename Net::input;
    info_.name = std::move(name);
    info_.task = std::move(task);
    info_.input = ct::io::detail::describe_input<input>();
    info_.preprocessing = ct::io::detail::describe_preprocessing<input>();
    for (auto c : Net::classes().names) info_.classes.emplace_back(c);
    info_.needs_photons = needs_photons<input>();
    info_.needs_digis = ct::nn::input_traits<input>::reads_pulses;
    info_.parameters = static_cast<std::uint64_t>(cost.parameters);
    info_.idle_parameters = static_cast<std::uint64_t>(cost.idle_parameters);
    info_.multiply_adds = static_cast<std::uint64_t>(cost.multiply_adds);
    info_.workspace_bytes = cost.workspace_bytes;
    info_.layout_signature = ct::io::detail::hexadecimal(ct::nn::input_traits<input>::signature());
    info_.network_signature = ct::io::detail::hexadecimal(ct::nn::signature<Net>);
    info_.layers = layer_lines<Net>();
    info_.diagram = diagram_boxes<Net>(info_.layers);
  }

  network_info const& info() const override { return info_; }

  ct::result<std::unique_ptr<trained_network>> load(std::string path) const override {
    if (path.empty()) {
      path = default_weights(info_.name);
      std::error_code unknown;
      if (!std::filesystem::exists(path, unknown)) {
        return ct::error{"no weights of " + info_.name + " come with the program", path,
                         "name some with --weights, or make them: calotype train --model " + info_.name};
      }
    }
    if (auto usable = check_input(path); !usable) return *usable.error();
    auto file = ct::io::safetensors_file::open(path);
    if (!file) return *file.error();
    auto model = ct::io::load<Net>(*file);
    if (!model) return *model.error();
    auto ranges = ranges_for<Net>(*file);
    if (!ranges) return *ranges.error();
    return std::unique_ptr<trained_network>(
        std::make_unique<trained_network_of<Net>>(std::move(*model), std::move(*ranges)));
  }

  ct::result<void> convert(std::string const& weights, conversion_request const& request) const override {
    return convert_weights<Net>(weights, request);
  }

  ct::result<std::vector<ct::train::epoch_report>> train(training_request const& request) const override {
    return train_network<Net>(request);
  }

 private:
  network_info info_;
};

}  // namespace program
