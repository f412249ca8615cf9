// Convolutions with 3x3 windows by Winograd's minimal filtering: a tile of 4 outputs in a direction takes 6
// products per channel instead of 12 (F(4,3); Lavin and Gray, arXiv:1509.09308), one of 2 outputs 4 instead
// of 6.
//
//   forward   tiles of the input -> points -> sums over channels, one per point -> tiles of the output
//
// Everything that decides a bit (which tiles, which order) depends on the layer's shape alone; the instruction
// set decides how many tiles go through the registers together.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cpu/chain.hpp>
#include <calotype/kernel/cpu/layout.hpp>
#include <calotype/kernel/cpu/pixel_set.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cpu {

// Numbers of a window in one direction that are inside the map; the others are zero.
struct winograd_span {
  int first = 0;
  int end = 0;

  constexpr bool has(int i) const { return first <= i && i < end; }
  friend constexpr bool operator==(winograd_span, winograd_span) = default;
};

// Tiles side by side in one direction: `tiles` of `size` outputs, the first output at `first`; of the last
// tile, `last` outputs are inside the map.
struct winograd_strip {
  int first = 0;
  int tiles = 0;
  int size = 4;
  int last = 4;
  bool six = false;  // the weights have six points in this direction, of which F(2,3) uses 0, 1, 2 and 5

  constexpr int points() const { return size + 2; }
  constexpr int place(int point) const { return six && size == 2 && point == 3 ? 5 : point; }
  // Of the window of a tile, in a map of n.
  constexpr winograd_span inside(int tile, int n) const {
    int const before = first + tile * size - 1;
    return {before < 0 ? -before : 0, n - before < points() ? n - before : points()};
  }
  friend constexpr bool operator==(winograd_strip, winograd_strip) = default;
};

// A rectangle of tiles of one size.
struct winograd_field {
  winograd_strip rows{};
  winograd_strip cols{};

  constexpr int tiles() const { return rows.tiles * cols.tiles; }
  constexpr int points() const { return rows.points() * cols.points(); }
  friend constexpr bool operator==(winograd_field, winograd_field) = default;
};

// How a map is cut: in each direction tiles of one size, then perhaps a last one of two outputs.
struct winograd_tiling {
  winograd_strip rows[2];
  winograd_strip cols[2];
  long long cost = 0;

  constexpr winograd_field field(int i) const { return {rows[i / 2], cols[i % 2]}; }
  constexpr int row_points() const { return rows[0].points(); }
  constexpr int col_points() const { return cols[0].points(); }
};

namespace detail {

inline constexpr int winograd_cuts = 3;

// n outputs in tiles of 4; of 4 and a last one of 2; of 2. Returns whether the second is any different.
constexpr bool cut_strip(int n, int kind, winograd_strip (&strips)[2]) {
  strips[0] = strips[1] = {};
  bool const six = kind != 2;
  if (kind == 1) {
    if (n < 4 || n % 4 == 0 || n % 4 == 3) return false;
    strips[0] = {0, n / 4, 4, 4, six};
    strips[1] = {n / 4 * 4, 1, 2, n % 4, six};
    return true;
  }
  int const size = six ? 4 : 2;
  int const tiles = ratio_up(n, size);
  strips[0] = {0, tiles, size, n - (tiles - 1) * size, six};
  return true;
}

// Multiply-adds with registers of one block, or what takes as long: a tile's transforms about nine per point,
// and the weights of a point one per dozen tiles.
constexpr long long winograd_cost(winograd_field f, int channels, int in_blocks, int out_blocks) {
  long long const tiles = f.tiles();
  long long const products = static_cast<long long>(f.points()) * channels * out_blocks;
  return products * tiles + products * ratio_up(f.tiles(), 12) +
         tiles * f.points() * (5 * in_blocks + 4 * out_blocks);
}

constexpr winograd_tiling best_winograd_tiling(conv_shape s) {
  int const in_blocks = blocks_of(s.in.channels), out_blocks = blocks_of(s.filters);
  winograd_tiling best{};
  for (int row = 0; row < winograd_cuts; ++row) {
    for (int col = 0; col < winograd_cuts; ++col) {
      winograd_tiling t{};
      if (!cut_strip(s.out().rows, row, t.rows) || !cut_strip(s.out().cols, col, t.cols)) continue;
      for (int i = 0; i < 4; ++i) {
        if (t.field(i).tiles() > 0) t.cost += winograd_cost(t.field(i), s.in.channels, in_blocks, out_blocks);
      }
      if (best.cost == 0 || t.cost < best.cost) best = t;
    }
  }
  return best;
}

}  // namespace detail

