// Convolutions on tensor cores: what one warp computes. Sixteen pixels of a row and eight filters at a time,
// two chunks of channels at one place of the window: one product of matrices (kernel/cuda/warp.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/cuda/number.hpp>
#include <calotype/kernel/cuda/warp.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cuda_task {

inline constexpr int pixels_of_tile = 16, filters_of_tile = 8;

// Registers of a thread that may hold weights.
inline constexpr int weight_registers = 96;

// Weights as lanes take them: for each eight filters, then for each product, what the 32 lanes have; then the
// biases, as sums begin. Filters that there are not have zeros.
template <int Filters, int Products>
struct tile_weights {
  static constexpr int filters = Filters, products = Products;
  static constexpr int tiles = (filters + filters_of_tile - 1) / filters_of_tile;
  // Tiles of one warp, which read a pixel once.
  static constexpr int at_once = tiles % 2 == 0 ? 2 : 1;
  static constexpr int groups = tiles / at_once;
  static constexpr bool are_held = products * at_once * 2 <= weight_registers;
  static constexpr int biases = tiles * products * lanes_of_warp * 2;
  static constexpr auto size = static_cast<std::size_t>(biases + tiles * 4 * 4);  // floats

  // weight(filter, product, k): of number k of a product's two chunks, 0 where there is none.
  template <class Precision, class Weight>
  static void pack(Weight weight, float const* bias, float* packed) noexcept {
    constexpr int in_word = number<Precision>::in_word, words = 8;
    for (int f = 0; f < tiles * filters_of_tile; ++f) {
      bool const real = f < filters;
      float* const start = packed + biases + f / 2 * 4 + f % 2;
      start[0] = start[2] = real ? bias[f] : 0.0F;
      for (int p = 0; p < products; ++p) {
        float* const of_lanes = packed + ((f / filters_of_tile) * products + p) * lanes_of_warp * 2;
        for (int w = 0; w < words; ++w) {
          auto const of = [&](int i) { return real ? weight(f, p, w * in_word + i) : 0.0F; };
          std::uint32_t word = 0;
          if constexpr (in_word == 1) {
            word = number<Precision>::rounded(of(0));
          } else {
            word = number<Precision>::word(of(0), of(1));
          }
          int const lane = f % filters_of_tile * 4 + w % 4;
          std::memcpy(of_lanes + 2 * lane + w / 4, &word, sizeof word);
        }
      }
    }
  }

  CALOTYPE_INLINE CALOTYPE_HD static weight_words at(float const* packed, int tile, int product, int lane) {
    return reinterpret_cast<weight_words const*>(packed)[(tile * products + product) * lanes_of_warp + lane];
  }
};

// The weights of a warp's filters, in registers or where they are.
template <class Weights, class Warp>
class warp_weights {
  template <class T>
  using of_lanes = typename Warp::template of_lanes<T>;
  static constexpr bool held = Weights::are_held;
  static constexpr int tiles = Weights::at_once, products = Weights::products;

 public:
  CALOTYPE_INLINE CALOTYPE_HD void begin(Warp w, float const* packed, int group) {
    packed_ = packed;
    group_ = group;
    w.each([&](int lane) {
      CALOTYPE_DEVICE_UNROLL
      for (int n = 0; n < tiles; ++n) {
        bias_[n][lane] =
            reinterpret_cast<pixel_sums const*>(packed + Weights::biases)[(group * tiles + n) * 4 + lane % 4];
      }
    });
    if constexpr (held) {
      CALOTYPE_DEVICE_UNROLL
      for (int i = 0; i < tiles * products; ++i) held_[i] = read(w, i / products, i % products);
    }
  }

  CALOTYPE_INLINE CALOTYPE_HD of_lanes<weight_words> get(Warp w, int tile, int product) const {
    if constexpr (held) {
      return held_[tile * products + product];
    } else {
      return read(w, tile, product);
    }
  }

  // What sums begin with.
  CALOTYPE_INLINE CALOTYPE_HD of_lanes<pixel_sums> const& bias(int tile) const { return bias_[tile]; }
  CALOTYPE_INLINE CALOTYPE_HD void start(Warp w, of_lanes<pixel_sums> (&to)[tiles]) const {
    w.each([&](int lane) {
      CALOTYPE_DEVICE_UNROLL
      for (int n = 0; n < tiles; ++n) to[n][lane] = bias_[n][lane];
    });
  }

