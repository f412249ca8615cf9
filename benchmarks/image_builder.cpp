// The image builder alone over the recorded 2012 events (CALOTYPE_DATA, default ../shared/data), beside a naive
// builder that clears every pixel and scatters. Items are events, time is CPU time: events per second of one
// core. Run with
// --benchmark_repetitions=N for medians.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "networks.hpp"
#include "recorded_events.hpp"
#include <benchmark/benchmark.h>

#include <calotype/image/builder.hpp>
#include <calotype/image/image.hpp>
#include <calotype/image/presets/cms_run1.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace {

using namespace calotype;
using recorded_2012::recorded;

using central = measured::barrel_image;
using hcal_centric = measured::hcal_centric_image;
struct ecal_centric {
  static constexpr auto image() { return cms::ecal_centric({track_pt(), ecal_energy(), hcal_energy()}); }
};
// What the naive builder below draws.
struct unsmeared {
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()}, {.ee_smear = smear::none});
  }
};

template <class Name>
void build(benchmark::State& state) {
  auto const& events = recorded();
  if (events.empty()) return state.SkipWithError("no recorded Run2012 .ig files; set CALOTYPE_DATA");
  image picture = image::of<Name>();
  auto const target = picture.target<Name>();
  image_builder<Name> builder;
  for (auto _ : state)
    for (event const& e : events) {
      builder.build(e, target);
      benchmark::ClobberMemory();
    }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

// Clear all, then hit by hit through the segmentation: no lists, no tables but one for the endcaps' directions.
void clear_and_scatter(benchmark::State& state) {
  auto const& events = recorded();
  if (events.empty()) return state.SkipWithError("no recorded Run2012 .ig files; set CALOTYPE_DATA");
  image picture = image::of<unsmeared>();
  auto const plane = picture.plane(0);
  hit_table<cms::projection::ee_rows> const ee({.ee_smear = smear::none});
  cms::projection::tracks_on_rows::locator const locate;
  auto const draw = [&](event const& e) {
    std::fill(picture.pixels().begin(), picture.pixels().end(), 0.F);
    for (track const& t : e.tracks())
      if (block const b = locate(t.eta, t.phi); t.pt > 0 && b) plane(0, b.row, b.col) += t.pt;
    for (hit const h : e.hits(cms::collection::eb))
      if (int const cell = segmentation<cms::eb>::unpack(h.id); h.energy > 0 && cell >= 0)
        plane(1, 55 + cell / 360, cell % 360) += h.energy;
    for (hit const h : e.hits(cms::collection::ee))
      if (int const cell = segmentation<cms::ee>::unpack(h.id); h.energy > 0 && cell >= 0) {
        block const b = ee[cell];
        plane(1, 225 * b.region + b.row, b.col) += h.energy;
      }
    auto const towers = [&]<class D>(segmentation<D> cells) {
      for (hit const h : e.hits(cells.collection))
        if (int const cell = cells.unpack(h.id); h.energy > 0 && cell >= 0) {
          block const b = cms::projection::hcal_towers<D, 28>::at({}, cell);
          for (int r = 5 * b.row; r < 5 * b.row + 5; ++r)
            for (int c = 5 * b.col; c < 5 * (b.col + b.cols); ++c)
              plane(2, r, c) += h.energy / static_cast<float>(b.cols);
        }
    };
    towers(segmentation<cms::hb>{});
    towers(segmentation<cms::he>{});
  };
  // The same pixels as the builder, or the comparison means nothing.
  image reference = image::of<unsmeared>();
  image_builder<unsmeared> builder;
  for (event const& e : events) {
    draw(e);
    builder.build(e, reference.target<unsmeared>());
    for (std::size_t i = 0; i < picture.pixels().size(); ++i) {
      float const difference = picture.pixels()[i] - reference.pixels()[i];
      if (difference > 1e-4F || difference < -1e-4F)
        return state.SkipWithError("the naive builder draws something else");
    }
  }
  for (auto _ : state)
    for (event const& e : events) {
      draw(e);
      benchmark::ClobberMemory();
    }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

template <class Name>
void make_tables(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(image_builder<Name>());
}

BENCHMARK_TEMPLATE(build, central);
BENCHMARK_TEMPLATE(build, ecal_centric);
BENCHMARK_TEMPLATE(build, hcal_centric);
BENCHMARK_TEMPLATE(build, unsmeared);
BENCHMARK(clear_and_scatter);
BENCHMARK_TEMPLATE(make_tables, hcal_centric);
BENCHMARK_TEMPLATE(make_tables, ecal_centric);

}  // namespace

BENCHMARK_MAIN();
