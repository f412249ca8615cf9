// The same names twice: compiled into two shared libraries, for a coarse and for a fine calorimeter.
#include "namesakes.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <calotype/exec/pool.hpp>
#include <calotype/image/crop.hpp>
#include <calotype/image/image.hpp>
#include <calotype/image/projection.hpp>
#include <calotype/io/model.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/cost.hpp>
#include <calotype/observables/energy_map.hpp>
#include <calotype/observables/shower_shapes.hpp>
#include <calotype/train/checkpoint.hpp>
#include <calotype/train/fit.hpp>
namespace ct = calotype;

namespace user {

constexpr int rows = 20 * CALOTYPE_NAMESAKE, cols = 24;

struct cell {
  int row, col;
};
struct calorimeter {
  using cell_type = cell;
  static constexpr std::string_view name() { return "calorimeter"; }
  static constexpr int collection = 0;
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = rows, .low = -1, .high = 1}, .v = ct::periodic{.bins = cols}};
  }
  static constexpr auto ids() {
    return ct::id_layout<2>{
        .prefix = 0x10000000,
        .fields = {{{.label = 0, .shift = 8, .bits = 8}, {.label = 1, .shift = 0, .bits = 8}}}};
  }
};
// The same cells seen through a coarser or a finer grid.
struct trigger_grid {
  using cell_type = cell;
  static constexpr std::string_view name() { return "trigger_grid"; }
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = rows / 2, .low = -1, .high = 1},
                    .v = ct::periodic{.bins = cols / 2}};
  }
};

struct layout {
  static constexpr std::string_view name() { return "layout"; }
  static constexpr auto planes() { return std::array{ct::image_plane{"barrel", rows, cols}}; }
  using fine = ct::cells_to_pixels<ct::quantity::ecal_energy, calorimeter, 0, rows, cols>;
  using projections_type = ct::projections<
      fine, ct::centers_to_pixels<ct::quantity::hcal_energy, calorimeter, trigger_grid, 0, rows / 2, cols / 2>,
      ct::tracks_to_cells<fine>>;
};

struct picture {
  static constexpr auto image() {
    return ct::image_description<layout>{
        .channels = {ct::track_pt(), ct::ecal_energy({.scale = 1.0 / CALOTYPE_NAMESAKE}), ct::hcal_energy()}};
  }
};
struct cutout {
  static constexpr auto image() {
    return ct::crop(
        picture::image(),
        ct::crop_window{.rows = 8 * CALOTYPE_NAMESAKE, .cols = 8, .center_row = 4, .center_col = 4});
  }
};

// Differs in nothing but the grid that the hits and tracks are drawn on.
struct beam {
  using cell_type = cell;
  static constexpr std::string_view name() { return "beam"; }
  static constexpr int collection = 0;
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = 40, .low = -1, .high = 1}, .v = ct::periodic{.bins = 24}};
  }
  static constexpr auto ids() { return calorimeter::ids(); }
};
struct aim {
  using cell_type = cell;
  static constexpr std::string_view name() { return "aim"; }
  static constexpr int collection = 1;
  static constexpr auto cells() {
    return ct::grid{.u = ct::regular{.bins = 20, .low = -0.5, .high = 0.4 * CALOTYPE_NAMESAKE},
                    .v = ct::periodic{.bins = 12}};
  }
  static constexpr auto ids() { return calorimeter::ids(); }
};
struct aimed {
  static constexpr std::string_view name() { return "aimed"; }
  static constexpr auto planes() { return std::array{ct::image_plane{"barrel", 20, 12}}; }
  using projections_type =
      ct::projections<ct::centers_to_pixels<ct::quantity::ecal_energy, beam, aim, 0, 20, 12>,
                      ct::tracks_to_cells<ct::cells_to_pixels<ct::quantity::track_pt, aim, 0, 20, 12>>>;
};
struct target {
  static constexpr auto image() {
    return ct::image_description<aimed>{.channels = {ct::track_pt(), ct::ecal_energy()}};
  }
};

struct tagger {
  using input = picture;
  static constexpr auto classes() {
    if constexpr (CALOTYPE_NAMESAKE == 1)
      return ct::labels("signal", "background");
    else
      return ct::labels("signal", "background", "noise");
  }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8 * CALOTYPE_NAMESAKE, .kernel = 3, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 8 * CALOTYPE_NAMESAKE}, global_max_pool{}, dropout{.rate = 0.25},
                          logits{});
  }
};

