#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/cvm.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/train/fit.hpp>

namespace {

namespace ct = calotype;
using ct::train::scored_mass;

std::vector<scored_mass> random_events(std::size_t n, std::uint64_t event, bool weighted = false) {
  ct::stream draw(11, event, 1);
  std::vector<scored_mass> events(n);
  for (auto& e : events)
    e = {draw.uniform(90.F, 180.F), draw.uniform(), weighted ? draw.uniform(0.2F, 2.F) : 1.F};
  return events;
}

double value(std::vector<scored_mass> const& events, std::size_t k) {
  return ct::train::cvm_loss(events, k, {});
}

TEST_CASE("the loss of random scores is d/6 - d^2/12 with d = 1/k - 1/n") {
  for (auto const& [k, n] : {std::pair<std::size_t, std::size_t>{12, 120}, {4, 200}}) {
    double sum = 0;
    for (std::uint64_t r = 0; r < 1000; ++r) sum += value(random_events(n, r), k);
    double const d = 1.0 / static_cast<double>(k) - 1.0 / static_cast<double>(n);
    CHECK(sum / 1000 == doctest::Approx(d / 6 - d * d / 12).epsilon(0.01).scale(0));
  }
}

TEST_CASE("the loss sees a bump, and no more in a constant or a single neighbourhood") {
  auto events = random_events(240, 1);
  double const flat = value(events, 12);
  for (auto& e : events) {
    if (e.mass > 120 && e.mass < 130) e.score += 0.7F;
  }
  CHECK(value(events, 12) > 1.5 * flat);
  for (auto& e : events) e.score = 0.5F;
  std::vector<double> slopes(events.size());
  CHECK(ct::train::cvm_loss(events, 12, slopes) == 0);
  for (double s : slopes) CHECK(s == 0);
  CHECK(std::abs(value(random_events(12, 2), 12)) < 1e-12);  // all are one group
  CHECK(value(random_events(11, 2), 12) == 0);
}

TEST_CASE("numbers that are not finite are told, not sorted") {
  for (bool is_mass : {false, true}) {
    for (float bad : {std::nanf(""), HUGE_VALF}) {
      auto events = random_events(120, 1);
      (is_mass ? events[7].mass : events[7].score) = bad;
      std::vector<double> slopes(events.size(), 1.0);
      CHECK(std::isnan(ct::train::cvm_loss(events, 12, slopes)));
      for (double s : slopes) CHECK(s == 0);
    }
  }
}

TEST_CASE("events that score too high where others are low are pushed down") {
  auto events = random_events(240, 1);
  for (auto& e : events) {
    if (e.mass > 120 && e.mass < 130) e.score += 2;
  }
  std::vector<double> slopes(events.size());
  ct::train::cvm_loss(events, 12, slopes);
  double inside = 0, outside = 0;
  for (std::size_t i = 0; i < events.size(); ++i) (events[i].score > 2 ? inside : outside) += slopes[i];
  CHECK(inside > 0);  // descent lowers the score
  CHECK(outside < 0);
}

// The integral whose slope is taken, for one event alone: K p / n_i times the sum over its groups of the
// integral of (F_g - F)^2, F held fixed; by summation over the intervals between all scores.
TEST_CASE("slopes are the derivatives of the integral, by finite differences") {
  for (bool weighted : {false, true}) {
    std::size_t const n = 60, k = 7;
    auto const events = random_events(n, 3, weighted);
    std::vector<double> slopes(n);
    ct::train::cvm_loss(events, k, slopes);
    std::vector<double> masses;
    for (auto const& e : events) masses.push_back(static_cast<double>(e.mass));
    auto const by_mass = ct::eval::rising_order(masses);
    std::vector<double> rising;
    for (std::size_t i : by_mass) rising.push_back(masses[i]);
    auto const begin = ct::eval::nearest_begin(rising, k);
    auto const weight = [&](std::size_t i) { return static_cast<double>(events[i].weight); };
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += weight(i);
    for (std::size_t i = 0; i < n; ++i) {
      auto const share = [&](double score_of_i) {
        double sum = 0;
        int groups = 0;
        for (std::size_t first : begin) {
          double group_weight = 0;
          bool holds = false;
          for (std::size_t j = first; j < first + k; ++j) {
            group_weight += weight(by_mass[j]);
            holds = holds || by_mass[j] == i;
          }
          if (!holds) continue;
          ++groups;
          std::vector<double> edges;
          for (auto const& e : events) edges.push_back(static_cast<double>(e.score));
          edges.push_back(score_of_i);
          std::sort(edges.begin(), edges.end());
          double integral = 0;
          for (std::size_t a = 0; a + 1 < edges.size(); ++a) {
            double const at = (edges[a] + edges[a + 1]) / 2;
            double all = 0, local = 0;
            for (std::size_t j = 0; j < n; ++j)
              all += static_cast<double>(events[j].score) < at ? weight(j) : 0;
            for (std::size_t j = first; j < first + k; ++j) {
              std::size_t const e = by_mass[j];
              double const score = e == i ? score_of_i : static_cast<double>(events[e].score);
              local += score < at ? weight(e) : 0;
            }
            integral += std::pow(local / group_weight - all / total, 2) * (edges[a + 1] - edges[a]);
          }
          sum += integral * group_weight / weight(i);
        }
        return weight(i) / total * sum / groups;
      };
      double const at = static_cast<double>(events[i].score), h = 1e-6;
      double const numeric = (share(at + h) - share(at - h)) / (2 * h);
      CHECK(slopes[i] == doctest::Approx(numeric).epsilon(1e-5).scale(0));
    }
  }
}

TEST_CASE("a ring tells where an event stands, and keeps its own scores") {
  auto const all = random_events(240, 4);
  std::vector<double> every(240), fresh(40);
  double const whole = ct::train::cvm_loss(all, 12, every);
  CHECK(ct::train::cvm_loss(all, 12, fresh) == whole);
  // Six times fewer events carry the mean.
  for (std::size_t i = 0; i < 40; ++i) CHECK(fresh[i] == doctest::Approx(6 * every[i]).epsilon(1e-12).scale(0));
}

TEST_CASE("the slope reaches the logits through the log-odds of class 0") {
  std::array<double, 3> const logits{0.3, -0.4, 1.1};
  auto const log_odds = [](std::array<double, 3> z) {
    return z[0] - std::log(std::exp(z[1]) + std::exp(z[2]));
  };
  CHECK(ct::kernel::element::log_odds<3>(logits.data()) == doctest::Approx(log_odds(logits)));
  std::array<double, 3> slope{1, 2, 3};
  ct::train::add_log_odds_slope<3>(logits.data(), 5, slope.data());
  for (std::size_t c = 0; c < 3; ++c) {
    auto up = logits, down = logits;
    up[c] += 1e-6;
    down[c] -= 1e-6;
    CHECK(slope[c] - static_cast<double>(c + 1) == doctest::Approx(5 * (log_odds(up) - log_odds(down)) / 2e-6));
  }
  double const one = 0.7;
  double single = 2;
  ct::train::add_log_odds_slope<1>(&one, 3, &single);
  CHECK(single == 5);
  CHECK(ct::kernel::element::log_odds<1>(&one) == 0.7);
}

struct net {
  struct input {
    static constexpr auto features() { return ct::labels("angle", "mass"); }
  };
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(dense{.units = 24}, relu{}, dense{.units = 24}, relu{}, logits{});
  }
};

