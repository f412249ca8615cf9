// The built-in networks behind one interface, so that only a few translation units compile them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common.hpp"
#include <nlohmann/json_fwd.hpp>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/constant_weights.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/io/model.hpp>
#include <calotype/nn/content_range.hpp>
#include <calotype/report/network_diagram.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/options.hpp>

namespace program {

// One step of a network, for people.
struct layer_line {
  std::string what;
  std::string output;
  std::uint64_t parameters = 0;
  std::uint64_t multiply_adds = 0;
};

struct network_info {
  std::string name;
  std::string task;  // one line: what it tells apart, from what, where it is published
  std::string input;
  std::string preprocessing;
  std::vector<std::string> classes;
  bool needs_photons = true;  // reads nothing of an event without two photon candidates
  bool needs_digis = false;   // reads the digitised pulses of events
  std::uint64_t parameters = 0;
  std::uint64_t idle_parameters = 0;
  std::uint64_t multiply_adds = 0;
  std::uint64_t workspace_bytes = 0;
  std::string layout_signature;
  std::string network_signature;
  std::vector<layer_line> layers;
  std::vector<ct::report::diagram_box> diagram;
};

// Scores events, one after the other; one per thread.
class scorer {
 public:
  virtual ~scorer() = default;
  // Probabilities in the order of the classes, valid until the next call. Empty where the network does not
  // apply: it reads what is divided by m_gg, and the event has fewer than two photon candidates.
  virtual std::span<float const> operator()(ct::event const& e) = 0;
  // Of the first class, behind the last scores that were not empty.
  virtual double log_odds() const = 0;
};

// A quantity of an event in which it is unlike nearly all events that a network was trained on.
struct outlier {
  std::string name;  // as nn::input_content calls it
  double value = 0;  // NaN where the event has no such thing
  ct::nn::content_range range;
};

// Compares events with those that a network was trained on, one after the other; one per thread.
class range_check {
 public:
  virtual ~range_check() = default;
  // What of an event lies outside the stored ranges.
  virtual std::vector<outlier> operator()(ct::event const& e) = 0;
};

// A network with its weights.
class trained_network {
 public:
  virtual ~trained_network() = default;
  virtual std::unique_ptr<scorer> make_scorer() const = 0;
  // Null where the weights do not say what they were trained on.
  virtual std::unique_ptr<range_check> make_range_check() const = 0;
};

// How the convolutions of a training are computed (exec::direct, exec::winograd).
enum class arithmetic { direct, winograd };
inline choices<arithmetic> const arithmetics{{"direct", arithmetic::direct},
                                             {"winograd", arithmetic::winograd}};

using labelled_events = std::vector<ct::io::labelled_event>;

// A training to be done. Every event has a label that is a class and an input that the network can read.
struct training_request {
  ct::train::options options;
  program::arithmetic arithmetic = program::arithmetic::winograd;
  labelled_events training;
  labelled_events validation;
  std::string out;
  std::string checkpoint;          // written after every epoch
  bool resume = false;             // go on from the checkpoint, with its settings and its arithmetic
  std::vector<std::string> set{};  // options given by the user, which a resumed run must not contradict
  bool force = false;              // replace existing weights
  std::string data;                // how the events came about; a resumed run must have the same
  ct::io::provenance notes;        // more to be written beside the weights
  std::function<void(ct::train::step_report const&)> on_step;
  std::function<void(ct::train::epoch_report const&)> on_epoch;
};

enum class weights_format { header, safetensors };

// Weights to be written in another form.
struct conversion_request {
  weights_format to{};
  std::string out;
  ct::io::constant_name constant{};                        // of a header
  ct::io::number_type numbers = ct::io::number_type::f32;  // of a safetensors file
  bool unverified = false;  // take what the file's tensors are called for what they are
  bool force = false;
  ct::io::provenance notes{};  // more to be written beside the weights' own
};

nlohmann::ordered_json as_json(ct::train::epoch_report const& e);

// The learning rate in words, which weights carry as the note "learning_rate".
std::string learning_rate_note(ct::train::adam const& a);

// The epochs of a training as a JSON text, which weights carry as the note "history"; and back, empty for
// anything that is no such text.
std::string history_text(std::span<ct::train::epoch_report const> history);
std::vector<ct::train::epoch_report> history_from(std::string const& text);

class network {
 public:
  virtual ~network() = default;
  virtual network_info const& info() const = 0;
  // Reads and verifies weights; an empty path means those that come with the program.
  virtual ct::result<std::unique_ptr<trained_network>> load(std::string path) const = 0;
  // Reads weights and writes them as asked for.
  virtual ct::result<void> convert(std::string const& weights, conversion_request const& request) const = 0;
  // Trains, and writes the parameters of the best epoch. Returns all epochs.
  virtual ct::result<std::vector<ct::train::epoch_report>> train(training_request const& request) const = 0;
};

// What events are scored with unless the user names another network.
inline constexpr std::string_view default_model = "cms-b";

// All of them, those of the paper's Table 2 first and in its order; and one by its name.
std::span<network const* const> networks();
ct::result<network const*> find_network(std::string_view name);

// The class behind a label; a yes-or-no network does not tell apart those that `simulate` makes.
std::string class_name(network_info const& about, int label);

// Where the weights of a network are that come with the program: the folder that CALOTYPE_WEIGHTS names,
// or the one installed with it, or that of the source.
std::string default_weights(std::string_view name);

// "H->gg" as it is printed in a picture.
std::string pretty_class(std::string text);

}  // namespace program
