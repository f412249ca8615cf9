// Soft collisions that have passed the detector once: what they deposit is kept, and laid over other events
// again and again, turned and reflected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/math.hpp>
#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/sim/generated.hpp>
#include <calotype/sim/response.hpp>
#include <calotype/sim/revision.hpp>
#include <calotype/sim/soft.hpp>

namespace calotype::sim {

// Energy in one of the cells of `deposits`, all its lists counted through.
struct cell_energy {
  std::uint32_t cell = 0;
  float energy = 0;  // GeV
};

namespace detail {

// The lists of `deposits` in the order in which a library counts their cells.
template <class Deposits>
auto lists_of(Deposits& d) {
  return std::array{&d.eb, &d.ee, &d.hb, &d.he};
}

}  // namespace detail

// What many collisions left, without noise: energies above 1 MeV, and tracks.
class hit_library {
 public:
  std::size_t size() const noexcept { return cell_offsets_.size() - 1; }
  std::span<cell_energy const> cells(std::size_t i) const noexcept {
    return std::span(cells_).subspan(cell_offsets_[i], cell_offsets_[i + 1] - cell_offsets_[i]);
  }
  std::span<track const> tracks(std::size_t i) const noexcept {
    return std::span(tracks_).subspan(track_offsets_[i], track_offsets_[i + 1] - track_offsets_[i]);
  }
  // How many cells there are to count through.
  static std::uint32_t cell_count() {
    return static_cast<std::uint32_t>(eb_rows * eb_columns + 2 * ee_side * ee_side +
                                      segmentation<cms::hb>::size() + segmentation<cms::he>::size());
  }

  void add(std::span<cell_energy const> cells, std::span<track const> tracks) {
    cells_.insert(cells_.end(), cells.begin(), cells.end());
    tracks_.insert(tracks_.end(), tracks.begin(), tracks.end());
    cell_offsets_.push_back(cells_.size());
    track_offsets_.push_back(tracks_.size());
  }

 private:
  std::vector<cell_energy> cells_;
  std::vector<track> tracks_;
  std::vector<std::size_t> cell_offsets_ = std::vector<std::size_t>(1);
  std::vector<std::size_t> track_offsets_ = std::vector<std::size_t>(1);
};

// Puts soft collisions through the detector, for a library. Immutable: any number of threads may share one.
class soft_response {
 public:
  struct left {
    std::vector<cell_energy> cells;
    std::vector<track> tracks;
  };

  explicit soft_response(std::uint64_t seed) : seed_(seed) {}

  // What collision `c.number` of the seed leaves, from a vertex of its own.
  left operator()(generated_event const& c, std::span<particle const> particles) const {
    stream random(seed_, c.number, purpose);
    real const vertex_z = vertex_spread * real(random.normal<double>());
    response detector(endcap_, random);
    for (auto const& p : particles) detector.add(p, vertex_z);
    return {filled_cells(detector.energies), std::move(detector.tracks)};
  }

 private:
  static constexpr std::uint32_t purpose = 0xfffffe00U;

  static std::vector<cell_energy> filled_cells(deposits const& energies) {
    std::vector<cell_energy> cells;
    std::uint32_t first = 0;
    for (auto const* const list : detail::lists_of(energies)) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        if ((*list)[i] > 1e-3F) cells.push_back({first + static_cast<std::uint32_t>(i), (*list)[i]});
      }
      first += static_cast<std::uint32_t>(list->size());
    }
    return cells;
  }

  std::uint64_t seed_;
  endcap_map endcap_;
};

// Part `part` of `parts` of a library, from which collisions are drawn; parts share none. Events turn by
// multiples of 20 degrees, a supermodule of the barrel, and are reflected in eta. In the endcaps, whose
// crystals lie on a square grid, the energy goes to the crystal nearest to the turned place. Immutable: any
// number of threads may share one. The library must outlive it. Precondition: part < parts <= library.size().
class overlays {
 public:
  static constexpr std::uint32_t turns = 18;

  explicit overlays(hit_library const& library, std::size_t part = 0, std::size_t parts = 1)
      : library_(&library),
        first_(library.size() * part / parts),
        count_(library.size() * (part + 1) / parts - first_) {
    endcap_map const endcap;
    turned_.reserve(turns * hit_library::cell_count());
    for (std::uint32_t turn = 0; turn < turns; ++turn) add_turn(endcap, static_cast<int>(turn));
    for (std::uint32_t i = 0; i < hit_library::cell_count(); ++i) mirrored_.push_back(mirror(i));
  }

  // The collisions of this part.
  std::size_t size() const noexcept { return count_; }

