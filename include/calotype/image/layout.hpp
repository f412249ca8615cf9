// Layouts: named descriptions of how a detector becomes planes of pixels. Nothing here builds an image.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <calotype/core/hash.hpp>
#include <calotype/detector/segmentation.hpp>
#include <calotype/image/channels.hpp>
#include <calotype/kernel/image.hpp>
#include <calotype/tensor/shape.hpp>

namespace calotype {

// A plane of pixels that all channels of an image share.
struct image_plane {
  std::string_view name{};
  int rows = 0;
  int cols = 0;
};

// What happens to energy on its way to pixels.
//   sum     all energies of a pixel are added; sum of pixels = sum of energies
//   share   a cell's energy is divided equally among several blocks; energy kept
//   copy    every pixel of a block holds the block's energy; sum of pixels = sum of energies x pixels per block
//   divide  every pixel of a block holds its part of the block's energy; energy kept
enum class energy_rule { sum, share, copy, divide };

// A rectangle of a plane that a projection fills: rows x cols blocks of block_rows x block_cols pixels, the
// first at pixel (row, col). Every pixel of a block holds (sum of the block's energies) / divisor. What lies
// outside the plane is dropped.
struct region {
  int plane = 0;
  int row = 0;
  int col = 0;
  int rows = 0;
  int cols = 0;
  int block_rows = 1;
  int block_cols = 1;
  int divisor = 1;

  constexpr energy_rule rule() const {
    if (block_rows * block_cols == 1) return energy_rule::sum;
    return divisor == 1 ? energy_rule::copy : energy_rule::divide;
  }
  // Sum of pixels / sum of energies, for blocks that lie within the plane.
  constexpr double gain() const { return static_cast<double>(block_rows * block_cols) / divisor; }
  friend constexpr bool operator==(region, region) = default;
};

// A block of one of a projection's regions, for which a cell's energy (or a track) is meant. cols > 1: the
// energy is shared equally by that many neighbouring columns. row or col -1: nowhere in this image.
struct block {
  int region = 0;
  int row = -1;
  int col = 0;
  int cols = 1;

  constexpr explicit operator bool() const { return row >= 0 && col >= 0; }
  friend constexpr bool operator==(block, block) = default;
};

// The projections of a layout. A projection is a named struct with
//
//   fills       static constexpr quantity: the channel it feeds
//   regions     static constexpr std::array<region, n> regions(image_options): where it writes
//   signature   static constexpr std::uint64_t signature(): a number that changes with everything that decides
//               where it draws: segmentation<D>::signature() of those it looks at, and its own rules
//   active      static constexpr bool active(image_options), optional: whether it takes part
//
// and either hits as its source:
//
//   source      a type: the segmentation<source> whose hits it reads
//   at          static constexpr block at(image_options, int cell): where the cell with this dense index goes;
//               or template <class F> static void blocks(image_options, F emit), which calls emit(cell, block)
//               for every pair: a cell's energy is shared equally by all its blocks
//   tabulated   static constexpr bool, optional: `at` is costly, and tabulated once. In tables (those of
//               `blocks`, too) a block of more than 127 cols is nowhere
//
// or tracks:
//
//   locator     a struct with block operator()(float eta, float phi) const noexcept: row -1 outside and for
//               NaN; asked for azimuths (is_azimuth) alone
//
// Energies are added in the order of the projections in the list and of the hits (tracks) in the event.
template <class... Projections>
struct projections {};

// The window that a crop cuts out of one plane of a layout. rows = 0: no crop, the whole image.
struct crop_window {
  int rows = 0;
  int cols = 0;
  int center_row = 0;  // where in the crop the centre pixel comes to lie
  int center_col = 0;
  int plane = 0;  // which plane of the layout is cut
  bool periodic_cols =
      true;         // columns beyond an edge come from the other side (phi); otherwise they are outside
  bool pad = true;  // pixels outside are zero; otherwise a crop that would need them is refused
  int spare = 0;    // without pad: so many pixels beyond the last row and column must exist, too
};

// An image: a layout, the channels shown, options, and the window cut out of it if it is a crop
// (image/crop.hpp). A layout is a named struct with
//
//   using projections_type = ct::projections<...>;
//   static constexpr std::string_view name();
//   static constexpr std::array<image_plane, n> planes();
template <class Layout>
struct image_description {
  using layout_type = Layout;