 private:
  CALOTYPE_INLINE CALOTYPE_HD of_lanes<weight_words> read(Warp w, int tile, int product) const {
    of_lanes<weight_words> of;
    w.each([&](int lane) { of[lane] = Weights::at(packed_, group_ * tiles + tile, product, lane); });
    return of;
  }

  float const* packed_;
  int group_;
  of_lanes<pixel_sums> bias_[tiles];
  of_lanes<weight_words> held_[held ? tiles * products : 1];
};

// Writes two filters of a pixel of a row (of chunk 0, column 0), ReLU and shortcut included, or of a vector.
template <class Precision, map_shape Out, bool Relu, bool Shortcut>
CALOTYPE_INLINE CALOTYPE_HD void write_pair(float x, float y, int filter, int col, chunk const* shortcut,
                                            chunk* row) {
  using map = chunk_map<Precision, Out>;
  constexpr map_shape o = Out;
  constexpr bool is_vector = o.is_vector();
  constexpr int numbers = in_chunk<Precision>;
  [[maybe_unused]] int const at = filter / numbers * map::pitch + col,
                             word = filter % numbers / number<Precision>::in_word;
  if constexpr (Shortcut && is_vector) {
    float const* const s = reinterpret_cast<float const*>(shortcut);
    if (filter < o.channels) x = kernel::add(x, s[filter]);
    if (filter + 1 < o.channels) y = kernel::add(y, s[filter + 1]);
  } else if constexpr (Shortcut) {
    chunk const& s = shortcut[at];
    x = kernel::add(x, chunk_number<Precision>(s, filter % numbers));
    y = kernel::add(y, chunk_number<Precision>(s, filter % numbers + 1));
  }
  if constexpr (Relu) {
    x = rectified(x);
    y = rectified(y);
  }
  if constexpr (is_vector) {
    float* const vector = reinterpret_cast<float*>(row);
    if (filter < o.channels) vector[filter] = x;
    if (filter + 1 < o.channels) vector[filter + 1] = y;
  } else if constexpr (number<Precision>::in_word == 1) {
    row[at].word[word] = number<Precision>::rounded(x);
    row[at].word[word + 1] = number<Precision>::rounded(y);
  } else {
    row[at].word[word] = number<Precision>::template word<Relu>(x, y);
  }
}

// The sixteen pixels of a row from column `first`, of a group of filters.
template <class Precision, map_shape Out, bool Relu, bool Shortcut, int Tiles, class Warp>
CALOTYPE_INLINE CALOTYPE_HD void write_pixels(Warp w,
                                              typename Warp::template of_lanes<pixel_sums> const (&from)[Tiles],
                                              int group, int first, chunk const* shortcut, chunk* row) {
  constexpr int cols = Out.cols;
  w.each([&](int lane) {
    CALOTYPE_DEVICE_UNROLL
    for (int h = 0; h < 2; ++h) {
      int const col = first + lane / 4 + 8 * h;
      if (col >= cols) continue;
      CALOTYPE_DEVICE_UNROLL
      for (int n = 0; n < Tiles; ++n) {
        int const filter = (group * Tiles + n) * filters_of_tile + lane % 4 * 2;
        float const(&v)[4] = from[n][lane].v;
        write_pair<Precision, Out, Relu, Shortcut>(v[2 * h], v[2 * h + 1], filter, col, shortcut, row);
      }
    }
  });
}

// Where a row of a map begins, or a vector.
template <class Map>
CALOTYPE_INLINE CALOTYPE_HD chunk* row_of(float* map, int row) {
  constexpr bool is_vector = Map::shape.is_vector();
  return reinterpret_cast<chunk*>(map) + (is_vector ? 0 : Map::at(0, row, 0));
}
template <class Map>
CALOTYPE_INLINE CALOTYPE_HD chunk const* row_of(float const* map, int row) {
  return row_of<Map>(const_cast<float*>(map), row);
}

// --- convolutions of maps

template <class Precision, conv_shape S>
struct map_weights : tile_weights<S.filters, S.kernel * S.kernel * chunk_map<Precision, S.in>::pairs> {
  using from = chunk_map<Precision, S.in>;
  using base = tile_weights<S.filters, S.kernel * S.kernel * from::pairs>;

