// From deposited energies to recorded hit lists: noise, zero suppression, photon candidates, and the thinning
// of the lists that CMS keeps on disk ("reduced" collections).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/observables/superclusters.hpp>
#include <calotype/sim/channels.hpp>
#include <calotype/sim/response.hpp>

namespace calotype::sim {

// reduced: what the recorded files hold (the default). full: everything above zero suppression.
enum class collections : std::uint8_t { reduced, full };

namespace detail {

// One word of noise for every cell, a pure function of (seed, event, purpose, cell).
class cell_noise {
 public:
  cell_noise(std::uint64_t seed, std::uint64_t event, std::uint32_t purpose)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        name_{purpose, static_cast<std::uint32_t>(event), static_cast<std::uint32_t>(event >> 32)} {}

  std::array<std::uint32_t, 4> words(std::uint32_t block) const {
    return philox({block, name_[0], name_[1], name_[2]}, key_);
  }
  static float uniform(std::uint32_t word) { return (static_cast<float>(word >> 9) + 0.5F) * 0x1p-23F; }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 3> name_;
};

// Marks in `mask` the (2 n + 1)^2 cells around (row, column).
inline void mark(std::vector<std::uint8_t>& mask, int rows, int columns, bool around, int row, int column,
                 int n, std::uint8_t bit) {
  for (int r = row - n; r <= row + n; ++r) {
    if (r < 0 || r >= rows) continue;
    for (int c = column - n; c <= column + n; ++c) {
      int const wrapped = around ? (c + columns) % columns : c;
      if (wrapped < 0 || wrapped >= columns) continue;
      auto& cell = mask[static_cast<std::size_t>(r * columns + wrapped)];
      cell = static_cast<std::uint8_t>(cell | bit);
    }
  }
}

}  // namespace detail

// Reads out one event. Thresholds and their sources: docs/simulation.md.
class readout {
 public:
  // Marks of crystals, memory that may serve one readout after the other.
  struct masks {
    std::vector<std::uint8_t> eb, ee, kept_ee;
  };

  // Streams (seed, event, first_purpose + 100 ...) are its own. Without channel factors the ECAL is perfect.
  readout(endcap_map const& endcap, deposits& energies, std::uint64_t seed, std::uint64_t event,
          std::uint32_t first_purpose, channel_factors const* channels = nullptr, masks* memory = nullptr)
      : endcap_(endcap),
        e_(energies),
        channels_(channels),
        seed_(seed),
        event_(event),
        purpose_(first_purpose),
        masks_(memory != nullptr ? *memory : own_) {}
  readout(readout const&) = delete;

  // Adds noise and suppresses zeros; afterwards `deposits` holds the full lists, absent_ marks what was not
  // read out.
  void digitise() {
    if (channels_ != nullptr) {
      calibrate(e_.eb, channels_->eb);
      calibrate(e_.ee, channels_->ee);
    }
    barrel();
    endcaps();
    if (channels_ != nullptr) {
      silence(e_.eb, channels_->eb);
      silence(e_.ee, channels_->ee);
    }
    hcal(e_.hb, noise_hb, 0.15F);
    hcal(e_.he, noise_he, 0.20F);
  }

  // Everything that was read out (before digitise(): every deposit), in the order of the cells.
  void write_full(event& out) const {
    for (auto& list : out.hit_lists) list.clear();
    auto& eb = out.hit_lists[cms::collection::eb];
    for (std::size_t i = 0; i < e_.eb.size(); ++i) {
      float const e = e_.eb[i];
      if (e != absent && e != 0) eb.push_back({segmentation<cms::eb>::pack(static_cast<int>(i)), e});
    }
    auto& ee = out.hit_lists[cms::collection::ee];
    for_endcaps([&](std::size_t at, int index, int, int) {
      if (e_.ee[at] != 0) ee.push_back({segmentation<cms::ee>::pack(index), e_.ee[at]});
    });
    write_hcal(out.hit_lists[cms::collection::hb], collections::full);
    write_hcal_endcaps(out.hit_lists[cms::collection::he], collections::full);
  }

  // Writes the hit lists, sorted by id. They keep no room for the full lists of before: samples stay in memory.
  void write(event& out, std::vector<photon_candidate> const& candidates, collections which) {
    write_barrel(out.hit_lists[cms::collection::eb], candidates, which);
    write_endcaps(out.hit_lists[cms::collection::ee], candidates, which);
    write_hcal(out.hit_lists[cms::collection::hb], which);
    write_hcal_endcaps(out.hit_lists[cms::collection::he], which);
    for (auto& list : out.hit_lists) {
      std::sort(list.begin(), list.end(), [](hit const& a, hit const& b) { return a.id < b.id; });
      list.shrink_to_fit();
    }
  }

