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

// An output pixel's channels that are read together. Maps: quad_maps or chunk_maps.
template <class Maps, pool_shape S, bool Mean>
struct pool {
  using from = typename Maps::template map<S.in>;
  using to = typename Maps::template map<S.out()>;
  static constexpr int rows = S.out().rows, cols = S.out().cols, numbers = from::numbers;
  static constexpr int count = from::bundles * rows * cols;

  float const* in;
  float* out;

  CALOTYPE_HD void operator()(int task) const {
    constexpr pool_shape s = S;
    int const which = task / (rows * cols), row = task / cols % rows, col = task % cols;
    float r[numbers];
    if constexpr (Mean) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < numbers; ++k) r[k] = 0;
    } else {
      from::load(in, which, row * s.stride, col * s.stride, r);
    }
    for (int y = 0; y < s.size; ++y) {
      float of_row[numbers] = {};
      for (int x = 0; x < s.size; ++x) {
        float v[numbers];
        from::load(in, which, row * s.stride + y, col * s.stride + x, v);
        CALOTYPE_DEVICE_UNROLL
        for (int k = 0; k < numbers; ++k) {
          if constexpr (Mean) {
            of_row[k] = kernel::add(of_row[k], v[k]);
          } else {
            r[k] = v[k] > r[k] ? v[k] : r[k];
          }
        }
      }
      if constexpr (Mean) {
        CALOTYPE_DEVICE_UNROLL
        for (int k = 0; k < numbers; ++k) r[k] = kernel::add(r[k], of_row[k]);
      }
    }
    if constexpr (Mean) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < numbers; ++k) r[k] = mul(r[k], 1.0F / static_cast<float>(s.size * s.size));
    }
    to::store(out, which, row, col, r);
  }
};

// What a row of a global pool's map has: its first maximum, or its sum, of channels that are read together.
// of_rows: channel after channel, a float for each row.
template <class Map, bool Mean>
struct rows_of_global_pool {
  static constexpr int rows = Map::shape.rows, cols = Map::shape.cols, channels = Map::shape.channels;
  static constexpr int numbers = Map::numbers;
  static constexpr int count = Map::bundles * rows;

  float const* map;
  float* of_rows;

  CALOTYPE_HD void operator()(int task) const {
    int const which = task / rows, row = task % rows;
    float r[numbers];
    Map::load(map, which, row, 0, r);
    if constexpr (Mean) {
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < numbers; ++k) r[k] = kernel::add(0.0F, r[k]);
    }
    for (int col = 1; col < cols; ++col) {
      float v[numbers];
      Map::load(map, which, row, col, v);
      CALOTYPE_DEVICE_UNROLL
      for (int k = 0; k < numbers; ++k) r[k] = Mean ? kernel::add(r[k], v[k]) : v[k] > r[k] ? v[k] : r[k];
    }
    CALOTYPE_DEVICE_UNROLL
    for (int k = 0; k < numbers; ++k) {
      int const channel = which * numbers + k;
      if (channel < channels) of_rows[channel * rows + row] = r[k];
    }
  }
};

// One channel of what its rows have.
template <map_shape M, bool Mean>
struct global_pool {
  static constexpr int rows = M.rows, pixels = M.rows * M.cols;
  static constexpr int count = M.channels;

  float const* of_rows;
  float* vector;

  CALOTYPE_HD void operator()(int channel) const {
    float const* const mine = of_rows + channel * rows;
    float result = Mean ? kernel::add(0.0F, mine[0]) : mine[0];
    for (int row = 1; row < rows; ++row) {
      result = Mean ? kernel::add(result, mine[row]) : mine[row] > result ? mine[row] : result;
    }
    vector[channel] = Mean ? mul(result, 1.0F / static_cast<float>(pixels)) : result;
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
    CALOTYPE_DEVICE_UNROLL
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