  // Whether what the windows of sixteen pixels reach is there, and registers hold the rows that are begun.
  static constexpr bool possible = !S.in.is_vector() && S.padding <= 1 &&
                                   (pixels_of_tile - 1) * S.stride + S.kernel <= from::reach &&
                                   (S.stride > 1 || S.kernel <= 5);

  CALOTYPE_INLINE CALOTYPE_HD static constexpr int product(int ky, int kx, int pair) {
    constexpr int width = S.kernel, pairs = from::pairs;
    return (ky * width + kx) * pairs + pair;
  }

  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    base::template pack<Precision>(
        [&](int filter, int product, int k) {
          constexpr conv_shape s = S;
          int const channel = product % from::pairs * 2 * from::numbers + k, tap = product / from::pairs;
          if (channel >= s.in.channels) return 0.0F;
          return weights[(filter * s.in.channels + channel) * s.kernel * s.kernel + tap];
        },
        bias, packed);
  }
};

// Sixteen pixels wide, from row to row: a row of the input is read once for all the rows of the output that see
// it (stride 1), as many of which are begun at once.
template <class Precision, conv_shape S, class Warp, bool Shared>
class map_strip {
  template <class T>
  using of_lanes = typename Warp::template of_lanes<T>;
  using weights = map_weights<Precision, S>;
  using from = chunk_map<Precision, S.in>;
  static constexpr int width = S.kernel, padding = S.padding, stride = S.stride, pairs = from::pairs;
  static constexpr bool rolls = stride == 1;
  static constexpr int begun = rolls ? width : 1;

 public:
  static constexpr int tiles = weights::at_once, phases = begun;
  // So many rows before the first row of output the first call of `row` is.
  static constexpr int ahead = begun - 1;

  CALOTYPE_INLINE CALOTYPE_HD void begin(Warp w, float const* packed, int group) {
    weights_.begin(w, packed, group);
    // What has no beginning is kept from the beginning of the program on, and that is too much for the
    // registers.
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < begun; ++k) weights_.start(w, sums_[k]);
  }

  // Row o of the output, from column `col`; to be called for one row after the other, Phase = o modulo phases
  // and more, from `ahead` rows before the first. rows(y): where chunk 0, column 0 of row y lies, which is in
  // the map. Rows of output outside of [first, last) may be left undone.
  template <int Phase, bool Trim, class Rows>
  CALOTYPE_INLINE CALOTYPE_HD void row(Warp w, int o, int col, Rows const& rows, int first = 0, int last = 0) {
    constexpr int in_rows = S.in.rows;
    if constexpr (rolls) {
      int const y = o - padding + width - 1;
      if (y >= 0 && y < in_rows) {
        products(w, rows(y) + col - padding, [&](auto const& a, int kx, int pair) {
          CALOTYPE_DEVICE_UNROLL
          for (int ky = 0; ky < width; ++ky) {
            int const later = width - 1 - ky;
            if (Trim && (o + later < first || o + later >= last)) continue;
            auto& to = sums_[(Phase + later) % begun];
            if (ky == 0 && kx == 0 && pair == 0) {  // the row that begins
              multiply_first(w, to, a);
            } else {
              multiply_all(w, to, a, ky, kx, pair);
            }
          }
        });
      } else {
        weights_.start(w, sums_[(Phase + width - 1) % begun]);
      }
    } else {
      weights_.start(w, sums_[0]);
      CALOTYPE_DEVICE_UNROLL
      for (int ky = 0; ky < width; ++ky) {
        int const y = o * stride - padding + ky;
        if (y >= 0 && y < in_rows) {
          products(w, rows(y) + col * stride - padding,
                   [&](auto const& a, int kx, int pair) { multiply_all(w, sums_[0], a, ky, kx, pair); });
        }
      }
    }
  }

  // Of the last row.
  template <int Phase>
  CALOTYPE_INLINE CALOTYPE_HD of_lanes<pixel_sums> (&finished())[tiles] {
    return sums_[Phase % begun];
  }

 private:
  // f(sixteen pixels, column of the window, pair of chunks)
  template <class Function>
  CALOTYPE_INLINE CALOTYPE_HD void products(Warp w, chunk const* at, Function f) {
    auto const of_pair = [&](int pair) {
      CALOTYPE_DEVICE_UNROLL
      for (int kx = 0; kx < width; ++kx) {
        of_lanes<pixel_words> a;
        load_pixels<Shared>(w, at + 2 * pair * from::pitch + kx, stride, from::pitch, a);
        f(a, kx, pair);
      }
    };
    if constexpr (weights::are_held) {
      CALOTYPE_DEVICE_UNROLL
      for (int pair = 0; pair < pairs; ++pair) of_pair(pair);
    } else {
      for (int pair = 0; pair < pairs; ++pair) of_pair(pair);
    }
  }

  CALOTYPE_INLINE CALOTYPE_HD void multiply_all(Warp w, of_lanes<pixel_sums> (&to)[tiles],
                                                of_lanes<pixel_words> const& a, int ky, int kx, int pair) {
    CALOTYPE_DEVICE_UNROLL
    for (int n = 0; n < tiles; ++n) {
      multiply_add<Precision>(w, to[n], to[n], a, weights_.get(w, n, weights::product(ky, kx, pair)));
    }
  }
  CALOTYPE_INLINE CALOTYPE_HD void multiply_first(Warp w, of_lanes<pixel_sums> (&to)[tiles],
                                                  of_lanes<pixel_words> const& a) {
    CALOTYPE_DEVICE_UNROLL
    for (int n = 0; n < tiles; ++n) {
      multiply_add<Precision>(w, to[n], weights_.bias(n), a, weights_.get(w, n, weights::product(0, 0, 0)));
    }
  }

  warp_weights<weights, Warp> weights_;
  of_lanes<pixel_sums> sums_[begun][tiles];
};

