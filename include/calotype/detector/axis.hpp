// Axes: how one coordinate is cut into cells, and how an experiment numbers them.
//
// Every axis is an aggregate with
//   size()              number of bins; bins are counted from 0
//   find(x)             the bin with lower(bin) <= x < upper(bin); -1 outside and for NaN
//   lower(bin), upper(bin), center(bin)
//   labels              the experiment's own numbers for the bins
//   inspect()           the first thing wrong with its numbers, if any
// Lengths and angles are in the units of the description (radians for phi).
#pragma once

#include <array>
#include <concepts>

#include <calotype/core/hash.hpp>
#include <calotype/core/math.hpp>

namespace calotype {

// The number an experiment gives to bin k: first + step k. With skip_zero the numbers pass from -1 to 1.
// {.first = -85, .skip_zero = true}: -85 .. -1, 1 .. 85;  {.first = 1, .step = 2}: 1, 3, 5 ...
struct numbering {
  int first = 0;
  int step = 1;
  bool skip_zero = false;

  constexpr int label(int bin) const {
    int const number = first + step * bin;
    return skip_zero && first < 0 && number >= 0 ? number + 1 : number;
  }
  // The bin of `label` among `bins`, -1 if there is none.
  constexpr int bin(int label, int bins) const {
    if (skip_zero && label == 0) return -1;
    long long const distance =
        static_cast<long long>(label) - first - (skip_zero && first < 0 && label > 0 ? 1 : 0);
    long long const k = distance / step;
    return k >= 0 && k < bins && k * step == distance ? static_cast<int>(k) : -1;
  }
  constexpr void add_to(hasher& h) const { h.add(first).add(step).add(skip_zero); }
};

// What may be wrong with the numbers of an axis or a lattice, and where: which edge, row or ring, counted from
// 0.
enum class defect {
  none,
  no_bins,
  labels_do_not_advance,
  period_not_positive,
  edges_do_not_ascend,
  centers_do_not_ascend,
  no_cells,
  mask_rows_are_not_bins,
  row_leaves_grid,
  gap_leaves_row,
  ring_without_width,
  rings_share_a_label,
  pitch_not_positive,
  numbering_not_plain,
};
struct flaw {
  defect what = defect::none;
  int at = 0;

  constexpr explicit operator bool() const { return what != defect::none; }
};

namespace concepts {

// See the table at the top of axis.hpp.
template <class A>
concept axis = requires(A const& a, double x, int bin, hasher& h) {
  { a.size() } -> std::same_as<int>;
  { a.find(x) } -> std::same_as<int>;
  { a.center(bin) } -> std::same_as<double>;
  { a.lower(bin) } -> std::same_as<double>;
  { a.upper(bin) } -> std::same_as<double>;
  { a.labels } -> std::convertible_to<numbering>;
  { a.inspect() } -> std::same_as<flaw>;
  a.add_to(h);
};

}  // namespace concepts

namespace detail {

// The largest integer not above x, as a double; for |x| < 1e9.
constexpr double floor(double x) {
  auto const whole = static_cast<double>(static_cast<int>(x));
  return whole > x ? whole - 1 : whole;
}

// The bin of ascending edges that holds x, by bisection; -1 outside and for NaN.
template <std::size_t N>
constexpr int find_between(std::array<double, N> const& edges, double x) {
  if (!(x >= edges[0] && x < edges[N - 1])) return -1;
  std::size_t low = 0, high = N - 1;
  while (high - low > 1) {
    std::size_t const middle = (low + high) / 2;
    (x < edges[middle] ? high : low) = middle;
  }
  return static_cast<int>(low);
}

constexpr flaw inspect_bins(int bins, numbering const& labels) {
  if (bins < 1) return {defect::no_bins};
  return labels.step != 0 ? flaw{} : flaw{defect::labels_do_not_advance};
}

// The first value that is not above the one before it; NaN is above nothing.
template <std::size_t N>
constexpr flaw first_not_ascending(std::array<double, N> const& values, defect what) {
  for (std::size_t i = 1; i < N; ++i)
    if (!(values[i - 1] < values[i])) return {what, static_cast<int>(i)};
  return {};
}

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace detail

// `bins` cells of equal width from `low` to `high`.
struct regular {
  int bins;
  double low, high;
  numbering labels{};

  constexpr int size() const { return bins; }
  constexpr int find(double x) const {
    if (!(x >= low && x < high)) return -1;
    int k = static_cast<int>((x - low) / ((high - low) / bins));
    if (k >= bins) k = bins - 1;
    // the quotient rounds; edges are where lower() says
    return x < lower(k) ? k - 1 : k + 1 < bins && x >= lower(k + 1) ? k + 1 : k;
  }
  // Multiples of a bin's width are divided before they are added: no compiler can fuse the two and change a
  // bit.
  constexpr double lower(int bin) const { return bin == bins ? high : low + (high - low) * bin / bins; }
  constexpr double upper(int bin) const { return lower(bin + 1); }
  constexpr double center(int bin) const { return low + (high - low) * (2 * bin + 1) / (2 * bins); }
  constexpr flaw inspect() const {
    if (auto const f = detail::inspect_bins(bins, labels)) return f;
    return low < high ? flaw{} : flaw{defect::edges_do_not_ascend};
  }
  constexpr void add_to(hasher& h) const {
    h.add("regular").add(bins).add(low).add(high);
    labels.add_to(h);
  }
};

// Cells between explicit edges, in ascending order: edges{.at = std::array{0., 1., 3.}} has two.
template <std::size_t N>
struct edges {
  std::array<double, N> at;
  numbering labels{};

