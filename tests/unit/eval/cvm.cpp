#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/eval/cvm.hpp>

namespace {

namespace ct = calotype;
namespace eval = calotype::eval;
using list = std::vector<double>;

list count_to(std::size_t n) {
  list values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i);
  return values;
}

list uniform(std::size_t n, std::uint64_t event) {
  ct::stream draw(5, event, 1);
  list values(n);
  for (double& v : values) v = draw.uniform<double>();
  return values;
}

constexpr eval::cvm_options published{.ties = eval::tied_scores::in_mass_order};

// Golden values: the published algorithm (tests/reference/eval/cvm.py), run in Python.
TEST_CASE("golden values of the published figure") {
  list const masses = count_to(1000);
  list flat;
  list bump;
  std::uint64_t x = 12345;
  for (int i = 0; i < 1000; ++i) {
    x = (1103515245 * x + 12345) % (std::uint64_t{1} << 31);
    flat.push_back(static_cast<double>(x) * 0x1p-31);
    bump.push_back(flat.back() + (i >= 400 && i < 600 ? 0.2 : 0));
  }
  auto const ordered = eval::cvm(masses, masses, {}, published);
  REQUIRE(ordered);
  CHECK(ordered->windows == 17);
  CHECK(ordered->events == 1000);
  CHECK(ordered->value == doctest::Approx(0.113334).epsilon(1e-9).scale(0));
  CHECK(eval::cvm(flat, masses, {}, published)->value ==
        doctest::Approx(0.00042074882353).epsilon(1e-9).scale(0));
  CHECK(eval::cvm(bump, masses, {}, published)->value ==
        doctest::Approx(0.00456399705882).epsilon(1e-9).scale(0));
  // Without ties both rules say the same, and any monotonous function of the score.
  CHECK(eval::cvm(bump, masses)->value == eval::cvm(bump, masses, {}, published)->value);
  list logit;
  for (double s : flat) logit.push_back(std::log(s / (1 - s)));
  CHECK(eval::cvm(logit, masses)->value == eval::cvm(flat, masses)->value);
}

