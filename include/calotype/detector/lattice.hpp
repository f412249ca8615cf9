// Lattices: which cells exist, where they are, and what they are called.
//
// Every lattice is an aggregate with
//   rank                      how many integers name a cell
//   size()                    number of cells; cells are counted from 0, the dense index
//   find(u, v, layer)         the dense index of the cell that holds the point; -1 outside and for NaN
//   center(index)             where the cell is, in the same coordinates
//   labels(index)             its name, as `rank` integers
//   index(labels)             the dense index of a name, -1 if there is no such cell
//   inspect()                 the first thing wrong with its numbers, if any
// u and v are (eta, phi) or local (x, y), whatever the description says. `layer` selects one of several cells
// that lie behind one another; lattices without layers ignore it.
#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <type_traits>

#include <calotype/detector/axis.hpp>
#include <calotype/detector/point.hpp>

namespace calotype {

// find() with this layer takes the first layer, in the order of the description, that has a cell there.
inline constexpr int any_layer = std::numeric_limits<int>::min();

namespace concepts {

// See the table at the top of lattice.hpp.
template <class L>
concept lattice = requires(L const& l, double u, int i, std::array<int, L::rank> labels, hasher& h) {
  { l.size() } -> std::same_as<int>;
  { l.find(u, u, i) } -> std::same_as<int>;
  { l.center(i) } -> std::same_as<position>;
  { l.labels(i) } -> std::same_as<std::array<int, L::rank>>;
  { l.index(labels) } -> std::same_as<int>;
  { l.inspect() } -> std::same_as<flaw>;
  l.add_to(h);
};

}  // namespace concepts

struct row_and_column {
  int row, column;
};

// Columns first..last of one row exist, but for gap_first..gap_last (no gap where gap_last < gap_first).
struct row_limits {
  int first = 0, last = -1;
  int gap_first = 0, gap_last = -1;

  constexpr int gap() const { return gap_last < gap_first ? 0 : gap_last - gap_first + 1; }
  constexpr int count() const { return last < first ? 0 : last - first + 1 - gap(); }
};

namespace detail {

template <std::size_t Rows>
constexpr std::array<int, Rows + 1> first_cells(std::array<row_limits, Rows> const& rows) {
  std::array<int, Rows + 1> start{};
  for (std::size_t r = 0; r < Rows; ++r) start[r + 1] = start[r] + rows[r].count();
  return start;
}

// The last i with start[i] <= index.
template <std::size_t N>
constexpr int row_of(std::array<int, N> const& start, int index) {
  std::size_t low = 0, high = N - 1;
  while (high - low > 1) {
    std::size_t const middle = (low + high) / 2;
    (index < start[middle] ? high : low) = middle;
  }
  return static_cast<int>(low);
}

template <class Array, class... More>
constexpr auto append(Array const& head, More... more) {
  constexpr std::size_t n = std::tuple_size_v<Array>;
  std::array<int, n + sizeof...(More)> all{};
  for (std::size_t i = 0; i < n; ++i) all[i] = head[i];
  std::size_t i = n;
  ((all[i++] = more), ...);
  return all;
}

template <std::size_t N>
constexpr std::array<int, N - 1> without_last(std::array<int, N> const& all) {
  std::array<int, N - 1> head{};
  for (std::size_t i = 0; i + 1 < N; ++i) head[i] = all[i];
  return head;
}

}  // namespace detail

// The cells of an index grid that exist, row by row.
template <std::size_t Rows>
struct mask {
  std::array<row_limits, Rows> limits;
  std::array<int, Rows + 1> start;  // cells before each row

  constexpr explicit mask(std::array<row_limits, Rows> const& rows)
      : limits(rows), start(detail::first_cells(rows)) {}

