// The calorimeters of CMS as they were in 2010-2012 (and, in these cells, until 2016).
//
// Positions: front-face centres seen from the origin, as (eta, phi in radians), -pi < phi <= pi.
// Sources: CMSSW DataFormats/DetId, DataFormats/EcalDetId, DataFormats/HcalDetId, DataFormats/CaloTowers (ids),
// Geometry/EcalCommonData (crystals), Geometry/HcalTowerAlgo and Geometry/CaloTopology (towers, depths);
// checked against the cell corners that CMS publishes with its event display (cms-outreach/ispy-webgl).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <calotype/core/math.hpp>
#include <calotype/detector/helix.hpp>
#include <calotype/detector/segmentation.hpp>

namespace calotype::cms {

// The hit lists of an event, by number.
struct collection {
  enum : int { eb, ee, es, hb, he, ho, hf, towers };
};

// A crystal of the ECAL barrel: ieta -85 .. -1, 1 .. 85; iphi 1 .. 360, where iphi 1 spans -10 .. -9 degrees.
struct eb_cell {
  int ieta, iphi;
};

// A crystal of an ECAL endcap: ix and iy 1 .. 100 grow with x and y on both sides; zside -1 or +1.
struct ee_cell {
  int ix, iy, zside;
};

// A strip of the preshower: strip 1 .. 32 on the sensor (six, siy), both 1 .. 40; plane 1 measures x, plane 2
// y.
struct es_cell {
  int strip, six, siy, plane, zside;
};

// A cell of HB, HE, HO or HF: the tower (ieta, iphi) and the depth. iphi 1 starts at phi = 0.
struct hcal_cell {
  int ieta, iphi, depth;
};

// A calorimeter tower.
struct tower_cell {
  int ieta, iphi;
};

namespace detail {

// |eta| of the crystal centres of |ieta| = 1 .. 85 (modules of 25, 20, 20 and 20).
inline constexpr std::array<double, 85> eb_centers{
    .01174,  .03028,  .04882,  .06734,  .08584,  .10378,  .12115,  .13850,  .15584,  .17315,   //
    .19050,  .20788,  .22523,  .24257,  .25989,  .27724,  .29462,  .31198,  .32932,  .34664,   //
    .36401,  .38141,  .39879,  .41615,  .43349,                                                //
    .45552,  .47279,  .49005,  .50728,  .52450,  .54169,  .55883,  .57595,  .59305,  .61014,   //
    .62726,  .64441,  .66153,  .67864,  .69573,  .71287,  .73004,  .74718,  .76431,  .78142,   //
    .80367,  .82087,  .83805,  .85521,  .87235,  .88952,  .90667,  .92379,  .94090,  .95799,   //
    .97512,  .99227,  1.00940, 1.02651, 1.04360, 1.06075, 1.07792, 1.09507, 1.11220, 1.12931,  //
    1.15169, 1.16885, 1.18598, 1.20309, 1.22018, 1.23731, 1.25447, 1.27160, 1.28871, 1.30579,  //
    1.32298, 1.34015, 1.35728, 1.37439, 1.39147, 1.40861, 1.42580, 1.44295, 1.46007, 1.47716};

// |eta| borders between them: midpoints, the middle of the gap where the crystals leave one.
inline constexpr std::array<double, 86> eb_borders{
    0,       .02101,  .03955,  .05808,  .07659,  .09508,  .11247,  .12983,  .14717,  .16450,   //
    .18181,  .19919,  .21656,  .23390,  .25123,  .26855,  .28594,  .30331,  .32066,  .33799,   //
    .35531,  .37272,  .39011,  .40748,  .42483,  .44452,                                       //
    .46417,  .48143,  .49868,  .51590,  .53312,  .55027,  .56740,  .58452,  .60161,  .61869,   //
    .63585,  .65299,  .67011,  .68721,  .70429,  .72147,  .73863,  .75576,  .77288,  .79252,   //
    .81229,  .82948,  .84665,  .86380,  .88094,  .89812,  .91525,  .93237,  .94947,  .96655,   //
    .98372,  1.00087, 1.01799, 1.03509, 1.05217, 1.06936, 1.08653, 1.10367, 1.12078, 1.14049,  //
    1.16030, 1.17745, 1.19457, 1.21167, 1.22875, 1.24593, 1.26307, 1.28019, 1.29728, 1.31439,  //
    1.33160, 1.34875, 1.36587, 1.38296, 1.40003, 1.41724, 1.43441, 1.45154, 1.46865, 1.48650};

// The crystals of an endcap by row iy. The mask is symmetric in ix <-> iy, ix <-> 101-ix and iy <-> 101-iy, so
// half a row is given for iy = 1 .. 50: from `low` on crystals exist, from `hole` on they do not (51: no hole).
constexpr mask<100> ee_mask() {
  struct run {
    int rows, low, hole;
  };
  constexpr run runs[] = {{3, 41, 51}, {2, 36, 51}, {3, 26, 51}, {5, 21, 51}, {2, 16, 51},
                          {5, 14, 51}, {5, 9, 51},  {10, 6, 51}, {4, 4, 51},  {1, 4, 46},
                          {1, 1, 44},  {1, 1, 43},  {1, 1, 42},  {2, 1, 41},  {5, 1, 40}};
  std::array<row_limits, 100> limits{};
  std::size_t row = 0;
  for (auto const& r : runs)
    for (int i = 0; i < r.rows; ++i, ++row) {
      limits[row] = {
          .first = r.low - 1, .last = 100 - r.low, .gap_first = r.hole - 1, .gap_last = 100 - r.hole};
      limits[99 - row] = limits[row];
    }
  return mask<100>{limits};
}

// c[0] + c[1] t + c[2] t^2 ...
template <std::size_t N>
constexpr double series(double t, double const (&c)[N]) {
  double sum = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = math::fma(sum, t, c[i]);
  return sum;
}

// Sine and cosine of a tilt, |x| < 0.33, to 1e-15.
constexpr double sine(double x) {
  return math::fma(x * x * x, series(x * x, {-1. / 6, 1. / 120, -1. / 5040, 1. / 362880, -1. / 39916800}), x);
}
constexpr double cosine(double x) {
  return series(x * x, {1, -1. / 2, 1. / 24, -1. / 720, 1. / 40320, -1. / 3628800, 1. / 479001600});
}

}  // namespace detail

// Front-face centre of an endcap crystal at z > 0, in metres, magnet on (for z < 0 turn the sign of z). 5x5
// supercrystals are rigid blocks, tilted towards a point behind the collision point: 25 coefficients describe
// where each block sits and how it is turned, to 0.05 mm in x and y and 0.08 mm in z for every crystal. Source:
// Geometry/EcalCommonData/eealgo.xml.
constexpr point ee_front_center(int ix, int iy) {
  using math::fma;
  int const i = ix > 50 ? ix - 50 : 51 - ix, j = iy > 50 ? iy - 50 : 51 - iy;
  double const u = (i - 1) / 5 + 0.5, v = (j - 1) / 5 + 0.5;  // block
  double const a = (i - 1) % 5 - 2, b = (j - 1) % 5 - 2;      // crystal in the block
  double const lx = 29.123 * a, ly = 29.123 * b, lz = -0.068 * (a + b);

  double const tilt_x = fma(-0.03141208, v, 0.01570238);
  double const tilt_y =
      fma(u, fma(v, fma(2.5969e-6, v, -7.73829e-6), fma(-3.82129e-6 * u, u, 0.032978)), -0.0162019);
  double const sin_x = detail::sine(tilt_x), cos_x = detail::cosine(tilt_x);
  double const sin_y = detail::sine(tilt_y), cos_y = detail::cosine(tilt_y);
  double const y1 = fma(ly, cos_x, -lz * sin_x), z1 = fma(ly, sin_x, lz * cos_x);
  double const x1 = fma(lx, cos_y, z1 * sin_y), z2 = fma(-lx, sin_y, z1 * cos_y);

  double const x0 = fma(u, fma(u, fma(u, 0.02710108, 0.03388088), 147.1689), 0.7533023);
  double const x = x1 + fma(v, fma(v, fma(3.441827e-4, u, -4.393856e-3), 0.0683894 * u), x0);
  double const y = y1 + fma(v, fma(v, fma(v, fma(v, 1.527643e-4, 0.0227262), 0.04132593), 147.1548), 0.245133);
  double const z0 =
      fma(u, fma(u, -0.01733772, 2.480068), 3183.684 - 11.0);  // -11: 5 mm by design, -16 mm field
  double const z = z2 + fma(v, fma(v, -8.091296e-3, fma(-8.611488e-3, u, 2.315913)), z0);
  return {(ix > 50 ? x : -x) / 1000, (iy > 50 ? y : -y) / 1000, z / 1000};
}

// Front-face radius of a barrel crystal in metres, to 0.6 mm (a parabola through
// Geometry/EcalCommonData/ebalgo.xml).
constexpr double eb_front_radius(int ieta) {
  int const i = ieta < 0 ? -ieta : ieta;
  return math::fma(double(i), math::fma(double(i), -8.74e-7, 2.0672e-4), 1.29094);
}

// By how much the axis of a barrel crystal leaves the ray from the origin to its front face, in radians: in
// theta towards the middle of the barrel (0.052, less in the first rings) and in azimuth (2.93 degrees),
// positive at ieta > 0. Source: the corners of the cells in the event display.
struct axis_lean {
  double theta, phi;
};
constexpr axis_lean eb_axis_lean(int ieta) {
  int const ring = ieta < 0 ? -ieta : ieta;
  double const side = ieta < 0 ? -1 : 1;
  double const theta = ring < 5 ? math::fma(0.0103, double(ring - 1), 0.0076) : 0.052;
  return {side * theta, side * 0.0512};
}

// ECAL barrel, 170 x 360 crystals. The dense index is EBDetId::hashedIndex and the pixel of a 170 x 360 image.
// Centres: eta by table, phi = iphi - 10.5 degrees (crystals lie up to 0.15 degrees off: each supermodule
// leaves a gap to the next).
struct eb {
  using cell_type = eb_cell;
  static constexpr std::string_view name() { return "cms::eb"; }
  static constexpr int collection = cms::collection::eb;
  static constexpr double halo_radius = 0.6;
  static constexpr auto cells() {
    return grid{.u = edges_and_centers<170>{.at = mirror_edges(detail::eb_borders),
                                            .centers = mirror_centers(detail::eb_centers),
                                            .labels = {.first = -85, .skip_zero = true}},
                .v = periodic{.bins = 360, .offset = 10, .labels = {.first = 1}}};
  }
  static constexpr auto ids() {
    return id_layout<2>{.prefix = 0x32000000,
                        .fields = {{{.label = 0, .shift = 9, .bits = 7, .sign_bit = 16},  //
                                    {.label = 1, .shift = 0, .bits = 9}}}};
  }
};

// Where the crystals of an endcap are, for pointing<>.
struct ee_places {
  static constexpr std::string_view version() { return "cms::ee_front_center, 25 coefficients, field on"; }
  static constexpr point center(int ix, int iy) { return ee_front_center(ix, iy); }
  // x = 29.530 t + 1.979e-4 t^3 mm, t counted from the axis, on the mean front plane z = 3193.3 mm: half a
  // crystal.
  static constexpr std::array<int, 2> guess(point direction) {
    auto const label = [](double x) {
      double t = math::abs(x) / 29.530;
      t = t > 60 ? 60 : math::abs(x) / math::fma(1.979e-4 * t, t, 29.530);
      int const i = static_cast<int>(t);
      return x < 0 ? 50 - i : 51 + i;
    };
    return {label(3193.3 * direction.x / direction.z), label(3193.3 * direction.y / direction.z)};
  }
  // From the end of the barrel's fiducial region to a little beyond the innermost crystals.
  static constexpr bool covers(double eta, double phi) { return eta >= 1.479 && eta < 3.0 && phi - phi == 0; }
};

// Both ECAL endcaps, 2 x 7324 crystals. The dense index is EEDetId::hashedIndex (z < 0 first, then iy, then
// ix). A point belongs to the crystal whose centre is nearest in angle.
struct ee {
  using cell_type = ee_cell;
  static constexpr std::string_view name() { return "cms::ee"; }
  static constexpr int collection = cms::collection::ee;
  static constexpr double halo_radius = 0.6;
  static constexpr auto cells() {
    return two_sided{
        pointing<ee_places, 100>{.columns = {.first = 1}, .rows = {.first = 1}, .cells = detail::ee_mask()}};
  }
  static constexpr auto ids() {
    return id_layout<3>{.prefix = 0x34000000,
                        .fields = {{{.label = 0, .shift = 7, .bits = 7},  //
                                    {.label = 1, .shift = 0, .bits = 7},
                                    {.label = 2, .sign_bit = 14, .offset = 1}}}};
  }
};

namespace detail {

// The sensors of a preshower plane, 40 x 40 less the corners and the hole: 1072. In plane 1 a row is one siy,
// in plane 2 one six; the same rows hold on the other side of the middle, and so do the same columns. Column 1
// is next to the middle.
constexpr mask<40> es_mask() {
  constexpr int first[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 5, 6, 7, 7, 8, 8};
  constexpr int last[20] = {5, 7, 10, 11, 13, 13, 14, 15, 16, 17, 17, 17, 18, 18, 19, 19, 19, 19, 19, 19};
  std::array<row_limits, 40> limits{};
  for (std::size_t r = 0; r < 20; ++r) {
    limits[r] = {
        .first = 20 - last[r], .last = 19 + last[r], .gap_first = 21 - first[r], .gap_last = 18 + first[r]};
    limits[39 - r] = limits[r];
  }
  return mask<40>{limits};
}

// One plane of the preshower at z > 0: a lattice of its own, {strip, six, siy}. Sensors of 32 strips sit 63.67
// mm apart across the strips and 61.0 mm along them; the strips are 1.906 mm wide.
struct es_plane {
  int plane;
  double z;
  mask<40> sensors = es_mask();