// Whether the Winograd arithmetic takes this layer: 3x3, stride 1, padding 1, and at least a tenth faster by
// count.
constexpr bool winograd_applies(conv_shape s) {
  if (s.kernel != 3 || s.stride != 1 || s.padding != 1 || s.in.is_vector()) return false;
  long long const direct = 9LL * s.out().rows * s.out().cols * s.in.channels * blocks_of(s.filters);
  return 10 * detail::best_winograd_tiling(s).cost < 9 * direct;
}

// The transforms of a row (or column) of a tile of Size outputs, at the points 0, a, -a, b, -b and infinity
// with a = 3/4, b = 3/2: exact in binary, and five times less rounding error than the usual 1 and 2. F(2,3)
// leaves out b and -b and takes the same weights.
template <class Arch, int Size>
struct winograd_transform;

// The points and the scales of the weights at 0, +-a and +-b.
struct winograd_constants {
  static constexpr float a = 0.75f, b = 1.5f;
  static constexpr double scale_0 = 1 / (0.75 * 0.75 * 1.5 * 1.5);
  static constexpr double scale_a = 1 / (2 * 0.75 * 0.75 * (0.75 * 0.75 - 1.5 * 1.5));
  static constexpr double scale_b = 1 / (2 * 1.5 * 1.5 * (1.5 * 1.5 - 0.75 * 0.75));
  static constexpr float at_0 = static_cast<float>(scale_0);
  static constexpr float at_a = static_cast<float>(scale_a);
  static constexpr float at_b = static_cast<float>(scale_b);
};

// Sums of numbers of a window of which those outside Inside are zero and need not be there. Leaving them out
// changes at most the sign of a zero, which no sum over channels and bias tells from the other.
template <class Arch, winograd_span Inside>
struct winograd_sums {
  using v = simd<Arch>;

  // by d[First] + d[Second]
  template <int First, int Second, std::size_t N>
  CALOTYPE_INLINE static vec<Arch> of(float by, vec<Arch> const (&d)[N]) {
    if constexpr (!Inside.has(First)) {
      return Inside.has(Second) ? d[Second] : v::broadcast(0.f);
    } else if constexpr (!Inside.has(Second)) {
      return v::mul(v::broadcast(by), d[First]);
    } else {
      return v::fma(v::broadcast(by), d[First], d[Second]);
    }
  }
  // by d[First] + with d[Second], the second product rounded
  template <int First, int Second, std::size_t N>
  CALOTYPE_INLINE static vec<Arch> of(float by, float with, vec<Arch> const (&d)[N]) {
    vec<Arch> const last = Inside.has(Second) ? v::mul(v::broadcast(with), d[Second]) : v::broadcast(0.f);
    return plus<First>(by, d, last);
  }
  // by d[First] + rest
  template <int First, std::size_t N>
  CALOTYPE_INLINE static vec<Arch> plus(float by, vec<Arch> const (&d)[N], vec<Arch> rest) {
    return Inside.has(First) ? v::fma(v::broadcast(by), d[First], rest) : rest;
  }
};

template <class Arch>
struct winograd_transform<Arch, 4> : winograd_constants {
  using v = simd<Arch>;

  // Points 3 Half to 3 Half + 2.
  template <int Half, winograd_span Inside = winograd_span{0, 6}>
  CALOTYPE_INLINE static void input(vec<Arch> const (&d)[6], vec<Arch> (&t)[3]) {
    using sum = winograd_sums<Arch, Inside>;
    if constexpr (Half == 0) {
      vec<Arch> const even = sum::template of<2, 4>(-b * b, d);
      vec<Arch> const odd = sum::template of<1, 3>(-b * b, d);
      t[0] = sum::template plus<0>(a * a * b * b, d, sum::template of<2, 4>(-a * a - b * b, d));
      t[1] = v::fma(v::broadcast(a), odd, even);
      t[2] = v::fma(v::broadcast(-a), odd, even);
    } else {
      vec<Arch> const even = sum::template of<2, 4>(-a * a, d);
      vec<Arch> const odd = sum::template of<1, 3>(-a * a, d);
      t[0] = v::fma(v::broadcast(b), odd, even);
      t[1] = v::fma(v::broadcast(-b), odd, even);
      t[2] = sum::template plus<1>(a * a * b * b, d, sum::template of<3, 5>(-a * a - b * b, d));
    }
  }
  CALOTYPE_INLINE static void output(vec<Arch> const (&m)[6], vec<Arch> (&o)[4]) {
    vec<Arch> const s = v::add(m[1], m[2]);
    vec<Arch> const t = v::add(m[3], m[4]);
    vec<Arch> const d = v::sub(m[1], m[2]);
    vec<Arch> const e = v::sub(m[3], m[4]);
    o[0] = v::add(v::add(m[0], s), t);
    o[1] = v::fma(v::broadcast(b), e, v::mul(v::broadcast(a), d));
    o[2] = v::fma(v::broadcast(b * b), t, v::mul(v::broadcast(a * a), s));
    o[3] = v::fma(v::broadcast(b * b * b), e, v::fma(v::broadcast(a * a * a), d, m[5]));
  }
  // From the gradients of outputs to those of sums.
  CALOTYPE_INLINE static void gradient(vec<Arch> const (&y)[4], vec<Arch> (&t)[6]) {
    vec<Arch> const even_a = v::fma(v::broadcast(a * a), y[2], y[0]);
    vec<Arch> const odd_a = v::fma(v::broadcast(a * a), y[3], y[1]);
    vec<Arch> const even_b = v::fma(v::broadcast(b * b), y[2], y[0]);
    vec<Arch> const odd_b = v::fma(v::broadcast(b * b), y[3], y[1]);
    t[0] = y[0];
    t[1] = v::fma(v::broadcast(a), odd_a, even_a);
    t[2] = v::fma(v::broadcast(-a), odd_a, even_a);
    t[3] = v::fma(v::broadcast(b), odd_b, even_b);
    t[4] = v::fma(v::broadcast(-b), odd_b, even_b);
    t[5] = y[3];
  }
  // From the gradients of weights at the points to those of taps.
  CALOTYPE_INLINE static void weights(vec<Arch> const (&u)[6], vec<Arch> (&g)[3]) {
    vec<Arch> const s = v::add(u[1], u[2]);
    vec<Arch> const t = v::add(u[3], u[4]);
    vec<Arch> const d = v::sub(u[1], u[2]);
    vec<Arch> const e = v::sub(u[3], u[4]);
    g[0] = v::fma(v::broadcast(at_a), s, v::fma(v::broadcast(at_b), t, v::mul(v::broadcast(at_0), u[0])));
    g[1] = v::fma(v::broadcast(at_a * a), d, v::mul(v::broadcast(at_b * b), e));
    g[2] = v::fma(v::broadcast(at_a * a * a), s, v::fma(v::broadcast(at_b * b * b), t, u[5]));
  }
};