// A convolution with at most one pixel of padding, warp by warp: some rows of sixteen pixels.
template <class Precision, conv_shape S, bool Relu, bool Shortcut, int Rows>
struct tile_conv {
  using from = chunk_map<Precision, S.in>;
  using to = chunk_map<Precision, S.out()>;
  using weights = map_weights<Precision, S>;
  static constexpr map_shape shape = S.out();
  static constexpr int strips = (shape.cols + pixels_of_tile - 1) / pixels_of_tile;
  static constexpr int stretches = (shape.rows + Rows - 1) / Rows;
  static constexpr int count = weights::groups * strips * stretches;
  static_assert(map_weights<Precision, S>::possible);

  float const* in;
  float const* packed;
  float const* shortcut;
  float* out;

  template <class Warp>
  CALOTYPE_HD void operator()(Warp w, int task) const {
    using strip = map_strip<Precision, S, Warp, false>;
    int const col = task % strips * pixels_of_tile, group = task / strips / stretches;
    int const first = task / strips % stretches * Rows;
    int const last = first + Rows < shape.rows ? first + Rows : shape.rows;
    strip mine;
    mine.begin(w, packed, group);
    for (int o = first - strip::ahead; o < last; o += strip::phases) {
      step<0>(w, mine, o, col, group, first, last);
      if constexpr (strip::phases > 1) step<1>(w, mine, o + 1, col, group, first, last);
      if constexpr (strip::phases > 2) step<2>(w, mine, o + 2, col, group, first, last);
      if constexpr (strip::phases > 3) step<3>(w, mine, o + 3, col, group, first, last);
      if constexpr (strip::phases > 4) step<4>(w, mine, o + 4, col, group, first, last);
      static_assert(strip::phases <= 5);
    }
  }

 private:
  template <int Phase, class Warp, class Strip>
  CALOTYPE_INLINE CALOTYPE_HD void step(Warp w, Strip& strip, int o, int col, int group, int first,
                                        int last) const {
    if (o >= last) return;
    chunk const* const map = reinterpret_cast<chunk const*>(in);
    strip.template row<Phase, true>(
        w, o, col, [&](int y) { return map + from::at(0, y, 0); }, first, last);
    if (o < first) return;
    write_pixels<Precision, shape, Relu, Shortcut>(w, strip.template finished<Phase>(), group, col,
                                                   row_of<to>(shortcut, o), row_of<to>(out, o));
  }
};

// --- windows that tensor cores are not used for

// In PyTorch's order, as floats.
template <conv_shape S>
struct plain_weights {
  static constexpr int count = S.weights();
  static constexpr auto size = static_cast<std::size_t>(S.weights() + S.filters);

