#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/train/checkpoint.hpp>

namespace {

namespace ct = calotype;
using cpu = ct::exec::cpu<>;

struct net {
  struct input {
    static constexpr auto features() { return ct::labels("x", "y"); }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{.units = 8}, relu{}, dropout{.rate = 0.2}, logits{});
  }
};
struct other {
  using input = net::input;
  static constexpr auto classes() { return ct::labels("a", "c"); }
  static constexpr auto layers() { return net::layers(); }
};

struct quadrants {
  std::vector<std::array<float, 2>> points;
  explicit quadrants(std::size_t n) {
    ct::stream draw(8, n, 9);
    for (std::size_t i = 0; i < n; ++i) points.push_back({draw.uniform(-1.f, 1.f), draw.uniform(-1.f, 1.f)});
  }
  std::size_t size() const { return points.size(); }
  std::span<float const> sample(std::size_t i) const { return points[i]; }
  int label(std::size_t i) const { return points[i][0] * points[i][1] > 0; }
  float weight(std::size_t) const { return 1; }
  float mass(std::size_t i) const { return 100 + 20 * points[i][0]; }
};

std::string place(char const* name) {
  return (std::filesystem::temp_directory_path() / (std::string(name) + std::to_string(::getpid()))).string();
}

TEST_CASE("a run interrupted after any epoch ends with the bits of an uninterrupted one") {
  quadrants const data(101), validation(450);
  ct::train::options const o{.optimiser = {.rate_decay = 0.7},
                             .batch_size = 7,
                             .epochs = 4,
                             .seed = 9,
                             .decorrelation = {.strength = 2, .neighbours = 5, .ring = 60},
                             .cvm_bound = 0.0015};
  auto const nothing = [](ct::train::step_report const&) {};
  ct::train::trainer<net, cpu> whole(ct::nn::model<net>::random(2), o);
  ct::train::run_state<net> whole_state;
  REQUIRE(ct::train::fit(whole, data, validation, whole_state, nothing, [](auto const&) { return true; }));

  std::string const path = place("checkpoint");
  for (std::uint64_t stop = 1; stop < 4; ++stop) {
    ct::train::trainer<net, cpu> first(ct::nn::model<net>::random(2), o);
    ct::train::run_state<net> state;
    REQUIRE(ct::train::fit(first, data, validation, state, nothing, [&](ct::train::epoch_report const& r) {
      return static_cast<bool>(ct::train::save_checkpoint(path, first, state, {{"data", "quadrants"}})) &&
             r.epoch < stop;
    }));
    auto c = ct::train::load_checkpoint<net>(path);
    REQUIRE(c);
    CHECK(c->notes.at("data") == "quadrants");
    CHECK(c->settings.batch_size == 7);
    CHECK(c->settings.seed == 9);
    CHECK(c->settings.optimiser.learning_rate == o.optimiser.learning_rate);
    CHECK(c->settings.optimiser.rate_decay == 0.7);
    CHECK(c->settings.decorrelation.strength == 2);
    CHECK(c->settings.decorrelation.neighbours == 5);
    CHECK(c->settings.decorrelation.ring == 60);
    CHECK(c->settings.decorrelation.label == 1);
    CHECK(c->settings.cvm_bound == 0.0015);
    CHECK(c->ring.size() == std::min<std::size_t>(60, first.save().ring.size()));
    REQUIRE(c->state.history.size() == stop);
    auto another = c->settings;
    another.seed = 10;
    ct::train::trainer<net, cpu> unlike(ct::nn::model<net>::random(77), another);
    auto const refused = ct::train::resume(unlike, state, *c);
    REQUIRE(refused.error() != nullptr);
    CHECK(refused.error()->message() ==
          "training options: the checkpoint was made with 'seed' 9, not 10; take the checkpoint's settings, or "
          "start anew");
    ct::train::trainer<net, cpu> second(ct::nn::model<net>::random(77), c->settings);
    ct::train::run_state<net> second_state;
    REQUIRE(ct::train::resume(second, second_state, *c));
    REQUIRE(ct::train::fit(second, data, validation, second_state, nothing, [](auto const&) { return true; }));
    CHECK(second.save().parameters == whole.save().parameters);
    CHECK(second_state.best_parameters == whole_state.best_parameters);
    CHECK(second_state.best_auc == whole_state.best_auc);
    for (std::size_t e = 0; e < 4; ++e) {
      CHECK(second_state.history[e].loss == whole_state.history[e].loss);
      CHECK(second_state.history[e].best == whole_state.history[e].best);
      CHECK(second_state.history[e].validation_cvm.value == whole_state.history[e].validation_cvm.value);
      CHECK(second_state.history[e].validation_cvm.windows == whole_state.history[e].validation_cvm.windows);
    }
  }
  auto const wrong = ct::train::load_checkpoint<other>(path);
  REQUIRE(wrong.error() != nullptr);
  CHECK(wrong.error()->message().find("another network") != std::string::npos);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  CHECK(ct::train::load_checkpoint<net>(path).error() != nullptr);
  std::filesystem::remove(path);
}