template <class Arch>
struct winograd_transform<Arch, 2> : winograd_constants {
  using v = simd<Arch>;

  // Points 2 Half and 2 Half + 1.
  template <int Half, winograd_span Inside = winograd_span{0, 4}>
  CALOTYPE_INLINE static void input(vec<Arch> const (&d)[4], vec<Arch> (&t)[2]) {
    using sum = winograd_sums<Arch, Inside>;
    constexpr float outer = a * a - b * b;
    if constexpr (Half == 0) {
      t[0] = sum::template of<0, 2>(a * a * b * b, -b * b, d);
      t[1] = sum::template of<2, 1>(outer, a * outer, d);
    } else {
      t[0] = sum::template of<2, 1>(outer, -a * outer, d);
      t[1] = sum::template of<1, 3>(-a * a, d);
    }
  }
  CALOTYPE_INLINE static void output(vec<Arch> const (&m)[4], vec<Arch> (&o)[2]) {
    o[0] = v::add(v::add(m[0], m[1]), m[2]);
    o[1] = v::fma(v::broadcast(a), v::sub(m[1], m[2]), m[3]);
  }
  CALOTYPE_INLINE static void gradient(vec<Arch> const (&y)[2], vec<Arch> (&t)[4]) {
    t[0] = y[0];
    t[1] = v::fma(v::broadcast(a), y[1], y[0]);
    t[2] = v::fma(v::broadcast(-a), y[1], y[0]);
    t[3] = y[1];
  }
  CALOTYPE_INLINE static void weights(vec<Arch> const (&u)[4], vec<Arch> (&g)[3]) {
    vec<Arch> const s = v::add(u[1], u[2]);
    g[0] = v::fma(v::broadcast(at_a), s, v::mul(v::broadcast(at_0), u[0]));
    g[1] = v::mul(v::broadcast(at_a * a), v::sub(u[1], u[2]));
    g[2] = v::fma(v::broadcast(at_a * a * a), s, u[3]);
  }
};

// Three taps at the six points (in double precision: each weight is rounded once, at the end); of them F(2,3)
// uses 0, 1, 2 and 5.
inline void winograd_weights(double g0, double g1, double g2, double (&u)[6]) noexcept {
  constexpr double a = 0.75, b = 1.5;
  using scale = winograd_constants;
  double const even = kernel::fma(a * a, g2, g0);
  double const even2 = kernel::fma(b * b, g2, g0);
  u[0] = kernel::mul(scale::scale_0, g0);
  u[1] = kernel::mul(scale::scale_a, kernel::fma(a, g1, even));
  u[2] = kernel::mul(scale::scale_a, kernel::fma(-a, g1, even));
  u[3] = kernel::mul(scale::scale_b, kernel::fma(b, g1, even2));
  u[4] = kernel::mul(scale::scale_b, kernel::fma(-b, g1, even2));
  u[5] = g2;
}

// What becomes of a sum before it is stored: nothing; ReLU; or ReLU's gradient, which is zero where `mask` is
// not positive.
enum class winograd_finish { none, relu, relu_gradient };

