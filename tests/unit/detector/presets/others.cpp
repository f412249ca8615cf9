// Detectors that share nothing with CMS, walked through cell by cell.
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <calotype/detector/presets/atlas.hpp>
#include <calotype/detector/presets/calochallenge.hpp>
#include <calotype/detector/presets/hgcal.hpp>
#include <calotype/detector/presets/lhcb.hpp>

using namespace calotype;

namespace {

template <class D>
void walk(int expected_size, int layer_label = -1) {
  using s = segmentation<D>;
  CAPTURE(s::name());
  CHECK(s::size() == expected_size);
  int wrong = 0;
  for (int i = 0; i < s::size(); ++i) {
    auto const labels = std::bit_cast<std::array<int, s::rank>>(s::cell(i));
    auto const [u, v] = s::center(i);
    wrong += s::find(u, v, layer_label < 0 ? any_layer : labels[static_cast<std::size_t>(layer_label)]) != i;
    wrong += s::index(s::cell(i)) != i;
    if constexpr (s::has_ids) wrong += s::unpack(s::pack(i)) != i;
  }
  CHECK(wrong == 0);
  double const bad = std::numeric_limits<double>::quiet_NaN();
  CHECK(s::find(bad, 0) == -1);
  CHECK(s::find(0.1, bad) == -1);
}

}  // namespace

TEST_CASE("atlas: the plain grids do not nest") {
  walk<atlas::delphes_ecal>(200 * 252);
  walk<atlas::delphes_hcal>(50 * 62);
  // Some ECal cell straddles a border of the HCal grid in phi.
  using fine = segmentation<atlas::delphes_ecal>;
  using coarse = segmentation<atlas::delphes_hcal>;
  int straddling = 0;
  for (int i = 0; i < 252; ++i) {
    auto const b = fine::bounds(i);
    straddling += coarse::find(0, b.v_low + 1e-9) != coarse::find(0, b.v_high - 1e-9);
  }
  CHECK(straddling > 40);
}

TEST_CASE("atlas: strips of the liquid-argon barrel") {
  walk<atlas::lar_barrel_strips>(2 * (447 * 64 + 3 * 256), 2);
  using s = segmentation<atlas::lar_barrel_strips>;
  CHECK(s::find(0.003, 0) == -1);  // the first strip is missing
  CHECK(s::cell(s::find(0.0032, 0.01)).ieta == 1);
  CHECK(s::cell(s::find(1.3999, 0.2)).region == 0);
  CHECK(s::cell(s::find(1.3999, 0.2)).iphi == 2);
  CHECK(s::cell(s::find(-1.4001, 0.2)).region == 1);
  CHECK(s::cell(s::find(-1.4001, 0.2)).iphi == 8);
  CHECK(s::cell(s::find(-1.4001, 0.2)).side == -1);
  CHECK(s::find(1.475, 0.2) == -1);
}

TEST_CASE("lhcb: nested rectangles") {
  walk<lhcb::ecal>(1536 + 1792 + 2688);
  using s = segmentation<lhcb::ecal>;
  CHECK(s::find(0, 0) == -1);  // the beam
  CHECK(s::cell(s::find(0.5, 0.5)).area == 2);
  CHECK(s::cell(s::find(0.97, 0)).area == 1);
  CHECK(s::cell(s::find(1.94, 0)).area == 0);
  CHECK(s::find(3.88, 0) == -1);
  // No gap and no overlap: every point between the hole and the rim belongs to one area.
  for (int i = 0; i < 5000; ++i) {
    double const x = 3.878 * std::sin(1.3 * i), y = 3.151 * std::sin(2.9 * i + 1);
    int areas = 0;
    for (int area = 0; area < 3; ++area) areas += s::find(x, y, area) >= 0;
    CHECK(areas == (std::abs(x) < 0.3232 && std::abs(y) < 0.2424 ? 0 : 1));
  }
}

TEST_CASE("calochallenge: the columns of data set 1") {
  walk<calochallenge::photons>(368, 2);
  using s = segmentation<calochallenge::photons>;
  CHECK(s::index({0, 0, 1}) == 8);
  CHECK(s::index({1, 0, 1}) == 24);  // the radius runs fastest
  CHECK(s::index({0, 0, 2}) == 168);
  CHECK(s::index({0, 0, 12}) == 363);
  CHECK(s::find(0, 700, 3) == -1);
  CHECK(s::find(-3.14, 700, 12) == 366);
}

TEST_CASE("hgcal: hexagonal cells, centred on the wafer") {
  walk<hgcal::fine_wafer>(432);
  walk<hgcal::coarse_wafer>(192);
  using s = segmentation<hgcal::coarse_wafer>;
  double x = 0, y = 0, furthest = 0;
  for (int i = 0; i < s::size(); ++i) {
    auto const [cx, cy] = s::center(i);
    x += cx, y += cy;
    furthest = std::fmax(furthest, std::hypot(cx, cy));
  }
  CHECK(x / s::size() == doctest::Approx(0).epsilon(1e-12));
  CHECK(y / s::size() == doctest::Approx(0).epsilon(1e-12));
  CHECK(furthest < 0.16744 / std::sqrt(3.0));  // within the wafer's corners
  CHECK(s::find(0.2, 0) == -1);
}