  channel_list channels;
  image_options options{};
  crop_window crop{};
};

namespace detail {

template <class Layout, quantity Quantity, bool Fed>
struct channel_of_layout {
  static_assert(
      Fed,
      "calotype::image: no projection of this layout fills this channel, its detector does not measure it "
      "(Layout, Quantity); leave the channel out of image(), or add a projection of it to the layout");
};

template <int Index, class Check>
struct checked_channel : Check {};
template <class Name, class Layout, class Indices>
struct channels_of_layout;

template <class Name, int Channels>
struct channels_of_image {
  static_assert(Channels > 0 && Channels <= channel_list::max_size,
                "calotype::image: an image shows 1 to 8 channels (Name, Channels); list as many in image()");
};

template <class Name, bool Distinct>
struct channels_differ {
  static_assert(Distinct,
                "calotype::image: a channel is listed twice (Name); list each quantity once in image()");
};

template <class Projection>
constexpr bool active(image_options options) {
  if constexpr (requires { Projection::active(options); })
    return Projection::active(options);
  else
    return true;
}

template <class Projection>
inline constexpr int region_count = static_cast<int>(Projection::regions(image_options{}).size());

// The stages of an image: regions of the channels shown, each once.
struct stage_list {
  static constexpr int max_size = 64;
  std::array<kernel::image_stage, max_size> list{};
  int size = 0;

  constexpr int find_or_add(kernel::image_stage s) {
    for (int i = 0; i < size; ++i)
      if (list[static_cast<std::size_t>(i)] == s) return i;
    list[static_cast<std::size_t>(size)] = s;
    return size++;
  }
};

template <class Layout>
constexpr kernel::image_stage stage_of(region r, int channel) {
  auto const plane = Layout::planes()[static_cast<std::size_t>(r.plane)];
  return {.plane = r.plane,
          .channel = channel,
          .row = r.row,
          .col = r.col,
          .rows = r.rows,
          .cols = r.cols,
          .block_rows = r.block_rows,
          .block_cols = r.block_cols,
          .divisor = r.divisor,
          .plane_rows = plane.rows,
          .plane_cols = plane.cols};
}

template <class Layout, class Projection>
constexpr void add_stages(stage_list& stages, image_description<Layout> const& d) {
  int const c = d.channels.find(Projection::fills);
  if (c < 0 || !active<Projection>(d.options)) return;
  for (region const& r : Projection::regions(d.options)) stages.find_or_add(stage_of<Layout>(r, c));
}

template <class Layout, class... P>
constexpr stage_list stages_of(image_description<Layout> const& d, projections<P...>) {
  stage_list stages;
  (add_stages<Layout, P>(stages, d), ...);
  return stages;
}

template <class... P>
constexpr bool fed(quantity what, image_options options, projections<P...>) {
  return ((P::fills == what && active<P>(options)) || ...);
}

template <class Name, class Layout, int... C>
struct channels_of_layout<Name, Layout, std::integer_sequence<int, C...>>
    : checked_channel<C, channel_of_layout<Layout, Name::image().channels[C].what,
                                           fed(Name::image().channels[C].what, Name::image().options,
                                               typename Layout::projections_type{})>>... {};

constexpr bool distinct(channel_list const& channels) {
  for (int i = 0; i < channels.kept(); ++i)
    if (channels.find(channels[i].what) != i) return false;
  return true;
}

template <class Projection, bool Has>
constexpr void projection_has_signature() {
  static_assert(
      Has,
      "calotype::image: a projection of your own needs static constexpr std::uint64_t signature(): a number "
      "that "
      "changes with everything that decides where it draws, e.g. segmentation<D>::signature() of its source");
}

template <class P>
constexpr void add_source(hasher& h, channel_list const& channels, image_options options) {
  if (channels.find(P::fills) < 0 || !active<P>(options)) return;
  h.add(static_cast<int>(P::fills));
  projection_has_signature < P, requires { P::signature(); }
  > ();
  if constexpr (requires { P::signature(); }) h.add(P::signature());
}

template <class... P>
constexpr void add_sources(hasher& h, channel_list const& channels, image_options options, projections<P...>) {
  (add_source<P>(h, channels, options), ...);
}

template <class Layout>
constexpr std::uint64_t signature_of(image_description<Layout> const& d) {
  hasher h;
  h.add(Layout::name());
  for (image_plane const& p : Layout::planes()) h.add(p.name).add(p.rows).add(p.cols);
  h.add(d.channels.size());
  for (int i = 0; i < d.channels.size(); ++i) {
    channel const c = d.channels[i];
    h.add(static_cast<int>(c.what)).add(c.unit).add(c.scale).add(c.zero_suppression);
  }
  stage_list const stages = stages_of(d, typename Layout::projections_type{});
  for (int i = 0; i < stages.size; ++i) {
    kernel::image_stage const s = stages.list[static_cast<std::size_t>(i)];
    h.add(s.plane).add(s.channel).add(s.row).add(s.col).add(s.rows).add(s.cols);
    h.add(s.block_rows).add(s.block_cols).add(s.divisor);
  }
  add_sources(h, d.channels, d.options, typename Layout::projections_type{});
  if (d.channels.find(quantity::track_pt) >= 0) h.add(static_cast<int>(d.options.tracks));
  h.add(static_cast<int>(d.options.divide_by));
  crop_window const w = d.crop;
  if (w.rows > 0) {
    h.add(w.rows).add(w.cols).add(w.center_row).add(w.center_col).add(w.plane);
    h.add(w.periodic_cols).add(w.pad).add(w.spare);
  }
  return h.value();
}

template <class Name>
constexpr std::uint64_t signature_of_image() {
  return signature_of(Name::image());
}

}  // namespace detail

// What everything else needs to know of an image. Name is a struct with `static constexpr auto image()`.
// Signature is never named: it keeps apart two libraries of one process that each have an image of this name.
template <class Name, std::uint64_t Signature = detail::signature_of_image<Name>()>
class image_traits {
  static constexpr auto description_ = Name::image();
  static constexpr auto planes_ = decltype(description_)::layout_type::planes();

