// What empty pixels save: the first convolution, and whole networks, against the part of the pixels that is
// filled (uniformly at random), and on the recorded events of 2012, from hits to scores. CPU time of one core;
// the first convolution beside its dense kernel.
#include <array>
#include <cstdint>
#include <span>

#include "networks.hpp"
#include "recorded_events.hpp"
#include <benchmark/benchmark.h>

#include <calotype/core/random.hpp>
#include <calotype/image/image.hpp>
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

// The pixels of an image, `filled` of a million holding energy.
template <class Net>
buffer<float> numbers_of(std::int64_t filled) {
  buffer<float> numbers(nn::input_size<Net>());
  stream draw(1, static_cast<std::uint64_t>(filled), 1);
  for (float& pixel : numbers) pixel = draw.below(million) < filled ? draw.uniform() : 0.0F;
  return numbers;
}

template <class Net, class Policy>
nn::packed_parameters<Net, Policy> packed() {
  nn::packed_parameters<Net, Policy> p;
  auto const start = nn::model<Net>::random(1);
  p.pack(start.parameters().data());
  return p;
}

// conv0 and its pool, the first two steps of the network; Dense: without a look at the pixels.
template <class Image, bool Dense = false>
void first_layer(benchmark::State& state) {
  using network = resnet15_on<Image>;
  using ops = kernel::ops<direct>;
  constexpr auto const& plan = nn::plan_of<network>;
  constexpr auto shape = plan.conv(0);
  constexpr auto pool = plan.pool(1);
  constexpr map_shape in = shape.in;
  using conv = ops::conv<shape, true>;
  auto const numbers = numbers_of<network>(state.range(0));
  buffer<float> image(ops::image_size<in>), windows(conv::template window_size<pool>);
  ops::set_input<in>(direct{}, numbers.data(), image.data());
  auto const parameters = packed<network, direct>();
  buffer<float> out(ops::map_size<pool.out()>);
  float const* const weights = parameters.forward();
  for (auto _ : state) {
    if constexpr (Dense) {
      conv::template forward_pool<true, pool>(direct{}, image.data(), weights, out.data());
    } else {
      conv::template forward_pool_rows<true, pool>(direct{}, ops::number_rows<in>{numbers.data()}, weights,
                                                   out.data(), windows.data());
    }
    benchmark::ClobberMemory();
  }
}

template <class Image, class Policy>
void whole_network(benchmark::State& state) {
  using network = resnet15_on<Image>;
  session<network, Policy> score(nn::model<network>::random(1));
  auto const numbers = numbers_of<network>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(score(std::span<float const>(numbers)));
}

// Items are events. Drawn: each becomes an image in memory first, as for an engine that reads such.
template <class Image, class Policy, bool Drawn = false>
void recorded_events(benchmark::State& state) {
  auto const& events = recorded_2012::recorded();
  if (events.empty()) return state.SkipWithError("no recorded Run2012 .ig files; set CALOTYPE_DATA");
  session<resnet15_on<Image>, Policy> score(nn::model<resnet15_on<Image>>::random(1));
  image_builder<Image> builder;
  image picture = image::of<Image>();
  for (auto _ : state) {
    for (event const& e : events) {
      if constexpr (Drawn) {
        builder.build(e, picture.target<Image>());
        benchmark::DoNotOptimize(score(std::span<float const>(picture.pixels())));
      } else {
        benchmark::DoNotOptimize(score(e));
      }
    }
  }
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
BENCHMARK_TEMPLATE(recorded_events, ecal_barrel_image, winograd, true)->Name("recorded, drawn, winograd/eb");
BENCHMARK_TEMPLATE(recorded_events, barrel_image, winograd, true)->Name("recorded, drawn, winograd/cms-b");
BENCHMARK_TEMPLATE(recorded_events, hcal_centric_image, winograd, true)
    ->Name("recorded, drawn, winograd/cms-ii");

}  // namespace

BENCHMARK_MAIN();
