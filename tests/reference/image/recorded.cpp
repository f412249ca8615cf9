// Every recorded event in every layout against an independent drawing in numpy (oracle.py).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "../../unit/io/scratch.hpp"
#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/image/image.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/io/ig.hpp>

namespace {

using namespace calotype;

std::filesystem::path data_folder() {
  char const* const named = std::getenv("CALOTYPE_DATA");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(CALOTYPE_SOURCE_DIR) / "../shared/data";
}

struct central {
  static constexpr auto image() { return cms::central({track_pt(), ecal_energy(), hcal_energy()}); }
};
struct ecal_centric {
  static constexpr auto image() { return cms::ecal_centric({track_pt(), ecal_energy(), hcal_energy()}); }
};
struct hcal_centric {
  static constexpr auto image() { return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()}); }
};
struct plain {
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()},
                             {.ee_smear = smear::none, .hcal_upsample = upsample::divide});
  }
};
struct legacy {
  static constexpr auto image() {
    return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()},
                             {.ee_smear = smear::legacy_quarter, .divide_by = divisor::m_gg});
  }
};

struct lit_pixel {
  std::uint32_t event, pixel;
  float value;
};

struct outcome {
  int events = 0, lit = 0, wrong = 0;
};

template <class Name>
outcome compare(std::string const& file, std::string const& variant) {
  auto opened = io::open_ig(file);
  REQUIRE(opened);
  scratch::folder const folder;
  std::string const pixels = folder / "pixels", answer = folder / "answer";
  {
    image_builder<Name> builder;
    image picture = image::of<Name>();
    std::ofstream out(pixels, std::ios::binary);
    std::uint32_t number = 0;
    for (event const& e : *opened) {
      builder.build(e, picture.target<Name>());
      std::vector<lit_pixel> lit;
      for (std::size_t i = 0; i < picture.pixels().size(); ++i)
        if (picture.pixels()[i] != 0)
          lit.push_back({number, static_cast<std::uint32_t>(i), picture.pixels()[i]});
      out.write(reinterpret_cast<char const*>(lit.data()),
                static_cast<std::streamsize>(lit.size() * sizeof(lit_pixel)));
      ++number;
    }
    REQUIRE(opened->error() == nullptr);
  }
  std::string const command = "/usr/bin/python3 '" CALOTYPE_SOURCE_DIR "/tests/reference/image/oracle.py' '" +
                              file + "' '" + (data_folder() / "ispy-webgl-geometry").string() + "' '" + pixels +
                              "' " + variant + " > '" + answer + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  outcome o;
  std::ifstream(answer) >> o.events >> o.lit >> o.wrong;
  CHECK(o.events == static_cast<int>(opened->size()));
  return o;
}

template <class Name>
void check_layout(std::string const& variant) {
  std::vector<std::string> files;
  if (std::filesystem::is_directory(data_folder()))
    for (auto const& entry : std::filesystem::recursive_directory_iterator(data_folder()))
      if (entry.path().extension() == ".ig") files.push_back(entry.path().string());
  if (files.empty() || std::system("/usr/bin/python3 -c 'import numpy' > /dev/null 2>&1") != 0) {
    MESSAGE("SKIPPED: no recorded .ig files in " << data_folder().string() << ", or no numpy");
    return;
  }
  std::sort(files.begin(), files.end());
  outcome all;
  for (auto const& file : files) {
    outcome const o = compare<Name>(file, variant);
    CHECK_MESSAGE(o.wrong == 0, file, " ", variant);
    all.events += o.events;
    all.lit += o.lit;
  }
  MESSAGE(variant << ": " << all.events << " events, " << all.lit << " pixels");
  CHECK(all.lit > 100 * all.events);
}

TEST_CASE("recorded events, central") { check_layout<central>("central"); }
TEST_CASE("recorded events, ECAL-centric") { check_layout<ecal_centric>("ecal-centric"); }
TEST_CASE("recorded events, HCAL-centric") { check_layout<hcal_centric>("hcal-centric"); }
TEST_CASE("recorded events, HCAL-centric, neither smeared nor copied") { check_layout<plain>("plain"); }
TEST_CASE("recorded events, HCAL-centric, smeared as in the published jets, per m_gg") {
  check_layout<legacy>("legacy");
}

}  // namespace
