// Residual networks on tensor cores with every map in a block's shared memory: a block of two convolutions is
// one pass over the rows, in place. Some warps compute the rows of the inner map, of which two are kept; others
// follow them with the rows of the result, which take the place of rows that nobody needs any more.
#pragma once

#include <type_traits>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/cuda/tile_conv.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cuda_task {

// Rows of the inner map that are kept: one is read while the next one is written.
inline constexpr int rows_in_ring = 2;

template <class Precision, map_shape M>
inline constexpr int ring_chunks = 1 + rows_in_ring* chunk_map<Precision, M>::row_pitch;

// The first convolution and its pool: eight pooled pixels from the first row to the last.
template <class Precision, conv_shape S, bool Relu>
struct trunk_entry {
  static constexpr map_shape shape = pool_shape{S.out(), 2, 2}.out();
  using to = chunk_map<Precision, shape>;
  using weights = typename image_window<Precision, S>::weights;
  static constexpr int strips = (shape.cols + 7) / 8;
  static constexpr int count = weights::groups * strips;

  float const* image;
  float const* packed;
  chunk* map;

  template <class Warp>
  CALOTYPE_HD void operator()(Warp w, int unit) const {
    using strip = pooled_image_strip<Precision, S, Warp>;
    int const first = unit % strips * strip::pixels, group = unit / strips;
    strip mine;
    mine.begin(w, packed, group, first);
    for (int row = 0; row < shape.rows; ++row) mine.template row<Relu>(w, image, row, map + to::at(0, row, 0));
  }
};

// The zeros beside a map of some rows.
template <class Precision, map_shape M, int Rows>
struct clear_sides {
  using map = chunk_map<Precision, M>;
  static constexpr int count = 1 + Rows * map::chunks, cols = M.cols;

  chunk* memory;

  CALOTYPE_HD void operator()(int i) const { memory[i == 0 ? 0 : map::at(i - 1, 0, cols)] = {}; }
};

// Which step of a block's pass does what: the inner map's row o at step o + ahead, the result's row o, which
// needs the inner rows to o + 1, two steps later.
template <class Precision, conv_shape Inner>
struct inner_rows {
  using from = chunk_map<Precision, Inner.in>;
  using to = chunk_map<Precision, Inner.out()>;
  using weights = map_weights<Precision, Inner>;
  static constexpr map_shape shape = Inner.out();
  static constexpr int strips = (shape.cols + pixels_of_tile - 1) / pixels_of_tile;
  static constexpr int units = weights::groups * strips;
  template <class Warp>
  using state = map_strip<Precision, Inner, Warp, true>;
  static constexpr int ahead = state<host_warp>::ahead;

  float const* packed;
  chunk const* map;
  chunk* ring;

  template <class Warp>
  CALOTYPE_INLINE CALOTYPE_HD void begin(Warp w, int unit, state<Warp>& mine) const {
    mine.begin(w, packed, unit / strips);
  }

  template <int Phase, class Warp>
  CALOTYPE_INLINE CALOTYPE_HD void step(Warp w, int unit, state<Warp>& mine, int s) const {
    int const o = s - ahead, first = unit % strips * pixels_of_tile, group = unit / strips;
    if (o >= shape.rows) return;
    mine.template row<Phase, false>(w, o, first, [&](int y) { return map + from::at(0, y, 0); });
    if (o < 0) return;
    write_pixels<Precision, shape, true, false>(w, mine.template finished<Phase>(), group, first, nullptr,
                                                ring + to::at(0, o % rows_in_ring, 0));
  }
};

// Projects: the shortcut is the convolution `Projection` of the block's input, otherwise that input.
template <class Precision, conv_shape Inner, conv_shape Outer, bool Projects, conv_shape Projection>
struct outer_rows {
  using from = chunk_map<Precision, Inner.out()>;
  using input = chunk_map<Precision, Inner.in>;
  using to = chunk_map<Precision, Outer.out()>;
  using weights = map_weights<Precision, Outer>;
  static constexpr map_shape shape = Outer.out();
  static constexpr int strips = (shape.cols + pixels_of_tile - 1) / pixels_of_tile;
  static constexpr int units = weights::groups * strips;
  static constexpr int behind = inner_rows<Precision, Inner>::ahead + 2;
  static constexpr int steps = shape.rows + behind;

  template <class Warp>
  struct with_projection {
    map_strip<Precision, Outer, Warp, true> conv;
    map_strip<Precision, Projection, Warp, true> projection;
  };
  template <class Warp>
  struct without {
    map_strip<Precision, Outer, Warp, true> conv;
  };
  template <class Warp>
  using state = std::conditional_t<Projects, with_projection<Warp>, without<Warp>>;

  float const* packed;
  float const* packed_projection;
  chunk const* ring;
  chunk const* map;
  chunk* out;

  template <class Warp>
  CALOTYPE_INLINE CALOTYPE_HD void begin(Warp w, int unit, state<Warp>& mine) const {
    mine.conv.begin(w, packed, unit / strips);
    if constexpr (Projects) mine.projection.begin(w, packed_projection, unit / strips);
  }

  template <int Phase, class Warp>
  CALOTYPE_INLINE CALOTYPE_HD void step(Warp w, int unit, state<Warp>& mine, int s) const {
    constexpr int tiles = map_strip<Precision, Outer, Warp, true>::tiles;
    int const o = s - behind, first = unit % strips * pixels_of_tile, group = unit / strips;
    if (o < -map_strip<Precision, Outer, Warp, true>::ahead) return;
    mine.conv.template row<Phase, false>(w, o, first,
                                         [&](int y) { return ring + from::at(0, y % rows_in_ring, 0); });
    if (o < 0) return;
    auto& sum = mine.conv.template finished<Phase>();
    if constexpr (Projects) {
      mine.projection.template row<0, false>(w, o, first, [&](int y) { return map + input::at(0, y, 0); });
      auto const& more = mine.projection.template finished<0>();
      w.each([&](int lane) {
        CALOTYPE_DEVICE_UNROLL
        for (int n = 0; n < tiles; ++n) {
          CALOTYPE_DEVICE_UNROLL
          for (int k = 0; k < 4; ++k) {
            // Rounded as where it is a map of its own: the same bits.
            float const shortcut = number<Precision>::value(number<Precision>::rounded(more[n][lane].v[k]));
            sum[n][lane].v[k] = kernel::add(sum[n][lane].v[k], shortcut);
          }
        }
      });
    }
    chunk* const row = out + to::at(0, o, 0);
    write_pixels<Precision, shape, true, !Projects>(w, sum, group, first, row, row);
  }
};

// How far before a block's input its result must begin, in chunks: row o is written while row stride x o of the
// input is still read. In place: 0.
template <class Precision, conv_shape Inner, conv_shape Outer, bool Projects>
constexpr int chunks_before() {
  if (!Projects) return 0;
  int most = 0;
  for (int o = 0; o < Outer.out().rows; ++o) {
    int const end = (o + 1) * chunk_map<Precision, Outer.out()>::row_pitch;
    int const begin = o * Inner.stride * chunk_map<Precision, Inner.in>::row_pitch;
    most = end - begin > most ? end - begin : most;
  }
  return most;
}

}  // namespace calotype::kernel::cuda_task