struct numbers {
  static constexpr auto features() { return ct::labels("a", "b"); }
};
struct small_tagger {
  using input = numbers;
  static constexpr auto classes() { return ct::labels("signal"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{4 * CALOTYPE_NAMESAKE}, relu{}, logits{});
  }
};

// The libraries' own functions are not shared.
namespace {

struct events {
  std::vector<ct::event> list = std::vector<ct::event>(12);

  events() {
    ct::stream draw(7, 1, 1);
    for (ct::event& e : list) {
      e.track_list = {{.pt = 3, .eta = 0.31f, .phi = draw.uniform()}};
      for (int cell = 3; cell < ct::segmentation<calorimeter>::size(); cell += 11)
        e.hit_lists[0].push_back({ct::segmentation<calorimeter>::pack(cell), draw.uniform()});
    }
  }
  std::size_t size() const { return list.size(); }
  int label(std::size_t i) const { return static_cast<int>(i % 2); }
  float weight(std::size_t) const { return 1; }
  ct::event const& sample(std::size_t i) const { return list[i]; }
};

std::uint64_t digest() {
  ct::hasher h;
  events const data;
  ct::event const one = data.sample(0);

  using cells = ct::segmentation<calorimeter>;
  h.add(cells::size()).add(cells::find(0.31, 0.7)).add(cells::name()).add(cells::cell(cells::size() - 1).row);
  h.add(cells::center(5).u).add(cells::bounds(7).u_high).add(cells::unpack(cells::pack(9)));
  ct::energy_map<calorimeter> energies;
  energies.fill(one.hits(0));

  ct::image const fast = ct::make_image<picture>(one), plain = ct::make_image<picture, ct::exec::scalar>(one);
  for (float p : fast.pixels()) h.add(p);
  for (float p : plain.pixels()) h.add(p);
  ct::image const hit = ct::make_image<target>(one);
  for (float p : hit.pixels()) h.add(p);
  ct::crop_builder<cutout> crops;
  crops.read(one);
  ct::image crop = ct::image::of<cutout>();
  h.add(crops.cut({10, 12}, crop.target<cutout>()));
  for (float p : crop.pixels()) h.add(p);

  h.add(ct::nn::cost<tagger>.parameters).add(static_cast<int>(ct::nn::cost<tagger>.workspace_bytes));
  auto const start = ct::nn::model<tagger>::random(3);
  auto const score_by = [&]<class Policy>(Policy policy) {
    ct::session<tagger, Policy> score(start, policy);
    for (float s : score(one)) h.add(s);
  };
  score_by(ct::exec::scalar{});
  score_by(ct::exec::cpu<>{});
  score_by(ct::exec::cpu<ct::exec::best_arch, ct::exec::pool, ct::exec::winograd>{.threads = {.count = 2}});
  ct::session<small_tagger> score_numbers(ct::nn::model<small_tagger>::random(4));
  std::array const two{0.5f, -0.25f};
  for (float s : score_numbers(std::span<float const>(two))) h.add(s);

  ct::train::trainer<tagger, ct::exec::cpu<>> trainer(start, {.batch_size = 4, .epochs = 2, .threads = 2});
  ct::train::run_state<tagger> state;
  bool good = static_cast<bool>(ct::train::fit(
      trainer, data, data, state, [](ct::train::step_report const&) {},
      [](ct::train::epoch_report const&) { return true; }));
  auto const trained = trainer.model();
  for (float p : trained.parameters()) h.add(p);

  std::string const file = "namesake" + std::to_string(CALOTYPE_NAMESAKE) + ".safetensors";
  good = good && ct::io::save<tagger>(file, trainer.model(), {}, {.force = true});
  auto const loaded = ct::io::load<tagger>(file);
  good = good && loaded && ct::io::load_unverified<tagger>(file);
  good = good && ct::train::save_checkpoint(file, trainer, state);
  auto const back = ct::train::load_checkpoint<tagger>(file);
  good = good && back;
  good = good && ct::train::resume(trainer, state, *back);
  std::remove(file.c_str());
  if (!good) std::fprintf(stderr, "namesake %d: a step failed\n", CALOTYPE_NAMESAKE);
  return good ? h.value() : 0;
}

}  // namespace
}  // namespace user

#if CALOTYPE_NAMESAKE == 1
std::uint64_t first_of_namesakes() { return user::digest(); }
#else
std::uint64_t second_of_namesakes() { return user::digest(); }
#endif
