// From an event to pixels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

#include <calotype/core/math.hpp>
#include <calotype/detector/point.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/kinematics.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/image/table.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/cpu/event_rows.hpp>
#include <calotype/kernel/cpu/image.hpp>
#include <calotype/kernel/scalar/image.hpp>
#include <calotype/tensor/buffer.hpp>
#include <calotype/tensor/view.hpp>

namespace calotype {

// What became of an event's hits and tracks. Nothing here is an error of the builder: suspicious input is left
// out of the image, and counted.
struct image_report {
  int used = 0;          // hits and tracks that entered a pixel
  int not_positive = 0;  // energy or pT <= 0
  int not_finite = 0;    // NaN or infinity in a number that is used
  int unknown = 0;       // an id that the segmentation does not have
  int outside = 0;       // a cell or direction that this image does not show
  int not_selected = 0;  // tracks that fail the track selection
  bool scaled = true;    // false: the event has no mass or momentum to divide by, and its image is all zero

  friend constexpr bool operator==(image_report const&, image_report const&) = default;
};

namespace detail {

// What an event's pixels are divided by: 1 for divisor::none; 0 if the event has no such number.
template <class Event>
float divisor_of(Event const& event, divisor what) noexcept {
  if (what == divisor::none) return 1;
  std::span<photon const> const photons = event.photons();
  auto const [first, second] = leading_photons(photons);
  if (second == nullptr) return 0;
  float const value =
      what == divisor::m_gg ? static_cast<float>(diphoton_mass(photons)) : first->et + second->et;
  return value > 0 && value <= std::numeric_limits<float>::max() ? value : 0;
}

constexpr bool positive_and_finite(float x) { return x > 0 && x <= std::numeric_limits<float>::max(); }
constexpr bool finite(float x) { return x - x == 0; }

// Whether a projection takes part in an image.
template <class Name, class Projection>
inline constexpr bool shown = image_traits<Name>::description().channels.find(Projection::fills) >= 0 &&
                              active<Projection>(image_traits<Name>::options);

template <class Name>
inline constexpr stage_list stages_of_image =
    stages_of(image_traits<Name>::description(), typename image_traits<Name>::layout_type::projections_type{});

// The stage that region r of a projection is.
template <class Name, class Projection>
constexpr int stage_index(int r) {
  auto stages = stages_of_image<Name>;
  int const channel = image_traits<Name>::description().channels.find(Projection::fills);
  return stages.find_or_add(stage_of<typename image_traits<Name>::layout_type>(
      Projection::regions(image_traits<Name>::options)[static_cast<std::size_t>(r)], channel));
}

template <class Name, class Policy, class Indices = std::make_index_sequence<stages_of_image<Name>.size>>
struct canvas_of;
template <class Name, class Policy, std::size_t... Index>
struct canvas_of<Name, Policy, std::index_sequence<Index...>> {
  using image = kernel::image_canvas<Policy, stages_of_image<Name>.list[Index]...>;
  using rows = kernel::event_rows<Policy, stages_of_image<Name>.list[Index]...>;
};

// What a projection needs at run time; nothing for those that an image does not show.
struct nothing {
  explicit nothing(image_options) {}
};
template <class Projection>
struct locator_of : Projection::locator {
  explicit locator_of(image_options) {}
  block operator()(float eta, float phi) const noexcept {
    return is_azimuth(static_cast<double>(phi)) ? Projection::locator::operator()(eta, phi) : block{};
  }
};
template <class Name, class Projection>
auto tool_type() {
  if constexpr (!shown<Name, Projection>)
    return std::type_identity<nothing>{};
  else if constexpr (concepts::hit_projection<Projection>)
    return std::type_identity<hit_table<Projection>>{};
  else
    return std::type_identity<locator_of<Projection>>{};
}
template <class Name, class Projection>
using tool = typename decltype(tool_type<Name, Projection>())::type;

template <class Name, class Projection>
constexpr std::size_t tool_bytes() {
  if constexpr (!shown<Name, Projection>)
    return 0;
  else if constexpr (concepts::hit_projection<Projection>)
    return hit_table<Projection>::bytes();
  else
    return sizeof(tool<Name, Projection>);
}

}  // namespace detail

// The tables that turn cells and directions into blocks of an image. Made once from the constexpr geometry,
// immutable; builders may share them.
template <class Name, std::uint64_t Signature = image_traits<Name>::signature>
class image_tables {
  template <class List>
  struct tools;
  template <class... P>
  struct tools<projections<P...>> {
    using type = std::tuple<detail::tool<Name, P>...>;
    static type make() { return type(argument<P>()...); }
    template <class>
    static image_options argument() {
      return image_traits<Name>::options;
    }
    static constexpr std::size_t bytes = (detail::tool_bytes<Name, P>() + ... + 0);
  };
  using tools_type = tools<typename image_traits<Name>::layout_type::projections_type>;

