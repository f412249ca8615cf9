// Kernels and whole networks of the CPU policy on one core, as shares of the multiply-add peak that is measured
// beside each of them. CPU time, so that other processes disturb little; multiplications with padding zeros
// count as work.
#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace {

using namespace calotype;
using kernel::conv_shape;
using kernel::map_shape;
using kernel::pool_shape;
using direct = exec::cpu<>;
using arch = direct::arch_type;
using winograd = exec::cpu<arch, exec::single, exec::winograd>;
using ops = kernel::ops<direct>;  // layouts do not depend on the arithmetic

double cpu_seconds() {
  std::timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Twelve or twenty-four independent chains in registers, no memory: floating point operations of one call.
template <int Chains>
[[gnu::noinline]] double multiply_adds(int rounds) {
  using v = kernel::cpu::simd<arch>;
  kernel::cpu::vec<arch> sum[Chains];
  CALOTYPE_UNROLL for (int i = 0; i < Chains; ++i) sum[i] = v::broadcast(1e-3f * static_cast<float>(i));
  kernel::cpu::vec<arch> x = v::broadcast(0.999f), y = v::broadcast(1e-3f);
  for (int k = 0; k < rounds; ++k) {
    CALOTYPE_UNROLL for (int i = 0; i < Chains; ++i) sum[i] = v::fma(sum[i], x, y);
    benchmark::ClobberMemory();
  }
  CALOTYPE_UNROLL for (int i = 1; i < Chains; ++i) sum[0] = v::add(sum[0], sum[i]);
  std::array<float, static_cast<std::size_t>(v::lanes)> out{};
  v::store(out.data(), sum[0]);
  benchmark::DoNotOptimize(out);
  return 2.0 * v::lanes * Chains * rounds;
}

// Floating point operations per second, the best of a few samples taken now.
double peak() {
  constexpr int chains = kernel::cpu::simd<arch>::registers == 32 ? 24 : 12;
  double best = 0;
  for (int sample = 0; sample < 20; ++sample) {
    double const start = cpu_seconds();
    double const work = multiply_adds<chains>(200000);
    best = std::max(best, work / (cpu_seconds() - start));
  }
  return best;
}

// Calls f and reports its share of the peak.
template <class F>
void measure(benchmark::State& state, double multiply_adds_per_call, F f) {
  double const before = peak();
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  double const now = std::max(before, peak());
  double const work = 2 * multiply_adds_per_call * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * work, benchmark::Counter::kIsRate);
  state.counters["peak GFLOP/s"] = 1e-9 * now;
  state.counters["% of peak"] = benchmark::Counter(100 * work / now, benchmark::Counter::kIsRate);
}

buffer<float> random_numbers(std::size_t n) {
  buffer<float> x(n);
  std::uint32_t state = 1;
  for (float& v : x) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-33f;
  }
  return x;
}

// A map (or image) with values in it and zeros around them.
template <map_shape M, bool Image = false>
buffer<float> map_of_numbers() {
  if constexpr (Image) {
    buffer<float> image(ops::image_size<M>);
    kernel::plane_target const to = ops::image_target<M>(image.data());
    buffer<float> const x = random_numbers(static_cast<std::size_t>(M.size()));
    for (int c = 0; c < M.channels; ++c) {
      for (int row = 0; row < M.rows; ++row) {
        for (int col = 0; col < M.cols; ++col) {
          to.data[c * to.channel_stride + row * to.row_stride + col] =
              x[static_cast<std::size_t>((c * M.rows + row) * M.cols + col)];
        }
      }
    }
    return image;
  } else {
    buffer<float> map(ops::map_size<M>);
    buffer<float> const x = random_numbers(static_cast<std::size_t>(M.size()));
    ops::flatten<M>::gradient(direct{}, x.data(), map.data());
    return map;
  }
}

template <conv_shape S, bool FromImage, class Policy>
struct layer {
  using conv = kernel::ops<Policy>::template conv<S, FromImage>;
  buffer<float> in = map_of_numbers<S.in, FromImage>();
  buffer<float> out = map_of_numbers<S.out()>();
  buffer<float> shortcut = map_of_numbers<S.out()>();
  buffer<float> din = buffer<float>(ops::map_size<S.in>);
  buffer<float> weights = random_numbers(static_cast<std::size_t>(S.weights()));
  buffer<float> bias = random_numbers(static_cast<std::size_t>(S.filters));
  buffer<float> packed = buffer<float>(conv::packed_size);
  buffer<float> gradient_packed = buffer<float>(conv::gradient_packed_size);
  buffer<float> scratch =
      buffer<float>(std::max(kernel::scratch_of_forward<conv>(), kernel::scratch_of_gradients<conv>()));

