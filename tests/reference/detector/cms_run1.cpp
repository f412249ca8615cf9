// CMS Run 1 against what CMS itself published: every cell of the event display's geometry, every hit and every
// propagated track of the .ig files. extract.py reads the data, so that nothing here depends on the library's
// own readers.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>

using namespace calotype;

namespace {

constexpr double degree = math::pi / 180;

std::string data_folder() {
  char const* folder = std::getenv("CALOTYPE_DATA");
  return folder ? folder : CALOTYPE_SOURCE_DIR "/../shared/data";
}

// Calls `use` with a stream on every line that extract.py prints; false if it printed none or failed.
template <class Use>
bool for_each_record(char const* kind, Use&& use) {
  std::string const command = "/usr/bin/python3 '" CALOTYPE_SOURCE_DIR
                              "/tests/reference/detector/extract.py' " +
                              std::string(kind) + " '" + data_folder() + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return false;
  bool any = false;
  char line[512];
  while (std::fgets(line, sizeof line, pipe)) {
    any = true;
    std::istringstream fields(line);
    std::string record;
    fields >> record;
    use(fields);
  }
  return pclose(pipe) == 0 && any;
}

bool data_is_there() {
  std::FILE* file = std::fopen((data_folder() + "/ispy-webgl-geometry/eb.json.gz").c_str(), "rb");
  if (file) std::fclose(file);
  if (!file) MESSAGE("SKIPPED: no CMS event-display data in " << data_folder() << " (set CALOTYPE_DATA)");
  return file != nullptr;
}

double phi_difference(double a, double b) { return std::abs(std::remainder(a - b, 2 * math::pi)); }

// The largest deviations seen.
struct worst {
  double eta = 0, phi = 0, low = 0, high = 0;
  long count = 0;
};

double median(std::vector<double> values) {
  REQUIRE_FALSE(values.empty());
  auto const middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

TEST_CASE("cms: every official cell, and no other") {
  if (!data_is_there()) return;
  std::map<std::string, worst> deviations;
  std::map<std::string, std::vector<int>> seen;
  int unknown = 0;
  REQUIRE(for_each_record("cells", [&](std::istream& fields) {
    std::uint32_t raw = 0;
    std::array<point, 4> corners{};
    fields >> raw;
    point mean{0, 0, 0};
    double eta_low = 100, eta_high = -100;
    for (auto& c : corners) {
      fields >> c.x >> c.y >> c.z;
      mean = {mean.x + c.x / 4, mean.y + c.y / 4, mean.z + c.z / 4};
      double const eta = std::asinh(c.z / std::hypot(c.x, c.y));
      eta_low = std::min(eta_low, eta);
      eta_high = std::max(eta_high, eta);
    }
    REQUIRE(fields);
    int parts = 0;
    for_each_part<cms::run1>([&]<class S>(S) {
      int const index = S::unpack(raw);
      if (index < 0) return;
      ++parts;
      auto& counts = seen[std::string(S::name())];
      counts.resize(static_cast<std::size_t>(S::size()));
      ++counts[static_cast<std::size_t>(index)];
      auto& w = deviations[std::string(S::name())];
      ++w.count;
      auto const [eta, phi] = S::center(index);
      w.eta = std::max(w.eta, std::abs(eta - std::asinh(mean.z / std::hypot(mean.x, mean.y))));
      w.phi = std::max(w.phi, phi_difference(phi, std::atan2(mean.y, mean.x)));
      if constexpr (requires { S::bounds(index); }) {
        auto const bounds = S::bounds(index);
        w.low = std::max(w.low, std::abs(bounds.u_low - eta_low));
        w.high = std::max(w.high, std::abs(bounds.u_high - eta_high));
      }
    });
    unknown += parts != 1;
  }));
  CHECK(unknown == 0);
  for (auto const& [name, counts] : seen) {
    CAPTURE(name);
    CHECK(std::count(counts.begin(), counts.end(), 1) == static_cast<long>(counts.size()));
  }
  CHECK(deviations.size() == 6);
  CHECK(deviations["cms::eb"].count == 61200);
  CHECK(deviations["cms::eb"].eta < 5.2e-4);
  CHECK(deviations["cms::eb"].phi < 0.15 * degree);
  CHECK(deviations["cms::ee"].count == 14648);
  CHECK(deviations["cms::ee"].eta < 9e-5);
  CHECK(deviations["cms::ee"].phi < 0.004 * degree);
  for (auto const& [name, count] :
       {std::pair{"cms::hb", 2592}, {"cms::he", 2592}, {"cms::ho", 2160}, {"cms::hf", 1728}}) {
    CAPTURE(name);
    auto const& w = deviations[name];
    CHECK(w.count == count);
    CHECK(w.phi < 1e-4 * degree);  // the corners have six digits
    CHECK(w.low < 1e-5);
    CHECK(w.high < 1e-5);
  }
  for (auto const& [name, w] : deviations)
    MESSAGE(name << ": " << w.count << " cells, centre within " << w.eta << " in eta and " << w.phi / degree
                 << " degrees, edges within " << std::max(w.low, w.high));
}

TEST_CASE("cms: every hit of every event file lies where its id says") {
  if (!data_is_there()) return;
  std::map<std::pair<std::string, std::string>, worst> deviations;
  int unknown = 0;
  REQUIRE(for_each_record("hits", [&](std::istream& fields) {
    std::string file;
    std::uint32_t raw = 0;
    double eta = 0, phi = 0;
    fields >> file >> raw >> eta >> phi;
    REQUIRE(fields);
    int parts = 0;
    for_each_part<cms::run1>([&]<class S>(S) {
      int const index = S::unpack(raw);
      if (index < 0) return;
      ++parts;
      auto& w = deviations[{std::string(S::name()), file}];
      ++w.count;
      w.eta = std::max(w.eta, std::abs(S::center(index).u - eta));
      w.phi = std::max(w.phi, phi_difference(S::center(index).v, phi));
    });
    unknown += parts != 1;
  }));
  CHECK(unknown == 0);
  long hits = 0;
  for (auto const& [key, w] : deviations) {
    auto const& [part, file] = key;
    CAPTURE(part);
    CAPTURE(file);
    hits += w.count;
    bool const older =
        file == "Electron.ig" || file == "4lepton.ig" || file == "EventData.ig";  // EE 16 mm further out
    bool const aligned = file.starts_with("igOutput");                            // Run 2
    double eta = 1e-5, phi = 4e-4;                                                // HCAL: six digits
    if (part == "cms::eb") eta = aligned ? 3.5e-3 : 5.2e-4, phi = aligned ? 0.25 : 0.15;
    if (part == "cms::ee")
      eta = aligned ? 0.026 : older ? 2.6e-3 : 9e-5, phi = aligned ? 1.5 : older ? 0.08 : 0.004;
    if (part == "cms::es") eta = aligned ? 0.015 : older ? 3e-3 : 1.3e-3, phi = aligned ? 1.5 : 0.1;
    CHECK(w.eta < eta);
    CHECK(w.phi < phi * degree);
  }
  CHECK(hits > 150000);
  MESSAGE(hits << " different hits in " << deviations.size() << " lists");
}

TEST_CASE("cms: tracks meet the ECAL where CMS propagated them to") {
  if (!data_is_there()) return;
  std::vector<double> barrel_phi, barrel_z, endcap_x, endcap_y, field;
  int tracks = 0, missed = 0;
  REQUIRE(for_each_record("tracks", [&](std::istream& fields) {
    std::string file;
    trajectory t{};
    point truth{};
    fields >> file >> t.pt >> t.eta >> t.phi >> t.charge >> t.origin.x >> t.origin.y >> t.origin.z >> truth.x >>
        truth.y >> truth.z;
    REQUIRE(fields);
    if (t.pt < 5) return;  // below, the energy lost in the tracker shows
    double const radius = std::hypot(truth.x, truth.y);
    bool const barrel = radius > 1.27 && radius < 1.28;
    bool const endcap = std::abs(truth.z) > 3.16 && std::abs(truth.z) < 3.19;
    if (barrel == endcap) return;  // files whose last state is in the tracker
    ++tracks;
    // The surface of the truth: crystals' front faces differ by some millimetres from the mean one.
    calorimeter_face front = cms::ecal_face();
    if (barrel) front.radius = radius, front.half_length = 3.2;
    if (endcap) front.half_length = 0, front.endcap_z = std::abs(truth.z), front.endcap_radius = 2;
    auto const hit = propagate(t, front, cms::field);
    if (hit.on != (barrel ? face::barrel : face::endcap)) {
      ++missed;
      return;
    }
    if (barrel) {
      barrel_phi.push_back(phi_difference(std::atan2(hit.at.y, hit.at.x), std::atan2(truth.y, truth.x)));
      barrel_z.push_back(std::abs(hit.at.z - truth.z));
      double const bend = std::remainder(std::atan2(truth.y, truth.x) - t.phi, 2 * math::pi);
      field.push_back(-t.charge * std::sin(bend) * 2 * t.pt / (0.299792458 * radius));
    } else {
      endcap_x.push_back(std::abs(hit.at.x - truth.x));
      endcap_y.push_back(std::abs(hit.at.y - truth.y));
    }
  }));
  CHECK(tracks > 1000);
  CHECK(missed == 0);
  double const crystal = 0.0174;
  auto const within = [](std::vector<double> const& values, double limit) {
    return static_cast<double>(
               std::count_if(values.begin(), values.end(), [&](double v) { return v < limit; })) /
           static_cast<double>(values.size());
  };
  MESSAGE(tracks << " tracks above 5 GeV: barrel phi median " << median(barrel_phi) << ", z median "
                 << median(barrel_z) << " m, endcap x median " << median(endcap_x)
                 << " m; within half a crystal: " << within(barrel_phi, crystal / 2) << " (barrel phi), "
                 << within(endcap_x, 0.015) << " (endcap x); field " << median(field) << " T");
  CHECK(median(barrel_phi) < 0.03 * crystal);
  CHECK(within(barrel_phi, crystal / 2) > 0.999);
  CHECK(within(barrel_z, 0.011) > 0.99);
  CHECK(within(endcap_x, 0.015) > 0.999);
  CHECK(within(endcap_y, 0.015) > 0.999);
  CHECK(median(field) > 3.80);
  CHECK(median(field) < 3.85);
}
