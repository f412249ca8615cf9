// Generated events in .npz: the stable particles of collisions, as examples/pythia/generate.py writes them.
//
// For n events with p particles in all:
//   offsets i8[n+1]   event i has the particles offsets[i] .. offsets[i+1]-1
//   pdg_id i4[p]   px py pz f4[p] GeV   energy f4[p]   x y z f4[p] cm, where it was made, from the collision
//   event u8[n]   label i4[n]   weight f4[n]   block i8[n], the same for events that must not be split
//   candidate_pt candidate_eta candidate_phi f4[n, 2]   candidate_prompt u1[n, 2]: the two photon candidates of
//     the hard collision, the harder first
//   metadata u1[bytes]     a JSON object of texts; 'process' names the sample
// Only offsets, pdg_id, px, py and pz must be there; other arrays are ignored. Without `event` and `block`
// events count from 0 and each is its own block; the label is -1, the weight 1, and particles come from the
// collision itself.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <calotype/core/result.hpp>
#include <calotype/io/detail/npz_metadata.hpp>
#include <calotype/io/npz.hpp>
#include <calotype/sim/generated.hpp>

namespace calotype::io {

// An open file of generated events, read from its beginning to its end. Not for concurrent use.
class particle_file {
 public:
  std::string const& path() const noexcept { return npz_.path(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t left() const noexcept { return size_ - next_; }  // events not read yet
  std::map<std::string, std::string> const& metadata() const noexcept { return metadata_; }

  // Reads the next events in place of what `into` held: `count`, or as many as are left. Refused: offsets that
  // fall or reach beyond, particles that do not reach the detector, NaN and infinity. The first error is kept:
  // everything after it reads nothing and returns it again.
  result<void> read(sim::generated_events& into, std::size_t count) {
    into.clear();
    if (!problem_) {
      if (auto outcome = read_next(into, std::min(count, left())); !outcome) problem_ = *outcome.error();
    }
    return problem_ ? result<void>(*problem_) : result<void>();
  }

  // Passes over events.
  result<void> skip(std::size_t count) {
    if (problem_) return *problem_;
    sim::generated_events passed;
    for (count = std::min(count, left()); count > 0;) {
      auto const part = std::min<std::size_t>(count, 256);
      if (auto outcome = read(passed, part); !outcome) return outcome;
      count -= part;
    }
    return {};
  }

 private:
  friend result<particle_file> open_particles(std::string path);
  explicit particle_file(npz_file npz) : npz_(std::move(npz)) {}

  result<void> read_next(sim::generated_events& into, std::size_t count) {
    std::vector<std::int64_t> ends(count);
    if (auto read = offsets_->read(ends); !read) return read;
    for (std::size_t i = 0; i < count; ++i) {
      auto const at = path() + ", event " + std::to_string(next_) + " (counted from 0)";
      auto const left = static_cast<std::int64_t>(pdg_id_->left());
      if (ends[i] < end_ || ends[i] - end_ > left) {
        return calotype::error{"the offsets do not rise, or reach beyond the particles", at,
                               "write the file again"};
      }
      auto const particles = static_cast<std::size_t>(ends[i] - std::exchange(end_, ends[i]));
      if (auto read = read_event(into, at); !read) return read;
      if (auto read = read_particles(into, particles, at); !read) return read;
      ++next_;
    }
    if (next_ == size_ && pdg_id_->left() > 0) {
      return calotype::error{"there are particles behind the last event", path(), "write the file again"};
    }
    return {};
  }

  static constexpr std::array momentum{"px", "py", "pz"};
  static constexpr std::array vertex{"x", "y", "z"};
  static constexpr std::array candidate{"candidate_pt", "candidate_eta", "candidate_phi"};

  result<void> open() {
    auto const* const offsets = npz_.find("offsets");
    if (offsets == nullptr) {
      return calotype::error{"there is no array 'offsets'", path(),
                             "give a file of generated events, as examples/pythia/generate.py writes it"};
    }
    if (offsets->shape.size() != 1 || offsets->rows() < 2) {
      return calotype::error{"the file holds no events", path(), "write it again"};
    }
    size_ = static_cast<std::size_t>(offsets->rows() - 1);
    auto const* const ids = npz_.find("pdg_id");
    std::uint64_t const particles = ids != nullptr ? ids->rows() : 0;
    if (auto checked = check({"pdg_id", "px", "py", "pz"}, {particles}, true); !checked) return checked;
    if (auto checked = check({"x", "y", "z"}, {particles}, false); !checked) return checked;
    if (auto checked = check({"event", "label", "weight", "block"}, {size_}, false); !checked) return checked;
    bool const pairs = npz_.find(candidate[0]) != nullptr;
    if (auto checked =
            check({"candidate_pt", "candidate_eta", "candidate_phi", "candidate_prompt"}, {size_, 2}, pairs);
        !checked)
      return checked;
    auto metadata = detail::read_metadata(npz_);
    if (!metadata) return *metadata.error();
    metadata_ = std::move(*metadata);
    result<void> opened{};
    open(opened, offsets_, "offsets");
    open(opened, pdg_id_, "pdg_id");
    open(opened, event_, "event");
    open(opened, label_, "label");
    open(opened, weight_, "weight");
    open(opened, block_, "block");
    open(opened, prompt_, "candidate_prompt");
    for (std::size_t k = 0; k < 3; ++k) {
      open(opened, momentum_[k], momentum[k]);
      open(opened, vertex_[k], vertex[k]);
      open(opened, candidate_[k], candidate[k]);
    }
    std::int64_t first = 0;
    if (opened) opened = offsets_->read(std::span(&first, 1));
    if (opened && first != 0)
      return calotype::error{"the first of 'offsets' is not 0", path(), "write it again"};
    return opened;
  }

  result<void> check(std::initializer_list<char const*> names, std::vector<std::uint64_t> const& shape,
                     bool required) const {
    for (auto const* const name : names) {
      auto const* const array = npz_.find(name);
      if (array == nullptr && required) {
        return calotype::error{std::string("there is no array '") + name + "'", path(),
                               "give a file of generated events, as examples/pythia/generate.py writes it"};
      }
      if (array != nullptr && array->shape != shape) {
        return calotype::error{std::string("the array '") + name + "' does not have the length of the others",
                               path(), "write the file again"};
      }
    }
    return {};
  }

  template <class T>
  void open(result<void>& outcome, std::optional<npz_stream<T>>& stream, char const* name) {
    if (!outcome || npz_.find(name) == nullptr) return;
    auto opened = npz_.stream<T>(name);
    if (opened) {
      stream.emplace(std::move(*opened));
    } else {
      outcome = *opened.error();
    }
  }

  template <class T>
  static result<void> take(std::optional<npz_stream<T>>& stream, T& value) {
    return stream ? stream->read(std::span(&value, 1)) : result<void>{};
  }

  result<void> read_event(sim::generated_events& into, std::string const& at) {
    sim::generated_event e;
    e.number = next_;
    e.block = static_cast<std::int64_t>(next_);
    e.has_candidates = candidate_[0].has_value();
    std::array<std::array<float, 2>, 3> pairs{};
    std::array<std::uint8_t, 2> prompt{};
    result<void> outcome = take(event_, e.number);
    if (outcome) outcome = take(label_, e.label);
    if (outcome) outcome = take(weight_, e.weight);
    if (outcome) outcome = take(block_, e.block);
    for (std::size_t k = 0; k < 3 && outcome && e.has_candidates; ++k) outcome = candidate_[k]->read(pairs[k]);
    if (outcome && e.has_candidates) outcome = prompt_->read(prompt);
    if (!outcome) return outcome;
    bool finite = std::isfinite(e.weight);
    for (std::size_t k = 0; k < 2; ++k) {
      for (auto const& pair : pairs) finite = finite && std::isfinite(pair[k]);
      auto const wide = [&](std::size_t which) { return static_cast<double>(pairs[which][k]); };
      e.candidates[k] = {wide(0), wide(1), wide(2), prompt[k] != 0, sim::meson::pion_0, 1, 0};
    }
    if (!finite) return not_finite(at);
    into.start(e);
    return {};
  }

  result<void> read_particles(sim::generated_events& into, std::size_t count, std::string const& at) {
    ids_.resize(count);
    result<void> outcome = pdg_id_->read(ids_);
    auto const fill = [&](std::vector<float>& values, std::optional<npz_stream<float>>& stream) {
      values.assign(count, 0);
      if (outcome && stream) outcome = stream->read(values);
    };
    for (std::size_t k = 0; k < 3; ++k) {
      fill(p_[k], momentum_[k]);
      fill(x_[k], vertex_[k]);
    }
    if (!outcome) return outcome;
    for (std::size_t i = 0; i < count; ++i) {
      auto const role = sim::role_of(ids_[i]);
      if (role.what == sim::particle_role::fate::unseen) continue;
      if (role.what == sim::particle_role::fate::unknown) {
        return calotype::error{"a particle of PDG number " + std::to_string(ids_[i]) + " is not stable", at,
                               "write stable particles only"};
      }
      auto const wide = [&](std::array<std::vector<float>, 3> const& from, std::size_t k) {
        return static_cast<double>(from[k][i]);
      };
      for (std::size_t k = 0; k < 3; ++k) {
        if (!std::isfinite(p_[k][i]) || !std::isfinite(x_[k][i])) return not_finite(at);
      }
      sim::four_momentum const p{wide(p_, 0), wide(p_, 1), wide(p_, 2), 0};
      into.add({role.kind, p.pt(), p.eta(), p.phi(), role.charge, wide(x_, 0), wide(x_, 1), wide(x_, 2)});
    }
    return {};
  }

  static calotype::error not_finite(std::string const& at) {
    return {"a number is NaN or infinity", at, "write the file again"};
  }

  npz_file npz_;
  std::size_t size_ = 0, next_ = 0;
  std::int64_t end_ = 0;  // of the particles read
  std::optional<calotype::error> problem_{};
  std::map<std::string, std::string> metadata_{};
  std::optional<npz_stream<std::int64_t>> offsets_{}, block_{};
  std::optional<npz_stream<std::int32_t>> pdg_id_{}, label_{};
  std::optional<npz_stream<std::uint64_t>> event_{};
  std::optional<npz_stream<std::uint8_t>> prompt_{};
  std::optional<npz_stream<float>> weight_{};
  std::array<std::optional<npz_stream<float>>, 3> momentum_{}, vertex_{}, candidate_{};
  std::vector<std::int32_t> ids_{};
  std::array<std::vector<float>, 3> p_{}, x_{};
};

// Opens a file and checks that its arrays belong together; the values are checked as they are read.
inline result<particle_file> open_particles(std::string path) {
  auto npz = open_npz(std::move(path));
  if (!npz) return *npz.error();
  particle_file file(std::move(*npz));
  if (auto opened = file.open(); !opened) return *opened.error();
  return file;
}

}  // namespace calotype::io