  layer() {
    conv::pack(weights.data(), bias.data(), packed.data());
    conv::pack_gradient(weights.data(), gradient_packed.data());
  }
};

template <conv_shape S, bool FromImage = false, bool Shortcut = false, class Policy = direct>
void forward(benchmark::State& state) {
  layer<S, FromImage, Policy> l;
  using conv = typename layer<S, FromImage, Policy>::conv;
  measure(state, static_cast<double>(S.multiply_adds()), [&] {
    kernel::run_forward<conv, true, Shortcut>(Policy{}, l.in.data(), l.packed.data(), l.shortcut.data(),
                                              l.out.data(), l.scratch.data());
  });
}

template <conv_shape S, bool FromImage>
void forward_pool(benchmark::State& state) {
  constexpr pool_shape pool{S.out(), 2, 2};
  layer<S, FromImage, direct> l;
  measure(state, static_cast<double>(S.multiply_adds()), [&] {
    layer<S, FromImage, direct>::conv::template forward_pool<true, pool>(direct{}, l.in.data(), l.packed.data(),
                                                                         l.out.data());
  });
}

template <conv_shape S, class Policy = direct>
void input_gradient(benchmark::State& state) {
  layer<S, false, Policy> l;
  using conv = typename layer<S, false, Policy>::conv;
  measure(state, static_cast<double>(S.multiply_adds()), [&] {
    kernel::run_input_gradient<conv>(Policy{}, l.out.data(), l.gradient_packed.data(), nullptr, l.din.data(),
                                     l.scratch.data());
  });
}

template <conv_shape S, bool FromImage = false, class Policy = direct>
void weight_gradient(benchmark::State& state) {
  layer<S, FromImage, Policy> l;
  using conv = typename layer<S, FromImage, Policy>::conv;
  measure(state, static_cast<double>(S.multiply_adds()), [&] {
    kernel::run_weight_gradient<conv>(Policy{}, l.in.data(), l.out.data(), l.weights.data(), l.bias.data(),
                                      l.scratch.data());
  });
}

// The residual network of the papers on an image of C x H x W (models/resnet15.hpp, without its detector).
template <int Channels, int Rows, int Cols>
struct image {
  static constexpr auto tensor() { return std::array{map_shape{Channels, Rows, Cols}}; }
};
template <int Channels, int Rows, int Cols>
struct resnet15 {
  using input = image<Channels, Rows, Cols>;
  static constexpr auto classes() { return labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return nn::resnet15(); }
};

// Parameters small enough that no activation overflows or dies out.
template <class Net>
buffer<float> parameters_of() {
  return random_numbers(static_cast<std::size_t>(nn::plan_of<Net>.total_parameters()));
}

template <class Net, class Policy = direct>
void infer(benchmark::State& state) {
  nn::packed_parameters<Net, Policy> packed;
  packed.pack(parameters_of<Net>().data());
  nn::inference_engine<Net, Policy> engine;
  nn::feed<Net, Policy> feed;
  buffer<float> const x = random_numbers(nn::input_size<Net>());
  feed(std::span<float const>(x), engine);
  measure(state, static_cast<double>(nn::plan_of<Net>.multiply_adds()),
          [&] { benchmark::DoNotOptimize(engine.run(packed, feed)); });
}

// One event forward and backward. The work: every convolution and dense layer three times, less the input
// gradient of the first convolution, which nobody needs.
template <class Net, class Policy = direct>
void train(benchmark::State& state) {
  constexpr map_shape in = nn::plan_of<Net>.shape(0);
  buffer<float> const parameters = parameters_of<Net>();
  buffer<float> gradients(parameters.size());
  nn::packed_parameters<Net, Policy> packed(true);
  packed.pack(parameters.data());
  nn::training_engine<Net, Policy> engine;
  buffer<float> const x = map_of_numbers<in, true>();
  std::copy(x.begin(), x.end(), engine.template input<0>());
  double const work = 3.0 * static_cast<double>(nn::plan_of<Net>.multiply_adds()) -
                      static_cast<double>(nn::plan_of<Net>.conv(0).multiply_adds());
  measure(state, work, [&] {
    engine.forward(packed);
    for (int i = 0; i < 3; ++i) engine.logit_gradient()[i] = i == 0 ? -0.5f : 0.25f;
    engine.backward(packed, parameters.data(), gradients.data());
    benchmark::DoNotOptimize(gradients.data());
  });
}