template <class Policy, conv_shape S>
struct winograd_conv {
  static_assert(winograd_applies(S));
  using arch = typename Policy::arch_type;
  using v = simd<arch>;
  static constexpr strides from = map_strides(S.in);
  static constexpr strides to = map_strides(S.out());
  static constexpr int in_blocks = blocks_of(S.in.channels);
  static constexpr int out_blocks = blocks_of(S.filters);
  static constexpr int together = tile_model<arch>::blocks_together(out_blocks);
  static constexpr int vectors = tile_model<arch>::vectors(out_blocks);
  static constexpr int width = together * block_size;
  static constexpr winograd_tiling tiling = detail::best_winograd_tiling(S);
  static constexpr int row_points = tiling.row_points();
  static constexpr int col_points = tiling.col_points();
  static constexpr int weights_of_point = S.in.channels * width;

  static constexpr std::size_t bias_size = static_cast<std::size_t>(out_blocks * block_size);
  static constexpr std::size_t packed_size =
      bias_size * (1 + static_cast<std::size_t>(row_points * col_points * S.in.channels));

  // Tiles that go through the registers together, nearly equally many each time. More than a dozen would push
  // their points out of the first-level cache; threads need more groups to share out evenly.
  static constexpr parts groups(winograd_field f) {
    return split(f.tiles(), smaller_of(has_threads<Policy> ? 6 : 12, tile_model<arch>::outputs(vectors)));
  }
  static constexpr int longest(winograd_field f) { return groups(f).length + (groups(f).longer > 0 ? 1 : 0); }
  // The same for the tiles of several maps, whose number is not known here: as many as reuse the weights well.
  static constexpr int at_once = smaller_of(has_threads<Policy> ? 6 : 8, tile_model<arch>::outputs(vectors));
  // Whether one map has too few tiles for that.
  static constexpr bool gains_together = tiling.field(0).tiles() < at_once;
  // Whether it has enough to choose some, and no more than a list of them (on the stack) has numbers for.
  using tile_number = std::uint16_t;
  static constexpr bool follows = tiling.field(0).tiles() >= 2 * at_once && tiling.field(0).tiles() <= 0x10000;

  // Floats from a point of a group to the next, of the input and of the sums: not a multiple of eight cache
  // lines, so that the points of a tile do not crowd into a few sets of the cache.
  static constexpr int step_of(int tiles, int blocks) {
    int const n = tiles * blocks;
    return (n % 8 == 0 ? n + 1 : n) * block_size;
  }

  // Points of a group of tiles in memory: of the input, then the sums.
  static constexpr std::size_t scratch_of(winograd_field f) {
    int const tiles = larger_of(longest(f), gains_together || follows ? at_once : 0);
    return f.tiles() == 0 ? 0
                          : static_cast<std::size_t>(f.points() *
                                                     (step_of(tiles, in_blocks) + step_of(tiles, out_blocks)));
  }
  static constexpr std::size_t scratch_size = [] {
    std::size_t most = 0;
    for (int i = 0; i < 4; ++i) {
      std::size_t const n = scratch_of(tiling.field(i));
      most = n > most ? n : most;
    }
    return most;
  }();

  // Weights at the points, [group of `width` outputs][point row][point col][input][width], from any order of
  // outputs and inputs; Turned: taps in reverse.
  template <bool Turned>
  static void pack_points(float const* weights, int output_step, int input_step, float* packed) noexcept {
    for (int group = 0; group < out_blocks * block_size; group += width) {
      for (int i = 0; i < S.in.channels; ++i) {
        float point[row_points * col_points][width];
        for (int o = 0; o < width; ++o) {
          if (group + o < S.filters) {
            points_of<Turned>(weights + (group + o) * output_step + i * input_step, &point[0][o]);
          } else {
            for (auto& p : point) p[o] = 0;
          }
        }
        float* const at = packed + i * width;
        for (int p = 0; p < row_points * col_points; ++p) {
          for (int o = 0; o < width; ++o) at[p * weights_of_point + o] = point[p][o];
        }
      }
      packed += row_points * col_points * weights_of_point;
    }
  }

  // `added` is not read without Added, `mask` (of the output's layout) only for relu_gradient. Scratch:
  // scratch_size floats, whatever is in them.
  template <winograd_finish Finish, bool Added>
  static void run(Policy const& p, float const* in, float const* packed, float const* added, float const* mask,
                  float* out, float* scratch) noexcept {
    for_each_part(p, first_group(4), tiling.cost * block_size, [&](int worker, int part) {
      float* const own = scratch + static_cast<std::size_t>(worker) * scratch_size;
      any_group<0, Finish, Added>(part, in, packed, added, mask, out, own);
    });
  }

