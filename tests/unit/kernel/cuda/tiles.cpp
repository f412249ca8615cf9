// Operations on tensor cores, emulated warp by warp: every number of dense random maps against sums in double.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cuda/group.hpp>
#include <calotype/kernel/cuda/ops.hpp>
#include <calotype/kernel/cuda/tile_trunk.hpp>

namespace {

namespace ct = calotype;
namespace exec = ct::exec;
namespace kernel = ct::kernel;
using kernel::conv_shape;
using kernel::map_shape;
using kernel::pool_shape;

template <class Precision>
using ops = kernel::ops<exec::cuda<Precision, exec::emulated>>;

// Significant bits of a number that is kept.
template <class Precision>
constexpr double unit = std::is_same_v<Precision, exec::bf16> ? 0x1p-8 : 0x1p-11;

// Numbers that rounding leaves alone.
template <class Precision>
std::vector<float> some(std::size_t n, std::uint64_t seed) {
  std::vector<float> v(n);
  ct::stream draw(seed, 0, 7);
  for (float& x : v) {
    x = kernel::number<Precision>::value(kernel::number<Precision>::rounded(draw.uniform(-1.0F, 1.0F)));
  }
  return v;
}

template <map_shape M>
std::size_t index(int channel, int row, int col) {
  return static_cast<std::size_t>((channel * M.rows + row) * M.cols + col);
}

// In the layout of a map or an image; images are followed by numbers that are not theirs.
template <class Precision, map_shape M, bool Image>
std::vector<float> laid_out(std::vector<float> const& dense) {
  using map = kernel::chunk_map<Precision, M>;
  std::vector<float> to(Image ? ops<Precision>::template image_size<M> : ops<Precision>::template map_size<M>);
  for (int c = 0; c < M.channels; ++c) {
    for (int row = 0; row < M.rows; ++row) {
      for (int col = 0; col < M.cols; ++col) {
        float const x = dense[index<M>(c, row, col)];
        if constexpr (M.is_vector()) {
          to[index<M>(c, row, col)] = x;
        } else if constexpr (Image) {
          kernel::set_pixel<Precision>(to.data(), kernel::image_plane<M>::at(c, row, col), x);
        } else {
          map::set(to.data(), c, row, col, x);
        }
      }
    }
  }
  return to;
}

template <class Precision, map_shape M>
float got(std::vector<float> const& map, int channel, int row, int col) {
  if constexpr (M.is_vector()) {
    return map[static_cast<std::size_t>(channel)];
  } else {
    return kernel::chunk_map<Precision, M>::get(map.data(), channel, row, col);
  }
}

// Whether what lies beside a map is zero still.
template <class Precision, map_shape M>
bool sides_are_zero(std::vector<float> const& memory) {
  using map = kernel::chunk_map<Precision, M>;
  if constexpr (!M.is_vector()) {
    auto const* const chunks = reinterpret_cast<kernel::chunk const*>(memory.data());
    auto const empty = [](kernel::chunk const& c) {
      return (c.word[0] | c.word[1] | c.word[2] | c.word[3]) == 0;
    };
    bool zero = empty(chunks[0]);
    for (int row = 0; row < M.rows; ++row) {
      for (int which = 0; which < map::chunks; ++which)
        zero = zero && empty(chunks[map::at(which, row, M.cols)]);
    }
    return zero;
  }
  return true;
}

template <conv_shape S>
double sum_at(std::vector<float> const& in, std::vector<float> const& weights, std::vector<float> const& bias,
              int filter, int row, int col) {
  double sum = bias[static_cast<std::size_t>(filter)];
  for (int c = 0; c < S.in.channels; ++c) {
    for (int ky = 0; ky < S.kernel; ++ky) {
      for (int kx = 0; kx < S.kernel; ++kx) {
        int const y = row * S.stride - S.padding + ky, x = col * S.stride - S.padding + kx;
        if (y < 0 || y >= S.in.rows || x < 0 || x >= S.in.cols) continue;
        auto const w = static_cast<std::size_t>(((filter * S.in.channels + c) * S.kernel + ky) * S.kernel + kx);
        sum += static_cast<double>(in[index<S.in>(c, y, x)]) * weights[w];
      }
    }
  }
  return sum;
}

// What rounding a kept number may do, and sums of floats.
template <class Precision>
bool near(double got, double expected) {
  return std::abs(got - expected) <= 1.01 * unit<Precision> * std::abs(expected) + 2e-5;
}

template <class Precision, conv_shape S, bool FromImage, bool Relu, bool Shortcut, class Group>
void check_conv(Group const& group) {
  using conv = typename ops<Precision>::template conv<S, FromImage>;
  constexpr map_shape out = S.out();
  auto const in = some<Precision>(static_cast<std::size_t>(S.in.size()), 1);
  auto const weights = some<Precision>(static_cast<std::size_t>(S.weights()), 2);
  auto const bias = some<Precision>(static_cast<std::size_t>(S.filters), 3);
  auto const shortcut = some<Precision>(static_cast<std::size_t>(out.size()), 4);
  std::vector<float> packed(conv::packed_size), result(ops<Precision>::template map_size<out>);
  conv::pack(weights.data(), bias.data(), packed.data());
  auto const image = laid_out<Precision, S.in, FromImage>(in);
  auto const added = laid_out<Precision, out, false>(shortcut);
  conv::template forward<Relu, Shortcut>(group, image.data(), packed.data(), added.data(), result.data());
  int wrong = 0;
  for (int f = 0; f < S.filters; ++f) {
    for (int row = 0; row < out.rows; ++row) {
      for (int col = 0; col < out.cols; ++col) {
        double expected = sum_at<S>(in, weights, bias, f, row, col);
        if (Shortcut) expected += shortcut[index<out>(f, row, col)];
        if (Relu && expected < 0) expected = 0;
        wrong += near<Precision>(got<Precision, out>(result, f, row, col), expected) ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(sides_are_zero<Precision, out>(result));
}

template <class Precision, conv_shape S, bool FromImage = false, bool Relu = true, bool Shortcut = false>
void check_conv() {
  check_conv<Precision, S, FromImage, Relu, Shortcut>(kernel::emulated_group<kernel::block_group>{});
  check_conv<Precision, S, FromImage, Relu, Shortcut>(kernel::emulated_group<kernel::grid_group>{true});
}

template <class Precision, conv_shape S, bool Relu>
void check_pooled() {
  using conv = typename ops<Precision>::template conv<S, true>;
  constexpr map_shape out = pool_shape{S.out(), 2, 2}.out();
  static_assert(conv::template pools<pool_shape{S.out(), 2, 2}>);
  auto const in = some<Precision>(static_cast<std::size_t>(S.in.size()), 5);
  auto const weights = some<Precision>(static_cast<std::size_t>(S.weights()), 6);
  auto const bias = some<Precision>(static_cast<std::size_t>(S.filters), 7);
  std::vector<float> packed(conv::packed_size), result(ops<Precision>::template map_size<out>);
  conv::pack(weights.data(), bias.data(), packed.data());
  auto const image = laid_out<Precision, S.in, true>(in);
  conv::template forward_pool<Relu>(kernel::emulated_group<kernel::block_group>{}, image.data(), packed.data(),
                                    result.data());
  int wrong = 0;
  for (int f = 0; f < S.filters; ++f) {
    for (int row = 0; row < out.rows; ++row) {
      for (int col = 0; col < out.cols; ++col) {
        double expected = -1e30;
        for (int k = 0; k < 4; ++k) {
          expected = std::max(expected, sum_at<S>(in, weights, bias, f, 2 * row + k / 2, 2 * col + k % 2));
        }
        if (Relu && expected < 0) expected = 0;
        wrong += near<Precision>(got<Precision, out>(result, f, row, col), expected) ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(sides_are_zero<Precision, out>(result));
}

template <class Precision, pool_shape S>
void check_pools() {
  constexpr map_shape out = S.out();
  auto const in = some<Precision>(static_cast<std::size_t>(S.in.size()), 8);
  auto const map = laid_out<Precision, S.in, false>(in);
  std::vector<float> most(ops<Precision>::template map_size<out>), mean(most.size());
  kernel::emulated_group<kernel::block_group> const group{true};
  ops<Precision>::template max_pool<S>::forward(group, map.data(), most.data());
  ops<Precision>::template avg_pool<S>::forward(group, map.data(), mean.data());
  int wrong = 0;
  for (int c = 0; c < out.channels; ++c) {
    for (int row = 0; row < out.rows; ++row) {
      for (int col = 0; col < out.cols; ++col) {
        double largest = -1e30, sum = 0;
        for (int k = 0; k < S.size * S.size; ++k) {
          double const x = in[index<S.in>(c, row * S.stride + k / S.size, col * S.stride + k % S.size)];
          largest = std::max(largest, x);
          sum += x;
        }
        wrong += got<Precision, out>(most, c, row, col) == largest ? 0 : 1;
        wrong += near<Precision>(got<Precision, out>(mean, c, row, col), sum / (S.size * S.size)) ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
}

template <class Precision, map_shape M>
void check_global_pools() {
  auto const in = some<Precision>(static_cast<std::size_t>(M.size()), 9);
  auto map = laid_out<Precision, M, false>(in);
  std::vector<float> most(M.channels), mean(M.channels);
  kernel::emulated_group<kernel::grid_group> const group{true};
  ops<Precision>::template global_max_pool<M>::forward(group, map.data(), most.data());
  ops<Precision>::template global_avg_pool<M>::forward(group, map.data(), mean.data());
  for (int c = 0; c < M.channels; ++c) {
    double largest = -1e30, sum = 0;
    for (int i = 0; i < M.rows * M.cols; ++i) {
      double const x = in[static_cast<std::size_t>(c * M.rows * M.cols + i)];
      largest = std::max(largest, x);
      sum += x;
    }
    CHECK(most[static_cast<std::size_t>(c)] == largest);
    CHECK(mean[static_cast<std::size_t>(c)] == doctest::Approx(sum / (M.rows * M.cols)).epsilon(1e-4));
  }
}

// Number by number: a residual block in shared memory, whose result begins before the input where it is
// smaller.
template <class Precision, conv_shape Inner, conv_shape Outer, bool Projects>
void check_block(bool backwards) {
  namespace task = kernel::cuda_task;
  using kernel::chunk;
  constexpr conv_shape projection{Inner.in, Outer.filters, 1, Inner.stride, 0};
  using first = task::inner_rows<Precision, Inner>;
  using second = task::outer_rows<Precision, Inner, Outer, Projects, Projects ? projection : Outer>;
  using input = kernel::chunk_map<Precision, Inner.in>;
  using result = kernel::chunk_map<Precision, Outer.out()>;
  constexpr int before = task::chunks_before<Precision, Inner, Outer, Projects>();
  constexpr int map_chunks = std::max(before + input::cells, result::cells);
  constexpr int ring_chunks = task::ring_chunks<Precision, Inner.out()>;
  constexpr auto all = static_cast<std::size_t>(map_chunks + ring_chunks + 64);
  auto const in = some<Precision>(static_cast<std::size_t>(Inner.in.size()), 11);
  auto const weights = [](conv_shape s, std::uint64_t seed) {
    auto w = some<Precision>(static_cast<std::size_t>(s.weights()), seed);
    for (float& x : w) x *= 0.25F;
    return w;
  };
  auto const of_inner = weights(Inner, 12), of_outer = weights(Outer, 13),
             of_projection = weights(projection, 14);
  auto const bias_inner = some<Precision>(static_cast<std::size_t>(Inner.filters), 15);
  auto const bias_outer = some<Precision>(static_cast<std::size_t>(Outer.filters), 16);
  std::vector<float> packed_inner(task::map_weights<Precision, Inner>::size),
      packed_outer(task::map_weights<Precision, Outer>::size),
      packed_projection(task::map_weights<Precision, projection>::size);
  task::map_weights<Precision, Inner>::pack(of_inner.data(), bias_inner.data(), packed_inner.data());
  task::map_weights<Precision, Outer>::pack(of_outer.data(), bias_outer.data(), packed_outer.data());
  task::map_weights<Precision, projection>::pack(of_projection.data(), bias_outer.data(),
                                                 packed_projection.data());

  std::vector<chunk> memory(all, chunk{{~0U, ~0U, ~0U, ~0U}});
  chunk* const map = memory.data() + before;
  chunk* const ring = memory.data() + map_chunks;
  auto const dense = laid_out<Precision, Inner.in, false>(in);
  std::copy_n(reinterpret_cast<chunk const*>(dense.data()), input::cells, map);
  kernel::emulated_group<kernel::block_group> const group{backwards, memory.data()};
  using clear = task::clear_sides<Precision, Inner.out(), task::rows_in_ring>;
  group.each(clear::count, clear{ring});
  group.together(second::steps, first{packed_inner.data(), map, ring},
                 second{packed_outer.data(), packed_projection.data(), ring, map, memory.data()});

  std::vector<float> inner(static_cast<std::size_t>(Inner.out().size()));
  for (int f = 0; f < Inner.filters; ++f) {
    for (int row = 0; row < Inner.out().rows; ++row) {
      for (int col = 0; col < Inner.out().cols; ++col) {
        auto const sum = static_cast<float>(sum_at<Inner>(in, of_inner, bias_inner, f, row, col));
        using n = kernel::number<Precision>;
        inner[index<Inner.out()>(f, row, col)] = n::value(n::rounded(std::max(sum, 0.0F)));
      }
    }
  }
  int wrong = 0;
  constexpr map_shape out = Outer.out();
  for (int f = 0; f < Outer.filters; ++f) {
    for (int row = 0; row < out.rows; ++row) {
      for (int col = 0; col < out.cols; ++col) {
        double expected = sum_at<Outer>(inner, of_outer, bias_outer, f, row, col);
        expected += Projects ? sum_at<projection>(in, of_projection, bias_outer, f, row, col)
                             : static_cast<double>(in[index<Inner.in>(f, row, col)]);
        expected = std::max(expected, 0.0);
        double const got = result::get(reinterpret_cast<float const*>(memory.data()), f, row, col);
        // Sums of floats may round the inner map, or the projection, to the other neighbour.
        wrong += std::abs(got - expected) <= unit<Precision> * (1.5 * std::abs(expected) + 4) ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("residual blocks in shared memory", P, exec::fp16, exec::bf16, exec::tf32) {
  for (bool backwards : {false, true}) {
    check_block<P, conv_shape{{16, 13, 29}, 16, 3, 1, 1}, conv_shape{{16, 13, 29}, 16, 3, 1, 1}, false>(
        backwards);
    check_block<P, conv_shape{{32, 2, 16}, 32, 3, 1, 1}, conv_shape{{32, 2, 16}, 32, 3, 1, 1}, false>(
        backwards);
    check_block<P, conv_shape{{16, 12, 37}, 32, 3, 2, 1}, conv_shape{{32, 6, 19}, 32, 3, 1, 1}, true>(
        backwards);
    check_block<P, conv_shape{{16, 9, 17}, 32, 3, 1, 1}, conv_shape{{32, 9, 17}, 32, 3, 1, 1}, true>(backwards);
  }
}

TEST_CASE_TEMPLATE("convolutions of maps", P, exec::fp16, exec::bf16, exec::tf32) {
  check_conv<P, conv_shape{{16, 11, 29}, 16, 3, 1, 1}, false, true, true>();
  check_conv<P, conv_shape{{16, 9, 32}, 16, 3, 1, 1}, false, false, false>();  // nothing beside the last tile
  check_conv<P, conv_shape{{16, 12, 37}, 32, 3, 2, 1}>();
  check_conv<P, conv_shape{{32, 7, 18}, 32, 3, 1, 1}, false, false, true>();
  check_conv<P, conv_shape{{16, 12, 37}, 32, 1, 2, 0}, false, false>();
  check_conv<P, conv_shape{{5, 8, 9}, 11, 3, 1, 0}, false, false>();  // chunks and tiles that are not full
  check_conv<P, conv_shape{{20, 10, 17}, 7, 5, 1, 1}>();              // more rows begun than usual
  check_conv<P, conv_shape{{3, 12, 20}, 8, 2, 3, 1}>();
  check_conv<P, conv_shape{{16, 21, 90}, 8, 4, 4, 0}>();                  // far apart
  check_conv<P, conv_shape{{3, 23, 90}, 8, 3, 5, 1}>();                   // not on tensor cores: too far
  check_conv<P, conv_shape{{70, 5, 6}, 40, 3, 1, 1}>();                   // weights that registers do not hold
  check_conv<P, conv_shape{{6, 4, 4}, 9, 4, 1, 0}, false, true>();        // a vector
  check_conv<P, conv_shape{{6, 9, 9}, 4, 5, 1, 2}, false, true, true>();  // not on tensor cores: wide padding
  check_conv<P, conv_shape{{4, 9, 9}, 4, 7, 1, 1}>();                     // and many rows
  check_conv<P, conv_shape{{6, 1, 1}, 9, 3, 1, 1}, false, true, true>();  // one pixel
}

TEST_CASE_TEMPLATE("convolutions of images", P, exec::fp16, exec::bf16, exec::tf32) {
  check_conv<P, conv_shape{{3, 17, 35}, 16, 7, 2, 1}, true>();
  check_conv<P, conv_shape{{1, 12, 12}, 24, 3, 1, 1}, true, true, true>();  // windows begin on odd columns
  check_conv<P, conv_shape{{2, 16, 16}, 8, 8, 2, 0}, true>();
  check_conv<P, conv_shape{{2, 14, 15}, 5, 5, 2, 2}, true, false>();
  check_conv<P, conv_shape{{1, 4, 4}, 9, 4, 1, 0}, true>();     // a vector
  check_conv<P, conv_shape{{2, 40, 40}, 3, 19, 2, 1}, true>();  // not on tensor cores
  check_pooled<P, conv_shape{{1, 33, 43}, 16, 7, 2, 1}, true>();
  check_pooled<P, conv_shape{{3, 21, 26}, 16, 7, 2, 1}, false>();
  check_pooled<P, conv_shape{{2, 15, 24}, 12, 3, 1, 1}, true>();
  check_pooled<P, conv_shape{{4, 31, 33}, 10, 5, 3, 2}, true>();
}

TEST_CASE_TEMPLATE("pools", P, exec::fp16, exec::bf16, exec::tf32) {
  check_pools<P, pool_shape{{16, 10, 13}, 2, 2}>();
  check_pools<P, pool_shape{{11, 10, 12}, 3, 2}>();
  check_pools<P, pool_shape{{7, 5, 5}, 5, 5}>();  // a vector
  check_global_pools<P, map_shape{32, 21, 45}>();
  check_global_pools<P, map_shape{5, 3, 2}>();
}

}  // namespace
