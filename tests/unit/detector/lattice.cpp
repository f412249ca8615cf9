#include <cmath>
#include <limits>
#include <string_view>

#include <doctest/doctest.h>

#include <calotype/detector/lattice.hpp>

using namespace calotype;

namespace {

double const not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Lattice>
void check_every_cell(Lattice const& lattice) {
  REQUIRE_FALSE(lattice.inspect());
  for (int i = 0; i < lattice.size(); ++i) {
    auto const [u, v] = lattice.center(i);
    CHECK(lattice.find(u, v, any_layer) == i);
    CHECK(lattice.index(lattice.labels(i)) == i);
  }
  CHECK(lattice.find(not_a_number, 0, any_layer) == -1);
  CHECK(lattice.find(0, not_a_number, any_layer) == -1);
  CHECK(lattice.find(1e12, 0, any_layer) == -1);
}

constexpr regular ten{.bins = 10, .low = 0, .high = 10};

}  // namespace

TEST_CASE("grid: row-major, labels of the axes") {
  grid const g{.u = regular{.bins = 3, .low = 0, .high = 3, .labels = {.first = 1}},
               .v = regular{.bins = 2, .low = 0, .high = 1}};
  check_every_cell(g);
  CHECK(g.size() == 6);
  CHECK(g.labels(3) == std::array{2, 1});
  CHECK(g.index({4, 0}) == -1);
  CHECK(g.index({1, -1}) == -1);
  auto const b = g.bounds(5);
  CHECK(b.u_low == 2);
  CHECK(b.u_high == 3);
  CHECK(b.v_low == 0.5);
  CHECK(b.v_high == 1);
}

TEST_CASE("mask: rows of their own length, with gaps") {
  std::array<row_limits, 3> const limits{row_limits{.first = 1, .last = 8, .gap_first = 3, .gap_last = 5},
                                         row_limits{},  // an empty row
                                         row_limits{.first = 9, .last = 9}};
  mask const m{limits};
  CHECK(m.size() == 6);
  int count = 0;
  for (int r = -1; r <= 3; ++r)
    for (int c = -1; c <= 10; ++c) {
      bool const exists = (r == 0 && c >= 1 && c <= 8 && !(c >= 3 && c <= 5)) || (r == 2 && c == 9);
      CHECK(m.has(r, c) == exists);
      if (!exists) continue;
      CHECK(m.index(r, c) == count++);
      CHECK(m.locate(m.index(r, c)).row == r);
      CHECK(m.locate(m.index(r, c)).column == c);
    }
  CHECK_FALSE(m.inspect(10));
  CHECK(m.inspect(9).what == defect::row_leaves_grid);
  CHECK(m.inspect(9).at == 2);
  check_every_cell(grid{.u = regular{.bins = 3, .low = 0, .high = 3}, .v = ten, .cells = m});
  grid const too_few_rows{.u = ten, .v = ten, .cells = m};
  CHECK(too_few_rows.inspect().what == defect::mask_rows_are_not_bins);
  mask const gap_outside{std::array{row_limits{.first = 2, .last = 4, .gap_first = 1, .gap_last = 2}}};
  CHECK(gap_outside.inspect(10).what == defect::gap_leaves_row);
}

TEST_CASE("mask_with_hole: a frame") {
  auto const frame = mask_with_hole<6>(8, 2, 4);
  CHECK(frame.size() == 6 * 8 - 2 * 4);
  CHECK_FALSE(frame.has(2, 2));
  CHECK_FALSE(frame.has(3, 5));
  CHECK(frame.has(1, 2));
  CHECK(frame.has(2, 1));
  CHECK(frame.has(3, 6));
}

TEST_CASE("rings: every ring has its own number of cells") {
  rings const r{std::array{
      ring{.label = 1, .low = 0, .high = 1, .around = {.bins = 8}},
      ring{.label = 2, .low = 1, .high = 2, .around = {.bins = 4, .labels = {.first = 1, .step = 2}}},
      ring{.label = 7, .low = 3, .high = 4, .around = {.bins = 1}}}};
  check_every_cell(r);
  CHECK(r.size() == 13);
  CHECK(r.find(2.5, 0, any_layer) == -1);  // between the rings
  CHECK(r.find(1, 0, any_layer) == 8);
  CHECK(r.index({2, 2}) == -1);
  CHECK(r.index({2, 7}) == 11);
  CHECK(r.index({7, 0}) == 12);
  CHECK(r.index({3, 0}) == -1);
  rings const same_label{std::array{ring{1, 0, 1, {.bins = 4}}, ring{1, 1, 2, {.bins = 4}}}};
  CHECK(same_label.inspect().what == defect::rings_share_a_label);
  CHECK(same_label.inspect().at == 1);
  rings const no_width{std::array{ring{1, 1, 1, {.bins = 4}}}};
  CHECK(no_width.inspect().what == defect::ring_without_width);
}

