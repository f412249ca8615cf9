// Every recorded file, read completely and compared with an independent reading in Python (read_ig.py), and
// with the inventory of the data.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "../../unit/io/scratch.hpp"
#include "calotype_tree.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/io/ig.hpp>

namespace {

namespace ct = calotype;
namespace io = calotype::io;
namespace cms = calotype::cms;

std::filesystem::path data_folder() {
  char const* const named = std::getenv("CALOTYPE_DATA");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

std::vector<std::string> recorded_files() {
  std::vector<std::string> files;
  if (!std::filesystem::is_directory(data_folder())) return files;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(data_folder())) {
    if (entry.path().extension() == ".ig") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

long peak_kilobytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

constexpr std::array collections{cms::collection::eb, cms::collection::ee, cms::collection::es,
                                 cms::collection::hb, cms::collection::he, cms::collection::ho,
                                 cms::collection::hf};

TEST_CASE("every recorded file is read completely, in bounded memory") {
  auto const files = recorded_files();
  if (files.empty()) {
    MESSAGE("SKIPPED: no recorded .ig files in " << data_folder().string());
    return;
  }
  // Events per file of the data's inventory.
  std::map<std::string, std::size_t> const inventory{{"diphoton_7of10.ig", 7},
                                                     {"4lepton.ig", 3},
                                                     {"DoublePhoton_Run2012B_0.ig", 25},
                                                     {"DoubleElectron_Run2012C_0.ig", 25},
                                                     {"DoubleMuParked_Run2012C_0.ig", 25},
                                                     {"BJetPlusX_Run2012C_0.ig", 25},
                                                     {"MinimumBias_Run2012C_0.ig", 25},
                                                     {"Electron.ig", 25},
                                                     {"Tau.ig", 25},
                                                     {"Hto4l_120-130GeV.ig", 11},
                                                     {"Hto4l_2011A.ig", 38},
                                                     {"Hto4l_4.ig", 19},
                                                     {"masterclass_33.ig", 100},
                                                     {"EventData.ig", 2},
                                                     {"igOutput_njets.ig", 1},
                                                     {"igOutput_pt_j.ig", 1}};
  std::set<std::pair<std::uint32_t, std::uint64_t>> distinct;
  std::size_t known_files = 0;
  std::size_t events = 0;
  std::size_t repetitions = 0;
  std::size_t outside = 0;
  long const before = peak_kilobytes();
  auto const start = std::chrono::steady_clock::now();
  for (auto const& path : files) {
    CAPTURE(path);
    auto file = io::open_ig(path);
    REQUIRE(file);
    std::size_t here = 0;
    for (auto const& e : *file) {
      ++here;
      distinct.insert({e.run, e.number});
    }
    REQUIRE_MESSAGE(file->error() == nullptr, file->error()->message());
    CHECK(here == file->size());
    auto const known = inventory.find(std::filesystem::path(path).filename().string());
    if (known != inventory.end()) {
      ++known_files;
      CHECK(here == known->second);
    }
    events += here;
    repetitions += file->summary().total(&io::ig_collection_summary::repetitions);
    outside += file->summary().total(&io::ig_collection_summary::outside);
  }
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  long const grown = peak_kilobytes() - before;
  MESSAGE(events << " events (" << distinct.size() << " distinct) in " << seconds << " s, peak memory grew by "
                 << grown << " kB");
  CHECK(outside == 0);
  CHECK(grown < 64 * 1024);  // the largest event is 7 MB of text
  if (known_files == inventory.size()) {
    CHECK(distinct.size() == 352);
    CHECK(repetitions == 5);
  }
}

TEST_CASE("events agree with an independent reading") {
  auto const files = recorded_files();
  std::string const python = "/usr/bin/python3 " CALOTYPE_SOURCE_DIR "/tests/reference/io/read_ig.py";
  if (files.empty() || std::system((python + " > /dev/null 2>&1").c_str()) != 0) {
    MESSAGE("SKIPPED: no recorded .ig files, or no python3");
    return;
  }
  scratch::folder const folder;
  for (auto const& path : files) {
    CAPTURE(path);
    REQUIRE(std::system((python + " '" + path + "' > '" + (folder / "found") + "'").c_str()) == 0);
    std::ifstream lines(folder / "found");
    auto file = io::open_ig(path);
    REQUIRE(file);
    std::size_t repeated = 0;
    std::string line;
    for (auto const& e : *file) {
      REQUIRE(std::getline(lines, line));
      std::istringstream fields(line);
      std::uint32_t run = 0;
      std::uint64_t number = 0;
      std::uint32_t block = 0;
      fields >> run >> number >> block;
      CAPTURE(number);
      CHECK(e.run == run);
      CHECK(e.number == number);
      CHECK(e.luminosity_block == block);
      std::size_t count = 0;
      double sum = 0;
      for (auto const collection : collections) {
        CAPTURE(static_cast<int>(collection));
        std::uint64_t ids = 0;
        fields >> count >> ids >> sum;
        std::uint64_t our_ids = 0;
        double our_sum = 0;
        double scale = 1;
        for (auto const& h : e.hits(collection)) {
          our_ids += h.id;
          our_sum += h.energy;
          scale += std::fabs(h.energy);
        }
        CHECK(e.hits(collection).size() == count);
        CHECK(our_ids == ids);
        CHECK(std::fabs(our_sum - sum) < 1e-7 * scale);
        CHECK(std::is_sorted(e.hits(collection).begin(), e.hits(collection).end(),
                             [](ct::hit const& a, ct::hit const& b) { return a.id < b.id; }));
      }
      long iphis = 0;
      fields >> count >> iphis >> sum;
      long our_iphis = 0;
      double our_sum = 0;
      for (auto const& h : e.hits(cms::collection::towers)) {
        using towers = ct::segmentation<cms::towers>;
        our_iphis += towers::cell(towers::unpack(h.id)).iphi;
        our_sum += h.energy;
      }
      CHECK(e.hits(cms::collection::towers).size() == count);
      CHECK(our_iphis == iphis);
      CHECK(our_sum == doctest::Approx(sum).epsilon(1e-6));
      int charge = 0;
      fields >> count >> sum >> charge;
      double pt = 0;
      double charges = 0;
      double impact = 0;
      for (auto const& t : e.tracks()) {
        pt += t.pt;
        charges += t.charge;
        impact = std::max(impact, std::fabs(static_cast<double>(t.d0)));
      }
      CHECK(e.tracks().size() == count);
      CHECK(pt == doctest::Approx(sum).epsilon(1e-6));
      CHECK(charges == charge);
      CHECK(impact < 110);  // cm: the tracker's radius
      std::size_t repetitions = 0;
      fields >> count >> sum >> repetitions;
      CHECK(e.photons().size() == count);
      CHECK((count == 0 ? 0 : e.photons()[0].et) == doctest::Approx(sum).epsilon(1e-6));
      CHECK(!fields.fail());
      repeated += repetitions;
    }
    REQUIRE(file->error() == nullptr);
    CHECK(!std::getline(lines, line));
    CHECK(file->summary().total(&io::ig_collection_summary::repetitions) == repeated);
  }
}

}  // namespace