  static void pack(float const* weights, float const* bias, float* packed) noexcept {
    std::memcpy(packed, weights, sizeof(float) * static_cast<std::size_t>(count));
    std::memcpy(packed + count, bias, sizeof(float) * static_cast<std::size_t>(S.filters));
  }
};

// One number of the output.
template <class Precision, conv_shape S, bool FromImage, bool Relu, bool Shortcut>
struct plain_conv {
  using from = chunk_map<Precision, S.in>;
  using to = chunk_map<Precision, S.out()>;
  static constexpr map_shape shape = S.out();
  static constexpr int count = shape.size();

  float const* in;
  float const* packed;
  float const* shortcut;
  float* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr conv_shape s = S;
    element::place const at = element::place_of<S.out()>(task);
    int const top = at.row * s.stride - s.padding, left = at.col * s.stride - s.padding;
    element::range const rows = element::taps_inside(top, s.kernel, s.in.rows);
    element::range const cols = element::taps_inside(left, s.kernel, s.in.cols);
    float sum = packed[plain_weights<S>::count + at.channel];
    for (int c = 0; c < s.in.channels; ++c) {
      float const* const w = packed + (at.channel * s.in.channels + c) * s.kernel * s.kernel;
      for (int ky = rows.begin; ky < rows.end; ++ky) {
        for (int kx = cols.begin; kx < cols.end; ++kx) {
          sum = fma(number_at(c, top + ky, left + kx), w[ky * s.kernel + kx], sum);
        }
      }
    }
    if constexpr (Shortcut) sum = kernel::add(sum, to::get(shortcut, at.channel, at.row, at.col));
    to::set(out, at.channel, at.row, at.col, Relu ? rectified(sum) : sum);
  }

 private:
  CALOTYPE_INLINE CALOTYPE_HD float number_at(int channel, int row, int col) const {
    if constexpr (FromImage) {
      return get_pixel<Precision>(in, image_plane<S.in>::at(channel, row, col));
    } else {
      return from::get(in, channel, row, col);
    }
  }
};

// --- convolutions of images

// The window in an image of a few channels: chunks are neighbouring columns of one of its rows. A product takes
// two rows of a channel, or one that needs two chunks; it begins where words do.
template <class Precision, conv_shape S>
struct image_window {
  using plane = image_plane<S.in>;
  using bits = typename number<Precision>::bits;
  static constexpr int in_word = number<Precision>::in_word, numbers = in_chunk<Precision>;
  static constexpr int width = S.kernel, stride = S.stride, padding = S.padding, channels = S.in.channels;
  // Whether all windows begin on words, if need be a column early.
  static constexpr bool whole_words = in_word == 1 || stride % in_word == 0;
  static constexpr int lead = whole_words ? (plane::margin + in_word * padding - padding) % in_word : 0;
  static constexpr int chunks = (width + lead + numbers - 1) / numbers;  // of a row of the window
  static constexpr int rows_at_once = chunks == 1 ? 2 : 1;
  static constexpr int of_channel = (width + rows_at_once - 1) / rows_at_once;  // products
  static constexpr bool possible = chunks <= 2 && padding + lead <= plane::margin;

  using weights = tile_weights<S.filters, S.in.channels * of_channel>;

  static void pack(float const* all, float const* bias, float* packed) noexcept {
    weights::template pack<Precision>(
        [&](int filter, int product, int k) {
          int const channel = product / of_channel, second = k / numbers;
          int const row = product % of_channel * rows_at_once + (rows_at_once == 2 ? second : 0);
          int const col = k % numbers + (rows_at_once == 2 ? 0 : second * numbers) - lead;
          if (row >= width || col < 0 || col >= width) return 0.0F;
          return all[((filter * channels + channel) * width + row) * width + col];
        },
        bias, packed);
  }

  // Where the windows of a lane's two pixels begin, in pixels of the image, from the window's first row on: of
  // the first channel, in row 0.
  struct places {
    std::ptrdiff_t v[2];
  };
  CALOTYPE_INLINE CALOTYPE_HD static std::ptrdiff_t place(int lane, int col) {
    return plane::at(0, 0, col * stride - padding - lead) + lane % 4 * in_word;
  }