  constexpr int rows() const { return static_cast<int>(Rows); }
  constexpr int size() const { return start[Rows]; }
  constexpr bool has(int row, int column) const { return index(row, column) >= 0; }
  constexpr int index(int row, int column) const {
    if (row < 0 || row >= static_cast<int>(Rows)) return -1;
    auto const& r = limits[detail::at(row)];
    if (column < r.first || column > r.last) return -1;
    int k = start[detail::at(row)] + column - r.first;
    if (r.gap() > 0 && column >= r.gap_first) {
      if (column <= r.gap_last) return -1;
      k -= r.gap();
    }
    return k;
  }
  constexpr row_and_column locate(int index) const {
    int const row = detail::row_of(start, index);
    auto const& r = limits[detail::at(row)];
    int const column = r.first + index - start[detail::at(row)];
    return {row, r.gap() > 0 && column >= r.gap_first ? column + r.gap() : column};
  }
  // For a grid of this many columns.
  constexpr flaw inspect(int columns) const {
    for (std::size_t i = 0; i < Rows; ++i) {
      auto const& r = limits[i];
      if (r.count() > 0 && (r.first < 0 || r.last >= columns))
        return {defect::row_leaves_grid, static_cast<int>(i)};
      if (r.gap() > 0 && (r.gap_first < r.first || r.gap_last > r.last))
        return {defect::gap_leaves_row, static_cast<int>(i)};
    }
    return size() > 0 ? flaw{} : flaw{defect::no_cells};
  }
  constexpr void add_to(hasher& h) const {
    for (auto const& r : limits) h.add(r.first).add(r.last).add(r.gap_first).add(r.gap_last);
  }
};

// No mask: every cell of the grid exists.
struct no_mask {};

// A rows x columns rectangle without the rectangle of hole_rows x hole_columns in its middle.
template <std::size_t Rows>
constexpr mask<Rows> mask_with_hole(int columns, int hole_rows, int hole_columns) {
  std::array<row_limits, Rows> limits{};
  int const first_row = (static_cast<int>(Rows) - hole_rows) / 2, first_column = (columns - hole_columns) / 2;
  for (int r = 0; r < static_cast<int>(Rows); ++r) {
    auto& row = limits[detail::at(r)];
    row = {.first = 0, .last = columns - 1};
    if (r >= first_row && r < first_row + hole_rows) {
      row.gap_first = first_column;
      row.gap_last = first_column + hole_columns - 1;
    }
  }
  return mask<Rows>{limits};
}

// The product of two axes: cells {u label, v label}, v running fastest. With a mask (a row for every u) only
// some exist.
template <concepts::axis U, concepts::axis V, class Mask = no_mask>
struct grid {
  U u;
  V v;
  Mask cells{};

  static constexpr int rank = 2;
  static constexpr bool masked = !std::is_same_v<Mask, no_mask>;

  constexpr int size() const {
    if constexpr (masked)
      return cells.size();
    else
      return u.size() * v.size();
  }
  constexpr int find(double x, double y, int) const { return at(u.find(x), v.find(y)); }
  constexpr position center(int index) const {
    auto const [row, column] = locate(index);
    return {u.center(row), v.center(column)};
  }
  constexpr box bounds(int index) const {
    auto const [row, column] = locate(index);
    return {u.lower(row), u.upper(row), v.lower(column), v.upper(column)};
  }
  constexpr std::array<int, 2> labels(int index) const {
    auto const [row, column] = locate(index);
    return {u.labels.label(row), v.labels.label(column)};
  }
  constexpr int index(std::array<int, 2> const& labels) const {
    return at(u.labels.bin(labels[0], u.size()), v.labels.bin(labels[1], v.size()));
  }
  constexpr flaw inspect() const {
    if (auto const f = u.inspect()) return f;
    if (auto const f = v.inspect()) return f;
    if constexpr (masked) {
      if (cells.rows() != u.size()) return {defect::mask_rows_are_not_bins, cells.rows()};
      return cells.inspect(v.size());
    }
    return {};
  }
  constexpr void add_to(hasher& h) const {
    h.add("grid");
    u.add_to(h);
    v.add_to(h);
    if constexpr (masked) cells.add_to(h);
  }