TEST_CASE("a checkpoint whose entries are missing or absurd is refused, entry by entry") {
  quadrants const data(20);
  std::string const path = place("entries");
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(2), {.batch_size = 5, .epochs = 1});
  ct::train::run_state<net> state;
  REQUIRE(ct::train::fit(
      t, data, quadrants(10), state, [](auto const&) {}, [](auto const&) { return true; }));
  REQUIRE(ct::train::save_checkpoint(path, t, state));
  auto const good = ct::io::read_safetensors(path);
  REQUIRE(good);
  for (auto const& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"batch_size", "0"},
                                                        {"batch_size", ""},
                                                        {"epochs_done", "1000000000000000000"},
                                                        {"epochs_done", "2"},
                                                        {"format_version", "7"},
                                                        {"learning_rate", "0x0p+0"},
                                                        {"learning_rate", "1,5"},
                                                        {"rate_decay", "0x0p+0"},
                                                        {"rate_decay", ""},
                                                        {"beta1", "0x1p+0"},
                                                        {"best_auc", "0x1p+1"},
                                                        {"decorrelation.strength", "-0x1p+0"},
                                                        {"decorrelation.ring", ""},
                                                        {"epoch.1", "0 0 0x1p+0 0x1p+0"},
                                                        {"epoch.1", "0x1p+0 0x1p+0"}}) {
    auto metadata = good->metadata;
    metadata[key] = value;
    std::vector<ct::io::tensor_view> views;
    for (auto const& tensor : good->tensors) views.push_back({tensor.name, tensor.shape, tensor.values});
    REQUIRE(ct::io::write_safetensors(path, views, metadata, {.force = true}));
    auto const c = ct::train::load_checkpoint<net>(path);
    INFO(key, " = ", value);
    CHECK(c.error() != nullptr);
  }
  std::filesystem::remove(path);
}

TEST_CASE("what could not be read back is not written") {
  std::string const path = place("standstill");
  for (ct::train::adam const a : {ct::train::adam{.learning_rate = 0}, ct::train::adam{.rate_decay = 0}}) {
    ct::train::trainer<net, cpu> const t(ct::nn::model<net>::random(2), {.optimiser = a});
    auto const saved = ct::train::save_checkpoint(path, t, ct::train::run_state<net>{});
    REQUIRE(saved.error() != nullptr);
    CHECK(saved.error()->message().find("is 0; take a finite number above 0") != std::string::npos);
    CHECK(!std::filesystem::exists(path));
  }
}

TEST_CASE("a run that diverges is an error, not weights") {
  quadrants const data(60);
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(2),
                                 {.optimiser = {.learning_rate = 1e38}, .batch_size = 5, .epochs = 3});
  ct::train::run_state<net> state;
  auto const trained = ct::train::fit(
      t, data, data, state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(trained.error() != nullptr);
  CHECK(trained.error()->message().find("no longer a finite number") != std::string::npos);
  std::string const path = place("diverged");
  CHECK(ct::io::save(path, t.model()).error() != nullptr);
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a run whose last step spoils the parameters ends before its epoch is reported") {
  // One batch: its loss is that of the start and finite, the step is not.
  quadrants const data(20);
  for (std::size_t validation : {std::size_t{0}, std::size_t{10}}) {
    ct::train::trainer<net, cpu> t(
        ct::nn::model<net>::random(2),
        {.optimiser = {.learning_rate = 1e300}, .batch_size = 20, .epochs = 2, .seed = 1});
    ct::train::run_state<net> state;
    int reported = 0;
    auto const trained = ct::train::fit(
        t, data, quadrants(validation), state, [](auto const&) {},
        [&](auto const&) {
          ++reported;
          return true;
        });
    REQUIRE(trained.error() != nullptr);
    CHECK(trained.error()->message() ==
          "epoch 1: a parameter is no longer a finite number; start anew with a smaller learning rate");
    CHECK(reported == 0);
    CHECK(state.history.empty());
    CHECK(state.best_parameters.empty());

    std::string const path = place("spoilt");
    auto const saved = ct::train::save_checkpoint(path, t, state);
    REQUIRE(saved.error() != nullptr);
    CHECK(saved.error()->message().find("not finite") != std::string::npos);
    CHECK(!std::filesystem::exists(path));
  }
}

