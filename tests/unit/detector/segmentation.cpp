#include <string>

#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/detector/segmentation.hpp>

using namespace calotype;

namespace {

struct pad {
  int row, column;
};

template <int Bins, bool Shifted>
struct pads {
  using cell_type = pad;
  static constexpr std::string_view name() { return "pads"; }
  static constexpr auto cells() {
    return grid{.u = regular{.bins = Bins, .low = Shifted ? 0.5 : 0, .high = 4},
                .v = edges<3>{.at = {0, 1, 5}}};
  }
};

struct pads_with_ids : pads<4, false> {
  static constexpr int collection = 3;
  static constexpr auto ids() {
    return id_layout<2>{.prefix = 0x100,
                        .fields = {{{.label = 0, .shift = 4, .bits = 4}, {.label = 1, .bits = 4}}}};
  }
};

}  // namespace

TEST_CASE("segmentation: answers what the description says") {
  using s = segmentation<pads_with_ids>;
  CHECK(s::size() == 8);
  CHECK(s::rank == 2);
  CHECK(s::collection == 3);
  CHECK(s::name() == "pads");
  CHECK(s::find(2.5, 4) == 5);
  CHECK(s::cell(5).row == 2);
  CHECK(s::cell(5).column == 1);
  CHECK(s::index({2, 1}) == 5);
  CHECK(s::index({4, 0}) == -1);
  CHECK(s::center(5).v == 3);
  CHECK(s::bounds(5).v_high == 5);
  CHECK(s::layouts() == 1);
  CHECK(s::pack(5) == 0x121);
  CHECK(s::unpack(0x121) == 5);
  CHECK(s::unpack(0x122) == -1);  // no column 2
  CHECK(s::unpack(0x221) == -1);  // another prefix
  CHECK(s::unpack(0xfffff121) == -1);
}

TEST_CASE("segmentation: collection and ids are optional") {
  using s = segmentation<pads<4, false>>;
  CHECK(s::collection == -1);
  CHECK_FALSE(s::has_ids);
  CHECK(s::layouts() == 0);
}

TEST_CASE("segmentation: the signature follows the content, not the type") {
  auto const signature = segmentation<pads<4, false>>::signature();
  CHECK(signature == segmentation<pads<4, false>>::signature());
  CHECK(signature != segmentation<pads<5, false>>::signature());
  CHECK(signature != segmentation<pads<4, true>>::signature());
  CHECK(signature != segmentation<pads_with_ids>::signature());
}

TEST_CASE("for_each_part: in the order of the description") {
  std::string names;
  int expected = 0;
  for_each_part<cms::run1>([&]<class S>(S) {
    names += std::string(S::name()) + " ";
    CHECK(S::collection == expected++);
  });
  CHECK(names == "cms::eb cms::ee cms::es cms::hb cms::he cms::ho cms::hf cms::towers ");
}