  // The cell of two bins, -1 where one of them is -1 or the mask has no cell.
  constexpr int at(int row, int column) const {
    if (row < 0 || column < 0) return -1;
    if constexpr (masked)
      return cells.index(row, column);
    else
      return row * v.size() + column;
  }
  constexpr row_and_column locate(int index) const {
    if constexpr (masked)
      return cells.locate(index);
    else
      return {index / v.size(), index % v.size()};
  }
};

// One ring of cells: low <= u < high, divided in v as `around` says.
struct ring {
  int label;
  double low, high;
  periodic around;
};

namespace detail {

template <std::size_t N>
constexpr std::array<int, N + 1> first_cells(std::array<ring, N> const& list) {
  std::array<int, N + 1> start{};
  for (std::size_t r = 0; r < N; ++r) start[r + 1] = start[r] + list[r].around.bins;
  return start;
}

}  // namespace detail

// Rings with their own number of cells each: a phi count that changes with eta, or with the radius. Cells {ring
// label, label around}, ring after ring. Rings may leave gaps; where two overlap the first wins.
template <std::size_t N>
struct rings {
  std::array<ring, N> list;
  std::array<int, N + 1> start;  // cells before each ring

  constexpr explicit rings(std::array<ring, N> const& all) : list(all), start(detail::first_cells(all)) {}

  static constexpr int rank = 2;

  constexpr int size() const { return start[N]; }
  constexpr int find(double u, double v, int) const {
    for (std::size_t r = 0; r < N; ++r) {
      if (!(u >= list[r].low && u < list[r].high)) continue;
      int const k = list[r].around.find(v);
      return k < 0 ? -1 : start[r] + k;
    }
    return -1;
  }
  constexpr position center(int index) const {
    auto const r = detail::at(detail::row_of(start, index));
    return {0.5 * (list[r].low + list[r].high), list[r].around.center(index - start[r])};
  }
  constexpr box bounds(int index) const {
    auto const r = detail::at(detail::row_of(start, index));
    auto const& around = list[r].around;
    return {list[r].low, list[r].high, around.lower(index - start[r]), around.upper(index - start[r])};
  }
  constexpr std::array<int, 2> labels(int index) const {
    auto const r = detail::at(detail::row_of(start, index));
    return {list[r].label, list[r].around.labels.label(index - start[r])};
  }
  constexpr int index(std::array<int, 2> const& labels) const {
    auto const guess = static_cast<std::size_t>(labels[0]) - static_cast<std::size_t>(list[0].label);
    if (guess < N && list[guess].label == labels[0])
      return index_in(guess, labels[1]);  // labels count up by one
    for (std::size_t r = 0; r < N; ++r)
      if (list[r].label == labels[0]) return index_in(r, labels[1]);
    return -1;
  }
  constexpr flaw inspect() const {
    for (std::size_t r = 0; r < N; ++r) {
      if (!(list[r].low < list[r].high)) return {defect::ring_without_width, static_cast<int>(r)};
      if (auto const f = list[r].around.inspect()) return f;
      for (std::size_t s = 0; s < r; ++s)
        if (list[s].label == list[r].label) return {defect::rings_share_a_label, static_cast<int>(r)};
    }
    return N > 0 ? flaw{} : flaw{defect::no_cells};
  }
  constexpr void add_to(hasher& h) const {
    h.add("rings");
    for (auto const& r : list) {
      h.add(r.label).add(r.low).add(r.high);
      r.around.add_to(h);
    }
  }

 private:
  constexpr int index_in(std::size_t r, int label) const {
    int const k = list[r].around.labels.bin(label, list[r].around.bins);
    return k < 0 ? -1 : start[r] + k;
  }
};

// Hexagonal cells on a skew index grid (a, b): the six neighbours are +-(1, 0), +-(0, 1) and +-(1, 1), `pitch`
// away. Local coordinates u = x, v = y with x = pitch sqrt(3)/2 (b - origin_b), y = pitch ((a - origin_a) - (b
// - origin_b)/2). A point belongs to the nearest lattice site. Cells {a, b}; the mask has a row for every b =
// 0, 1, ...
template <std::size_t Rows>
struct hexagonal {
  double pitch;
  double origin_a = 0, origin_b = 0;
  mask<Rows> cells;

  static constexpr int rank = 2;