TEST_CASE("hexagonal: the nearest site, six neighbours at one pitch") {
  std::array<row_limits, 9> square{};
  square.fill({.first = 0, .last = 8});
  hexagonal<9> const h{.pitch = 0.7, .origin_a = 4, .origin_b = 4, .cells = mask{square}};
  check_every_cell(h);
  int const middle = h.index({4, 4});
  CHECK(h.center(middle).u == 0);
  CHECK(h.center(middle).v == 0);
  for (auto [a, b] : {std::array{5, 4}, {3, 4}, {4, 5}, {4, 3}, {5, 5}, {3, 3}}) {
    auto const [x, y] = h.center(h.index({a, b}));
    CHECK(std::hypot(x, y) == doctest::Approx(0.7));
  }
  // Every point near the middle goes to the site that is nearest by distance.
  for (int i = 0; i < 4000; ++i) {
    double const x = 1.4 * std::sin(1.7 * i), y = 1.4 * std::sin(2.3 * i + 1);
    int best = 0;
    auto const distance = [&](int k) { return std::hypot(h.center(k).u - x, h.center(k).v - y); };
    for (int k = 1; k < h.size(); ++k)
      if (distance(k) < distance(best)) best = k;
    CHECK(distance(h.find(x, y, any_layer)) == doctest::Approx(distance(best)).epsilon(1e-12));
  }
}

TEST_CASE("layer, unite: cells behind one another") {
  auto const near = layer{.number = 1, .cells = grid{.u = ten, .v = ten}};
  auto const far = layer{.number = 5, .cells = grid{.u = regular{.bins = 5, .low = 0, .high = 20}, .v = ten}};
  auto const both = unite(near, far);
  CHECK(both.size() == 150);
  CHECK(both.find(0.5, 0.5, any_layer) == 0);
  CHECK(both.find(0.5, 0.5, 1) == 0);
  CHECK(both.find(0.5, 0.5, 5) == 100);
  CHECK(both.find(0.5, 0.5, 2) == -1);
  CHECK(both.find(15, 0.5, any_layer) == 130);  // only the far layer reaches there
  CHECK(both.labels(100) == std::array{0, 0, 5});
  CHECK(both.index({0, 0, 5}) == 100);
  CHECK(both.index({0, 0, 3}) == -1);
  CHECK(both.bounds(100).u_high == 4);
  for (int i = 0; i < both.size(); ++i) {
    auto const [u, v] = both.center(i);
    CHECK(both.find(u, v, both.labels(i)[2]) == i);
    CHECK(both.index(both.labels(i)) == i);
  }
}

TEST_CASE("mirrored and two_sided: the same half on both sides") {
  auto const half = grid{.u = regular{.bins = 2, .low = 0, .high = 2, .labels = {.first = 1}}, .v = ten};
  mirrored const m{half};
  check_every_cell(m);
  CHECK(m.size() == 40);
  CHECK(m.labels(0) == std::array{-1, 0});
  CHECK(m.labels(20) == std::array{1, 0});
  CHECK(m.index({-2, 9}) == 19);
  CHECK(m.index({-3, 0}) == -1);
  CHECK(m.find(0.0, 0, any_layer) == 20);
  CHECK(m.find(-0.0, 0, any_layer) == 20);
  CHECK(m.find(-1.5, 0, any_layer) == 10);
  CHECK(m.bounds(10).u_low == -2);
  CHECK(m.bounds(10).u_high == -1);

  two_sided const t{half};
  check_every_cell(t);
  CHECK(t.labels(0) == std::array{1, 0, -1});
  CHECK(t.labels(39) == std::array{2, 9, 1});
  CHECK(t.index({1, 0, 0}) == -1);
  CHECK(t.index({1, 0, 1}) == 20);
}