  constexpr int size() const { return static_cast<int>(N) - 1; }
  constexpr int find(double x) const { return detail::find_between(at, x); }
  constexpr double lower(int bin) const { return at[detail::at(bin)]; }
  constexpr double upper(int bin) const { return at[detail::at(bin + 1)]; }
  constexpr double center(int bin) const { return 0.5 * (lower(bin) + upper(bin)); }
  constexpr flaw inspect() const {
    if (auto const f = detail::inspect_bins(size(), labels)) return f;
    return detail::first_not_ascending(at, defect::edges_do_not_ascend);
  }
  constexpr void add_to(hasher& h) const {
    h.add("edges").add(size());
    for (double x : at) h.add(x);
    labels.add_to(h);
  }
};

// Cells between explicit edges whose centres are known better than the middle of the edges.
template <std::size_t N>
struct edges_and_centers {
  std::array<double, N + 1> at;
  std::array<double, N> centers;
  numbering labels{};

  constexpr int size() const { return static_cast<int>(N); }
  constexpr int find(double x) const { return detail::find_between(at, x); }
  constexpr double lower(int bin) const { return at[detail::at(bin)]; }
  constexpr double upper(int bin) const { return at[detail::at(bin + 1)]; }
  constexpr double center(int bin) const { return centers[detail::at(bin)]; }
  constexpr flaw inspect() const {
    if (auto const f = detail::inspect_bins(size(), labels)) return f;
    if (auto const f = detail::first_not_ascending(at, defect::edges_do_not_ascend)) return f;
    return detail::first_not_ascending(centers, defect::centers_do_not_ascend);
  }
  constexpr void add_to(hasher& h) const {
    h.add("edges_and_centers").add(size());
    for (double x : at) h.add(x);
    for (double x : centers) h.add(x);
    labels.add_to(h);
  }
};

// A closed circle of `bins` equal cells. `offset` is the number of cells by which the start of bin 0 lies
// before zero (half of `bins`: bin 0 starts at -pi), so that zero falls exactly on an edge wherever it should.
// Any x within 1e9 cells of zero is wrapped, what lies beyond is outside; centres lie in (-period/2, period/2];
// lower(bin) in [-period/2, period/2), upper(bin) one width above it.
struct periodic {
  int bins;
  double offset = 0;
  double period = 2 * math::pi;
  numbering labels{};

  constexpr int size() const { return bins; }
  constexpr double width() const { return period / bins; }
  constexpr int find(double x) const {
    double const cells = x / width() + offset;
    if (!(cells > -1e9 && cells < 1e9)) return -1;
    int const k = static_cast<int>(detail::floor(cells)) % bins;
    return k < 0 ? k + bins : k;
  }
  constexpr double lower(int bin) const {
    double const cells = bin - offset;
    return (cells - bins * detail::floor(cells / bins + 0.5)) * width();
  }
  constexpr double upper(int bin) const { return lower(bin) + width(); }
  constexpr double center(int bin) const {
    double const cells = bin + 0.5 - offset;
    return (cells + bins * detail::floor(0.5 - cells / bins)) * width();
  }
  constexpr flaw inspect() const {
    if (auto const f = detail::inspect_bins(bins, labels)) return f;
    return period > 0 ? flaw{} : flaw{defect::period_not_positive};
  }
  constexpr void add_to(hasher& h) const {
    h.add("periodic").add(bins).add(offset).add(period);
    labels.add_to(h);
  }
};

// The edges (or centres) of both sides from those of the positive one: {0, 1, 3} -> {-3, -1, 0, 1, 3}. A
// leading zero is shared; without one, {1, 3} -> {-3, -1, 1, 3}.
template <std::size_t N>
constexpr std::array<double, 2 * N - 1> mirror_edges(std::array<double, N> const& half) {
  std::array<double, 2 * N - 1> both{};
  for (std::size_t i = 0; i < N; ++i) {
    both[N - 1 + i] = half[i];
    if (i > 0) both[N - 1 - i] = -half[i];
  }
  return both;
}
template <std::size_t N>
constexpr std::array<double, 2 * N> mirror_centers(std::array<double, N> const& half) {
  std::array<double, 2 * N> both{};
  for (std::size_t i = 0; i < N; ++i) {
    both[N + i] = half[i];
    both[N - 1 - i] = -half[i];
  }
  return both;
}

}  // namespace calotype