 public:
  static constexpr std::size_t bytes = tools_type::bytes;

  template <std::size_t Index>
  auto const& get() const noexcept {
    return std::get<Index>(tools_);
  }

 private:
  typename tools_type::type tools_ = tools_type::make();
};

namespace detail {

// Brings an event's energies to the stages of a canvas.
template <class Name, class Policy, class Canvas, std::uint64_t Signature>
class collector {
  using traits = image_traits<Name>;
  static_assert(
      !traits::is_crop,
      "calotype::image_builder: Name is a crop of an image; use crop_builder (image/crop.hpp), which needs to "
      "know where to cut");

 public:
  using image_type = Name;
  using tables_type = image_tables<Name, Signature>;

  // Bytes of the tables and lists, without the target.
  static constexpr std::size_t workspace_bytes = tables_type::bytes + Canvas::workspace_bytes;

  explicit collector(Policy policy = {}) : collector(std::make_shared<tables_type const>(), policy) {}
  // With tables that another builder uses already.
  explicit collector(std::shared_ptr<tables_type const> tables, Policy policy = {})
      : tables_(std::move(tables)), canvas_(policy) {}
  // With lists in memory that the caller gives, block_bytes() of it.
  collector(std::shared_ptr<tables_type const> tables, Policy policy, workspace& from) noexcept
      : tables_(std::move(tables)), canvas_(policy, from) {}

  static constexpr std::size_t block_bytes() { return Canvas::block_bytes; }

  std::shared_ptr<tables_type const> const& tables() const noexcept { return tables_; }

 protected:
  // target: what the canvas begins with.
  template <class Event, class... Target>
  image_report collect(Event const& event, Target... target) noexcept {
    float const by = detail::divisor_of(event, traits::options.divide_by);
    image_report report{.scaled = by > 0};
    std::array<kernel::pixel_rule, traits::channels> rules{};
    for (int c = 0; c < traits::channels; ++c) {
      channel const what = traits::channel(c);
      auto const scale = static_cast<float>(what.scale);
      rules[static_cast<std::size_t>(c)] = {static_cast<float>(what.zero_suppression),
                                            by == 1 || !report.scaled ? scale : scale / by};
    }
    canvas_.begin(target...);
    if (report.scaled) collect_all(event, report, typename traits::layout_type::projections_type{});
    canvas_.finish(rules.data());
    return report;
  }

  Canvas const& canvas() const noexcept { return canvas_; }

 private:
  template <class Event, class... P>
  void collect_all(Event const& event, image_report& report, projections<P...> list) noexcept {
    collect_all(event, report, list, std::index_sequence_for<P...>{});
  }
  template <class Event, class... P, std::size_t... Index>
  void collect_all(Event const& event, image_report& report, projections<P...>,
                   std::index_sequence<Index...>) noexcept {
    (collect_one<P>(event, report, tables_->template get<Index>()), ...);
  }

  template <class P, class Event, class Tool>
  void collect_one(Event const& event, image_report& report, Tool const& tool) noexcept {
    if constexpr (!detail::shown<Name, P>)
      return;
    else if constexpr (concepts::hit_projection<P>)
      collect_hits<P>(event.hits(segmentation<typename P::source>::collection), report, tool);
    else
      collect_tracks<P>(event.tracks(), report, tool);
  }

