// A detector from its description: which cells exist, where they are, which cell a point falls in, how ids are
// packed.
//
// A description is a struct whose static constexpr functions return plain aggregates:
//
//   struct strips {
//     using cell_type = strip;                                  // struct strip { int ieta, iphi; };
//     static constexpr std::string_view name() { return "strips"; }
//     static constexpr auto cells() {                           // a lattice, see lattice.hpp
//       return grid{.u = regular{.bins = 10, .low = -1, .high = 1}, .v = periodic{.bins = 64}};
//     }
//     // optional: an id_layout, or an array of alternatives
//     static constexpr auto ids() { ... }
//     // optional: which hit list of an event it reads
//     static constexpr int collection = 0;
//     // optional: the lists are thinned where no photon candidate is within this distance in (eta, phi)
//     static constexpr double halo_radius = 0.6;
//   };
//
// segmentation<strips> then answers every question, at compile time, at run time and on a device. Nothing is
// stored.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <calotype/core/config.hpp>
#include <calotype/core/hash.hpp>
#include <calotype/detector/id.hpp>
#include <calotype/detector/lattice.hpp>

namespace calotype {

namespace concepts {

// What segmentation<D> asks of a description; cells() must return a concepts::lattice.
template <class D>
concept detector_description = requires {
  typename D::cell_type;
  { D::name() } -> std::convertible_to<std::string_view>;
  D::cells();
};

}  // namespace concepts

namespace detail {

template <class T>
struct is_array : std::false_type {};
template <class T, std::size_t N>
struct is_array<std::array<T, N>> : std::true_type {};

template <class D>
constexpr bool has_lattice() {
  if constexpr (concepts::detector_description<D>)
    return concepts::lattice<std::remove_cvref_t<decltype(D::cells())>>;
  else
    return false;
}
template <class D>
constexpr bool has_ids() {
  return requires { D::ids(); };
}

// Stand in for what a broken description lacks, so that the sentence about it is the only error.
struct missing_cell {
  int label;
};
struct missing_lattice {
  static constexpr int rank = 1;
  constexpr int size() const { return 0; }
  constexpr int find(double, double, int) const { return -1; }
  constexpr position center(int) const { return {}; }
  constexpr std::array<int, 1> labels(int) const { return {}; }
  constexpr int index(std::array<int, 1> const&) const { return -1; }
  constexpr flaw inspect() const { return {}; }
  constexpr void add_to(hasher&) const {}
};
template <class D>
struct cell_of {
  using type = missing_cell;
};
template <concepts::detector_description D>
struct cell_of<D> {
  using type = typename D::cell_type;
};

// The lattice and the id layouts of a description, evaluated once.
template <class D>
struct lattice_of {
  static constexpr auto make() {
    if constexpr (has_lattice<D>())
      return D::cells();
    else
      return missing_lattice{};
  }
  static constexpr auto value = make();
  using type = std::remove_const_t<decltype(value)>;
};
template <class D>
struct ids_of {
  static constexpr auto make() {
    if constexpr (is_array<decltype(D::ids())>::value)
      return D::ids();
    else
      return std::array{D::ids()};
  }
  static constexpr auto value = make();
};

// Everything a description says in one number; 0 for a broken one, about which `checked` has its say.
template <class D>
constexpr std::uint64_t signature_of_description() {
  hasher h;
  if constexpr (has_lattice<D>()) {
    h.add(D::name());
    if constexpr (requires { D::collection; })
      h.add(static_cast<int>(D::collection));
    else
      h.add(-1);
    lattice_of<D>::value.add_to(h);
    if constexpr (has_ids<D>())
      for (auto const& layout : ids_of<D>::value) layout.add_to(h);
  }
  return has_lattice<D>() ? h.value() : 0;
}

// The same constants under a name that tells two descriptions of one name apart.
template <class D, std::uint64_t Signature>
struct stored_lattice {
  static constexpr auto make() { return lattice_of<D>::value; }
  static constexpr auto value = make();
};
template <class D, std::uint64_t Signature>
struct stored_ids {
  static constexpr auto make() { return ids_of<D>::value; }
  static constexpr auto value = make();
};

// One broken rule, one sentence. Numbers that disagree are template arguments, so that compilers print them.
template <class D>
struct description_is_complete {
  static_assert(
      concepts::detector_description<D>,
      "calotype::segmentation: a description needs a type cell_type (a struct of ints) and static constexpr "
      "functions name() and cells()");
};
template <class D>
struct cells_are_a_lattice {
  static_assert(
      has_lattice<D>() || !concepts::detector_description<D>,
      "calotype::segmentation: cells() must return a lattice (grid, rings, hexagonal, pointing, unite, layer, "
      "mirrored, two_sided, or your own with the members listed in detector/lattice.hpp)");
};
template <class D, std::size_t FieldsOfCell, std::size_t LabelsOfLattice>
struct cell_fits_lattice {
  static_assert(
      FieldsOfCell == LabelsOfLattice,
      "calotype::segmentation: cell_type must be a struct with one int for every label of the lattice "
      "(FieldsOfCell, LabelsOfLattice)");
};
template <class D, defect What, int At>
struct lattice_has_no_defect {
  static_assert(
      What == defect::none,
      "calotype::segmentation: the numbers of the lattice cannot be right; What names the defect, At the "
      "edge, row or ring, counted from 0");
};
template <class D, std::size_t LabelsInId, std::size_t LabelsOfCell>
struct ids_fit_cell {
  static_assert(LabelsInId == LabelsOfCell,
                "calotype::segmentation: an id layout needs one field for every label of the cell (LabelsInId, "
                "LabelsOfCell)");
};
template <class D, bool Valid>
struct ids_are_valid {
  static_assert(
      Valid,
      "calotype::segmentation: the fields of an id layout must name each label once and share no bit, neither "
      "with one another nor with the prefix");
};

template <class D>
constexpr bool every_layout_is_valid() {
  for (auto const& layout : ids_of<D>::value)
    if (!layout.valid()) return false;
  return true;
}

// Base classes are checked in their order; what cannot be asked of a broken description is not asked.
template <class D, bool HasLattice = has_lattice<D>()>
struct checked_lattice {};
template <class D>
struct checked_lattice<D, true>
    : cell_fits_lattice<D, sizeof(typename D::cell_type) / sizeof(int), lattice_of<D>::value.rank>,
      lattice_has_no_defect<D, lattice_of<D>::value.inspect().what, lattice_of<D>::value.inspect().at> {};
template <class D, bool HasIds = has_lattice<D>() && has_ids<D>()>
struct checked_ids {};
template <class D>
struct checked_ids<D, true> : ids_fit_cell<D, ids_of<D>::value[0].fields.size(), lattice_of<D>::value.rank>,
                              ids_are_valid<D, every_layout_is_valid<D>()> {};
template <class D>
struct checked : description_is_complete<D>, cells_are_a_lattice<D>, checked_lattice<D>, checked_ids<D> {};

}  // namespace detail

// The compiled form of a description D. Cells are numbered 0 .. size()-1, the dense index. Signature is never
// named: it keeps apart two libraries of one process that each have a description of this name.
template <class D, std::uint64_t Signature = detail::signature_of_description<D>()>
struct segmentation : private detail::checked<D> {
  using description = D;
  using cell_type = typename detail::cell_of<D>::type;
  using lattice_type = typename detail::lattice_of<D>::type;