TEST_CASE("a checkpoint that could not be read back is not written") {
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(2), {.batch_size = 5, .epochs = 1});
  ct::train::run_state<net> good;
  REQUIRE(ct::train::fit(
      t, quadrants(20), quadrants(10), good, [](auto const&) {}, [](auto const&) { return true; }));
  std::string const path = place("unreadable");
  double const nan = std::nan(""), inf = HUGE_VAL;
  auto refused = [&](ct::train::run_state<net> const& state) {
    bool const failed = ct::train::save_checkpoint(path, t, state).error() != nullptr;
    return failed && !std::filesystem::exists(path);
  };
  auto state = good;
  state.history[0].loss = nan;
  CHECK(refused(state));
  state = good;
  state.history[0].validation_loss = inf;
  CHECK(refused(state));
  state = good;
  state.best_parameters[3] = static_cast<float>(nan);
  CHECK(refused(state));
  REQUIRE(ct::train::save_checkpoint(path, t, good));
  auto moments = t.save();
  moments.second_moment[1] = static_cast<float>(inf);
  t.restore(moments);
  std::filesystem::remove(path);
  CHECK(refused(good));
  moments.second_moment[1] = 0;
  moments.ring.push_back({100, static_cast<float>(nan), 1});
  t.restore(moments);
  CHECK(refused(good));
  moments.ring.clear();
  t.restore(moments);
  CHECK(refused({}));  // a state that was not put back with its trainer
  CHECK(!refused(good));
  std::filesystem::remove(path);
}

// Points with one number or another that no run can be done with.
struct flawed : quadrants {
  using quadrants::quadrants;
  int wrong_label = -1;
  float wrong_weight = 1, wrong_mass = 100;
  int label(std::size_t i) const { return i == 3 && wrong_label >= 0 ? wrong_label : quadrants::label(i); }
  float weight(std::size_t i) const { return i == 4 ? wrong_weight : 1; }
  float mass(std::size_t i) const { return i == 5 ? wrong_mass : quadrants::mass(i); }
};

TEST_CASE("options and events that no run can be done with are refused before the first step") {
  auto const said = [](ct::train::options const& o, flawed const& training, flawed const& validation) {
    ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(2), o);
    ct::train::run_state<net> state;
    auto const done = ct::train::fit(
        t, training, validation, state, [](auto const&) { FAIL("a step was done"); },
        [](auto const&) { return true; });
    return done ? std::string() : done.error()->message();
  };
  auto const with = [](auto change) {
    flawed data(20);
    change(data);
    return data;
  };
  flawed const good(20), none(0);
  auto const label = with([](flawed& d) { d.wrong_label = 2; });
  auto const weight = with([](flawed& d) { d.wrong_weight = -1; });
  auto const no_weight = with([](flawed& d) { d.wrong_weight = std::nanf(""); });
  auto const mass = with([](flawed& d) { d.wrong_mass = HUGE_VALF; });
  CHECK(said({}, label, none) ==
        "training event 3: label 2 is none of the classes; labels count from 0, for 2 classes");
  CHECK(said({}, good, label).starts_with("validation event 3: label 2"));
  CHECK(said({}, weight, none).starts_with("training event 4: the weight is -1; give weights"));
  CHECK(said({}, no_weight, none).starts_with("training event 4: the weight is"));
  CHECK(said({}, good, mass).starts_with("validation event 5: the mass is not a finite number"));
  CHECK(said({}, none, good) == "training: there are no training events; give at least one");
  CHECK(said({.batch_size = 0}, good, none) ==
        "training options: the size of a batch is 0; take 1 to 1,000,000,000");
  CHECK(said({.epochs = -1}, good, none).find("number of epochs is -1") != std::string::npos);
  CHECK(said({.optimiser = {.beta1 = 1}}, good, none) ==
        "training options: the beta1 of Adam is 1; take a finite number from 0 on, below 1");
  CHECK(said({.decorrelation = {.ring = -5}}, good, none).find("length of the ring is -5") !=
        std::string::npos);
  CHECK(said({.cvm_bound = -0.5}, good, none).find("bound on CvM is -0.5") != std::string::npos);
}

TEST_CASE("weights are not a checkpoint") {
  std::string const path = place("weights");
  REQUIRE(ct::io::save(path, ct::nn::model<net>::random(1)));
  auto const c = ct::train::load_checkpoint<net>(path);
  REQUIRE(c.error() != nullptr);
  CHECK(c.error()->message().find("not a checkpoint") != std::string::npos);
  std::filesystem::remove(path);
}

}  // namespace