  constexpr int size() const { return cells.size(); }
  constexpr int find(double x, double y, int) const {
    double const up = x / (pitch * half_sqrt3), right = y / pitch + 0.5 * up;
    double const b = up + origin_b, a = right + origin_a;
    if (!(a > -1e6 && a < 1e6 && b > -1e6 && b < 1e6)) return -1;
    // Round the three cube coordinates a, -b, b - a; the one that moved furthest follows from the other two.
    double const ra = detail::floor(a + 0.5), rb = detail::floor(b + 0.5), rc = detail::floor(b - a + 0.5);
    double const da = math::abs(ra - a), db = math::abs(rb - b), dc = math::abs(rc - (b - a));
    bool const a_moved = da > db && da > dc, b_moved = !a_moved && db > dc;
    return cells.index(static_cast<int>(b_moved ? ra + rc : rb), static_cast<int>(a_moved ? rb - rc : ra));
  }
  constexpr position center(int index) const {
    auto const [row, column] = cells.locate(index);
    double const b = row - origin_b, a = column - origin_a;
    return {pitch * half_sqrt3 * b, pitch * (a - 0.5 * b)};
  }
  constexpr std::array<int, 2> labels(int index) const {
    auto const [row, column] = cells.locate(index);
    return {column, row};
  }
  constexpr int index(std::array<int, 2> const& labels) const { return cells.index(labels[1], labels[0]); }
  constexpr flaw inspect() const {
    return pitch > 0 ? cells.inspect(std::numeric_limits<int>::max()) : flaw{defect::pitch_not_positive};
  }
  constexpr void add_to(hasher& h) const {
    h.add("hexagonal").add(pitch).add(origin_a).add(origin_b);
    cells.add_to(h);
  }

 private:
  static constexpr double half_sqrt3 = 0.86602540378443865;
};

// Pointing cells whose centres follow no simple rule, seen from the origin in (eta, phi) with eta > 0: a point
// belongs to the centre nearest in angle. Cells {column label, row label}; the mask has a row for every row
// label. `Places` says
//   static constexpr point center(int column_label, int row_label);    in space, metres
//   static constexpr std::array<int, 2> guess(point direction);         labels near a direction; need not exist
//   static constexpr bool covers(double eta, double phi);               where points count as inside
//   static constexpr std::string_view version();                        changes whenever a centre does
template <class Places, std::size_t Rows>
struct pointing {
  numbering columns, rows;
  mask<Rows> cells;

  static constexpr int rank = 2;

  constexpr int size() const { return cells.size(); }
  constexpr position center(int index) const {
    auto const [column, row] = labels(index);
    return seen_from_origin(Places::center(column, row));
  }
  constexpr std::array<int, 2> labels(int index) const {
    auto const [row, column] = cells.locate(index);
    return {columns.label(column), rows.label(row)};
  }
  constexpr int index(std::array<int, 2> const& labels) const {
    int const column = columns.bin(labels[0], std::numeric_limits<int>::max());
    return column < 0 ? -1 : cells.index(rows.bin(labels[1], static_cast<int>(Rows)), column);
  }
  constexpr int find(double eta, double phi, int) const {
    if (!Places::covers(eta, phi) || !is_azimuth(phi)) return -1;
    point const direction = calotype::direction(eta, phi);
    auto const guess = Places::guess(direction);
    nearest best{.column = guess[0] - columns.first, .row = guess[1] - rows.first};
    look_around(best, direction, 0);
    // A guess off the mask is led back over the missing cells.
    for (int reach = 2; best.index < 0 && reach <= static_cast<int>(Rows); reach += 2)
      look_around(best, direction, reach);
    // Then downhill, until all neighbours are further away. At a ragged rim the way may lead over missing
    // cells.
    for (int before = -1; best.index != before;) {
      before = best.index;
      bool const inside = look_around(best, direction, 1);
      if (best.index == before && !inside) look_around(best, direction, 3);
    }
    return best.index;
  }
  constexpr flaw inspect() const {
    if (columns.step != 1 || rows.step != 1 || columns.skip_zero || rows.skip_zero)
      return {defect::numbering_not_plain};
    return cells.inspect(std::numeric_limits<int>::max());
  }
  constexpr void add_to(hasher& h) const {
    h.add("pointing").add(Places::version());
    columns.add_to(h);
    rows.add_to(h);
    cells.add_to(h);
  }