// A signal with a mass, two backgrounds without, and an angle that tells a little.
struct peak {
  std::vector<std::array<float, 2>> points;
  std::vector<float> masses;
  explicit peak(std::size_t n, std::uint64_t seed) {
    for (std::size_t i = 0; i < n; ++i) {
      ct::stream draw(seed, i, 9);
      auto const [a, b] = draw.normal_pair();
      bool const signal = i % 3 == 0;
      masses.push_back(signal ? 125 + 2 * a : 90 + 40 * draw.exponential());
      points.push_back({b + (signal ? 0.7F : 0.F), (masses.back() - 120) / 20});
    }
  }
  std::size_t size() const { return points.size(); }
  std::span<float const> sample(std::size_t i) const { return points[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t i) const { return i % 2 == 0 ? 1.0F : 0.8F; }
  float mass(std::size_t i) const { return masses[i]; }
};
static_assert(ct::concepts::massive_dataset<peak>);

using cpu = ct::exec::cpu<>;

ct::train::options settings(double strength, int ring) {
  return {.optimiser = {.learning_rate = 5e-3},
          .batch_size = ring > 0 ? 60 : 360,
          .epochs = 3,
          .decorrelation = {.strength = strength, .ring = ring}};
}

template <class Policy, class Data>
ct::train::trainer<net, Policy> trained(ct::train::options o, Data const& data, int threads) {
  o.threads = threads;
  ct::train::trainer<net, Policy> t(ct::nn::model<net>::random(1), o);
  for (int e = 0; e < o.epochs; ++e) t.epoch(data, [](auto...) {});
  return t;
}

TEST_CASE(
    "training with decorrelation gives the same bits for any number of threads and the scalar reference") {
  peak const data(700, 2);
  for (int ring : {0, 240}) {
    auto const o = settings(1, ring);
    auto const one = trained<cpu>(o, data, 1).save();
    CHECK(one.parameters == trained<cpu>(o, data, 2).save().parameters);
    CHECK(one.parameters == trained<cpu>(o, data, 5).save().parameters);
    CHECK(one.parameters == trained<ct::exec::scalar>(o, data, 1).save().parameters);
    CHECK(one.parameters != trained<cpu>(settings(0, ring), data, 1).save().parameters);
    CHECK(one.ring.size() == static_cast<std::size_t>(ring));
  }
}

TEST_CASE("a ring that gathers adds no loss before the neighbours are near") {
  peak const data(600, 2);
  auto o = settings(1, 240);
  ct::train::trainer<net, cpu> with(ct::nn::model<net>::random(1), o);
  o.decorrelation.strength = 0;
  ct::train::trainer<net, cpu> without(ct::nn::model<net>::random(1), o);
  // 20 of the class in each: the sixth knows ten times 12.
  for (std::size_t s = 0; s < 6; ++s) {
    std::vector<std::size_t> batch;
    for (std::size_t i = 0; i < 60; ++i) batch.push_back(60 * s + i);
    double const loss = with.step(data, batch);
    CHECK((loss == without.step(data, batch)) == (s < 5));
    CHECK((with.save().parameters == without.save().parameters) == (s < 5));
    CHECK(with.save().ring.size() == 20 * (s + 1));
  }
}

// The same events, none of the decorrelated class below 100 GeV with a mass.
struct partly_massive : peak {
  using peak::peak;
  float mass(std::size_t i) const { return masses[i] < 100 ? 0.0F : masses[i]; }
};

TEST_CASE("events without a mass are not decorrelated") {
  partly_massive const data(900, 2);
  auto const with_mass = [&](auto const& of) {
    std::size_t n = 0;
    for (std::size_t i = 1; i < of.size(); i += 3) n += of.mass(i) > 0;
    return n;
  };
  CHECK(with_mass(data) < 250);
  auto o = settings(1, 400);
  o.epochs = 1;
  auto const t = trained<cpu>(o, data, 1);
  CHECK(t.save().ring.size() == with_mass(data));
  for (auto const& e : t.save().ring) CHECK(e.mass >= 100);
  struct none : peak {
    using peak::peak;
    float mass(std::size_t) const { return 0; }
  };
  ct::train::trainer<net, cpu> refused(ct::nn::model<net>::random(1), o);
  ct::train::run_state<net> state;
  auto const done = ct::train::fit(
      refused, none(900, 2), none(9, 3), state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(done.error() != nullptr);
  CHECK(done.error()->message().find("has a mass") != std::string::npos);
}

TEST_CASE("a mass that is no number is refused") {
  struct broken : peak {
    using peak::peak;
    float mass(std::size_t i) const { return i == 301 ? std::nanf("") : masses[i]; }
  };
  auto o = settings(1, 240);
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(1), o);
  ct::train::run_state<net> state;
  auto const done = ct::train::fit(
      t, broken(900, 2), broken(9, 3), state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(done.error() != nullptr);
  CHECK(done.error()->message() ==
        "training event 301: the mass is not a finite number; give 0 where an event has none");
}

TEST_CASE("a classifier that knows the mass forgets it") {
  peak const data(9000, 2), validation(6000, 3);
  auto const figure = [&](double strength) {
    auto o = settings(strength, 0);
    o.optimiser.learning_rate = 3e-3;
    o.epochs = 16;
    auto const t = trained<cpu>(o, data, 2);
    auto const p = ct::train::predict<net, cpu>(t.model(), validation, 2);
    return std::pair(ct::eval::cvm(p, 1)->value, ct::eval::one_versus_one(p, 0, 1)->auc());
  };
  auto const [aware_cvm, aware_auc] = figure(0);
  auto const [cvm, auc] = figure(10);
  CAPTURE(aware_cvm);
  CAPTURE(aware_auc);
  CAPTURE(cvm);
  CAPTURE(auc);
  CHECK(aware_cvm > 0.03);
  CHECK(cvm < 0.1 * aware_cvm);
  CHECK(auc < aware_auc);
  CHECK(auc > 0.6);  // the angle is left
}

TEST_CASE("stratified batches hold their share of every class") {
  peak const data(700, 2);
  auto const order = ct::train::stratified_order(data, 1, 0);
  CHECK(order != ct::train::stratified_order(data, 1, 1));
  CHECK(order == ct::train::stratified_order(data, 1, 0));
  std::vector<int> seen(700);
  for (std::size_t i : order) ++seen[i];
  CHECK(*std::min_element(seen.begin(), seen.end()) == 1);
  for (std::size_t from = 0; from + 60 <= order.size(); ++from) {
    std::array<int, 3> count{};
    for (std::size_t i = from; i < from + 60; ++i) ++count[static_cast<std::size_t>(data.label(order[i]))];
    for (int c : count) CHECK(std::abs(c - 20) <= 1);
  }
}

TEST_CASE("the chosen epoch has the largest AUC within the bound, else the smallest CvM") {
  ct::train::epoch_report a, b;
  a.validation_auc = 0.9;
  a.validation_cvm = {.value = 0.005, .windows = 1};
  b.validation_auc = 0.8;
  b.validation_cvm = {.value = 0.001, .windows = 1};
  using ct::train::is_better;
  CHECK(is_better(a, b, 0));
  CHECK(is_better(a, b, 0.01));
  CHECK(is_better(b, a, 0.002));
  CHECK(!is_better(a, b, 0.002));
  CHECK(is_better(b, a, 0.0001));
  CHECK(!is_better(a, b, 0.0001));
  CHECK(!is_better(a, a, 0));
  b.validation_cvm = {};
  CHECK(!is_better(b, a, 0.01));
  // None is not a small one, where neither keeps to the bound.
  CHECK(!is_better(b, a, 0.0001));
  CHECK(is_better(a, b, 0.0001));
  CHECK(!is_better(b, b, 0.0001));
}

TEST_CASE("an epoch within the bound is chosen in a run") {
  peak const data(1500, 2), validation(1500, 3);
  auto o = settings(5, 240);
  o.epochs = 6;
  o.cvm_bound = 0.004;
  ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(1), o);
  ct::train::run_state<net> state;
  auto const done = ct::train::fit(
      t, data, validation, state, [](auto const&) {}, [](auto const&) { return true; });
  REQUIRE(done);
  auto const* const best = state.best();
  REQUIRE(best != nullptr);
  CHECK(best->validation_auc == state.best_auc);
  for (auto const& e : state.history) {
    CHECK(e.validation_cvm.windows > 0);
    CHECK(e.validation_cvm.floor == doctest::Approx((1.0 / 200 - 1.0 / 500) / 6).epsilon(0.05).scale(0));
    CHECK(!ct::train::is_better(e, *best, o.cvm_bound));
  }
}

TEST_CASE("what cannot be decorrelated is refused before the work") {
  struct without_mass {
    peak const& data;
    std::size_t size() const { return data.size(); }
    std::span<float const> sample(std::size_t i) const { return data.sample(i); }
    int label(std::size_t i) const { return data.label(i); }
    float weight(std::size_t i) const { return data.weight(i); }
  };
  auto const refusal = [](auto const& data, auto const& validation, ct::train::options const& o) {
    ct::train::trainer<net, cpu> t(ct::nn::model<net>::random(1), o);
    ct::train::run_state<net> state;
    auto const done = ct::train::fit(
        t, data, validation, state, [](auto const&) {}, [](auto const&) { return true; });
    return done.error() == nullptr ? std::string() : done.error()->message();
  };
  peak const data(300, 2);
  auto o = settings(1, 0);
  CHECK(
      refusal(data, data, o) ==
      "decorrelation: 12 neighbours are to be found among 100 events, which is no neighbourhood; make batches "
      "larger, or keep a ring, so that there are 120");
  o.decorrelation.ring = 240;
  CHECK(refusal(without_mass{data}, without_mass{data}, o).find("has a mass") != std::string::npos);
  o.decorrelation.neighbours = 0;
  CHECK(refusal(data, data, o).find("there are no neighbours") != std::string::npos);
  o = settings(0, 0);
  o.cvm_bound = 0.002;
  CHECK(refusal(data, data, o) ==
        "bound on CvM: CvM needs 200 validation events of the class, there are 100; validate with more events, "
        "or "
        "leave the bound out");
}

}  // namespace
