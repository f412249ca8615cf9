// What an image shows: channels (a quantity, its unit and its preprocessing) and the options of how hits become
// pixels.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace calotype {

// What a channel measures. A detector with other quantities numbers its own from first_of_user.
enum class quantity : int {
  track_pt,     // sum of the tracks' transverse momenta in a pixel
  ecal_energy,  // energy in the electromagnetic calorimeter
  hcal_energy,  // energy in the hadronic calorimeter
  first_of_user = 100
};

// One channel of an image. What a network sees of a raw pixel p (in `unit`) is p < zero_suppression ? 0 : p *
// scale; suppression acts on the raw pixel, before any scale and before the division by the event's mass
// (paper 5.2).
struct channel {
  quantity what = quantity::track_pt;
  std::string_view name{};
  std::string_view unit = "GeV";
  double scale = 1;
  double zero_suppression = 0;
};

// Preprocessing of one channel.
struct channel_options {
  double scale = 1;
  double zero_suppression = 0;
};

constexpr channel track_pt(channel_options o = {}) {
  return {quantity::track_pt, "track_pt", "GeV", o.scale, o.zero_suppression};
}
constexpr channel ecal_energy(channel_options o = {}) {
  return {quantity::ecal_energy, "ecal_energy", "GeV", o.scale, o.zero_suppression};
}
constexpr channel hcal_energy(channel_options o = {}) {
  return {quantity::hcal_energy, "hcal_energy", "GeV", o.scale, o.zero_suppression};
}

// The channels of an image, in the order of its memory. Any subset and any order, each quantity once.
class channel_list {
 public:
  static constexpr int max_size = 8;

  constexpr channel_list(std::initializer_list<channel> list) : size_(static_cast<int>(list.size())) {
    std::size_t i = 0;
    for (channel const& c : list)
      if (i < list_.size()) list_[i++] = c;
  }
  // May exceed max_size, which image_traits refuses.
  constexpr int size() const { return size_; }
  constexpr int kept() const { return size_ < max_size ? size_ : max_size; }
  constexpr channel operator[](int i) const { return list_[static_cast<std::size_t>(i)]; }
  // Position of a quantity, -1 if the image does not show it.
  constexpr int find(quantity what) const {
    for (int i = 0; i < kept(); ++i)
      if ((*this)[i].what == what) return i;
    return -1;
  }

 private:
  std::array<channel, max_size> list_{};
  int size_ = 0;
};

// How endcap crystals are drawn in a grid finer than they are (public image maker of the paper, `resample_EE`):
// left alone, block sums of disjoint 2x2 pixels spread over the block with the energy kept, or divided by four
// once more, as in the published quark/gluon files.
enum class smear { none, conserve, legacy_quarter };
// A coarse tower drawn over 5x5 fine pixels: every pixel holds the tower's energy, or a 25th of it.
enum class upsample { copy, divide };
// Hadronic energy from the hit lists, or from calorimeter towers where the recorded hit lists are thinned.
enum class hcal_source { hits, towers };
// All tracks, or those that the source marks as high purity.
enum class track_selection { all, high_purity };
// Divide every pixel of an event by the mass of its two leading photons or by the sum of their transverse
// momenta (paper 5.2); an event without two photons then has no image.
enum class divisor { none, m_gg, sum_pt };

// Options of an image; each layout reads those that concern it.
struct image_options {
  smear ee_smear = smear::conserve;
  upsample hcal_upsample = upsample::copy;
  hcal_source hcal = hcal_source::hits;
  track_selection tracks = track_selection::all;
  divisor divide_by = divisor::none;
};

}  // namespace calotype