  // Of `maps` inputs that lie `step` floats apart, as do what is added and the outputs.
  template <winograd_finish Finish, bool Added>
  static void run_together(Policy const& p, int maps, std::ptrdiff_t step, float const* in, float const* packed,
                           float const* added, float* out, float* scratch) noexcept {
    if (maps * tiling.field(0).tiles() < (at_once + 1) / 2) {  // most of a group would be done for nothing
      for (int m = 0; m < maps; ++m) {
        run<Finish, Added>(p, in + m * step, packed, Added ? added + m * step : nullptr, nullptr,
                           out + m * step, scratch);
      }
    } else {
      fields_together<0, Finish, Added>(p, maps, step, in, packed, added, out, scratch);
    }
  }

  using pixels = pixel_set<S.out()>;
  static void whole_tiles(pixel_word const* set, pixel_word* tiles) {
    pixels::template whole_tiles<tiling.rows[0].size, tiling.cols[0].size>(set, tiles);
  }

  // The outputs of `computed`; those of `copied` from `empty`. Both sets are of whole tiles.
  template <winograd_finish Finish, bool Added>
  static void run_changed(Policy const& p, float const* in, float const* packed, float const* added,
                          float const* empty, pixel_word const* computed, pixel_word const* copied, float* out,
                          float* scratch) noexcept {
    fields_changed<0, Finish, Added>(p, in, packed, added, empty, computed, copied, out, scratch);
  }

 private:
  // The points of one window, `width` floats apart.
  template <bool Turned>
  static void points_of(float const* w, float* to_points) noexcept {
    constexpr int row_place[6] = {0, 1, 2, row_points == 6 ? 3 : 5, 4, 5};
    constexpr int col_place[6] = {0, 1, 2, col_points == 6 ? 3 : 5, 4, 5};
    auto const tap = [w](int y, int x) {
      return static_cast<double>(Turned ? w[(2 - y) * 3 + 2 - x] : w[y * 3 + x]);
    };
    double column[3][6];
    for (int x = 0; x < 3; ++x) winograd_weights(tap(0, x), tap(1, x), tap(2, x), column[x]);
    for (int i = 0; i < row_points; ++i) {
      int const p = row_place[i];
      double u[6];
      winograd_weights(column[0][p], column[1][p], column[2][p], u);
      for (int j = 0; j < col_points; ++j) {
        to_points[(i * col_points + j) * width] = static_cast<float>(u[col_place[j]]);
      }
    }
  }

  // The number of the first group of tiles in a field, all fields counted through.
  static constexpr int first_group(int field) {
    int n = 0;
    for (int i = 0; i < field; ++i) {
      if (tiling.field(i).tiles() > 0) n += groups(tiling.field(i)).count;
    }
    return n;
  }

  // A tile by row and column of its field; where its map begins.
  struct tile_place {
    int y = 0;
    int x = 0;
    std::ptrdiff_t map = 0;
  };
  template <winograd_field F>
  CALOTYPE_INLINE static constexpr tile_place place_of(int tile) {
    return {tile / F.cols.tiles, tile % F.cols.tiles};
  }

  template <int Field, winograd_finish Finish, bool Added>
  static void any_group(int part, float const* in, float const* packed, float const* added, float const* mask,
                        float* out, float* scratch) noexcept {
    if constexpr (Field < 4) {
      constexpr winograd_field f = tiling.field(Field);
      if constexpr (f.tiles() > 0) {
        constexpr parts g = groups(f);
        int const i = part - first_group(Field);
        if (i < g.count) {
          int const tile = i * g.length + smaller_of(i, g.longer);
          auto const place = [&](int t) { return place_of<f>(tile + t); };
          if constexpr (g.longer > 0) {
            if (i < g.longer) {
              return group<f, g.length + 1, Finish, Added>(place, in, packed, added, mask, out, scratch);
            }
          }
          return group<f, g.length, Finish, Added>(place, in, packed, added, mask, out, scratch);
        }
      }
      any_group<Field + 1, Finish, Added>(part, in, packed, added, mask, out, scratch);
    }
  }

  // The tiles of all maps in groups of the same length; the last group does the last tile again to be full.
  template <int Field, winograd_finish Finish, bool Added>
  static void fields_together(Policy const& p, int maps, std::ptrdiff_t step, float const* in,
                              float const* packed, float const* added, float* out, float* scratch) noexcept {
    if constexpr (Field < 4) {
      constexpr winograd_field f = tiling.field(Field);
      if constexpr (f.tiles() > 0) {
        int const tiles = maps * f.tiles();
        for_each_part(p, ratio_up(tiles, at_once), maps * tiling.cost * block_size, [&](int worker, int part) {
          auto const place = [=](int t) {
            int const tile = smaller_of(part * at_once + t, tiles - 1);
            tile_place at = place_of<f>(tile % f.tiles());
            at.map = tile / f.tiles() * step;
            return at;
          };
          group<f, at_once, Finish, Added>(place, in, packed, added, nullptr, out,
                                           scratch + static_cast<std::size_t>(worker) * scratch_size);
        });
      }
      fields_together<Field + 1, Finish, Added>(p, maps, step, in, packed, added, out, scratch);
    }
  }