  static constexpr int rank = 3;
  static constexpr int strips = 32;
  static constexpr double strip_width = 1.906e-3;

  constexpr int size() const { return strips * sensors.size(); }
  constexpr std::array<int, 3> labels(int index) const {
    auto const [row, column] = sensors.locate(index / strips);
    return {index % strips + 1, 1 + (plane == 1 ? column : row), 1 + (plane == 1 ? row : column)};
  }
  constexpr int index(std::array<int, 3> const& labels) const {
    for (int label : labels)
      if (label < 1 || label > 40) return -1;
    if (labels[0] > strips) return -1;
    int const sensor = sensors.index(labels[plane == 1 ? 2 : 1] - 1, labels[plane == 1 ? 1 : 2] - 1);
    return sensor < 0 ? -1 : sensor * strips + labels[0] - 1;
  }
  constexpr position center(int index) const {
    auto const [row, column] = sensors.locate(index / strips);
    double const across = math::fma(index % strips - 15.5, strip_width, across_center(column));
    double const along = along_center(row);
    double const x = plane == 1 ? across : along, y = plane == 1 ? along : across;
    return seen_from_origin({x, y, z});
  }
  constexpr int find(double eta, double phi, int) const {
    if (!(eta > 1.5 && eta < 3 && is_azimuth(phi))) return -1;
    point const d = direction(eta, phi);
    double const x = d.x * z / d.z, y = d.y * z / d.z;
    double const across = plane == 1 ? x : y, along = plane == 1 ? y : x;
    int const column = sensor_at(across, across_pitch), row = sensor_at(along, along_pitch);
    int const sensor = sensors.index(row, column);
    auto const strip = calotype::detail::floor((across - across_center(column)) / strip_width + 16);
    return sensor < 0 || strip < 0 || strip >= strips ? -1 : sensor * strips + static_cast<int>(strip);
  }
  constexpr flaw inspect() const { return sensors.inspect(40); }
  constexpr void add_to(hasher& h) const {
    h.add("cms::es_plane").add(plane).add(z);
    sensors.add_to(h);
  }

