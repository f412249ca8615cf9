#include <set>
#include <string_view>

#include <doctest/doctest.h>

#include <calotype/image/layout.hpp>
#include <calotype/image/presets/cms_run1.hpp>

namespace {

using namespace calotype;

struct everything {
  static constexpr auto image() { return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()}); }
};
struct same_again {
  static constexpr auto image() { return cms::hcal_centric({track_pt(), ecal_energy(), hcal_energy()}, {}); }
};
struct barrel_and_endcaps {
  static constexpr auto image() { return cms::ecal_centric({hcal_energy(), ecal_energy()}); }
};
struct barrel {
  static constexpr auto image() {
    return cms::central({ecal_energy({.scale = 0.02, .zero_suppression = 1e-3})});
  }
};

static_assert(concepts::image<everything>);
static_assert(!concepts::image<int>);

static_assert(image_traits<everything>::name == "hcal-centric");
static_assert(image_traits<everything>::planes == 1 && image_traits<everything>::channels == 3);
static_assert(image_traits<everything>::plane(0) == plane_shape{3, 280, 360});
static_assert(image_traits<everything>::size() == 3 * 280 * 360);
static_assert(image_traits<everything>::channel(0).what == quantity::track_pt);
static_assert(image_traits<everything>::channel(2).what == quantity::hcal_energy);

static_assert(image_traits<barrel_and_endcaps>::planes == 3);
static_assert(image_traits<barrel_and_endcaps>::plane(0) == plane_shape{2, 170, 360});
static_assert(image_traits<barrel_and_endcaps>::plane(1) == plane_shape{2, 100, 100});
static_assert(image_traits<barrel_and_endcaps>::plane(2) == plane_shape{2, 100, 100});
static_assert(image_traits<barrel_and_endcaps>::plane_name(1) == "eem");
static_assert(image_traits<barrel_and_endcaps>::channel(0).what == quantity::hcal_energy);

static_assert(image_traits<barrel>::plane(0) == plane_shape{1, 170, 360});
static_assert(image_traits<barrel>::channel(0).scale == 0.02);

// The regions of a projection say what happens to energy.
constexpr auto smeared = cms::projection::ee_rows::regions({});
static_assert(smeared[0].rule() == energy_rule::divide && smeared[0].gain() == 1);
static_assert(cms::projection::ee_rows::regions({.ee_smear = smear::legacy_quarter})[1].gain() == 0.25);
static_assert(cms::projection::ee_rows::regions({.ee_smear = smear::none})[0].rule() == energy_rule::sum);
static_assert(cms::projection::hcal_towers<cms::hb, 28>::regions({})[0].rule() == energy_rule::copy);
static_assert(cms::projection::hcal_towers<cms::hb, 28>::regions({})[0].gain() == 25);
static_assert(
    cms::projection::hcal_towers<cms::hb, 28>::regions({.hcal_upsample = upsample::divide})[0].gain() == 1);

// --- signatures

template <class Name>
constexpr std::uint64_t signature = image_traits<Name>::signature;

template <int Variant>
struct variant {
  static constexpr auto image() {
    channel_list const all{track_pt(), ecal_energy(), hcal_energy()};
    switch (Variant) {
      case 1:
        return cms::hcal_centric({ecal_energy(), track_pt(), hcal_energy()});
      case 2:
        return cms::hcal_centric({track_pt(), ecal_energy()});
      case 3:
        return cms::hcal_centric({track_pt({.scale = 0.01}), ecal_energy(), hcal_energy()});
      case 4:
        return cms::hcal_centric({track_pt({.zero_suppression = 0.01}), ecal_energy(), hcal_energy()});
      case 5:
        return cms::hcal_centric(all, {.ee_smear = smear::none});
      case 6:
        return cms::hcal_centric(all, {.ee_smear = smear::legacy_quarter});
      case 7:
        return cms::hcal_centric(all, {.hcal_upsample = upsample::divide});
      case 8:
        return cms::hcal_centric(all, {.hcal = hcal_source::towers});
      case 9:
        return cms::hcal_centric(all, {.tracks = track_selection::high_purity});
      case 10:
        return cms::hcal_centric(all, {.divide_by = divisor::m_gg});
      case 11:
        return cms::hcal_centric(all, {.divide_by = divisor::sum_pt});
      case 12:
        return cms::hcal_centric({hcal_energy(), ecal_energy(), track_pt()});
      case 13:
        return cms::hcal_centric({ecal_energy(), hcal_energy()});
      default:
        return cms::hcal_centric(all);
    }
  }
};

template <int Layout>
struct all_of {
  static constexpr auto image() {
    channel_list const all{track_pt(), ecal_energy(), hcal_energy()};
    if constexpr (Layout == 0)
      return cms::central(all);
    else
      return cms::ecal_centric(all);
  }
};

struct central_variant {
  static constexpr auto image() { return cms::central({ecal_energy()}); }
};
struct central_with_idle_options {
  static constexpr auto image() {
    return cms::central({ecal_energy()}, {.ee_smear = smear::none, .hcal_upsample = upsample::divide});
  }
};

TEST_CASE("a signature follows the content, not the name; whatever changes a pixel changes it") {
  CHECK(signature<everything> == signature<same_again>);
  CHECK(signature<everything> == signature<variant<0>>);
  std::set<std::uint64_t> distinct;
  std::size_t count = 0;
  [&]<int... V>(std::integer_sequence<int, V...>) { ((distinct.insert(signature<variant<V>>), ++count), ...); }
  (std::make_integer_sequence<int, 14>{});
  distinct.insert(signature<barrel_and_endcaps>);
  distinct.insert(signature<barrel>);
  CHECK(distinct.size() == count + 2);
  // Options that cannot change a pixel of this layout do not count.
  CHECK(signature<central_variant> == signature<central_with_idle_options>);
}

TEST_CASE("signatures are written into model files: these change only on purpose") {
  CHECK(signature<everything> == 0xb3ac67edcdd3cb9b);
  CHECK(signature<all_of<0>> == 0x1ef084aaa9ad6ca5);
  CHECK(signature<all_of<1>> == 0x66805e0c8f73b5de);
}

TEST_CASE("channel lists keep their order and find quantities") {
  channel_list const list{hcal_energy(), track_pt()};
  CHECK(list.size() == 2);
  CHECK(list.find(quantity::hcal_energy) == 0);
  CHECK(list.find(quantity::track_pt) == 1);
  CHECK(list.find(quantity::ecal_energy) == -1);
  CHECK(list[1].name == "track_pt");
}

}  // namespace