  // Product p of a channel, of windows whose first row is `top`.
  template <class Warp>
  CALOTYPE_INLINE CALOTYPE_HD static void load(Warp w, float const* image, int channel, int top, int p,
                                               typename Warp::template of_lanes<places> const& left,
                                               typename Warp::template of_lanes<pixel_words>& to) {
    constexpr int rows = plane::rows, pitch = plane::pitch;
    std::ptrdiff_t const first = static_cast<std::ptrdiff_t>(top) * pitch;
    w.each([&](int lane) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < 4; ++k) {
        int const second = k / 2, down = p * rows_at_once + (rows_at_once == 2 ? second : 0);
        int const further = (channel * rows + down) * pitch + (rows_at_once == 2 ? 0 : second * numbers);
        std::uint32_t word = 0;
        if (top + down >= 0 && top + down < rows) {
          bits const* const at = reinterpret_cast<bits const*>(image) + (left[lane].v[k % 2] + first) + further;
          if constexpr (whole_words) {
            word = *reinterpret_cast<std::uint32_t const*>(at);
          } else {
            word = at[0] | static_cast<std::uint32_t>(at[1]) << 16;
          }
        }
        to[lane].v[k] = word;
      }
    });
  }
};

// A row of sixteen pixels.
template <class Precision, conv_shape S, bool Relu, bool Shortcut>
struct tile_conv_of_image {
  using window = image_window<Precision, S>;
  using weights = typename window::weights;
  using to = chunk_map<Precision, S.out()>;
  static constexpr map_shape shape = S.out();
  static constexpr int strips = (shape.cols + pixels_of_tile - 1) / pixels_of_tile;
  static constexpr int count = weights::groups * strips * shape.rows;

  float const* in;
  float const* packed;
  float const* shortcut;
  float* out;

  template <class Warp>
  CALOTYPE_HD void operator()(Warp w, int task) const {
    int const first = task % strips * pixels_of_tile, row = task / strips % shape.rows;
    int const group = task / strips / shape.rows;
    typename Warp::template of_lanes<typename window::places> left;
    w.each([&](int lane) {
      CALOTYPE_DEVICE_UNROLL
      for (int h = 0; h < 2; ++h) {
        int const x = first + lane / 4 + 8 * h;
        left[lane].v[h] = window::place(lane, x < shape.cols ? x : shape.cols - 1);
      }
    });
    warp_weights<weights, Warp> mine;
    mine.begin(w, packed, group);
    typename Warp::template of_lanes<pixel_sums> sum[weights::at_once];
    mine.start(w, sum);
    int const top = row * window::stride - window::padding;
    CALOTYPE_DEVICE_UNROLL
    for (int c = 0; c < window::channels; ++c) {
      CALOTYPE_DEVICE_UNROLL
      for (int p = 0; p < window::of_channel; ++p) {
        typename Warp::template of_lanes<pixel_words> a;
        window::load(w, in, c, top, p, left, a);
        CALOTYPE_DEVICE_UNROLL
        for (int n = 0; n < weights::at_once; ++n) {
          multiply_add<Precision>(w, sum[n], sum[n], a, mine.get(w, n, c * window::of_channel + p));
        }
      }
    }
    write_pixels<Precision, shape, Relu, Shortcut>(w, sum, group, first, row_of<to>(shortcut, row),
                                                   row_of<to>(out, row));
  }
};

// With the 2 x 2 max pool behind it: some rows of eight pooled pixels. Their four convolutions are the sixteen
// pixels of two rows, of which a lane has those of one pooled pixel.
template <class Precision, conv_shape S, class Warp>
class pooled_image_strip {
  template <class T>
  using of_lanes = typename Warp::template of_lanes<T>;
  using window = image_window<Precision, S>;
  using weights = typename window::weights;
  // Where the second row's products are those of the first one's, a few later, they are read once.
  static constexpr bool shared_rows = S.stride % window::rows_at_once == 0;
  static constexpr int later = S.stride / window::rows_at_once;
  static constexpr map_shape pooled = pool_shape{S.out(), 2, 2}.out();
  static constexpr int cols = pooled.cols;

 public:
  static constexpr int tiles = weights::at_once, pixels = 8;

