// Pools, dense layers and changes of layout of exec::cuda: what one thread computes.
#pragma once

#include <cstddef>

#include <calotype/core/config.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/cuda/layout.hpp>
#include <calotype/kernel/element/lstm.hpp>
#include <calotype/kernel/element/shape.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::kernel::cuda_task {

// Four channels of an output pixel.
template <pool_shape S, bool Mean>
struct pool_of_map {
  using from = quad_map<S.in>;
  using to = quad_map<S.out()>;
  static constexpr int rows = S.out().rows, cols = S.out().cols, channels = S.in.channels;
  static constexpr int count = to::quads * rows * cols;

  quad const* in;
  quad* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr pool_shape s = S;
    int const q = task / (rows * cols), row = task / cols % rows, col = task % cols;
    quad const* window = in + q * from::plane + from::origin + row * s.stride * from::pitch + col * s.stride;
    quad r;
    CALOTYPE_UNROLL
    for (int k = 0; k < 4; ++k) {
      if constexpr (Mean) {
        float sum = 0;
        for (int y = 0; y < s.size; ++y) {
          float of_row = 0;
          for (int x = 0; x < s.size; ++x) of_row = kernel::add(of_row, window[y * from::pitch + x].v[k]);
          sum = kernel::add(sum, of_row);
        }
        r.v[k] = mul(sum, 1.0F / static_cast<float>(s.size * s.size));
      } else {
        float best = window[0].v[k];
        for (int y = 0; y < s.size; ++y) {
          for (int x = 0; x < s.size; ++x) {
            float const v = window[y * from::pitch + x].v[k];
            best = v > best ? v : best;
          }
        }
        r.v[k] = best;
      }
    }
    if constexpr (rows == 1 && cols == 1) {
      store(r, q, channels, reinterpret_cast<float*>(out));
    } else {
      out[q * to::plane + to::origin + row * to::pitch + col] = r;
    }
  }
};

// A chunk of channels of an output pixel. The map's other numbers are zeros.
template <class Precision, pool_shape S, bool Mean>
struct pool_of_chunks {
  using from = chunk_map<Precision, S.in>;
  using to = chunk_map<Precision, S.out()>;
  static constexpr int numbers = in_chunk<Precision>;
  static constexpr int rows = S.out().rows, cols = S.out().cols, channels = S.in.channels;
  static constexpr int chunks = (channels + numbers - 1) / numbers;
  static constexpr int count = chunks * rows * cols;

  float const* in;
  float* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr pool_shape s = S;
    int const which = task / (rows * cols), row = task / cols % rows, col = task % cols;
    chunk const* window = reinterpret_cast<chunk const*>(in) + from::at(which, row * s.stride, col * s.stride);
    float r[numbers];
    CALOTYPE_UNROLL
    for (int k = 0; k < numbers; ++k) r[k] = Mean ? 0.0F : chunk_number<Precision>(window[0], k);
    for (int y = 0; y < s.size; ++y) {
      for (int x = 0; x < s.size; ++x) {
        chunk const c = window[y * from::row_pitch + x];
        CALOTYPE_UNROLL
        for (int k = 0; k < numbers; ++k) {
          float const v = chunk_number<Precision>(c, k);
          r[k] = Mean ? kernel::add(r[k], v) : v > r[k] ? v : r[k];
        }
      }
    }
    if constexpr (Mean) {
      CALOTYPE_UNROLL
      for (int k = 0; k < numbers; ++k) r[k] = mul(r[k], 1.0F / static_cast<float>(s.size * s.size));
    }
    if constexpr (rows == 1 && cols == 1) {
      CALOTYPE_UNROLL
      for (int k = 0; k < numbers; ++k) {
        if (which * numbers + k < channels) out[which * numbers + k] = r[k];
      }
    } else {
      reinterpret_cast<chunk*>(out)[to::at(which, row, col)] = chunk_of<Precision>(r);
    }
  }
};