  static constexpr int rank = lattice_type::rank;
  static constexpr bool has_ids = detail::has_ids<D>();

  static constexpr std::string_view name() {
    constexpr std::string_view text = D::name();
    return text;
  }
  // The hit list of an event this detector reads; -1 if the description names none.
  static constexpr int collection = [] {
    if constexpr (requires { D::collection; })
      return static_cast<int>(D::collection);
    else
      return -1;
  }();

  static constexpr int size() {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return lattice.size();
  }

  // The cell at (u, v), lower edges included; -1 outside and for NaN. Where cells of several layers lie behind
  // one another the first in the order of the description is taken, unless `layer` names one.
  static constexpr int find(double u, double v, int layer = any_layer) {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return lattice.find(u, v, layer);
  }

  // Where a cell is, in the coordinates of find(). Precondition: 0 <= index < size().
  static constexpr position center(int index) {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return lattice.center(index);
  }

  // The edges of a cell, for lattices whose cells are boxes. v_high may lie beyond the period of a periodic
  // axis.
  static constexpr box bounds(int index) requires requires(lattice_type const& l) { l.bounds(0); }
  {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return lattice.bounds(index);
  }

  // The dense index of a cell by its labels, -1 if there is no such cell; and back.
  static constexpr int index(cell_type cell) {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return lattice.index(std::bit_cast<std::array<int, rank>>(cell));
  }
  static constexpr cell_type cell(int index) {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    return std::bit_cast<cell_type>(lattice.labels(index));
  }

  // The raw id of a cell, in the first layout of the description unless another is asked for.
  static constexpr std::uint32_t pack(int index, int layout = 0) requires has_ids {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    CALOTYPE_CONSTANT(ids, detail::stored_ids<D, Signature>);
    return ids[static_cast<std::size_t>(layout)].pack(lattice.labels(index));
  }

  // The dense index of a raw id in any layout of the description; -1 for another subdetector, a cell that does
  // not exist or a bit set that no layout uses.
  static constexpr int unpack(std::uint32_t raw) requires has_ids {
    CALOTYPE_CONSTANT(lattice, detail::stored_lattice<D, Signature>);
    CALOTYPE_CONSTANT(ids, detail::stored_ids<D, Signature>);
    for (auto const& layout : ids)
      if (layout.accepts(raw)) return lattice.index(layout.unpack(raw));
    return -1;
  }

  // How many alternative layouts of raw ids there are.
  static constexpr int layouts() {
    if constexpr (has_ids)
      return static_cast<int>(detail::ids_of<D>::value.size());
    else
      return 0;
  }

  // A hash of everything the description says: two segmentations agree if their signatures do.
  static constexpr std::uint64_t signature() { return Signature; }
};

// The segmentations of one detector, by the names of their descriptions:
//   struct run1 { using parts = calotype::parts<eb, ee, hb>; };
template <class... Descriptions>
struct parts {
  static constexpr int size = sizeof...(Descriptions);
};

// Calls f(segmentation<D>{}) for every part of a detector, in order.
template <class Detector, class Function>
constexpr void for_each_part(Function&& f) {
  [&]<class... D>(parts<D...>) { (f(segmentation<D>{}), ...); }(typename Detector::parts{});
}

}  // namespace calotype