 private:
  static constexpr float absent = -1e9F;
  static constexpr std::uint8_t full_readout = 1, window = 2, halo = 4;

  // Purposes of the noise streams and of the thinning's dice.
  enum : std::uint32_t { noise_eb = 100, noise_ee, noise_hb, keep_eb, keep_ee, keep_hb, noise_he };

  // Noise of one cell and whether it is read out. The threshold is smeared upwards by up to 60 %: it acts on
  // another filter's amplitude than the one that is recorded.
  static void read(float& cell, std::uint32_t word, float sigma, std::uint32_t quiet, float threshold,
                   bool all) {
    if (!all && cell == 0 && word < quiet) {
      cell = absent;
      return;
    }
    real32 const noise = sigma * real32(normal_quantile(detail::cell_noise::uniform(word)));
    real32 const smeared = threshold * (1 + static_cast<float>(word & 511U) * real32(0.6F / 512));
    real32 const e = cell + noise;
    cell = all || e > smeared ? e.value : absent;
  }

  void barrel() {
    // high-interest trigger towers (5 x 5 crystals, ET > 2 GeV) are read out in full with their 8 neighbours
    masks_.eb.assign(e_.eb.size(), 0);
    for (int tr = 0; tr < eb_rows / 5; ++tr) {
      for (int tc = 0; tc < eb_columns / 5; ++tc) {
        real32 sum = 0;
        for (int i = 0; i < 25; ++i) {
          sum += e_.eb[static_cast<std::size_t>((5 * tr + i / 5) * eb_columns + 5 * tc + i % 5)];
        }
        if (sum < 2) continue;
        position const middle = segmentation<cms::eb>::center((5 * tr + 2) * eb_columns + 5 * tc + 2);
        if (static_cast<double>(sum) < 2 * math::cosh(middle.u)) continue;
        detail::mark(masks_.eb, eb_rows, eb_columns, true, 5 * tr + 2, 5 * tc + 2, 7, full_readout);
      }
    }
    detail::cell_noise const noise(seed_, event_, purpose_ + noise_eb);
    constexpr float sigma = 0.038F, threshold = 0.095F;
    constexpr auto quiet =
        static_cast<std::uint32_t>(0.98 * 4294967296.0);  // quantile 2.05 < threshold / sigma
    for (std::size_t i = 0; i < e_.eb.size(); i += 4) {
      auto const words = noise.words(static_cast<std::uint32_t>(i / 4));
      for (std::size_t k = 0; k < 4; ++k) {
        read(e_.eb[i + k], words[k], sigma, quiet, threshold, (masks_.eb[i + k] & full_readout) != 0);
      }
    }
  }

  void endcaps() {
    masks_.ee.assign(e_.ee.size(), 0);
    for (int side = 0; side < 2; ++side) {
      for (int tr = 0; tr < ee_side / 5; ++tr) {
        for (int tc = 0; tc < ee_side / 5; ++tc) {
          real32 sum = 0;
          for (int i = 0; i < 25; ++i) sum += e_.ee[ee_at(side, 5 * tr + i / 5, 5 * tc + i % 5)];
          if (sum < 2) continue;
          if (static_cast<double>(sum) < 2 * endcap_.cosh_eta(5 * tc + 3, 5 * tr + 3)) continue;
          for (int r = 5 * tr - 5; r < 5 * tr + 10; ++r) {
            for (int c = 5 * tc - 5; c < 5 * tc + 10; ++c) {
              if (r >= 0 && r < ee_side && c >= 0 && c < ee_side) masks_.ee[ee_at(side, r, c)] = full_readout;
            }
          }
        }
      }
    }
    // noise of about 40 MeV in ET; the threshold rises with it
    detail::cell_noise const noise(seed_, event_, purpose_ + noise_ee);

    for (std::size_t i = 0; i < e_.ee.size(); i += 4) {
      auto const words = noise.words(static_cast<std::uint32_t>(i / 4));
      for (std::size_t k = 0; k < 4; ++k) {
        auto const cell = static_cast<int>((i + k) % (ee_side * ee_side));
        if (!endcap_.exists(cell % ee_side + 1, cell / ee_side + 1)) {
          e_.ee[i + k] = absent;
          continue;
        }
        real32 const scale = static_cast<float>(endcap_.cosh_eta(cell % ee_side + 1, cell / ee_side + 1));
        read(e_.ee[i + k], words[k], (0.040F * scale).value, 0xf0000000U, (0.10F * scale).value,
             (masks_.ee[i + k] & full_readout) != 0);
      }
    }
  }

