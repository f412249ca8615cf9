// The events of a study, part by part.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "../networks.hpp"
#include "../simulation.hpp"
#include "runs.hpp"
#include "study.hpp"

#include <calotype/core/result.hpp>
#include <calotype/io/particles_npz.hpp>
#include <calotype/sim/hit_library.hpp>

namespace program::event_study {

// Training, validation and test.
inline constexpr std::size_t parts = 3;

// A library of soft collisions, of which every part of the events has its own.
struct pile_up {
  ct::sim::hit_library library;
  std::vector<ct::sim::overlays> of{};  // a part; empty without a library

  ct::sim::overlays const* part(std::size_t k) const { return of.empty() ? nullptr : &of[k]; }
};

ct::result<std::unique_ptr<pile_up>> open_library(request const& asked);

// The generated events of the three classes, from their beginning.
ct::result<std::vector<ct::io::particle_file>> open_generated(request const& asked);

// The events of a category: three parts that have none in common.
struct samples {
  training_request learn;  // with the events to learn from and to choose by
  labelled_events test;
};

// Without events to train on and to validate with where nothing is to be trained.
ct::result<samples> simulate_samples(request const& asked, category c, pile_up const& soft);

// Changes the events for a control. What was there is gone, so that controls are the last of their category.
void show(event_study::view view, samples& s, simulation_options const& how, pile_up const& soft);

}  // namespace program::event_study