 private:
  static constexpr double across_pitch = 0.06367, along_pitch = 0.0610;
  static constexpr double across_center(int column) {
    return column < 20 ? -across_center(39 - column) : math::fma(double(column - 20), across_pitch, 0.03175);
  }
  static constexpr double along_center(int row) {
    return row < 20 ? -along_center(39 - row) : math::fma(double(row - 20), along_pitch, 0.03195);
  }
  static constexpr int sensor_at(double x, double pitch) {
    return static_cast<int>(calotype::detail::floor(x / pitch + 20));
  }
};

}  // namespace detail

// Preshower, two planes (the layers) on two sides, 137216 strips. Positions to about 1 mm, as the event display
// has them (planes at |z| = 3.0383 and 3.0829 m). Source of ids: CMSSW DataFormats/EcalDetId/ESDetId.
struct es {
  using cell_type = es_cell;
  static constexpr std::string_view name() { return "cms::es"; }
  static constexpr int collection = cms::collection::es;
  static constexpr auto cells() {
    return two_sided{unite(layer{.number = 1, .cells = detail::es_plane{.plane = 1, .z = 3.0383}},
                           layer{.number = 2, .cells = detail::es_plane{.plane = 2, .z = 3.0829}})};
  }
  static constexpr auto ids() {
    return id_layout<5>{.prefix = 0x36000000,
                        .fields = {{{.label = 0, .shift = 0, .bits = 6},
                                    {.label = 1, .shift = 6, .bits = 6},
                                    {.label = 2, .shift = 12, .bits = 6},
                                    {.label = 3, .shift = 18, .bits = 1, .offset = 1},
                                    {.label = 4, .sign_bit = 19, .offset = 1}}}};
  }
};

namespace detail {

// |eta| edges of the HB and HE towers 1 .. 29.
inline constexpr std::array<double, 30> hcal_edges{
    0,     0.087, 0.174, 0.261, 0.348, 0.435, 0.522, 0.609, 0.696, 0.783, 0.870, 0.957, 1.044, 1.131, 1.218,
    1.305, 1.392, 1.479, 1.566, 1.653, 1.740, 1.830, 1.930, 2.043, 2.172, 2.322, 2.500, 2.650, 2.868, 3.000};

// How an HCAL tower ring is divided: 72 cells of 5 degrees up to |ieta| 20, 36 of 10 degrees with odd iphi up
// to 39, then 18 of 20 degrees with iphi 3, 7, .. 71, of which the first starts at 10 degrees.
constexpr periodic hcal_phi(int ieta) {
  if (ieta <= 20) return {.bins = 72, .labels = {.first = 1}};
  if (ieta <= 39) return {.bins = 36, .labels = {.first = 1, .step = 2}};
  return {.bins = 18, .offset = -0.5, .labels = {.first = 3, .step = 4}};
}

constexpr ring hcal_ring(int ieta) {
  auto const i = static_cast<std::size_t>(ieta);
  return {.label = ieta, .low = hcal_edges[i - 1], .high = hcal_edges[i], .around = hcal_phi(ieta)};
}

// HO leaves gaps between its rings of muon chambers.
constexpr ring ho_ring(int ieta) {
  ring r = hcal_ring(ieta);
  if (ieta == 4) r.high = 0.3075;
  if (ieta == 5) r.low = 0.3395;
  if (ieta == 10) r.high = 0.8494;
  if (ieta == 11) r.low = 0.873;
  return r;
}

// HF cells of one depth lie between radii on a plane, seen here from the origin: 11.15 m for the long fibres
// (depth 1), 11.37 m where the short ones (depth 2) start.
constexpr double hf_edge(int edge, double z) {
  constexpr double radii[] = {1.300, 1.162, 0.975, 0.818, 0.686, 0.576, 0.483,
                              0.406, 0.340, 0.286, 0.240, 0.201, 0.169, 0.125};
  return math::asinh(z / radii[edge]);
}
template <int Depth>
constexpr ring hf_ring(int ieta) {
  constexpr double z = Depth == 1 ? 11.15 : 11.37;
  return {.label = ieta, .low = hf_edge(ieta - 29, z), .high = hf_edge(ieta - 28, z), .around = hcal_phi(ieta)};
}

// Calorimeter towers follow HB and HE up to 29, then the nominal edges of HF. The border 25|26 is not that of
// HE.
constexpr ring tower_ring(int ieta) {
  constexpr double hf_edges[] = {2.964, 3.139, 3.314, 3.489, 3.664, 3.839, 4.013,
                                 4.191, 4.363, 4.538, 4.716, 4.889, 5.191};
  if (ieta >= 30)
    return {.label = ieta, .low = hf_edges[ieta - 30], .high = hf_edges[ieta - 29], .around = hcal_phi(ieta)};
  ring r = hcal_ring(ieta);
  if (ieta == 25) r.high = 2.332;
  if (ieta == 26) r.low = 2.332;
  return r;
}

// The rings First .. Last.
template <int First, int Last>
constexpr auto tower_rings(ring (*describe)(int)) {
  std::array<ring, std::size_t{Last - First + 1}> list{};
  for (int ieta = First; ieta <= Last; ++ieta) list[static_cast<std::size_t>(ieta - First)] = describe(ieta);
  return rings{list};
}

// HcalDetId in the layout of Run 1 (bit 24 clear) and in the later one (bit 24 set). `prefix`: bits 31 .. 25.
constexpr auto hcal_ids(std::uint32_t prefix) {
  return std::array{id_layout<3>{.prefix = prefix,
                                 .fields = {{{.label = 0, .shift = 7, .bits = 6, .sign_bit = 13},
                                             {.label = 1, .shift = 0, .bits = 7},
                                             {.label = 2, .shift = 14, .bits = 5}}}},
                    id_layout<3>{.prefix = prefix | 1U << 24,
                                 .fields = {{{.label = 0, .shift = 10, .bits = 9, .sign_bit = 19},
                                             {.label = 1, .shift = 0, .bits = 10},
                                             {.label = 2, .shift = 20, .bits = 4}}}}};
}

}  // namespace detail

// HCAL barrel: towers 1 .. 16, the last two in two depths. 2592 cells.
struct hb {
  using cell_type = hcal_cell;
  static constexpr std::string_view name() { return "cms::hb"; }
  static constexpr int collection = cms::collection::hb;
  static constexpr auto cells() {
    using namespace detail;
    return mirrored{unite(layer{.number = 1, .cells = tower_rings<1, 16>(hcal_ring)},
                          layer{.number = 2, .cells = tower_rings<15, 16>(hcal_ring)})};
  }
  static constexpr auto ids() { return detail::hcal_ids(0x42000000); }
};

// HCAL endcaps: towers 17 .. 29 (depth 1), 18 .. 29 (depth 2), and 16, 27 and 28 in depth 3, where 28 takes in
// 29 and reaches to 3.0. 2592 cells.
struct he {
  using cell_type = hcal_cell;
  static constexpr std::string_view name() { return "cms::he"; }
  static constexpr int collection = cms::collection::he;
  static constexpr auto cells() {
    using namespace detail;
    std::array third{hcal_ring(16), hcal_ring(27), hcal_ring(28)};
    third[2].high = 3.000;
    return mirrored{unite(layer{.number = 1, .cells = tower_rings<17, 29>(hcal_ring)},
                          layer{.number = 2, .cells = tower_rings<18, 29>(hcal_ring)},
                          layer{.number = 3, .cells = rings{third}})};
  }
  static constexpr auto ids() { return detail::hcal_ids(0x44000000); }
};

// Outer HCAL: towers 1 .. 15, depth 4. 2160 cells.
struct ho {
  using cell_type = hcal_cell;
  static constexpr std::string_view name() { return "cms::ho"; }
  static constexpr int collection = cms::collection::ho;
  static constexpr auto cells() {
    return mirrored{layer{.number = 4, .cells = detail::tower_rings<1, 15>(detail::ho_ring)}};
  }
  static constexpr auto ids() { return detail::hcal_ids(0x46000000); }
};

// Forward HCAL: towers 29 .. 41 in long (depth 1) and short fibres (depth 2). 1728 cells.
struct hf {
  using cell_type = hcal_cell;
  static constexpr std::string_view name() { return "cms::hf"; }
  static constexpr int collection = cms::collection::hf;
  static constexpr auto cells() {
    using namespace detail;
    return mirrored{unite(layer{.number = 1, .cells = tower_rings<29, 41>(hf_ring<1>)},
                          layer{.number = 2, .cells = tower_rings<29, 41>(hf_ring<2>)})};
  }
  static constexpr auto ids() { return detail::hcal_ids(0x48000000); }
};

// Calorimeter towers, |ieta| 1 .. 41, 4320 cells, eta as HB and HE up to 29 (|eta| 3.0), HF from 30 on; where
// 29 and 30 overlap (2.964 .. 3.0), find() gives 29. Raw ids are CaloTowerDetId.
struct towers {
  using cell_type = tower_cell;
  static constexpr std::string_view name() { return "cms::towers"; }
  static constexpr int collection = cms::collection::towers;
  static constexpr auto cells() { return mirrored{detail::tower_rings<1, 41>(detail::tower_ring)}; }
  static constexpr auto ids() {
    return id_layout<2>{.prefix = 0x52000000,
                        .fields = {{{.label = 0, .shift = 7, .bits = 6, .sign_bit = 13},  //
                                    {.label = 1, .shift = 0, .bits = 7}}}};
  }
};

// The dense index that CMSSW gives a cell: hashedIndex() of EBDetId and EEDetId, which is ours too, and the one
// of Geometry/CaloTopology/HcalTopology in Run 1 for HCAL, all parts in one count (z > 0 first, iphi by iphi).
// The cell must exist.
constexpr int official_index(eb, eb_cell c) { return segmentation<eb>::index(c); }
constexpr int official_index(ee, ee_cell c) { return segmentation<ee>::index(c); }
constexpr int official_index(hb, hcal_cell c) {
  int const i = c.ieta < 0 ? -c.ieta : c.ieta;
  return (c.iphi - 1) * 18 + c.depth - 1 + i - (i < 16 ? 1 : 0) + (c.ieta < 0 ? 1296 : 0);
}
constexpr int official_index(he, hcal_cell c) {
  int const i = c.ieta < 0 ? -c.ieta : c.ieta;
  int const in_wedge = i <= 17   ? i - 16
                       : i <= 20 ? 2 + 2 * (i - 18) + c.depth - 1
                       : i <= 26 ? 8 + 2 * (i - 21) + c.depth - 1
                       : i <= 28 ? 20 + 3 * (i - 27) + c.depth - 1
                                 : 26 + c.depth - 1;
  return 2592 + (c.iphi - 1) * 8 + (c.iphi / 2) * 20 + in_wedge + (c.ieta < 0 ? 1296 : 0);
}
constexpr int official_index(ho, hcal_cell c) {
  int const i = c.ieta < 0 ? -c.ieta : c.ieta;
  return 5184 + (c.iphi - 1) * 15 + i - 1 + (c.ieta < 0 ? 1080 : 0);
}
constexpr int official_index(hf, hcal_cell c) {
  int const i = c.ieta < 0 ? -c.ieta : c.ieta;
  return 7344 + ((c.iphi - 1) / 4) * 4 + ((c.iphi - 1) / 2) * 22 + 2 * (i - 29) + c.depth - 1 +
         (c.ieta < 0 ? 864 : 0);
}

// The solenoid's field, tesla along +z, and the front of the ECAL crystals (mean radius and depth).
inline constexpr double field = 3.8;
constexpr calorimeter_face ecal_face() {
  return {.radius = 1.29, .half_length = 2.706, .endcap_z = 3.193, .endcap_radius = 1.53};
}

// The whole detector.
struct run1 {
  static constexpr std::string_view name() { return "cms::run1"; }
  using parts = calotype::parts<eb, ee, es, hb, he, ho, hf, towers>;
};

}  // namespace calotype::cms