 private:
  struct nearest {
    int column, row;
    int index = -1;
    double cosine = -2;
  };

  // Cosine of the angle between a centre and a direction, up to the direction's length.
  static constexpr double alignment(point c, point d) {
    double const dot = math::fma(c.x, d.x, math::fma(c.y, d.y, c.z * d.z));
    return dot / math::sqrt(math::fma(c.x, c.x, math::fma(c.y, c.y, c.z * c.z)));
  }
  // Moves to the best existing cell within `reach` rows and columns; false if one of them does not exist.
  constexpr bool look_around(nearest& best, point direction, int reach) const {
    int const column = best.column, row = best.row;
    bool all_exist = true;
    for (int r = row - reach; r <= row + reach; ++r)
      for (int c = column - reach; c <= column + reach; ++c) {
        int const index = cells.index(r, c);
        if (index < 0) all_exist = false;
        if (index < 0 || index == best.index) continue;
        double const cosine = alignment(Places::center(columns.label(c), rows.label(r)), direction);
        if (best.index < 0 || cosine > best.cosine) best = {c, r, index, cosine};
      }
    return all_exist;
  }
};

// One of several layers that lie behind one another: `number` becomes the cell's last label.
template <concepts::lattice Cells>
struct layer {
  int number;
  Cells cells;

  static constexpr int rank = Cells::rank + 1;

  constexpr int size() const { return cells.size(); }
  constexpr int find(double u, double v, int wanted) const {
    return wanted == any_layer || wanted == number ? cells.find(u, v, wanted) : -1;
  }
  constexpr position center(int index) const { return cells.center(index); }
  constexpr box bounds(int index) const requires requires { cells.bounds(index); }
  { return cells.bounds(index); }
  constexpr std::array<int, rank> labels(int index) const {
    return detail::append(cells.labels(index), number);
  }
  constexpr int index(std::array<int, rank> const& labels) const {
    return labels[rank - 1] == number ? cells.index(detail::without_last(labels)) : -1;
  }
  constexpr flaw inspect() const { return cells.inspect(); }
  constexpr void add_to(hasher& h) const {
    h.add("layer").add(number);
    cells.add_to(h);
  }
};

namespace detail {

template <int First, int Second>
struct labels_agree {
  static_assert(
      First == Second,
      "calotype::unite: the parts must name their cells by the same number of labels (First, Second); wrap "
      "the shorter one in layer{} or two_sided{}");
};

// The cells of `first`, then those of `second`.
template <class First, class Second>
struct united {
  First first;
  Second second;

  static constexpr int rank = First::rank;

  constexpr int size() const { return first.size() + second.size(); }
  constexpr int find(double u, double v, int layer) const {
    int const i = first.find(u, v, layer);
    return i >= 0 ? i : shifted(second.find(u, v, layer));
  }
  constexpr position center(int index) const {
    return index < first.size() ? first.center(index) : second.center(index - first.size());
  }
  constexpr box bounds(int index) const requires requires {
    first.bounds(index);
    second.bounds(index);
  }
  { return index < first.size() ? first.bounds(index) : second.bounds(index - first.size()); }
  constexpr std::array<int, rank> labels(int index) const {
    return index < first.size() ? first.labels(index) : second.labels(index - first.size());
  }
  constexpr int index(std::array<int, rank> const& labels) const {
    int const i = first.index(labels);
    return i >= 0 ? i : shifted(second.index(labels));
  }
  constexpr flaw inspect() const {
    if (auto const f = first.inspect()) return f;
    return second.inspect();
  }
  constexpr void add_to(hasher& h) const {
    h.add("unite");
    first.add_to(h);
    second.add_to(h);
  }