  CALOTYPE_INLINE CALOTYPE_HD void begin(Warp w, float const* packed, int group, int first) {
    weights_.begin(w, packed, group);
    group_ = group;
    first_ = first;
    w.each([&](int lane) {
      int const x = first + lane / 4 < cols ? first + lane / 4 : cols - 1;
      CALOTYPE_DEVICE_UNROLL
      for (int h = 0; h < 2; ++h) left_[lane].v[h] = window::place(lane, 2 * x + h);
    });
  }

  // Row `row` of the pooled map, to where its chunk 0, column 0 lies.
  template <bool Relu>
  CALOTYPE_INLINE CALOTYPE_HD void row(Warp w, float const* image, int row, chunk* to) {
    of_lanes<pixel_sums> sum[2][tiles];
    weights_.start(w, sum[0]);
    weights_.start(w, sum[1]);
    int const top = 2 * row * window::stride - window::padding;
    CALOTYPE_DEVICE_UNROLL
    for (int c = 0; c < window::channels; ++c) {
      if constexpr (shared_rows) {
        CALOTYPE_DEVICE_UNROLL
        for (int p = 0; p < window::of_channel + later; ++p) {
          of_lanes<pixel_words> a;
          window::load(w, image, c, top, p, left_, a);
          if (p < window::of_channel) add(w, sum[0], a, c, p);
          if (p >= later) add(w, sum[1], a, c, p - later);
        }
      } else {
        CALOTYPE_DEVICE_UNROLL
        for (int u = 0; u < 2; ++u) {
          CALOTYPE_DEVICE_UNROLL
          for (int p = 0; p < window::of_channel; ++p) {
            of_lanes<pixel_words> a;
            window::load(w, image, c, top + u * window::stride, p, left_, a);
            add(w, sum[u], a, c, p);
          }
        }
      }
    }
    w.each([&](int lane) {
      CALOTYPE_DEVICE_UNROLL
      for (int n = 0; n < tiles; ++n) {
        float best[2];
        CALOTYPE_DEVICE_UNROLL
        for (int k = 0; k < 2; ++k) {
          best[k] = sum[0][n][lane].v[k];
          best[k] = larger(best[k], sum[0][n][lane].v[2 + k]);
          best[k] = larger(best[k], sum[1][n][lane].v[k]);
          best[k] = larger(best[k], sum[1][n][lane].v[2 + k]);
          if constexpr (Relu) best[k] = rectified(best[k]);
        }
        int const col = first_ + lane / 4, filter = (group_ * tiles + n) * filters_of_tile + lane % 4 * 2;
        if (col < cols) write_pair<Precision, pooled, false, false>(best[0], best[1], filter, col, nullptr, to);
      }
    });
  }

 private:
  CALOTYPE_INLINE CALOTYPE_HD static float larger(float a, float b) { return b > a ? b : a; }

  CALOTYPE_INLINE CALOTYPE_HD void add(Warp w, of_lanes<pixel_sums> (&to)[tiles],
                                       of_lanes<pixel_words> const& a, int c, int p) {
    CALOTYPE_DEVICE_UNROLL
    for (int n = 0; n < tiles; ++n) {
      multiply_add<Precision>(w, to[n], to[n], a, weights_.get(w, n, c * window::of_channel + p));
    }
  }

  warp_weights<weights, Warp> weights_;
  of_lanes<typename window::places> left_;
  int group_, first_;
};

template <class Precision, conv_shape S, bool Relu>
struct tile_conv_of_image_pooled {
  using weights = typename image_window<Precision, S>::weights;
  static constexpr map_shape shape = pool_shape{S.out(), 2, 2}.out();
  using to = chunk_map<Precision, shape>;
  static constexpr int strips = (shape.cols + 7) / 8;
  static constexpr int count = weights::groups * strips * shape.rows;

  float const* in;
  float const* packed;
  float* out;

  template <class Warp>
  CALOTYPE_HD void operator()(Warp w, int task) const {
    using strip = pooled_image_strip<Precision, S, Warp>;
    int const first = task % strips * strip::pixels, row = task / strips % shape.rows;
    int const group = task / strips / shape.rows;
    strip mine;
    mine.begin(w, packed, group, first);
    mine.template row<Relu>(w, in, row, row_of<to>(out, row));
  }
};

}  // namespace calotype::kernel::cuda_task