// A chunk of channels of one row of a global pool. What rows have: channel after channel, `rows` floats each.
template <class Precision, map_shape M, bool Mean>
struct rows_of_global_pool_of_chunks {
  using from = chunk_map<Precision, M>;
  static constexpr int numbers = in_chunk<Precision>;
  static constexpr int rows = M.rows, cols = M.cols, channels = M.channels;
  static constexpr int count = (channels + numbers - 1) / numbers * rows;

  chunk const* map;
  float* of_rows;

  CALOTYPE_HD void operator()(int task) const {
    int const which = task / rows, row = task % rows;
    chunk const* const pixels = map + from::at(which, row, 0);
    float r[numbers];
    CALOTYPE_UNROLL
    for (int k = 0; k < numbers; ++k) r[k] = chunk_number<Precision>(pixels[0], k);
    for (int x = 1; x < cols; ++x) {
      chunk const next = pixels[x];
      CALOTYPE_UNROLL
      for (int k = 0; k < numbers; ++k) {
        float const v = chunk_number<Precision>(next, k);
        r[k] = Mean ? kernel::add(r[k], v) : v > r[k] ? v : r[k];
      }
    }
    CALOTYPE_UNROLL
    for (int k = 0; k < numbers; ++k) {
      if (which * numbers + k < channels) of_rows[(which * numbers + k) * rows + row] = r[k];
    }
  }
};

// One channel of what its rows have.
template <map_shape M, bool Mean>
struct global_pool_of_rows {
  static constexpr int rows = M.rows, numbers = M.rows * M.cols;
  static constexpr int count = M.channels;

  float const* of_rows;
  float* vector;

  CALOTYPE_HD void operator()(int channel) const {
    float const* const mine = of_rows + channel * rows;
    float result = mine[0];
    for (int y = 1; y < rows; ++y)
      result = Mean ? kernel::add(result, mine[y]) : mine[y] > result ? mine[y] : result;
    vector[channel] = Mean ? mul(result, 1.0F / static_cast<float>(numbers)) : result;
  }
};

// One number of a global pool of a single pixel, forward, or backward without Mean.
template <map_shape M, bool Mean>
struct global_pool_of_pixel {
  static constexpr int count = M.channels;
  float const* in;
  float* out;
  CALOTYPE_HD void operator()(int i) const { out[i] = Mean ? kernel::add(0.0F, in[i]) : in[i]; }
};

// Four channels of one row of a global pool: the row's first maximum, or its sum. What rows have is kept in the
// slack behind the map.
template <map_shape M, bool Mean>
struct rows_of_global_pool {
  using from = quad_map<M>;
  static constexpr int rows = M.rows, cols = M.cols;
  static constexpr int count = from::quads * rows;
  static_assert(count <= from::slack);

  quad* map;

  CALOTYPE_HD void operator()(int task) const {
    quad const* row = map + task / rows * from::plane + from::origin + task % rows * from::pitch;
    quad r = row[0];
    CALOTYPE_UNROLL
    for (int k = 0; k < 4; ++k) r.v[k] = Mean ? kernel::add(0.0F, r.v[k]) : r.v[k];
    for (int x = 1; x < cols; ++x) {
      quad const next = row[x];
      CALOTYPE_UNROLL
      for (int k = 0; k < 4; ++k) {
        r.v[k] = Mean ? kernel::add(r.v[k], next.v[k]) : next.v[k] > r.v[k] ? next.v[k] : r.v[k];
      }
    }
    map[from::quads * from::plane + task] = r;
  }
};

// One channel of what its rows have.
template <map_shape M, bool Mean>
struct global_pool {
  using from = quad_map<M>;
  static constexpr int rows = M.rows, numbers = M.rows * M.cols;
  static constexpr int count = M.channels;

  quad const* map;
  float* vector;

  CALOTYPE_HD void operator()(int channel) const {
    quad const* of_rows = map + from::quads * from::plane + channel / 4 * rows;
    int const k = channel % 4;
    float result = Mean ? 0.0F : of_rows[0].v[k];
    for (int y = 0; y < rows; ++y) {
      float const v = of_rows[y].v[k];
      result = Mean ? kernel::add(result, v) : v > result ? v : result;
    }
    vector[channel] = Mean ? mul(result, 1.0F / static_cast<float>(numbers)) : result;
  }
};