  // Adds one collision, chosen by `random`; there must be one.
  void add(deposits& energies, std::vector<track>& tracks, stream& random) const {
    auto const which = random.below(static_cast<std::uint32_t>(count_));
    auto const turn = random.below(turns);
    add(energies, tracks, which, turn, random.below(2) == 1);
  }

  // Adds collision `which` of this part, turned by 20 degrees `turn` times and then reflected in eta if asked
  // to.
  void add(deposits& energies, std::vector<track>& tracks, std::size_t which, std::uint32_t turn,
           bool reflected) const {
    auto const lists = detail::lists_of(energies);
    auto const* const to = turned_.data() + turn * std::size_t{hit_library::cell_count()};
    for (auto const& [cell, energy] : library_->cells(first_ + which)) {
      std::uint32_t at = to[cell];
      if (at == nowhere) continue;
      if (reflected) at = mirrored_[at];
      for (auto* const list : lists) {
        if (at < list->size()) {
          (*list)[at] = ((*list)[at] + real32(energy)).value;
          break;
        }
        at -= static_cast<std::uint32_t>(list->size());
      }
    }
    real const angle = turn * (two_pi / turns);
    for (track t : library_->tracks(first_ + which)) {
      t.phi = static_cast<float>(wrap_azimuth(static_cast<double>(t.phi) + angle));
      if (reflected) {
        t.eta = -t.eta;
        t.z0 = -t.z0;
      }
      tracks.push_back(t);
    }
  }

 private:
  static constexpr std::uint32_t nowhere = 0xffffffffU;
  static constexpr std::uint32_t first_ee = eb_rows * eb_columns, ee_cells = ee_side * ee_side,
                                 first_hb = first_ee + 2 * ee_cells;
  static std::uint32_t first_he() {
    return first_hb + static_cast<std::uint32_t>(segmentation<cms::hb>::size());
  }

  static constexpr int around(int label, int steps, int turn) {
    return (label - 1 + turn * (steps / static_cast<int>(turns))) % steps + 1;
  }

  // Where cell i of HB or HE is found within its list after a turn or a reflection. Rings of half as many cells
  // have every second iphi; a turn is by four.
  template <class Part>
  static std::uint32_t hcal_at(int i, int turn, int side) {
    cms::hcal_cell const c = segmentation<Part>::cell(i);
    return static_cast<std::uint32_t>(
        segmentation<Part>::index({side * c.ieta, around(c.iphi, 72, turn), c.depth}));
  }

  void add_turn(endcap_map const& endcap, int turn) {
    for (int row = 0; row < eb_rows; ++row) {
      for (int column = 0; column < eb_columns; ++column) {
        turned_.push_back(
            static_cast<std::uint32_t>(row * eb_columns + around(column + 1, eb_columns, turn) - 1));
      }
    }
    auto const [sine, cosine] = math::sincos(real(turn * (two_pi / turns)));
    std::vector<std::uint32_t> to;
    for (int iy = 1; iy <= ee_side; ++iy) {
      for (int ix = 1; ix <= ee_side; ++ix) {
        to.push_back(nowhere);
        if (!endcap.exists(ix, iy)) continue;
        point const c = cms::ee_front_center(ix, iy);
        real const x = c.x / c.z, y = c.y / c.z;
        auto const hit = endcap.find(x * cosine - y * sine, x * sine + y * cosine);
        if (hit.ix != 0) to.back() = static_cast<std::uint32_t>((hit.iy - 1) * ee_side + hit.ix - 1);
      }
    }
    for (std::uint32_t side = 0; side < 2; ++side) {
      for (std::uint32_t const at : to)
        turned_.push_back(at == nowhere ? nowhere : first_ee + side * ee_cells + at);
    }
    for (int i = 0; i < segmentation<cms::hb>::size(); ++i) {
      turned_.push_back(first_hb + hcal_at<cms::hb>(i, turn, 1));
    }
    for (int i = 0; i < segmentation<cms::he>::size(); ++i) {
      turned_.push_back(first_he() + hcal_at<cms::he>(i, turn, 1));
    }
  }

  static std::uint32_t mirror(std::uint32_t cell) {
    if (cell < first_ee) {
      std::uint32_t const row = cell / eb_columns;
      return (eb_rows - 1 - row) * eb_columns + cell % eb_columns;
    }
    if (cell < first_hb) return cell < first_ee + ee_cells ? cell + ee_cells : cell - ee_cells;
    if (cell < first_he()) return first_hb + hcal_at<cms::hb>(static_cast<int>(cell - first_hb), 0, -1);
    return first_he() + hcal_at<cms::he>(static_cast<int>(cell - first_he()), 0, -1);
  }

  hit_library const* library_;
  std::size_t first_, count_;
  std::vector<std::uint32_t> turned_, mirrored_;
};

}  // namespace calotype::sim