  template <int Field, winograd_finish Finish, bool Added>
  static void fields_changed(Policy const& p, float const* in, float const* packed, float const* added,
                             float const* empty, pixel_word const* computed, pixel_word const* copied,
                             float* out, float* scratch) noexcept {
    if constexpr (Field < 4) {
      constexpr winograd_field f = tiling.field(Field);
      if constexpr (f.tiles() > 0) {
        tile_list<f> list;
        list.make(copied);
        for (int i = 0; i < list.size; ++i) copy_tile<f>(place_of<f>(list.tile[i]), empty, out);
        list.make(computed);
        if (list.size > 0) {
          long long const work = tiling.cost * block_size * list.size / tiling.field(0).tiles();
          for_each_part(p, ratio_up(list.size, at_once), work, [&](int worker, int part) {
            auto const place = [&](int t) {
              return place_of<f>(list.tile[smaller_of(part * at_once + t, list.size - 1)]);
            };
            group<f, at_once, Finish, Added>(place, in, packed, added, nullptr, out,
                                             scratch + static_cast<std::size_t>(worker) * scratch_size);
          });
        }
      }
      fields_changed<Field + 1, Finish, Added>(p, in, packed, added, empty, computed, copied, out, scratch);
    }
  }

  // The tiles of a field that a set of whole tiles holds.
  template <winograd_field F>
  struct tile_list {
    int size = 0;
    tile_number tile[static_cast<std::size_t>(F.tiles())];

    void make(pixel_word const* set) {
      size = 0;
      for (int y = 0; y < F.rows.tiles; ++y) {
        pixel_word const* const row = set + (F.rows.first + y * F.rows.size) * pixels::words;
        for (int i = F.cols.first / 64; i < pixels::words; ++i) {
          pixel_word left = row[i] & pixels::template first_columns<F.cols.size>;
          if (i == F.cols.first / 64) left &= ~pixel_word{0} << F.cols.first % 64;
          for (; left != 0; left &= left - 1) {
            int const x = (i * 64 + std::countr_zero(left) - F.cols.first) / F.cols.size;
            if (x >= F.cols.tiles) break;  // the next field's
            tile[size++] = static_cast<tile_number>(y * F.cols.tiles + x);
          }
        }
      }
    }
  };

  template <winograd_field F>
  static void copy_tile(tile_place at, float const* from_map, float* to_map) noexcept {
    int const first = to.origin() + (F.rows.first + at.y * F.rows.size) * to.row +
                      (F.cols.first + at.x * F.cols.size) * to.pixel;
    with_extent<F>(at.y, at.x, [&]<int Rows, int Cols>() {
      for (int block = 0; block < out_blocks; ++block) {
        for (int y = 0; y < Rows; ++y) {
          int const row = first + block * to.block + y * to.row;
          CALOTYPE_UNROLL for (int i = 0; i < Cols * block_size; i += v::lanes) {
            v::store(to_map + row + i, v::load(from_map + row + i));
          }
        }
      }
    });
  }

  template <class, conv_shape>
  friend struct winograd_weight_gradient;

  // f<outputs inside in rows, in columns>() of the tile at (y, x) of a field.
  template <winograd_field F, class Function>
  CALOTYPE_INLINE static void with_extent(int y, int x, Function f) {
    constexpr int rows = F.rows.size, last_row = F.rows.last;
    constexpr int cols = F.cols.size, last_col = F.cols.last;
    bool const bottom = last_row != rows && y == F.rows.tiles - 1;
    bool const right = last_col != cols && x == F.cols.tiles - 1;
    if constexpr (last_row != rows && last_col != cols) {
      if (bottom && right) return f.template operator()<last_row, last_col>();
    }
    if constexpr (last_row != rows) {
      if (bottom) return f.template operator()<last_row, cols>();
    }
    if constexpr (last_col != cols) {
      if (right) return f.template operator()<rows, last_col>();
    }
    f.template operator()<rows, cols>();
  }

  // f<what of its window is not known to be zero, in rows, in columns>() of a tile. In a small map that is what
  // is inside the map; in others the zeros around it are read, so that few kinds of tiles need code.
  template <winograd_field F, class Function>
  CALOTYPE_INLINE static void with_window(int y, int x, Function f) {
    if constexpr (F.rows.tiles <= 2 && F.cols.tiles <= 2) {
      constexpr winograd_span top = F.rows.inside(0, S.in.rows);
      constexpr winograd_span bottom = F.rows.inside(F.rows.tiles - 1, S.in.rows);
      constexpr winograd_span left = F.cols.inside(0, S.in.cols);
      constexpr winograd_span right = F.cols.inside(F.cols.tiles - 1, S.in.cols);
      if (y == 0) {
        x == 0 ? f.template operator()<top, left>() : f.template operator()<top, right>();
      } else {
        x == 0 ? f.template operator()<bottom, left>() : f.template operator()<bottom, right>();
      }
    } else {
      with_extent<F>(y, x, [&]<int Rows, int Cols>() {
        f.template operator()<winograd_span{0, Rows + 2}, winograd_span{0, Cols + 2}>();
      });
    }
  }

