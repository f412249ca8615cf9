#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/report/cms_event_picture.hpp>
#include <calotype/report/event_picture.hpp>

namespace {

using namespace calotype::report;
namespace ct = calotype;

// A plane of 10 x 20 cells with one number in each channel.
struct small_plane {
  std::vector<float> tracks = std::vector<float>(200);
  std::vector<float> ecal = std::vector<float>(200);
  std::vector<float> hcal = std::vector<float>(200);

  panel show() const {
    panel p;
    p.rows = 10;
    p.cols = 20;
    p.tracks = tracks;
    p.ecal = ecal;
    p.hcal = hcal;
    return p;
  }
  picture draw(event_picture_options const& options = {}) const {
    return draw_event({"title", "subtitle", "note", {{show()}}}, options);
  }
};

// How many pixels two pictures of one size differ in, and the box round them.
struct difference {
  int pixels = 0;
  int left = 1 << 20, top = 1 << 20, right = -1, bottom = -1;
};
difference compare(picture const& a, picture const& b) {
  REQUIRE(a.width() == b.width());
  REQUIRE(a.height() == b.height());
  difference d;
  for (int y = 0; y < a.height(); ++y) {
    for (int x = 0; x < a.width(); ++x) {
      if (a.at(x, y) == b.at(x, y)) continue;
      ++d.pixels;
      d.left = std::min(d.left, x);
      d.right = std::max(d.right, x);
      d.top = std::min(d.top, y);
      d.bottom = std::max(d.bottom, y);
    }
  }
  return d;
}

TEST_CASE("a crystal is a square of its own place, larger by the growth") {
  small_plane const empty;
  auto const blank = empty.draw();
  for (int grow : {0, 1}) {
    small_plane one;
    one.ecal[3 * 20 + 7] = 1;
    auto const d = compare(one.draw({.ecal_growth = grow}), blank);
    CHECK(d.pixels == (4 + 2 * grow) * (4 + 2 * grow));
    CHECK(d.right - d.left + 1 == 4 + 2 * grow);
    small_plane next;
    next.ecal[4 * 20 + 8] = 1;
    auto const moved = compare(next.draw({.ecal_growth = grow}), blank);
    CHECK(moved.left == d.left + 4);
    CHECK(moved.top == d.top - 4);  // rows upwards
  }
}

TEST_CASE("what lies below its threshold is not drawn") {
  small_plane soft;
  soft.ecal[30] = 0.14F;
  soft.tracks[50] = 0.69F;
  soft.hcal[70] = 0.69F;
  CHECK(compare(soft.draw(), small_plane{}.draw()).pixels == 0);
  CHECK(compare(soft.draw({.track_threshold = 0.5}), small_plane{}.draw({.track_threshold = 0.5})).pixels > 10);
}

TEST_CASE("tracks are yellow, ECAL blue, HCAL grey; more energy is darker") {
  small_plane p;
  p.tracks[2 * 20 + 3] = 5;
  p.ecal[2 * 20 + 10] = 5;
  p.hcal[2 * 20 + 16] = 1.5F;
  p.ecal[7 * 20 + 10] = 0.3F;
  auto const drawn = p.draw();
  auto const blank = small_plane{}.draw();
  int yellow = 0;
  int blue = 0;
  int grey = 0;
  std::vector<int> blues;
  for (int y = 0; y < drawn.height(); ++y) {
    for (int x = 0; x < drawn.width(); ++x) {
      color const c = drawn.at(x, y);
      if (c == blank.at(x, y)) continue;
      yellow += c.red > 180 && c.blue < 120;
      grey += std::abs(c.red - c.blue) < 12 && c.red < 240;
      if (c.blue > c.red + 20) {
        ++blue;
        blues.push_back(c.red);
      }
    }
  }
  CHECK(yellow >= 20);
  CHECK(blue == 2 * 36);
  CHECK(grey >= 16);
  CHECK(std::count(blues.begin(), blues.end(), blues.front()) == 36);  // the soft crystal, above
  CHECK(blues.front() > blues.back());
}

TEST_CASE("the harder hit stays on top of its neighbour") {
  small_plane p;
  p.ecal[50] = 9;
  p.ecal[51] = 0.2F;
  small_plane q;
  q.ecal[50] = 9;
  auto const with = p.draw();
  auto const alone = q.draw();
  auto const box = compare(alone, small_plane{}.draw());
  for (int y = box.top; y <= box.bottom; ++y) {
    for (int x = box.left; x <= box.right; ++x) CHECK(with.at(x, y) == alone.at(x, y));
  }
}

TEST_CASE("the canvas fits its panels, and absent channels are no harm") {
  panel bare;
  bare.rows = 10;
  bare.cols = 20;
  event_picture what{"t", "", "", {{bare, bare}, {bare}}};
  auto const p = draw_event(what);
  CHECK(p.width() >= 2 * (20 * 4));
  CHECK(p.height() >= 2 * (10 * 4));
  auto const larger = draw_event(what, {.scale = 8});
  CHECK(larger.width() == p.width() + 2 * 20 * 4);
  CHECK(larger.height() == p.height() + 2 * 10 * 4);
}

TEST_CASE("without thresholds everything above zero is drawn, in colours of the scale") {
  event_picture_options const all{.track_threshold = 0, .ecal_threshold = 0, .hcal_threshold = 0};
  small_plane p;
  p.tracks[2 * 20 + 3] = 1e-6F;
  p.ecal[2 * 20 + 10] = 1e-6F;
  p.ecal[7 * 20 + 10] = 5;
  auto const drawn = p.draw(all), blank = small_plane{}.draw(all);
  CHECK(compare(drawn, blank).pixels > 2 * 36);
  detail::color_scale const scale{1e-3, 10, true, detail::ecal_stops};
  for (double const value : {0.0, -1.0, 1e-9, std::numeric_limits<double>::quiet_NaN()})
    CHECK(scale.place(value) == 0);
  CHECK(scale.place(1e9) == 1);
  CHECK(detail::color_scale{0, 0, true, {}}.place(0) == 0);
}

TEST_CASE("scales end in round numbers") {
  CHECK(detail::round_up(0.7) == doctest::Approx(1));
  CHECK(detail::round_up(1) == doctest::Approx(1));
  CHECK(detail::round_up(37) == doctest::Approx(50));
  CHECK(detail::round_up(123) == doctest::Approx(200));
  CHECK(detail::round_up(0.021) == doctest::Approx(0.05));
}

ct::event two_photons() {
  ct::event e;
  e.run = 1;
  e.number = 2;
  using eb = ct::segmentation<ct::cms::eb>;
  using ee = ct::segmentation<ct::cms::ee>;
  e.hit_lists[ct::cms::collection::eb] = {{eb::pack(eb::index({30, 100})), 50.0F}};
  e.hit_lists[ct::cms::collection::ee] = {{ee::pack(ee::index({30, 60, 1})), 40.0F}};
  auto const barrel = eb::center(eb::index({30, 100}));
  auto const endcap = ee::center(ee::index({30, 60, 1}));
  e.photon_list = {{50, static_cast<float>(barrel.u), static_cast<float>(barrel.v), 60, 1, 0},
                   {20, static_cast<float>(endcap.u), static_cast<float>(endcap.v), 40, 1, 0}};
  return e;
}

TEST_CASE("CMS pictures have the paper's panels and mark the photons where their energy is") {
  cms_event_painter<> paint;
  auto const e = two_photons();
  CHECK(paint.central(e).width() >= 360 * 4);
  CHECK(paint.hcal_centric(e).height() >= 280 * 4);
  auto const full = paint.ecal_centric(e);
  CHECK(full.height() >= (170 + 100) * 4);
  auto without = e;
  without.photon_list.clear();
  auto const marks = compare(full, paint.ecal_centric(without));
  CHECK(marks.pixels > 100);

  // The bracket round the barrel photon encloses column 99 and row 85 + 29 of the barrel.
  panel p;
  p.rows = 170;
  p.cols = 360;
  std::vector<float> ecal(170 * 360);
  ecal[(85 + 29) * 360 + 99] = 50;
  p.ecal = ecal;
  double const row = cms_detail::row_position(ct::cms::projection::barrel_edges(),
                                              static_cast<double>(e.photon_list[0].eta) + 0.05);
  double const col = cms_detail::column_position(static_cast<double>(e.photon_list[0].phi));
  auto const c = cms_detail::snapped(p, row, col, "");
  CHECK(c.row == doctest::Approx(85 + 29 + 0.5));
  CHECK(c.col == doctest::Approx(99.5));
}

TEST_CASE("the leading photons are marked in whatever order they are listed, those of no azimuth are not") {
  cms_event_painter<> paint;
  auto e = two_photons();
  auto const expected = paint.ecal_centric(e);
  std::reverse(e.photon_list.begin(), e.photon_list.end());
  e.photon_list.insert(e.photon_list.begin(), {1, 0.5F, 2, 1, 1, 0});
  CHECK(compare(paint.ecal_centric(e), expected).pixels == 0);
  for (float const phi :
       {1e30F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    e.photon_list = {{50, 0.5F, phi, 60, 1, 0}};
    auto none = e;
    none.photon_list.clear();
    CHECK(compare(paint.central(e), paint.central(none)).pixels == 0);
    CHECK(compare(paint.ecal_centric(e), paint.ecal_centric(none)).pixels == 0);
  }
}

TEST_CASE("the HCAL is called what it is read from, unless it has a name") {
  auto const e = two_photons();
  auto const usual = cms_event_painter<>().central(e);
  CHECK(compare(usual, cms_event_painter<>({.hcal_name = "HCAL hit energy"}).central(e)).pixels == 0);
  CHECK(compare(usual, cms_event_painter<>({.hcal_name = "Mine"}).central(e)).pixels > 0);
}

TEST_CASE("azimuths come into the image's columns") {
  CHECK(cms_detail::column_position(0) == doctest::Approx(10));
  CHECK(cms_detail::column_position(-3.14159265) == doctest::Approx(190));
  CHECK(cms_detail::column_position(-0.349065850) == doctest::Approx(350));
}

}  // namespace
