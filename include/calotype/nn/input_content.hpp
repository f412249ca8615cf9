// What an event offers to a network's input, in a few numbers: hits, tracks, energies, photon candidates.
// Weights say with them for which events they were trained, so that others can be told (docs/formats.md).
//
//   ct::nn::content_ranges const trained = ct::nn::ranges_of<mine::image>(training_events);
//   ct::nn::input_content<mine::image> content;                 // one per thread; keeps its memory
//   auto const values = content(event);                         // values[i] is called content.names()[i]
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <calotype/core/math.hpp>
#include <calotype/detector/point.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/nn/content_range.hpp>
#include <calotype/nn/input.hpp>

namespace calotype::nn {

// The quantities of events that an input is made of, the same for simulated and recorded ones:
//
//   of an image: for every hit list L that it draws "L_hits", how many hits with a finite energy > 0 it draws;
//     of detectors with a halo_radius (see segmentation) "L_hits_in_halos" and "L_hits_elsewhere" instead,
//     where a halo is what lies within it of any of the event's photon candidates. "tracks", those that it
//     draws. For every channel "C_sum", the energy or pT of what it draws (GeV, once per hit, unscaled).
//     "leading_eta" and "subleading_eta" of the two leading candidates: whether it shows them at all
//   of a crop: "pixels" that are not zero, and "C_sum" of the channels as above, from compute(event)
//   of a tensor: "values" that are not zero, and "value_sum" of all of them, from compute(event)
//   of features: each of them by its name
//   of images and features: "leading_et", "subleading_et", "m_gg" of the two leading candidates (GeV): what
//     they are divided by or made of, and what the energies of
//     an undivided image show
//
// Tensors, crops and features that are given as numbers have none. NaN stands for what an event does not have:
// m_gg without two candidates. Signature is never named (see segmentation).
template <class Input, std::uint64_t Signature = input_traits<Input>::signature()>
class input_content {
  using traits = input_traits<Input>;
  static constexpr bool reads_features = traits::is_features && traits::is_computed;
  static constexpr bool reads_crop = traits::is_image && !traits::is_whole_image && traits::is_computed;
  static constexpr bool reads_tensor = traits::is_tensor && traits::is_computed;

 public:
  input_content() {
    if constexpr (traits::is_whole_image) {
      name_projections(layout_projections());
      name_sums();
    } else if constexpr (reads_crop) {
      add("pixels");
      name_sums();
    } else if constexpr (reads_tensor) {
      add("values");
      add("value_sum");
    } else if constexpr (reads_features) {
      constexpr auto names = Input::features().names;
      for (auto name : names) add(std::string(name));
    }
    if constexpr (traits::is_whole_image || reads_features) {
      photons_ = add("leading_et");
      add("subleading_et");
      add("m_gg");
    }
    if constexpr (traits::is_whole_image) {
      add("leading_eta");
      add("subleading_eta");
    }
    values_.resize(names_.size());
  }

  // In the order of the values.
  std::span<std::string const> names() const noexcept { return names_; }

  // Valid until the next call.
  template <concepts::event Event>
  std::span<double const> operator()(Event const& event) noexcept {
    std::fill(values_.begin(), values_.end(), 0.0);
    if constexpr (traits::is_whole_image) {
      collect(event, layout_projections());
    } else if constexpr (reads_crop) {
      collect_crop(event);
    } else if constexpr (reads_tensor) {
      collect_tensor(event);
    } else if constexpr (reads_features) {
      auto const numbers = Input::compute(event);
      std::copy(numbers.begin(), numbers.end(), values_.begin());
    }
    if constexpr (traits::is_whole_image || reads_features) {
      auto const photons = event.photons();
      constexpr double none = std::numeric_limits<double>::quiet_NaN();
      double const mass = diphoton_mass(photons);
      auto const leading = leading_photons(photons);
      for (std::size_t k = 0; k < 2; ++k) {
        values_[photons_ + k] = leading[k] != nullptr ? static_cast<double>(leading[k]->et) : none;
      }
      values_[photons_ + 2] = mass > 0 ? mass : none;
      if constexpr (traits::is_whole_image) {
        for (std::size_t k = 0; k < 2; ++k) {
          values_[photons_ + 3 + k] = leading[k] != nullptr ? static_cast<double>(leading[k]->eta) : none;
        }
      }
    }
    return values_;
  }

 private:
  // Where a projection's numbers go.
  struct places {
    std::size_t count, halo, sum;
  };
  struct no_tables {};
  static auto make_tables() {
    if constexpr (traits::is_whole_image)
      return image_tables<Input>();
    else
      return no_tables();
  }
  static constexpr auto layout_projections() {
    return typename image_traits<Input>::layout_type::projections_type{};
  }

  std::size_t add(std::string name) {
    auto const known = std::find(names_.begin(), names_.end(), name);
    if (known != names_.end()) return static_cast<std::size_t>(known - names_.begin());
    names_.push_back(std::move(name));
    return names_.size() - 1;
  }

  template <class P>
  static constexpr bool has_halos() {
    return requires { P::source::halo_radius; };
  }
  // "eb" of "cms::eb"
  template <class P>
  static std::string list_name() {
    std::string_view const name = segmentation<typename P::source>::name();
    std::size_t const colons = name.rfind("::");
    return std::string(colons == name.npos ? name : name.substr(colons + 2));
  }

