// Images of every policy against the scalar reference, bit for bit. The build compiles this with
// -ffp-contract=fast and off.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../unit/image/events.hpp"
#include <doctest/doctest.h>

#include <calotype/image/builder.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/kernel/thrust.hpp>
#include <calotype/kernel/thrust/image.hpp>

namespace {

using namespace calotype;

struct central {
  static constexpr auto image() { return cms::central({track_pt(), ecal_energy(), hcal_energy()}); }
};
struct ecal_centric {
  static constexpr auto image() {
    return cms::ecal_centric({hcal_energy({.scale = 0.3, .zero_suppression = 0.02}), ecal_energy(), track_pt()},
                             {.hcal_upsample = upsample::divide, .divide_by = divisor::m_gg});
  }
};
struct hcal_centric {
  static constexpr auto image() {
    return cms::hcal_centric(
        {track_pt({.scale = 0.7, .zero_suppression = 0.3}), ecal_energy({.scale = 1.3}), hcal_energy()},
        {.hcal_upsample = upsample::divide, .hcal = hcal_source::towers});
  }
};
struct unsmeared {
  static constexpr auto image() { return cms::hcal_centric({ecal_energy()}, {.ee_smear = smear::none}); }
};

// All planes behind one another, each channel with one pixel of halo.
template <class Name>
struct frame {
  std::vector<float> numbers;
  image_target<Name> target{};

  frame() {
    std::size_t n = 0;
    for (int p = 0; p < image_traits<Name>::planes; ++p) n += reals(p);
    numbers.assign(n, 0.0F);
    float* next = numbers.data();
    for (int p = 0; p < image_traits<Name>::planes; ++p) {
      auto const s = image_traits<Name>::plane(p);
      target[static_cast<std::size_t>(p)] = {next + s.cols + 3, (s.rows + 2) * (s.cols + 2), s.cols + 2};
      next += reals(p);
    }
  }
  static std::size_t reals(int p) {
    auto const s = image_traits<Name>::plane(p);
    return static_cast<std::size_t>(s.channels * (s.rows + 2) * (s.cols + 2));
  }
};

template <class Name, class Policy>
void check() {
  frame<Name> mine, reference;
  image_builder<Name, Policy> builder;
  image_builder<Name, exec::scalar> scalar;
  auto const compare = [&](event const& e) {
    auto const report = builder.build(e, mine.target);
    CHECK(report == scalar.build(e, reference.target));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < mine.numbers.size(); ++i)
      wrong +=
          std::bit_cast<std::uint32_t>(mine.numbers[i]) != std::bit_cast<std::uint32_t>(reference.numbers[i]);
    CHECK(wrong == 0);
  };
  for (unsigned seed = 0; seed < 4; ++seed) compare(image_tests::random_event(100 + seed));
  compare(image_tests::random_event(7, 150));  // fuller than any list
  compare(image_tests::random_event(8, 0.1));
  compare(event{});
  compare(image_tests::random_event(9));
}

template <class Policy>
void check_all() {
  check<central, Policy>();
  check<ecal_centric, Policy>();
  check<hcal_centric, Policy>();
  check<unsmeared, Policy>();
}

TEST_CASE_TEMPLATE("images have the reference's bits", Policy, exec::cpu<>, exec::serial, exec::openmp,
                   exec::tbb) {
  check_all<Policy>();
}

}  // namespace
