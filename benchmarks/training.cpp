// One training step (forward, loss, backward, sum over the batch, Adam) of the event networks, as a share of
// what all cores together can multiply and add; the peak of every thread is measured beside it. Wall-clock
// time.
#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include <calotype/core/parallel.hpp>
#include <calotype/core/random.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/train/trainer.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace {

namespace ct = calotype;
using policy = ct::exec::cpu<>;
using arch = policy::arch_type;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Independent chains in registers on every thread at once: floating point operations per second of all of them.
double peak(int threads) {
  using v = ct::kernel::cpu::simd<arch>;
  constexpr int chains = v::registers == 32 ? 24 : 12;
  constexpr int rounds = 2'000'000;
  double best = 0;
  for (int sample = 0; sample < 5; ++sample) {
    double const start = seconds();
    ct::for_each_item(threads, static_cast<std::size_t>(threads), [](int, std::size_t) {
      ct::kernel::cpu::vec<arch> sum[chains];
      CALOTYPE_UNROLL for (int i = 0; i < chains; ++i) sum[i] = v::broadcast(1e-3f * static_cast<float>(i));
      ct::kernel::cpu::vec<arch> const x = v::broadcast(0.999f), y = v::broadcast(1e-3f);
      for (int k = 0; k < rounds; ++k) {
        CALOTYPE_UNROLL for (int i = 0; i < chains; ++i) sum[i] = v::fma(sum[i], x, y);
        benchmark::ClobberMemory();
      }
      CALOTYPE_UNROLL for (int i = 1; i < chains; ++i) sum[0] = v::add(sum[0], sum[i]);
      std::array<float, static_cast<std::size_t>(v::lanes)> out{};
      v::store(out.data(), sum[0]);
      benchmark::DoNotOptimize(out);
    });
    best = std::max(best, 2.0 * v::lanes * chains * rounds * threads / (seconds() - start));
  }
  return best;
}

// Images with 2 % of their pixels lit.
template <class Net>
struct images {
  std::vector<std::vector<float>> planes;
  explicit images(std::size_t n) : planes(n, std::vector<float>(ct::nn::input_size<Net>())) {
    for (std::size_t i = 0; i < n; ++i) {
      ct::stream draw(1, i, 0);
      for (std::size_t k = 0; k < planes[i].size() / 50; ++k) {
        planes[i][draw.below(static_cast<std::uint32_t>(planes[i].size()))] = draw.uniform();
      }
    }
  }
  std::size_t size() const { return planes.size(); }
  std::span<float const> sample(std::size_t i) const { return planes[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
};

// Multiply-adds of forward and backward: the gradient of the weights costs as much as the forward pass, the
// gradient of the input likewise, but nobody asks for that of an image.
template <class Net>
constexpr long long step_multiply_adds() {
  constexpr auto const& p = ct::nn::plan_of<Net>;
  long long n = 3 * p.multiply_adds();
  for (int i = 0; i < p.step_count; ++i) {
    if (p.at(i).kind == ct::nn::op::conv && p.value_at(p.at(i).in).input) n -= p.conv(i).multiply_adds();
  }
  return n;
}

template <class Net>
void step(benchmark::State& state) {
  constexpr std::size_t batch = 32;
  int const threads = static_cast<int>(state.range(0));
  images<Net> const data(batch);
  std::array<std::size_t, batch> order{};
  for (std::size_t i = 0; i < batch; ++i) order[i] = i;
  ct::train::trainer<Net, policy> trainer(ct::nn::model<Net>::random(1), {.threads = threads});
  trainer.step(data, order);
  double const before = peak(threads);
  for (auto _ : state) trainer.step(data, order);
  double const now = std::max(before, peak(threads));
  double const work = 2.0 * static_cast<double>(step_multiply_adds<Net>() * static_cast<long long>(batch)) *
                      static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * work, benchmark::Counter::kIsRate);
  state.counters["peak GFLOP/s"] = 1e-9 * now;
  state.counters["% of peak"] = benchmark::Counter(100 * work / now, benchmark::Counter::kIsRate);
  state.counters["images/s"] = benchmark::Counter(
      static_cast<double>(batch) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

BENCHMARK(step<ct::models::eb>)
    ->Name("training step/eb")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(step<ct::models::cms_b>)
    ->Name("training step/cms-b")
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
