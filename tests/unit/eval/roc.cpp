#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/eval/roc.hpp>

namespace {

namespace eval = calotype::eval;

calotype::result<eval::roc_curve> make(std::vector<double> const& scores, std::vector<char> const& truth,
                                       std::vector<double> const& weights = {}) {
  return eval::roc_curve::make(std::span<double const>(scores), std::span<char const>(truth),
                               std::span<double const>(weights));
}

TEST_CASE("a perfect, an inverted and a blind classifier") {
  CHECK(make({4, 3, 2, 1}, {1, 1, 0, 0})->auc() == 1);
  CHECK(make({4, 3, 2, 1}, {0, 0, 1, 1})->auc() == 0);
  auto const blind = make({7, 7, 7, 7}, {1, 0, 1, 0});
  CHECK(blind->auc() == 0.5);
  REQUIRE(blind->points().size() == 2);
  CHECK(blind->points().front().false_positive_rate == 0);
  CHECK(blind->points().back().true_positive_rate == 1);
}

TEST_CASE("the area is the Mann-Whitney statistic, ties one half") {
  // Signal 3, 1 against background 2, 1: wins 1 + 1 of the pairs with 3, 0 + 1/2 of those with 1.
  auto const curve = make({3, 1, 2, 1}, {1, 1, 0, 0});
  CHECK(curve->auc() == doctest::Approx(2.5 / 4));
}

TEST_CASE("a weight of two is the same event twice") {
  auto const once = make({5, 4, 3, 2, 1}, {1, 0, 1, 0, 1}, {1, 2, 1, 1, 2});
  auto const twice = make({5, 4, 4, 3, 2, 1, 1}, {1, 0, 0, 1, 0, 1, 1});
  CHECK(once->auc() == doctest::Approx(twice->auc()));
  CHECK(once->false_positive_rate_at(0.6) == doctest::Approx(twice->false_positive_rate_at(0.6)));
  CHECK(once->signal_weight() == 4);
  CHECK(once->background_weight() == 3);
}

TEST_CASE("DeLong's error by hand") {
  // V10 = {1, 1/2}, V01 = {1/2, 1}, A = 3/4: variance of each is 1/8, divided by 2 events each.
  auto const curve = make({4, 2, 3, 1}, {1, 1, 0, 0});
  CHECK(curve->auc() == 0.75);
  CHECK(curve->auc_error() == doctest::Approx(std::sqrt(0.125 / 2 + 0.125 / 2)));
  // Equal weights of any size change nothing.
  auto const scaled = make({4, 2, 3, 1}, {1, 1, 0, 0}, {3, 3, 7, 7});
  CHECK(scaled->auc_error() == doctest::Approx(curve->auc_error()));
  CHECK(std::isinf(make({2, 1}, {1, 0})->auc_error()));
}

TEST_CASE("background at a signal efficiency") {
  // Points (tpr, fpr): (0,0) (1/2,0) (1/2,1/2) (1,1/2) (1,1).
  auto const curve = make({4, 2, 3, 1}, {1, 1, 0, 0});
  CHECK(curve->false_positive_rate_at(0) == 0);
  CHECK(curve->false_positive_rate_at(0.5) == 0);  // the smallest where the curve is flat
  CHECK(curve->false_positive_rate_at(0.7) == 0.5);
  CHECK(curve->false_positive_rate_at(1) == 0.5);
  CHECK(curve->threshold_at(0.5) == 4);
  CHECK(curve->threshold_at(0.7) == 2);
  CHECK(curve->threshold_at(1) == 2);
  // Ten ties of signal and background: one point at (1, 1).
  auto const tied =
      make(std::vector<double>(20, 1.0), {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0});
  CHECK(tied->false_positive_rate_at(0.7) == doctest::Approx(0.7));
  CHECK(tied->false_positive_rate_at(0.7, eval::reading::first_point) == 1);
}

TEST_CASE("collinear points are kept, so that the first point is a real cut") {
  auto const curve = make({4, 4, 3, 3, 2, 2, 1, 1}, {1, 0, 1, 0, 1, 0, 1, 0});
  CHECK(curve->points().size() == 5);
  CHECK(curve->false_positive_rate_at(0.7, eval::reading::first_point) == 0.75);
}

TEST_CASE("what cannot be judged is refused with a place") {
  auto const message = [](auto const& r) {
    return r.error() != nullptr ? r.error()->message() : std::string();
  };
  double const nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(message(make({1, 2}, {1})) == "there are 1 truths for 2 events; give one per event");
  CHECK(message(make({1, 2}, {1, 0}, {1})) == "there are 1 weights for 2 events; give one per event");
  CHECK(message(make({1, nan}, {1, 0})) == "event 1: the score is not a finite number; leave the event out");
  CHECK(message(make({1, 2}, {1, 0}, {-1, 1})).find("event 0: the weight is negative") == 0);
  CHECK(message(make({1, 2}, {0, 0})) == "ROC curve: no signal event; give events of both kinds");
  CHECK(message(make({1, 2}, {1, 1})) == "ROC curve: no background event; give events of both kinds");
  CHECK(message(make({}, {})) == "ROC curve: no signal event; give events of both kinds");
}

}  // namespace