 private:
  constexpr int shifted(int i) const { return i < 0 ? i : first.size() + i; }
};

}  // namespace detail

// Several lattices as one, cells numbered through. Where parts overlap, find() takes the first.
template <concepts::lattice Cells>
constexpr Cells unite(Cells const& cells) {
  return cells;
}
template <concepts::lattice First, concepts::lattice Second, concepts::lattice... Rest>
constexpr auto unite(First const& first, Second const& second, Rest const&... rest) {
  static_assert(sizeof(detail::labels_agree<First::rank, Second::rank>) > 0);
  auto const tail = unite(second, rest...);
  return detail::united<First, std::remove_const_t<decltype(tail)>>{first, tail};
}

namespace detail {

// Two copies of a lattice for u >= 0, first the one at u < 0. What tells them apart is up to the two structs
// below.
template <class Half>
struct both_sides {
  static constexpr int find(Half const& half, double u, double v, int layer) {
    int const i = half.find(u < 0 ? -u : u, v, layer);
    return i >= 0 && !(u < 0) ? half.size() + i : i;
  }
  static constexpr position center(Half const& half, int index) {
    if (index >= half.size()) return half.center(index - half.size());
    auto const p = half.center(index);
    return {-p.u, p.v};
  }
  static constexpr box bounds(Half const& half, int index) {
    if (index >= half.size()) return half.bounds(index - half.size());
    auto const b = half.bounds(index);
    return {-b.u_high, -b.u_low, b.v_low, b.v_high};
  }
};

}  // namespace detail

// `half`, described for u >= 0, and its mirror image at u < 0, where the first label is negative. The cells at
// u < 0 come first. Labels of `half` must be positive.
template <concepts::lattice Half>
struct mirrored {
  Half half;

  static constexpr int rank = Half::rank;

  constexpr int size() const { return 2 * half.size(); }
  constexpr int find(double u, double v, int layer) const {
    return detail::both_sides<Half>::find(half, u, v, layer);
  }
  constexpr position center(int index) const { return detail::both_sides<Half>::center(half, index); }
  constexpr box bounds(int index) const requires requires { half.bounds(index); }
  { return detail::both_sides<Half>::bounds(half, index); }
  constexpr std::array<int, rank> labels(int index) const {
    auto labels = half.labels(index % half.size());
    if (index < half.size()) labels[0] = -labels[0];
    return labels;
  }
  constexpr int index(std::array<int, rank> labels) const {
    bool const negative = labels[0] < 0;
    if (labels[0] == std::numeric_limits<int>::min()) return -1;
    if (negative) labels[0] = -labels[0];
    int const i = half.index(labels);
    return i >= 0 && !negative ? half.size() + i : i;
  }
  constexpr flaw inspect() const { return half.inspect(); }
  constexpr void add_to(hasher& h) const {
    h.add("mirrored");
    half.add_to(h);
  }
};

// `half`, described for u >= 0, and its mirror image at u < 0; the last label tells the side, -1 or +1. The
// cells at u < 0 come first.
template <concepts::lattice Half>
struct two_sided {
  Half half;

  static constexpr int rank = Half::rank + 1;

  constexpr int size() const { return 2 * half.size(); }
  constexpr int find(double u, double v, int layer) const {
    return detail::both_sides<Half>::find(half, u, v, layer);
  }
  constexpr position center(int index) const { return detail::both_sides<Half>::center(half, index); }
  constexpr box bounds(int index) const requires requires { half.bounds(index); }
  { return detail::both_sides<Half>::bounds(half, index); }
  constexpr std::array<int, rank> labels(int index) const {
    return detail::append(half.labels(index % half.size()), index < half.size() ? -1 : 1);
  }
  constexpr int index(std::array<int, rank> const& labels) const {
    int const side = labels[rank - 1];
    if (side != -1 && side != 1) return -1;
    int const i = half.index(detail::without_last(labels));
    return i >= 0 && side > 0 ? half.size() + i : i;
  }
  constexpr flaw inspect() const { return half.inspect(); }
  constexpr void add_to(hasher& h) const {
    h.add("two_sided");
    half.add_to(h);
  }
};

}  // namespace calotype