 public:
  using layout_type = typename decltype(description_)::layout_type;
  static constexpr auto description() { return description_; }
  static constexpr image_options options = description_.options;
  static constexpr std::string_view name = layout_type::name();
  static constexpr int channels = description_.channels.size();

  static_assert(sizeof(detail::channels_of_image<Name, channels>) > 0);
  static_assert(sizeof(detail::channels_differ<Name, detail::distinct(description_.channels)>) > 0);
  static_assert(sizeof(detail::channels_of_layout<
                       Name, layout_type, std::make_integer_sequence<int, description_.channels.kept()>>) > 0);

  static constexpr calotype::channel channel(int i) { return description_.channels[i]; }

  static constexpr bool is_crop = description_.crop.rows > 0;
  static constexpr crop_window crop = description_.crop;

  // Planes of the image as a network sees it, channels x rows x cols each.
  static constexpr int planes = is_crop ? 1 : static_cast<int>(planes_.size());
  static constexpr plane_shape plane(int p) {
    if constexpr (is_crop) return {channels, crop.rows, crop.cols};
    auto const shape = planes_[static_cast<std::size_t>(p)];
    return {channels, shape.rows, shape.cols};
  }
  static constexpr std::string_view plane_name(int p) {
    return planes_[static_cast<std::size_t>(is_crop ? crop.plane : p)].name;
  }
  // Numbers in all planes.
  static constexpr int size() {
    int n = 0;
    for (int p = 0; p < planes; ++p) n += plane(p).size();
    return n;
  }

  // Grid, channels, units and preprocessing in one number: two images with the same signature hold the same
  // pixels for the same event. Stored in model files and checked on load.
  static constexpr std::uint64_t signature = Signature;
};

namespace concepts {

// A named image.
template <class Name>
concept image = requires {
  typename decltype(Name::image())::layout_type;
  Name::image().channels;
  Name::image().options;
};

}  // namespace concepts

// Where an image is written: one target per plane, strides in floats.
template <class Name>
using image_target = std::array<kernel::plane_target, static_cast<std::size_t>(image_traits<Name>::planes)>;

}  // namespace calotype
