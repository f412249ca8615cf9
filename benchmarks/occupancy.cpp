// What empty pixels save: the first convolution, and whole networks, against the part of the pixels that is
// filled (uniformly at random), and on the recorded events of 2012, from hits to scores. CPU time of one core;
// the first convolution beside its dense kernel.
#include <array>
#include <cstddef>
#include <string>

#include "networks.hpp"
#include "recorded_events.hpp"
#include <benchmark/benchmark.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/nn/session.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace {

using namespace calotype;
using kernel::map_shape;
using direct = exec::cpu<>;
using winograd = exec::cpu<exec::best_arch, exec::single, exec::winograd>;

using measured::resnet15_on, measured::ecal_barrel_image, measured::barrel_image, measured::hcal_centric_image;

constexpr std::int64_t million = 1000000;

// The input of an engine, with `filled` of a million pixels holding energy.
template <class Net, class Engine>
void fill(Engine& engine, std::int64_t filled) {
  constexpr map_shape in = nn::plan_of<Net>.shape(0);
  kernel::plane_target const to = engine.template target<0>();
  stream draw(1, static_cast<std::uint64_t>(filled), 1);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < in.rows; ++y)
      for (int x = 0; x < in.cols; ++x)
        to.data[c * to.channel_stride + y * to.row_stride + x] =
            draw.below(million) < filled ? draw.uniform() : 0.0F;
}

template <class Net, class Policy>
nn::packed_parameters<Net, Policy> packed() {
  nn::packed_parameters<Net, Policy> p;
  auto const start = nn::model<Net>::initial(1);
  p.pack(start.parameters().data());
  return p;
}

// conv0 and its pool, the first two steps of the network; Dense: without a look at the pixels.
template <class Image, bool Dense = false>
void first_layer(benchmark::State& state) {
  using network = resnet15_on<Image>;
  using arch = direct::arch_type;
  constexpr auto const& plan = nn::plan_of<network>;
  constexpr auto shape = plan.conv(0);
  constexpr auto pool = plan.pool(1);
  using conv = kernel::cpu::conv<direct, shape, true>;
  nn::inference_engine<network, direct> engine;
  fill<network>(engine, state.range(0));
  auto const parameters = packed<network, direct>();
  buffer<float> out(kernel::cpu::map_reals(pool.out()));
  float const* const weights = parameters.forward();
  float const* const in = engine.template target<0>().data;
  constexpr auto pooled = kernel::cpu::map_strides(pool.out());
  for (auto _ : state) {
    if constexpr (Dense) {
      kernel::cpu::pooled_chains<arch, conv::shape, pooled, pool.size>::template all<true>(
          direct{}, in, weights, weights + conv::bias_size, conv::taps, out.data() + pooled.origin());
    } else {
      conv::template forward_pool<true, pool>(direct{}, engine.template input<0>(), weights, out.data());
    }
    benchmark::ClobberMemory();
  }
}

template <class Image, class Policy>
void whole_network(benchmark::State& state) {
  using network = resnet15_on<Image>;
  nn::inference_engine<network, Policy> engine;
  fill<network>(engine, state.range(0));
  auto const parameters = packed<network, Policy>();
  for (auto _ : state) benchmark::DoNotOptimize(engine.run(parameters));
}

// Items are events.
template <class Image, class Policy>
void recorded_events(benchmark::State& state) {
  auto const& events = recorded_2012::recorded();
  if (events.empty()) return state.SkipWithError("no recorded Run2012 .ig files; set CALOTYPE_DATA");
  session<resnet15_on<Image>, Policy> score(nn::model<resnet15_on<Image>>::initial(1));
  for (auto _ : state)
    for (event const& e : events) benchmark::DoNotOptimize(score(e));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

void occupancies(benchmark::internal::Benchmark* b) {
  for (std::int64_t filled : {100, 1000, 3000, 10000, 30000, 60000, 100000, 140000, 200000, 500000, 1000000})
    b->Arg(filled);
}

BENCHMARK_TEMPLATE(first_layer, ecal_barrel_image)->Name("conv0/eb")->Apply(occupancies);
BENCHMARK_TEMPLATE(first_layer, ecal_barrel_image, true)->Name("conv0 dense/eb")->Arg(million);
BENCHMARK_TEMPLATE(first_layer, barrel_image)->Name("conv0/cms-b")->Apply(occupancies);
BENCHMARK_TEMPLATE(first_layer, barrel_image, true)->Name("conv0 dense/cms-b")->Arg(million);
BENCHMARK_TEMPLATE(whole_network, ecal_barrel_image, direct)->Name("direct/eb")->Apply(occupancies);
BENCHMARK_TEMPLATE(whole_network, ecal_barrel_image, winograd)->Name("winograd/eb")->Apply(occupancies);
BENCHMARK_TEMPLATE(whole_network, barrel_image, winograd)->Name("winograd/cms-b")->Apply(occupancies);
BENCHMARK_TEMPLATE(whole_network, hcal_centric_image, winograd)->Name("winograd/cms-ii")->Apply(occupancies);
BENCHMARK_TEMPLATE(recorded_events, ecal_barrel_image, direct)->Name("recorded, direct/eb");
BENCHMARK_TEMPLATE(recorded_events, ecal_barrel_image, winograd)->Name("recorded, winograd/eb");
BENCHMARK_TEMPLATE(recorded_events, barrel_image, winograd)->Name("recorded, winograd/cms-b");
BENCHMARK_TEMPLATE(recorded_events, hcal_centric_image, winograd)->Name("recorded, winograd/cms-ii");

}  // namespace

BENCHMARK_MAIN();
