// Libraries of soft collisions in .npz.
//
// For n collisions with c cells and t tracks in all:
//   cell_offset i8[n+1]    cell u4[c], counted through the lists of sim::deposits   energy f4[c] GeV
//   track_offset i8[n+1]   track_pt track_eta track_phi track_charge track_d0 track_z0 f4[t]
//   metadata u1[bytes]     a JSON object of texts; 'format' is calotype-hit-library, 'cells' how many there are
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/image/event.hpp>
#include <calotype/io/detail/npz_metadata.hpp>
#include <calotype/io/events_npz.hpp>
#include <calotype/io/npz.hpp>
#include <calotype/sim/hit_library.hpp>

namespace calotype::io {

// Writes a library; without a collision it fails.
inline result<void> save_library(std::string path, sim::hit_library const& library,
                                 std::map<std::string, std::string> metadata = {}, npz_options options = {}) {
  if (library.size() == 0)
    return calotype::error{"there is no collision to write", path, "nothing was left behind"};
  auto npz = npz_writer::create(std::move(path), options);
  if (!npz) return *npz.error();
  metadata["format"] = "calotype-hit-library";
  metadata["cells"] = std::to_string(sim::hit_library::cell_count());
  metadata["simulation"] = std::to_string(sim::revision);
  if (auto written = detail::write_metadata(*npz, metadata); !written) return written;
  auto const cell_offset = npz->add<std::int64_t>("cell_offset");
  auto const cell = npz->add<std::uint32_t>("cell");
  auto const energy = npz->add<float>("energy");
  auto const track_offset = npz->add<std::int64_t>("track_offset");
  std::vector<npz_column<float>> tracks;
  for (auto const& field : detail::track_fields) tracks.push_back(npz->add<float>(field.name));
  std::int64_t cell_count = 0, track_count = 0;
  static_cast<void>(npz->append(cell_offset, cell_count));
  static_cast<void>(npz->append(track_offset, track_count));
  for (std::size_t i = 0; i < library.size(); ++i) {
    for (auto const& c : library.cells(i)) {
      static_cast<void>(npz->append(cell, c.cell));
      static_cast<void>(npz->append(energy, c.energy));
    }
    for (auto const& t : library.tracks(i)) {
      for (std::size_t k = 0; k < tracks.size(); ++k) {
        static_cast<void>(npz->append(tracks[k], t.*detail::track_fields[k].member));
      }
    }
    cell_count += static_cast<std::int64_t>(library.cells(i).size());
    track_count += static_cast<std::int64_t>(library.tracks(i).size());
    static_cast<void>(npz->append(cell_offset, cell_count));
    static_cast<void>(npz->append(track_offset, track_count));
  }
  return npz->close();
}

// Reads a library and checks all of it.
inline result<sim::hit_library> load_library(std::string path) {
  auto const npz = open_npz(std::move(path));
  if (!npz) return *npz.error();
  auto const refuse = [&](std::string what) {
    return calotype::error{std::move(what), npz->path(), "make it with 'calotype simulate --minimum-bias'"};
  };
  auto const metadata = detail::read_metadata(*npz);
  if (!metadata) return *metadata.error();
  if (!metadata->contains("format") || metadata->at("format") != "calotype-hit-library") {
    return refuse("this is no library of soft collisions");
  }
  if (!metadata->contains("cells") || metadata->at("cells") != std::to_string(sim::hit_library::cell_count())) {
    return refuse("the library is of another detector");
  }
  if (!metadata->contains("simulation") || metadata->at("simulation") != std::to_string(sim::revision))
    return refuse("the library is of another revision of the simulation");
  calotype::error problem;
  auto const read = [&]<class T>(std::vector<T>& values, char const* name) {
    auto all = npz->read<T>(name);
    if (!all) {
      if (problem.what.empty()) problem = *all.error();
    } else {
      values = std::move(*all);
    }
  };
  std::vector<std::int64_t> cell_offset, track_offset;
  std::vector<std::uint32_t> cell;
  std::vector<float> energy;
  std::vector<std::vector<float>> fields(detail::track_fields.size());
  read(cell_offset, "cell_offset");
  read(cell, "cell");
  read(energy, "energy");
  read(track_offset, "track_offset");
  for (std::size_t k = 0; k < fields.size(); ++k) read(fields[k], detail::track_fields[k].name);
  if (!problem.what.empty()) return problem;
  auto const rising = [](std::vector<std::int64_t> const& offsets, std::size_t values) {
    bool good =
        offsets.size() >= 2 && offsets.front() == 0 && static_cast<std::uint64_t>(offsets.back()) == values;
    for (std::size_t i = 1; i < offsets.size() && good; ++i) good = offsets[i] >= offsets[i - 1];
    return good;
  };
  bool lengths = cell.size() == energy.size() && cell_offset.size() == track_offset.size();
  for (auto const& field : fields) lengths = lengths && field.size() == fields[0].size();
  if (!lengths || !rising(cell_offset, cell.size()) || !rising(track_offset, fields[0].size())) {
    return refuse("the offsets do not rise, or do not agree with the values");
  }
  std::vector<sim::cell_energy> cells(cell.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cell[i] >= sim::hit_library::cell_count() || !(energy[i] > 0) || !std::isfinite(energy[i])) {
      return refuse("a cell does not exist, or its energy is not positive");
    }
    cells[i] = {cell[i], energy[i]};
  }
  std::vector<track> tracks(fields[0].size());
  for (std::size_t k = 0; k < fields.size(); ++k) {
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      if (!std::isfinite(fields[k][i])) return refuse("a track holds NaN or infinity");
      tracks[i].*detail::track_fields[k].member = fields[k][i];
    }
  }
  sim::hit_library library;
  auto const part = [](auto const& all, std::vector<std::int64_t> const& offsets, std::size_t i) {
    return std::span(all).subspan(static_cast<std::size_t>(offsets[i]),
                                  static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
  };
  for (std::size_t i = 0; i + 1 < cell_offset.size(); ++i) {
    library.add(part(cells, cell_offset, i), part(tracks, track_offset, i));
  }
  return library;
}

}  // namespace calotype::io