  // place(t): the tile_place of tile t of the group.
  template <winograd_field F, int Tiles, winograd_finish Finish, bool Added, class Place>
  static void group(Place place, float const* in, float const* packed, float const* added, float const* mask,
                    float* out, float* scratch) noexcept {
    constexpr bool masked = Finish == winograd_finish::relu_gradient;
    float* const points = scratch;
    constexpr int point_step = step_of(Tiles, in_blocks), sum_step = step_of(Tiles, out_blocks);
    float* const sums = scratch + F.points() * point_step;
    for (int t = 0; t < Tiles; ++t) {
      tile_place const at = place(t);
      // The window of a tile begins one pixel before it: in the halo, for the first.
      float const* const window = in + at.map + (F.rows.first + at.y * F.rows.size) * from.row +
                                  (F.cols.first + at.x * F.cols.size) * from.pixel;
      with_window<F>(at.y, at.x, [&]<winograd_span Rows, winograd_span Cols>() {
        for (int block = 0; block < in_blocks; ++block) {
          to_points<F, Rows, Cols>(window + block * from.block, points + (block * Tiles + t) * block_size,
                                   point_step);
        }
      });
    }
    for (int block = 0; block < out_blocks; block += together) {
      multiply<F, Tiles>(points,
                         packed + bias_size + block * block_size * row_points * col_points * S.in.channels,
                         sums + block * Tiles * block_size);
    }
    for (int t = 0; t < Tiles; ++t) {
      tile_place const at = place(t);
      std::ptrdiff_t const first = at.map + to.origin() + (F.rows.first + at.y * F.rows.size) * to.row +
                                   (F.cols.first + at.x * F.cols.size) * to.pixel;
      with_extent<F>(at.y, at.x, [&]<int Rows, int Cols>() {
        for (int block = 0; block < out_blocks; ++block) {
          std::ptrdiff_t const pixel = first + block * to.block;
          to_outputs<F, Rows, Cols, Finish, Added>(sums + (block * Tiles + t) * block_size, sum_step,
                                                   packed + block * block_size, Added ? added + pixel : nullptr,
                                                   masked ? mask + pixel : nullptr, out + pixel);
        }
      });
    }
  }

  // What is outside Rows and Cols counts as zero.
  template <winograd_field F, winograd_span Rows, winograd_span Cols>
  static void to_points(float const* window, float* points, int step) noexcept {
    for (int part = 0; part < block_size; part += v::lanes) {
      half_of_points<F, Rows, Cols, 0>(window + part, points + part, step);
      half_of_points<F, Rows, Cols, 1>(window + part, points + part, step);
    }
  }

  // Half of the rows of points: what fits the registers.
  template <winograd_field F, winograd_span Rows, winograd_span Cols, int Half>
  CALOTYPE_INLINE static void half_of_points(float const* window, float* points, int step) {
    constexpr int rows = F.rows.points(), cols = F.cols.points();
    window = forget(window);
    vec<arch> row[rows / 2][cols];
    CALOTYPE_UNROLL for (int j = 0; j < cols; ++j) {
      vec<arch> d[rows], t[rows / 2];
      CALOTYPE_UNROLL for (int i = 0; i < rows; ++i) {
        d[i] = Rows.has(i) && Cols.has(j) ? v::load(window + i * from.row + j * from.pixel) : v::broadcast(0.f);
      }
      winograd_transform<arch, F.rows.size>::template input<Half, Rows>(d, t);
      CALOTYPE_UNROLL for (int i = 0; i < rows / 2; ++i) row[i][j] = t[i];
    }
    points += Half * (rows / 2) * cols * step;
    CALOTYPE_UNROLL for (int i = 0; i < rows / 2; ++i) {
      vec<arch> t[cols / 2];
      winograd_transform<arch, F.cols.size>::template input<0, Cols>(row[i], t);
      CALOTYPE_UNROLL for (int j = 0; j < cols / 2; ++j) v::store(points + (i * cols + j) * step, t[j]);
      winograd_transform<arch, F.cols.size>::template input<1, Cols>(row[i], t);
      CALOTYPE_UNROLL for (int j = 0; j < cols / 2; ++j) {
        v::store(points + (i * cols + cols / 2 + j) * step, t[j]);
      }
    }
  }

