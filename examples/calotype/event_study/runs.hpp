// What is asked of a study, the trainings that follow from it, and what of them is there already.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../networks.hpp"
#include "../simulation.hpp"
#include "study.hpp"

#include <calotype/core/result.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/options.hpp>

namespace program::event_study {

// Stands for the names of all trainings.
inline constexpr char const* all_trainings = "all";

struct request {
  event_study::size size{};
  std::string out = "event-paper";  // folder
  std::uint64_t seed = 1;
  int seeds = 1;
  bool paper_split = false;
  std::vector<std::string> particles;  // generated events, instead of the embedded generators
  std::string library;                 // of soft collisions for the pile-up
  std::string weights;                 // a folder of weights that need no training
  std::vector<std::string> only;  // the trainings to be done, without tests and report; empty: all of the study
  bool no_training = false;       // the report of the weights that are given: other trainings are left out
  std::string recorded;           // a folder of recorded events
  std::vector<std::string> showers;  // files of electrons and photons that were not simulated here
  int threads = 1;
  bool force = false;  // weights without the checkpoint of their training are replaced
};

// One training to be done or given: that of the study, that with another seed, or that which is validated with
// the test events.
struct run {
  training const* what = nullptr;
  std::string name;  // of its files
  std::uint64_t seed = 1;
  bool validated_by_test = false;
  bool given = false;  // its weights are there and need no training
};

// What is asked for of a training, that of the study first.
std::vector<run> runs_of(request const& asked, training const& t);

// Whether a category's events are those of a generator's files.
bool is_generated(request const& asked, category c);

// How the events of a category are simulated.
simulation_options options_of(request const& asked, category c);

// How the events of a category come about, in words; and what a training sees of them.
std::string data_of(request const& asked, category c, int revision = ct::sim::revision);
std::string data_of(request const& asked, run const& r, int revision = ct::sim::revision);

// What weights say of the training that they are from.
std::string training_note(run const& r);

// The CvM of an epoch that is chosen keeps to the paper's bounds (5.4).
ct::train::options training_options(request const& asked, run const& r);

// The weights of a run, given or made here, and the checkpoint of those made here.
std::string weights_of(request const& asked, run const& r);
std::string checkpoint_of(request const& asked, run const& r);

// Whether anything of a category is still to be trained.
bool is_trained_here(request const& asked, category c);

// What is known of how a run was trained.
struct record {
  std::vector<ct::train::epoch_report> history;
  int simulation = ct::sim::revision;  // that made the events, which may be an earlier one
};

// Of weights that were given, once these are of this training and these events: an event of the test must not
// be among those that they were trained on.
ct::result<record> record_of(request const& asked, run const& r);

// Whether the weights and checkpoints that are there can be used, which should not come out after hours.
ct::result<void> check_found(request const& asked);

}  // namespace program::event_study