  template <class... P>
  void name_projections(projections<P...>) {
    (name_projection<P>(), ...);
  }
  template <class P>
  void name_projection() {
    places to{};
    if constexpr (calotype::detail::shown<Input, P>) {
      if constexpr (!calotype::concepts::hit_projection<P>) {
        to.count = add("tracks");
      } else if constexpr (has_halos<P>()) {
        to.halo = add(list_name<P>() + "_hits_in_halos");
        to.count = add(list_name<P>() + "_hits_elsewhere");
      } else {
        to.count = add(list_name<P>() + "_hits");
      }
      to.sum = static_cast<std::size_t>(image_traits<Input>::description().channels.find(P::fills));
    }
    places_.push_back(to);
  }
  void name_sums() {
    sums_ = names_.size();
    for (int c = 0; c < image_traits<Input>::channels; ++c)
      names_.push_back(std::string(image_traits<Input>::channel(c).name) + "_sum");
  }

  template <class Event, class... P>
  void collect(Event const& event, projections<P...> list) noexcept {
    collect(event, list, std::index_sequence_for<P...>{});
  }
  template <class Event, class... P, std::size_t... Index>
  void collect(Event const& event, projections<P...>, std::index_sequence<Index...>) noexcept {
    (collect_one<P>(event, tables_.template get<Index>(), places_[Index]), ...);
  }
  template <class P, class Event, class Tool>
  void collect_one(Event const& event, Tool const& tool, places to) noexcept {
    if constexpr (!calotype::detail::shown<Input, P>) {
      return;
    } else if constexpr (calotype::concepts::hit_projection<P>) {
      using source = segmentation<typename P::source>;
      for (hit const h : event.hits(source::collection)) {
        if (!calotype::detail::positive_and_finite(h.energy)) continue;
        int const cell = source::unpack(h.id);
        if (cell < 0 || !draws<P>(tool, cell)) continue;
        bool halo = false;
        if constexpr (has_halos<P>()) halo = in_halo<P>(event.photons(), source::center(cell));
        values_[halo ? to.halo : to.count] += 1;
        values_[sums_ + to.sum] += static_cast<double>(h.energy);
      }
    } else {
      for (track const& t : event.tracks()) {
        bool const chosen = image_traits<Input>::options.tracks == track_selection::all ||
                            t.quality == track_quality::high_purity;
        bool const finite = calotype::detail::finite(t.eta) && calotype::detail::finite(t.phi);
        if (!chosen || !finite || !calotype::detail::positive_and_finite(t.pt) || !tool(t.eta, t.phi)) continue;
        values_[to.count] += 1;
        values_[sums_ + to.sum] += static_cast<double>(t.pt);
      }
    }
  }
  template <class P, class Tool>
  static bool draws(Tool const& table, int cell) noexcept {
    if constexpr (calotype::detail::lists_blocks<P>)
      return !table[cell].empty();
    else
      return static_cast<bool>(table[cell]);
  }

  template <class P>
  static bool in_halo(std::span<photon const> candidates, position at) noexcept {
    constexpr double radius = P::source::halo_radius;
    using real = math::strict<double>;
    for (photon const& c : candidates) {
      if (!(c.phi > -100 && c.phi < 100)) continue;  // wrap_azimuth() counts the turns
      real const de = real(at.u) - static_cast<double>(c.eta);
      real const df = wrap_azimuth(real(at.v) - static_cast<double>(c.phi));
      if (de * de + df * df < radius * radius) return true;
    }
    return false;
  }

  template <class Event>
  void collect_crop(Event const& event) noexcept {
    using image = image_traits<Input>;
    float const by = calotype::detail::divisor_of(event, image::options.divide_by);
    auto const numbers = Input::compute(event);
    std::span<float const> const pixels(numbers);
    auto const plane = pixels.size() / static_cast<std::size_t>(image::channels);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      if (pixels[i] == 0) continue;
      auto const c = i / plane;
      values_[0] += 1;
      math::strict<double> const raw =
          static_cast<double>(pixels[i]) / image::channel(static_cast<int>(c)).scale;
      values_[sums_ + c] += (raw * static_cast<double>(by)).value;
    }
  }

  template <class Event>
  void collect_tensor(Event const& event) noexcept {
    auto const numbers = Input::compute(event);
    math::strict<double> sum = 0;
    for (float const x : std::span<float const>(numbers)) {
      values_[0] += x != 0 ? 1 : 0;
      sum += static_cast<double>(x);
    }
    values_[1] = sum.value;
  }

  decltype(make_tables()) tables_ = make_tables();
  std::vector<std::string> names_;
  std::vector<places> places_;  // of the layout's projections
  std::size_t sums_ = 0, photons_ = 0;
  std::vector<double> values_;
};

// The inner 98 % of events in every quantity: from the value that at most 1 % of the events lie below to the
// one that at most 1 % lie above; of fewer than 100 events all. Quantities that more than 1 % of the events do
// not have are left out. Weights of events do not enter. Empty without events.
template <class Input, class Events>
content_ranges ranges_of(Events const& events) {
  input_content<Input> content;
  std::vector<std::vector<double>> values(content.names().size());
  std::size_t count = 0;
  for (auto const& e : events) {
    ++count;
    auto const found = content(e);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (std::isfinite(found[i])) values[i].push_back(found[i]);
    }
  }
  content_ranges ranges;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& v = values[i];
    if (v.empty() || 100 * v.size() < 99 * count) continue;
    std::sort(v.begin(), v.end());
    std::size_t const beyond = v.size() / 100;
    ranges[content.names()[i]] = {v[beyond], v[v.size() - 1 - beyond]};
  }
  return ranges;
}

}  // namespace calotype::nn
