#include <algorithm>
#include <vector>

#include "../../sample_event.hpp"
#include <doctest/doctest.h>

#include <calotype/image/crop.hpp>
#include <calotype/image/image.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/session.hpp>

namespace {

namespace ct = calotype;
namespace models = ct::models;
using eb = ct::segmentation<ct::cms::eb>;

TEST_CASE("the crop of the hottest crystal") {
  auto e = calotype_test::sample_event(4);
  auto& hits = e.hit_lists[ct::cms::collection::eb];
  hits.insert(hits.begin(),
              {eb::pack(2 * 360 + 1), 60});  // near a corner: rows missing, columns beyond the seam
  auto const crop = models::shower_crop::compute(e);
  static_assert(crop.size() == 32 * 32);
  CHECK(crop[16 * 32 + 16] == 60);
  CHECK(std::count_if(crop.begin(), crop.begin() + 14 * 32, [](float p) { return p != 0; }) == 0);
  CHECK(std::count_if(crop.begin(), crop.end(), [](float p) { return p > 0; }) > 2);
  CHECK(std::count_if(crop.begin(), crop.end(), [](float p) { return p < 0; }) == 0);

  ct::crop_builder<models::shower_crop> builder;
  builder.read(e);
  auto image = ct::image::of<models::shower_crop>();
  REQUIRE(builder.cut(ct::cms::hottest_crystal(e), image.target<models::shower_crop>()));
  CHECK(std::equal(crop.begin(), crop.end(), image.pixels().begin()));

  hits.clear();
  for (float p : models::shower_crop::compute(e)) CHECK(p == 0);
}

TEST_CASE("a network on crops scores events, and numbers to the same bits") {
  auto const model = ct::nn::model<models::shower_fcn>::random(1);
  ct::session<models::shower_fcn> score(model);
  auto const e = calotype_test::sample_event(5);
  auto const of_event = score(e);
  auto const crop = models::shower_crop::compute(e);
  CHECK(score(std::span<float const>(crop)) == of_event);
  CHECK(score(calotype_test::sample_event(6)) != of_event);
}

TEST_CASE("digis around the hottest crystal, a plane for each sample") {
  ct::event e;
  auto& hits = e.hit_lists[ct::cms::collection::eb];
  hits = {{eb::pack(100 * 360 + 359), 3}, {eb::pack(101 * 360 + 0), 40}};
  for (auto const& h : hits) {
    e.pulse_list.push_back({h.id, {}});
    for (std::size_t k = 0; k < 10; ++k) e.pulse_list.back().samples[k] = h.energy + static_cast<float>(k);
  }
  auto const crop = models::shower_digis::compute(e);
  static_assert(crop.size() == 10 * 32 * 32);
  for (std::size_t k = 0; k < 10; ++k) {
    CHECK(crop[(k * 32 + 16) * 32 + 16] == 40 + static_cast<float>(k));
    CHECK(crop[(k * 32 + 15) * 32 + 15] == 3 + static_cast<float>(k));  // across the seam of phi
  }
  CHECK(std::count_if(crop.begin(), crop.end(), [](float p) { return p != 0; }) == 20);
  hits.clear();
  for (float p : models::shower_digis::compute(e)) CHECK(p == 0);
}

TEST_CASE("inputs of pulses say so") {
  static_assert(ct::nn::input_traits<models::shower_digis>::reads_pulses);
  static_assert(!ct::nn::input_traits<models::shower_crop>::reads_pulses);
  static_assert(!ct::nn::input_traits<models::shower_barrel>::reads_pulses);
  // it is no part of what the numbers are
  struct silent {
    static constexpr auto tensor() { return models::shower_digis::tensor(); }
    static constexpr std::string_view meaning() { return models::shower_digis::meaning(); }
  };
  static_assert(!ct::nn::input_traits<silent>::reads_pulses);
  CHECK(ct::nn::input_traits<silent>::signature() == ct::nn::input_traits<models::shower_digis>::signature());
}

TEST_CASE("forget gates begin open, the other gates as any layer") {
  auto const start = ct::nn::model<models::shower_conv_lstm>::random(1);
  auto const bias = start.parameters().subspan(32 * 9 * 9, 32);
  for (std::size_t i = 0; i < bias.size(); ++i) {
    float const middle = i / 8 == 1 ? 1 : 0;
    CHECK(bias[i] > middle - 0.112F);
    CHECK(bias[i] < middle + 0.112F);
  }
}

TEST_CASE("counts of parameters") {
  CHECK(ct::nn::plan_of<models::shower_cnn>.total_parameters() ==
        160 + 2320 + 4640 + 9248 + 2048 * 256 + 256 + 256 * 128 + 128 + 128 * 2 + 2);
  CHECK(ct::nn::plan_of<models::shower_fcn>.total_parameters() ==
        1024 * 256 + 256 + 256 * 128 + 128 + 128 * 64 + 64 + 64 * 2 + 2);
  CHECK(ct::nn::plan_of<models::shower_fcn_digis>.total_parameters() ==
        10240 * 128 + 128 + 128 * 128 + 128 + 128 * 64 + 64 + 64 * 2 + 2);
  CHECK(ct::nn::plan_of<models::shower_cnn_digis>.total_parameters() ==
        ct::nn::plan_of<models::shower_cnn>.total_parameters() + 9 * 9 * 16);
  CHECK(ct::nn::plan_of<models::shower_conv_lstm>.total_parameters() ==
        32 * 9 * 9 + 32 + 8 * 16 * 16 * 128 + 128 + 128 * 2 + 2);
  CHECK(ct::nn::plan_of<models::shower_conv_lstm>.multiply_adds() ==
        10LL * 1024 * 32 * 9 * 9 + 8 * 16 * 16 * 128 + 128 * 2);
  CHECK(ct::nn::plan_of<models::shower_resnet>.total_parameters() == 88723 - 33);
}

}  // namespace
