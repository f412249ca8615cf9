#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <calotype/detector/axis.hpp>

using namespace calotype;

namespace {

double const not_a_number = std::numeric_limits<double>::quiet_NaN();
double const infinity = std::numeric_limits<double>::infinity();

template <class Axis>
void check_every_bin(Axis const& axis) {
  for (int k = 0; k < axis.size(); ++k) {
    CHECK(axis.find(axis.center(k)) == k);
    CHECK(axis.lower(k) < axis.upper(k));
    int const label = axis.labels.label(k);
    CHECK(axis.labels.bin(label, axis.size()) == k);
  }
  CHECK(axis.find(not_a_number) == -1);
  CHECK(axis.find(infinity) == -1);
  CHECK(axis.find(-infinity) == -1);
}

}  // namespace

TEST_CASE("numbering: steps and a missing zero") {
  numbering const ieta{.first = -85, .skip_zero = true};
  CHECK(ieta.label(0) == -85);
  CHECK(ieta.label(84) == -1);
  CHECK(ieta.label(85) == 1);
  CHECK(ieta.label(169) == 85);
  CHECK(ieta.bin(0, 170) == -1);
  CHECK(ieta.bin(86, 170) == -1);
  CHECK(ieta.bin(-86, 170) == -1);
  for (int k = 0; k < 170; ++k) CHECK(ieta.bin(ieta.label(k), 170) == k);

  numbering const odd{.first = 1, .step = 2};
  CHECK(odd.label(35) == 71);
  CHECK(odd.bin(2, 36) == -1);
  CHECK(odd.bin(71, 36) == 35);
  CHECK(odd.bin(73, 36) == -1);
  CHECK(odd.bin(-1, 36) == -1);

  numbering const from_zero{.first = 0, .skip_zero = true};  // zero is skipped only on the way from -1 to 1
  CHECK(from_zero.bin(0, 3) == -1);
}

TEST_CASE("regular: lower edges belong to the cell, the upper end does not") {
  regular const axis{.bins = 4, .low = -1, .high = 1, .labels = {.first = 10}};
  check_every_bin(axis);
  CHECK(axis.find(-1) == 0);
  CHECK(axis.find(-0.5) == 1);
  CHECK(axis.find(0) == 2);
  CHECK(axis.find(1) == -1);
  CHECK(axis.find(std::nextafter(1.0, 0.0)) == 3);
  CHECK(axis.find(std::nextafter(-1.0, -2.0)) == -1);
  CHECK(axis.lower(4) == 1);
  CHECK(axis.upper(3) == 1);
  CHECK_FALSE(axis.inspect());
  CHECK(regular{.bins = 0, .low = 0, .high = 1}.inspect().what == defect::no_bins);
  CHECK(regular{.bins = 3, .low = 1, .high = 1}.inspect().what == defect::edges_do_not_ascend);
  CHECK(regular{.bins = 3, .low = 0, .high = not_a_number}.inspect().what == defect::edges_do_not_ascend);
  CHECK(regular{.bins = 3, .low = 0, .high = 1, .labels = {.step = 0}}.inspect().what ==
        defect::labels_do_not_advance);
}

TEST_CASE("regular: an edge is found in the cell above it, whatever it rounds to") {
  for (regular const axis : {regular{200, -2.5, 2.5}, regular{7, 0.1, 0.8}, regular{63, -3.15, 3.15},
                             regular{1000, -1.0 / 3, 1e3}}) {
    CAPTURE(axis.bins);
    bool found = true;
    for (int k = 0; k < axis.bins; ++k) {
      double const edge = axis.lower(k);
      found = found && axis.find(edge) == k && axis.find(std::nextafter(edge, -1e9)) == k - 1;
    }
    CHECK(found);
  }
}

TEST_CASE("edges: bisection finds what a walk finds") {
  edges const axis{.at = std::array{0., 0.1, 0.15, 2., 2.5, 7.}, .labels = {.first = 1}};
  check_every_bin(axis);
  for (int i = -10; i < 800; ++i) {
    double const x = 0.01 * i;
    int expected = -1;
    for (int k = 0; k < axis.size(); ++k)
      if (x >= axis.lower(k) && x < axis.upper(k)) expected = k;
    CHECK(axis.find(x) == expected);
  }
  CHECK(edges<3>{.at = {0, 1, 1}}.inspect().what == defect::edges_do_not_ascend);
  CHECK(edges<3>{.at = {0, 1, 1}}.inspect().at == 2);
  CHECK(edges<3>{.at = {0, not_a_number, 1}}.inspect().at == 1);
  CHECK_FALSE(edges<2>{.at = {0, 1}}.inspect());
}

TEST_CASE("edges_and_centers: centres are those given") {
  edges_and_centers<2> const axis{.at = {0, 1, 3}, .centers = {0.4, 1.5}};
  check_every_bin(axis);
  CHECK(axis.center(1) == 1.5);
  edges_and_centers<2> const swapped{.at = {0, 1, 3}, .centers = {1.5, 0.4}};
  CHECK(swapped.inspect().what == defect::centers_do_not_ascend);
}

TEST_CASE("periodic: zero falls on an edge, everything within 1e9 cells is wrapped") {
  double const degree = math::pi / 180;
  periodic const iphi{.bins = 360, .offset = 10, .labels = {.first = 1}};
  check_every_bin(iphi);
  CHECK(iphi.find(0.0) == 10);
  CHECK(iphi.find(-0.0) == 10);
  CHECK(iphi.find(std::nextafter(0.0, -1.0)) == 10);  // 1e-324 of a cell is lost against the offset
  CHECK(iphi.find(-1e-6) == 9);
  CHECK(iphi.find(-9.999 * degree) == 0);
  CHECK(iphi.find(-10.001 * degree) == 359);
  CHECK(iphi.find(179.5 * degree) == 189);
  CHECK(iphi.find(-179.5 * degree) == 190);
  CHECK(iphi.find(double(3.14159274f)) == 190);  // the float above pi
  for (int turns = -3; turns <= 3; ++turns) CHECK(iphi.find(0.5 * degree + turns * 2 * math::pi) == 10);
  for (int k = 0; k < 360; ++k) {
    CHECK(iphi.center(k) > -math::pi);
    CHECK(iphi.center(k) <= math::pi);
    CHECK(iphi.lower(k) >= -math::pi - 1e-12);
    CHECK(std::remainder(iphi.center(k) - (k - 9.5) * degree, 2 * math::pi) ==
          doctest::Approx(0).epsilon(1e-12));
  }
  periodic const hf{
      .bins = 18, .offset = -0.5, .labels = {.first = 3, .step = 4}};  // bin 0 is 10 .. 30 degrees
  check_every_bin(hf);
  CHECK(hf.find(10.001 * degree) == 0);
  CHECK(hf.find(9.999 * degree) == 17);
  CHECK(hf.labels.label(17) == 71);
  check_every_bin(periodic{.bins = 1, .offset = 0.5});
  check_every_bin(periodic{.bins = 62, .offset = 31});
  CHECK(periodic{.bins = 7}.find(1e300) == -1);  // too far for a cell to mean anything
}

TEST_CASE("mirror: edges share a zero, centres do not") {
  constexpr auto both = mirror_edges(std::array{0., 1., 3.});
  CHECK(both == std::array{-3., -1., 0., 1., 3.});
  CHECK(mirror_centers(std::array{0.5, 2.}) == std::array{-2., -0.5, 0.5, 2.});
}