constexpr conv_shape first_of_one{{1, 170, 360}, 16, 7, 2, 1};
constexpr conv_shape first_of_three{{3, 170, 360}, 16, 7, 2, 1};
constexpr conv_shape narrow{{16, 41, 89}, 16, 3, 1, 1};
constexpr conv_shape widening{{16, 41, 89}, 32, 3, 2, 1};
constexpr conv_shape projection{{16, 41, 89}, 32, 1, 2, 0};
constexpr conv_shape wide{{32, 21, 45}, 32, 3, 1, 1};

}  // namespace

BENCHMARK(forward<narrow>)->Name("forward/3x3 16->16 41x89");
BENCHMARK(forward<narrow, false, true>)->Name("forward/3x3 16->16 41x89 with shortcut");
BENCHMARK(forward<widening>)->Name("forward/3x3 16->32 stride 2 41x89");
BENCHMARK(forward<projection>)->Name("forward/1x1 16->32 stride 2 41x89");
BENCHMARK(forward<wide>)->Name("forward/3x3 32->32 21x45");
BENCHMARK(forward<first_of_one, true>)->Name("forward/7x7 1->16 stride 2 170x360");
BENCHMARK(forward_pool<first_of_one, true>)->Name("forward/7x7 1->16 stride 2 170x360 with pool");
BENCHMARK(forward_pool<first_of_three, true>)->Name("forward/7x7 3->16 stride 2 170x360 with pool");
BENCHMARK(input_gradient<narrow>)->Name("input gradient/3x3 16->16 41x89");
BENCHMARK(input_gradient<widening>)->Name("input gradient/3x3 16->32 stride 2 41x89");
BENCHMARK(input_gradient<projection>)->Name("input gradient/1x1 16->32 stride 2 41x89");
BENCHMARK(input_gradient<wide>)->Name("input gradient/3x3 32->32 21x45");
BENCHMARK(weight_gradient<narrow>)->Name("weight gradient/3x3 16->16 41x89");
BENCHMARK(weight_gradient<widening>)->Name("weight gradient/3x3 16->32 stride 2 41x89");
BENCHMARK(weight_gradient<projection>)->Name("weight gradient/1x1 16->32 stride 2 41x89");
BENCHMARK(weight_gradient<wide>)->Name("weight gradient/3x3 32->32 21x45");
BENCHMARK(weight_gradient<first_of_one, true>)->Name("weight gradient/7x7 1->16 stride 2 170x360");
BENCHMARK(weight_gradient<first_of_three, true>)->Name("weight gradient/7x7 3->16 stride 2 170x360");
BENCHMARK(infer<resnet15<1, 170, 360>>)->Name("infer/eb 1x170x360");
BENCHMARK(infer<resnet15<3, 170, 360>>)->Name("infer/cms-b 3x170x360");
BENCHMARK(infer<resnet15<3, 280, 360>>)->Name("infer/cms-ii 3x280x360");
BENCHMARK(infer<resnet15<3, 125, 125>>)->Name("infer/jet 3x125x125");
BENCHMARK(infer<resnet15<1, 32, 32>>)->Name("infer/crop 1x32x32");
BENCHMARK(train<resnet15<1, 170, 360>>)->Name("forward and backward/eb 1x170x360");
BENCHMARK(forward<narrow, false, true, winograd>)->Name("winograd/forward/3x3 16->16 41x89 with shortcut");
BENCHMARK(forward<wide, false, true, winograd>)->Name("winograd/forward/3x3 32->32 21x45 with shortcut");
BENCHMARK(input_gradient<narrow, winograd>)->Name("winograd/input gradient/3x3 16->16 41x89");
BENCHMARK(input_gradient<wide, winograd>)->Name("winograd/input gradient/3x3 32->32 21x45");
BENCHMARK(weight_gradient<narrow, false, winograd>)->Name("winograd/weight gradient/3x3 16->16 41x89");
BENCHMARK(weight_gradient<wide, false, winograd>)->Name("winograd/weight gradient/3x3 32->32 21x45");
BENCHMARK(infer<resnet15<1, 170, 360>, winograd>)->Name("winograd/infer/eb 1x170x360");
BENCHMARK(infer<resnet15<3, 170, 360>, winograd>)->Name("winograd/infer/cms-b 3x170x360");
BENCHMARK(infer<resnet15<3, 280, 360>, winograd>)->Name("winograd/infer/cms-ii 3x280x360");
BENCHMARK(infer<resnet15<3, 125, 125>, winograd>)->Name("winograd/infer/jet 3x125x125");
BENCHMARK(infer<resnet15<1, 32, 32>, winograd>)->Name("winograd/infer/crop 1x32x32");
BENCHMARK(train<resnet15<1, 170, 360>, winograd>)->Name("winograd/forward and backward/eb 1x170x360");
BENCHMARK_MAIN();