  static void calibrate(std::vector<float>& cells, std::vector<float> const& factors) {
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = (real32(cells[i]) * factors[i]).value;
  }
  static void silence(std::vector<float>& cells, std::vector<float> const& factors) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (factors[i] == 0) cells[i] = absent;
    }
  }

  // Noise, and suppression by another sum of the same pulse, whose noise is independent: a quarter of the cells
  // are left.
  void hcal(std::vector<float>& cells, std::uint32_t purpose, float sigma) const {
    detail::cell_noise const noise(seed_, event_, purpose_ + purpose);
    for (std::size_t i = 0; i < cells.size(); i += 4) {
      auto const words = noise.words(static_cast<std::uint32_t>(i / 4));
      for (std::size_t k = 0; k < 4; ++k) {
        real32 const z = normal_quantile(detail::cell_noise::uniform(words[k]));
        real32 const other = normal_quantile((static_cast<float>(words[k] & 511U) + 0.5F) / 512);
        real32 const e = cells[i + k] + sigma * z;
        cells[i + k] = e + sigma * other > sigma ? e.value : absent;
      }
    }
  }

  static std::size_t ee_at(int side, int row, int column) {
    return static_cast<std::size_t>((side * ee_side + row) * ee_side + column);
  }

  float eb(int row, int column) const {
    if (row < 0 || row >= eb_rows) return 0;
    float const e = e_.eb[static_cast<std::size_t>(row * eb_columns + (column + eb_columns) % eb_columns)];
    return e == absent ? 0 : e;
  }
  float ee(int side, int row, int column) const {
    if (row < 0 || row >= ee_side || column < 0 || column >= ee_side) return 0;
    float const e = e_.ee[ee_at(side, row, column)];
    return e == absent ? 0 : e;
  }

  // Local maxima above `low`, strongest first.
  template <class Energy>
  static std::vector<std::array<int, 2>> seeds(float const* cells, int rows, int columns, float low,
                                               Energy const& energy) {
    struct seed {
      float e;
      std::array<int, 2> at;
    };
    std::vector<seed> found;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        float const e = cells[r * columns + c];
        if (!(e > low)) continue;
        bool top = true;
        for (int k = 0; k < 9 && top; ++k) {
          if (k != 4) top = energy(r + k / 3 - 1, c + k % 3 - 1) <= e;
        }
        if (top) found.push_back({e, {r, c}});
      }
    }
    std::sort(found.begin(), found.end(),
              [](seed const& a, seed const& b) { return a.e > b.e || (a.e == b.e && a.at < b.at); });
    std::vector<std::array<int, 2>> out;
    for (auto const& s : found) out.push_back(s.at);
    return out;
  }

  static bool near(std::vector<photon_candidate> const& candidates, position p, double radius) {
    for (auto const& c : candidates) {
      real const de = p.u - c.direction.u;
      if (math::abs(de) > radius) continue;
      real const df = wrap_azimuth(p.v - c.direction.v);
      if (de * de + df * df < radius * radius) return true;
    }
    return false;
  }

  // A uniform number of a cell for a decision about it.
  float dice(std::uint32_t purpose, std::size_t cell) const {
    detail::cell_noise const noise(seed_, event_, purpose_ + purpose);
    return detail::cell_noise::uniform(noise.words(static_cast<std::uint32_t>(cell))[0]);
  }

  void write_barrel(std::vector<hit>& list, std::vector<photon_candidate> const& candidates,
                    collections which) {
    if (which == collections::reduced) {
      auto const energy = [&](int r, int c) { return eb(r, c); };
      for (auto const [row, column] : seeds(e_.eb.data(), eb_rows, eb_columns, eb_cluster_seed, energy)) {
        detail::mark(masks_.eb, eb_rows, eb_columns, true, row, column, 2, window);
      }
    }
    for (std::size_t i = 0; i < e_.eb.size(); ++i) {
      float const e = e_.eb[i];
      if (e == absent) continue;
      if (which == collections::reduced && (masks_.eb[i] & window) == 0) {
        position const p = segmentation<cms::eb>::center(static_cast<int>(i));
        bool const close = near(candidates, p, cms::eb::halo_radius);
        if (close && e < 0.095F) continue;
        if (!close && dice(keep_eb, i) > kept_eb(e, p.u)) continue;
      }
      list.push_back({segmentation<cms::eb>::pack(static_cast<int>(i)), e});
    }
  }

  void write_endcaps(std::vector<hit>& list, std::vector<photon_candidate> const& candidates,
                     collections which) {
    auto& kept = masks_.kept_ee;
    kept.assign(e_.ee.size(), 0);
    for (int side = 0; side < 2 && which == collections::reduced; ++side) {
      auto const energy = [&](int r, int c) { return ee(side, r, c); };
      std::vector<std::uint8_t> mask(static_cast<std::size_t>(ee_side * ee_side), 0);
      for (auto const [row, column] :
           seeds(e_.ee.data() + side * ee_side * ee_side, ee_side, ee_side, ee_cluster_seed, energy)) {
        detail::mark(mask, ee_side, ee_side, false, row, column, 2, window);
      }
      std::copy(mask.begin(), mask.end(), kept.begin() + side * ee_side * ee_side);
    }
    for_endcaps([&](std::size_t at, int index, int row, int column) {
      float const e = e_.ee[at];
      if (which == collections::reduced && kept[at] == 0) {
        float const et = e / static_cast<float>(endcap_.cosh_eta(column + 1, row + 1));
        bool const close = near(candidates, segmentation<cms::ee>::center(index), cms::ee::halo_radius);
        if (close && et < 0.110F) return;
        if (!close && dice(keep_ee, at) > kept_ee(et)) return;
      }
      list.push_back({segmentation<cms::ee>::pack(index), e});
    });
  }

  // f(place in `deposits`, dense index, row, column) for every crystal of the endcaps that was read out.
  template <class F>
  void for_endcaps(F f) const {
    for (int side = 0; side < 2; ++side) {
      for (int row = 0; row < ee_side; ++row) {
        for (int column = 0; column < ee_side; ++column) {
          std::size_t const at = ee_at(side, row, column);
          if (e_.ee[at] == absent || !endcap_.exists(column + 1, row + 1)) continue;
          f(at, segmentation<cms::ee>::index({column + 1, row + 1, side == 0 ? -1 : 1}), row, column);
        }
      }
    }
  }

  void write_hcal(std::vector<hit>& list, collections which) const {
    for (std::size_t i = 0; i < e_.hb.size(); ++i) {
      float const e = e_.hb[i];
      if (e == absent) continue;
      if (which == collections::reduced && dice(keep_hb, i) > kept_hb(e)) continue;
      list.push_back({segmentation<cms::hb>::pack(static_cast<int>(i)), e});
    }
  }

  // The recorded lists hold no HE.
  void write_hcal_endcaps(std::vector<hit>& list, collections which) const {
    if (which == collections::reduced) return;
    for (std::size_t i = 0; i < e_.he.size(); ++i) {
      if (e_.he[i] != absent) list.push_back({segmentation<cms::he>::pack(static_cast<int>(i)), e_.he[i]});
    }
  }

  static constexpr float eb_cluster_seed = 1.2F, ee_cluster_seed = 3.5F;

  // Share of the crystals far from any candidate that the recorded lists keep, by energy (GeV) and by ET.
  static float kept_eb(float e, double) {
    return e < 0.15F ? 0.055F : e < 0.225F ? math::fma(e - 0.15F, 3.3F, 0.055F) : 0.30F;
  }
  static float kept_ee(float et) { return et < 0.1F ? 0.05F : et < 0.175F ? 0.25F : 0.7F; }
  // Recorded 2012 events against calorimeter towers above 0.7 GeV, hit counts below.
  static float kept_hb(float e) {
    return e < 0.3F   ? 0.028F
           : e < 0.7F ? 0.055F
           : e < 0.9F ? 0.20F
           : e < 1.2F ? 0.30F
           : e < 2    ? 0.71F
           : e < 4    ? 0.95F
                      : 1;
  }

  endcap_map const& endcap_;
  deposits& e_;
  channel_factors const* channels_;
  std::uint64_t seed_, event_;
  std::uint32_t purpose_;
  masks own_{};
  masks& masks_;
};

}  // namespace calotype::sim