// One number of a map that becomes a vector: channel, row, column.
template <class Map>
struct flatten {
  static constexpr map_shape shape = Map::shape;
  static constexpr int count = shape.size();

  float const* in;
  float* vector;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<Map::shape>(i);
    vector[i] = Map::get(in, at.channel, at.row, at.col);
  }
};

// One number of an image that becomes a map.
template <class Map, class Precision>
struct import_image {
  static constexpr map_shape shape = Map::shape;
  static constexpr int count = shape.size();

  float const* image;
  float* map;

  CALOTYPE_HD void operator()(int i) const {
    using plane = image_plane<Map::shape>;
    element::place const at = element::place_of<Map::shape>(i);
    Map::set(map, at.channel, at.row, at.col,
             get_pixel<Precision>(image, plane::at(at.channel, at.row, at.col)));
  }
};

// One output. Weights are [input][output], so that threads next to each other read whole lines; then biases.
template <dense_shape S, bool Relu>
struct dense {
  static constexpr int inputs = S.inputs, outputs = S.outputs, biases = S.weights();
  static constexpr int count = outputs;

  float const* in;
  float const* packed;
  float* out;

  static void pack(float const* weights, float const* bias, float* to) noexcept {
    for (int o = 0; o < outputs; ++o) {
      for (int i = 0; i < inputs; ++i) to[i * outputs + o] = weights[o * inputs + i];
      to[biases + o] = bias[o];
    }
  }

  CALOTYPE_HD void operator()(int output) const {
    float sum = packed[biases + output];
    for (int i = 0; i < inputs; ++i) sum = fma(in[i], packed[i * outputs + output], sum);
    out[output] = Relu ? rectified(sum) : sum;
  }
};

// Zeros, four at a time.
template <std::size_t Floats>
struct clear {
  static constexpr int count = static_cast<int>((Floats + 3) / 4);
  float* memory;
  CALOTYPE_HD void operator()(int i) const {
    CALOTYPE_UNROLL
    for (int k = 4 * i; k < 4 * i + 4; ++k) {
      if (static_cast<std::size_t>(k) < Floats) memory[k] = 0;
    }
  }
};

// One number of the map of a step, joined with what the cells showed before. hidden: null at the first step.
template <lstm_shape S, class Maps>
struct lstm_join {
  using from = typename Maps::template map<S.in>;
  static constexpr map_shape joined = S.gates().in;
  using to = typename Maps::template map<joined>;
  static constexpr int count = joined.size(), channels = S.channels(), plane = S.in.rows * S.in.cols;

  float const* in;
  float const* hidden;
  float* out;
  int step;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<joined>(i);
    float v = 0;
    if (at.channel < channels) {
      v = from::get(in, step * channels + at.channel, at.row, at.col);
    } else if (hidden != nullptr) {
      v = hidden[i - channels * plane];
    }
    to::set(out, at.channel, at.row, at.col, v);
  }
};

// One cell: what it holds, and shows. Cells and what they show are in the order filter, row, column.
template <lstm_shape S, class Maps>
struct lstm_cell {
  static constexpr map_shape shape = S.out();
  using from = typename Maps::template map<S.gates().out()>;
  static constexpr int count = shape.size(), filters = S.filters;

  float const* gates;
  float* cell;
  float* hidden;
  bool first;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<shape>(i);
    auto const gate = [&](int kind) { return from::get(gates, kind * filters + at.channel, at.row, at.col); };
    auto const state = element::lstm_forward(gate(0), gate(1), gate(2), gate(3), first ? 0.0F : cell[i]);
    cell[i] = state.cell;
    hidden[i] = element::lstm_hidden(state);
  }
};

// What a cell shows, as a number of a map.
template <lstm_shape S, class Maps>
struct lstm_show {
  static constexpr map_shape shape = S.out();
  using to = typename Maps::template map<shape>;
  static constexpr int count = shape.size();

  float const* hidden;
  float* out;

  CALOTYPE_HD void operator()(int i) const {
    element::place const at = element::place_of<shape>(i);
    to::set(out, at.channel, at.row, at.col, hidden[i]);
  }
};

}  // namespace calotype::kernel::cuda_task