TEST_CASE("a constant score is a copy of the mass as published, and noise when its ties are shuffled") {
  list const masses = count_to(1000);
  list const constant(1000, 0.5);
  CHECK(eval::cvm(constant, masses, {}, published)->value == doctest::Approx(0.113334).scale(0));
  auto const shuffled = eval::cvm(constant, masses);
  CHECK(std::abs(shuffled->value - shuffled->floor) < 4 * shuffled->floor_error);
  CHECK(shuffled->value == eval::cvm(constant, masses)->value);
  CHECK(shuffled->value != eval::cvm(constant, masses, {}, {.seed = 2})->value);
  // 30 % of equal scores.
  list some = uniform(11'800, 1);
  for (double& s : some) s = std::max(s, 0.3);
  list const many = count_to(11'800);
  CHECK(eval::cvm(some, many, {}, published)->value > 0.004);
  auto const even = eval::cvm(some, many);
  CHECK(std::abs(even->value - even->floor) < 4 * even->floor_error);
}

TEST_CASE("the order in which events are listed does not matter") {
  list masses = uniform(700, 2);
  list scores = uniform(700, 3);
  double const value = eval::cvm(scores, masses)->value;
  std::reverse(masses.begin(), masses.end());
  std::reverse(scores.begin(), scores.end());
  CHECK(eval::cvm(scores, masses)->value == doctest::Approx(value).epsilon(1e-12).scale(0));
}

// Mean and deviation over permutations, against the formula.
void check_floor(std::size_t n, list const& weights, int repetitions) {
  list const masses = count_to(n);
  double sum = 0;
  double squares = 0;
  eval::cvm_figure f;
  for (int r = 0; r < repetitions; ++r) {
    f = *eval::cvm(uniform(n, static_cast<std::uint64_t>(r)), masses, weights);
    sum += f.value;
    squares += f.value * f.value;
  }
  double const mean = sum / repetitions;
  double const deviation = std::sqrt(squares / repetitions - mean * mean);
  CAPTURE(n);
  CHECK(std::abs(mean - f.floor) < 3.5 * deviation / std::sqrt(repetitions));
  CHECK(deviation == doctest::Approx(f.floor_error).epsilon(0.15).scale(0));
}

TEST_CASE("the floor and its spread are those of random scores") {
  check_floor(1000, {}, 400);
  check_floor(5000, {}, 200);
  auto const f = eval::cvm(uniform(11'800, 1), count_to(11'800));
  CHECK(f->floor == doctest::Approx((1.0 / 200 - 1.0 / 11'800) / 6).epsilon(1e-9).scale(0));
  CHECK(f->floor_error == doctest::Approx(0.00008).epsilon(0.05).scale(0));
  list weights = uniform(2000, 9);
  for (double& w : weights) w = 0.2 + 3 * w;
  check_floor(2000, weights, 300);
}

TEST_CASE("equal weights of any size change nothing, and a weight of 0 is an event less to look at") {
  list const masses = uniform(900, 2);
  list const scores = uniform(900, 3);
  auto const plain = eval::cvm(scores, masses);
  auto const same = eval::cvm(scores, masses, list(900, 2.5));
  CHECK(same->value == doctest::Approx(plain->value).epsilon(1e-12).scale(0));
  CHECK(same->floor == doctest::Approx(plain->floor).epsilon(1e-9).scale(0));
  // One window of all events, half of them without weight: nothing differs from itself.
  list weights(900, 1.0);
  for (std::size_t i = 0; i < 900; i += 2) weights[i] = 0;
  CHECK(std::abs(eval::cvm(scores, masses, weights, {.window = 900})->value) < 1e-12);
  CHECK(eval::cvm_of_neighbours(scores, masses, list(900, 2.5)).operator*() ==
        doctest::Approx(*eval::cvm_of_neighbours(scores, masses)).epsilon(1e-12).scale(0));
}

TEST_CASE("the figure of neighbours sees a bump and not a constant score") {
  list const masses = count_to(1000);
  list bump = uniform(1000, 4);
  double const flat = *eval::cvm_of_neighbours(bump, masses);
  for (std::size_t i = 400; i < 600; ++i) bump[i] += 0.3;
  CHECK(*eval::cvm_of_neighbours(bump, masses) > 2 * flat);
  CHECK(std::abs(*eval::cvm_of_neighbours(list(1000, 0.5), masses)) < 1e-12);
}

TEST_CASE("15,600 events take much less than a second") {
  list const masses = uniform(15'600, 2);
  list const scores = uniform(15'600, 3);
  auto const start = std::chrono::steady_clock::now();
  REQUIRE(eval::cvm(scores, masses));
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 0.5);
}

TEST_CASE("what has no figure is refused with a place") {
  auto const message = [](auto const& r) {
    return r.error() != nullptr ? r.error()->message() : std::string();
  };
  list const scores(200, 1.0);
  list const masses(200, 125.0);
  CHECK(message(eval::cvm(list(199, 1.0), list(199, 125.0))) ==
        "CvM: there are 199 events, fewer than the 200 of one group; give more events of the class");
  CHECK(message(eval::cvm(scores, list(3, 1.0))) == "there are 3 masses for 200 events; give one per event");
  CHECK(message(eval::cvm(scores, masses, list(3, 1.0))) ==
        "there are 3 weights for 200 events; give one per event");
  list broken = masses;
  broken[7] = std::numeric_limits<double>::infinity();
  CHECK(message(eval::cvm(scores, broken)) == "event 7: the mass is not a finite number; leave the event out");
  CHECK(message(eval::cvm(broken, masses)) == "event 7: the score is not a finite number; leave the event out");
  broken[7] = -1;
  CHECK(message(eval::cvm(scores, masses, broken)).find("event 7: the weight is negative") == 0);
  CHECK(message(eval::cvm(scores, masses, list(200, 0.0))).find("no weight") != std::string::npos);
  CHECK(message(eval::cvm(scores, masses, {}, {.step = 0})).find("make the step at least 1") !=
        std::string::npos);
  CHECK(eval::cvm(scores, masses, {}, {.window = 0}).error() != nullptr);
  CHECK(eval::cvm_of_neighbours(scores, masses, {}, 201).error() != nullptr);
}

}  // namespace