  // Points of a row whose sums are computed together, so that few tiles fill the registers all the same.
  static constexpr int points_together(winograd_strip cols, int tiles) {
    int best = 1;
    for (int n = 2; n <= cols.points(); ++n) {
      bool const whole = cols.points() % n == 0 && (cols.place(3) == 3 || n == cols.points());
      if (whole && best * tiles * vectors < 6 && n * tiles <= tile_model<arch>::outputs(vectors)) best = n;
    }
    return best;
  }

  template <winograd_field F, int Tiles>
  static void multiply(float const* points, float const* weights, float* sums) noexcept {
    constexpr int cols = F.cols.points();
    constexpr int n = points_together(F.cols, Tiles);
    constexpr int point_step = step_of(Tiles, in_blocks), sum_step = step_of(Tiles, out_blocks);
    for (int i = 0; i < F.rows.points(); ++i) {
      float const* const row = weights + F.rows.place(i) * col_points * weights_of_point;
      for (int j = 0; j < cols; j += n) {
        float const* const w = row + (n == 1 ? F.cols.place(j) : j) * weights_of_point;
        multiply_points<F, Tiles, n>(points + (i * cols + j) * point_step, w, sums + (i * cols + j) * sum_step);
      }
    }
  }

  template <winograd_field F, int Tiles, int Points>
  CALOTYPE_INLINE static void multiply_points(float const* points, float const* weight, float* sums) {
    vec<arch> sum[Points][Tiles][vectors];
    each(sum, [](vec<arch>& s, int, int, int) { s = v::broadcast(0.f); });
    for (int block = 0; block < in_blocks; ++block) {
      float const* x = points + block * Tiles * block_size;
      int const channels = smaller_of(block_size, S.in.channels - block * block_size);
      for (int channel = 0; channel < channels; ++channel, ++x, weight += width) {
        x = forget(x);
        CALOTYPE_UNROLL for (int p = 0; p < Points; ++p) {
          vec<arch> w[vectors];
          CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) {
            w[n] = v::load(weight + F.cols.place(p) * weights_of_point + n * v::lanes);
          }
          CALOTYPE_UNROLL for (int t = 0; t < Tiles; ++t) {
            vec<arch> const value = v::broadcast(x[p * step_of(Tiles, in_blocks) + t * block_size]);
            CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) sum[p][t][n] = v::fma(value, w[n], sum[p][t][n]);
          }
        }
      }
    }
    each(sum, [&](vec<arch> s, int p, int t, int n) {
      v::store(sums + p * step_of(Tiles, out_blocks) + (n * v::lanes / block_size * Tiles + t) * block_size +
                   n * v::lanes % block_size,
               s);
    });
  }

  template <int Points, int Tiles, class Function>
  CALOTYPE_INLINE static void each(vec<arch> (&sum)[Points][Tiles][vectors], Function f) {
    CALOTYPE_UNROLL for (int p = 0; p < Points; ++p) {
      CALOTYPE_UNROLL for (int t = 0; t < Tiles; ++t) {
        CALOTYPE_UNROLL for (int n = 0; n < vectors; ++n) f(sum[p][t][n], p, t, n);
      }
    }
  }

  template <winograd_field F, int Rows, int Cols, winograd_finish Finish, bool Added>
  static void to_outputs(float const* sums, int step, float const* bias, float const* added, float const* mask,
                         float* out) noexcept {
    constexpr int rows = F.rows.points(), cols = F.cols.points();
    for (int part = 0; part < block_size; part += v::lanes) {
      vec<arch> half[F.rows.size][cols];
      CALOTYPE_UNROLL for (int j = 0; j < cols; ++j) {
        vec<arch> m[rows], o[F.rows.size];
        CALOTYPE_UNROLL for (int i = 0; i < rows; ++i) m[i] = v::load(sums + part + (i * cols + j) * step);
        winograd_transform<arch, F.rows.size>::output(m, o);
        CALOTYPE_UNROLL for (int i = 0; i < Rows; ++i) half[i][j] = o[i];
      }
      vec<arch> const b = v::load(bias + part);
      CALOTYPE_UNROLL for (int i = 0; i < Rows; ++i) {
        vec<arch> o[F.cols.size];
        winograd_transform<arch, F.cols.size>::output(half[i], o);
        CALOTYPE_UNROLL for (int j = 0; j < Cols; ++j) {
          int const at = part + i * to.row + j * to.pixel;
          vec<arch> y = v::add(o[j], b);
          if constexpr (Added) y = v::add(y, v::load(added + at));
          if constexpr (Finish == winograd_finish::relu) y = rectified<arch>(y);
          if constexpr (Finish == winograd_finish::relu_gradient) {
            y = v::select_greater(v::load(mask + at), v::broadcast(0.f), y, v::broadcast(0.f));
          }
          v::store(out + at, y);
        }
      }
    }
  }
};

}  // namespace calotype::kernel::cpu