  // Decoding an id is a handful of integer steps once it is all in one place; left to themselves, compilers
  // make calls of it.
  template <class P, class Tool>
  [[gnu::flatten]] void collect_hits(std::span<hit const> hits, image_report& report,
                                     Tool const& table) noexcept {
    using source = segmentation<typename P::source>;
    static_assert(
        source::has_ids,
        "calotype::image_builder: hits are known by their ids, but the segmentation that this projection "
        "reads has none; add ids() to its description");
    for (hit const h : hits) {
      if (!detail::positive_and_finite(h.energy)) {
        ++(detail::finite(h.energy) ? report.not_positive : report.not_finite);
        continue;
      }
      int cell = -1;
      if constexpr (source::has_ids) cell = source::unpack(h.id);
      if (cell < 0) {
        ++report.unknown;
        continue;
      }
      bool shown;
      if constexpr (detail::lists_blocks<P>) {
        auto const blocks = table[cell];
        auto const parts = static_cast<float>(blocks.size());
        for (auto const b : blocks) add<P>(b.unpacked(), h.energy / parts);
        shown = !blocks.empty();
      } else {
        block const b = table[cell];
        shown = static_cast<bool>(b);
        if (shown) add<P>(b, h.energy);
      }
      ++(shown ? report.used : report.outside);
    }
  }

  template <class P, class Tool>
  [[gnu::flatten]] void collect_tracks(std::span<track const> tracks, image_report& report,
                                       Tool const& locate) noexcept {
    for (track const& t : tracks) {
      if (traits::options.tracks == track_selection::high_purity && t.quality != track_quality::high_purity) {
        ++report.not_selected;
      } else if (!detail::finite(t.pt) || !detail::finite(t.eta) || !detail::finite(t.phi)) {
        ++report.not_finite;
      } else if (!(t.pt > 0)) {
        ++report.not_positive;
      } else if (block const b = locate(t.eta, t.phi)) {
        add<P>(b, t.pt);
        ++report.used;
      } else {
        ++report.outside;
      }
    }
  }

  template <class P>
  CALOTYPE_INLINE void add(block b, float energy) noexcept {
    add<P>(b, energy, std::make_integer_sequence<int, detail::region_count<P>>{});
  }
  template <class P, int... R>
  CALOTYPE_INLINE void add(block b, float energy, std::integer_sequence<int, R...>) noexcept {
    (void)((b.region == R && (add_to<detail::stage_index<Name, P>(R)>(b, energy), true)) || ...);
  }
  template <int Stage>
  CALOTYPE_INLINE void add_to(block b, float energy) noexcept {
    if (b.cols == 1) return canvas_.template add<Stage>(b.row, b.col, energy);
    float const part = energy / static_cast<float>(b.cols);
    for (int c = 0; c < b.cols; ++c) canvas_.template add<Stage>(b.row, b.col + c, part);
  }

  std::shared_ptr<tables_type const> tables_;
  Canvas canvas_;
};

}  // namespace detail

// Builds the image Name of one event after another into memory that the caller gives.
//
// Construction makes the tables and all lists; build() allocates nothing and throws nothing. One builder serves
// one thread. The target must be all zero at first, and be left as the builder wrote it from then on: each
// build clears the pixels of the last event, then writes those of this one, and touches nothing else (a halo
// stays as it is). Given other memory (or other strides) than the last time, it takes that memory as all zero.
//
// Only finite energies > 0 enter, decided hit by hit before any sum; sums run in the order of the event's
// lists, in float; sums are formed before they are divided or multiplied. Hits must be unique per id, as event
// says.
template <class Name, class Policy = exec::cpu<>, std::uint64_t Signature = image_traits<Name>::signature>
class image_builder
    : public detail::collector<Name, Policy, typename detail::canvas_of<Name, Policy>::image, Signature> {
  using base = detail::collector<Name, Policy, typename detail::canvas_of<Name, Policy>::image, Signature>;

 public:
  using base::base;

  template <concepts::event Event>
  image_report build(Event const& event, image_target<Name> const& target) noexcept {
    return base::collect(event, target.data());
  }
};

// The same pixels without the image, for a first layer that reads rows (kernel/image.hpp).
template <class Name, class Policy = exec::cpu<>, std::uint64_t Signature = image_traits<Name>::signature>
class row_builder
    : public detail::collector<Name, Policy, typename detail::canvas_of<Name, Policy>::rows, Signature> {
  using base = detail::collector<Name, Policy, typename detail::canvas_of<Name, Policy>::rows, Signature>;

 public:
  using base::base;

  template <concepts::event Event>
  image_report build(Event const& event) noexcept {
    return base::collect(event);
  }
  // Of the last event; see event_rows.
  template <int Plane, class Marks>
  void read(int row, float* to, int channel, Marks& filled) const noexcept {
    base::canvas().template read<Plane>(row, to, channel, filled);
  }
};

}  // namespace calotype
