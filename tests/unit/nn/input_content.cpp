#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/input_content.hpp>

namespace {

namespace ct = calotype;
namespace cms = calotype::cms;
namespace models = calotype::models;
using eb = ct::segmentation<cms::eb>;
using ee = ct::segmentation<cms::ee>;
using hb = ct::segmentation<cms::hb>;
using he = ct::segmentation<cms::he>;
using names = std::vector<std::string>;

std::uint32_t crystal(int ieta, int iphi) { return eb::pack(eb::index({ieta, iphi})); }

// One candidate on the crystal (1, 1), hits around it and elsewhere, and what no image draws.
ct::event hand_made() {
  ct::event e;
  auto const at = eb::center(eb::index({1, 1}));
  e.photon_list = {{.et = 60, .eta = static_cast<float>(at.u), .phi = static_cast<float>(at.v)}};
  e.hit_lists[cms::collection::eb] = {
      {crystal(1, 1), 50},      {crystal(35, 1), 4},  // 0.598 away
      {crystal(36, 1), 0.5F},                         // 0.615 away
      {crystal(1, 330), 2},                           // 31 degrees: 0.54, across phi = 0
      {crystal(1, 326), 0.25F},                       // 35 degrees: 0.61
      {crystal(25, 326), 1},    {crystal(2, 2), -1},
      {crystal(2, 3), 0},       {crystal(2, 4), std::numeric_limits<float>::infinity()},
      {0xffffffffU, 9}};
  e.hit_lists[cms::collection::ee] = {{ee::pack(ee::index({50, 5, 1})), 3},
                                      {ee::pack(ee::index({3, 50, -1})), 5}};
  e.hit_lists[cms::collection::hb] = {{hb::pack(hb::index({5, 7, 1})), 2},
                                      {hb::pack(hb::index({-16, 70, 2})), 0.75F}};
  e.hit_lists[cms::collection::he] = {{he::pack(he::index({17, 7, 1})), 8},
                                      {he::pack(he::index({25, 7, 1})), 16}};
  e.track_list = {{.pt = 3, .eta = 0.5F, .phi = 1},
                  {.pt = 7, .eta = -2, .phi = 1},
                  {.pt = 1, .eta = 3.5F, .phi = 1},
                  {.pt = std::numeric_limits<float>::quiet_NaN(), .eta = 0, .phi = 0}};
  return e;
}

template <class Input>
double value(ct::event const& e, std::string const& name) {
  ct::nn::input_content<Input> content;
  auto const values = content(e);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (content.names()[i] == name) return values[i];
  }
  FAIL("no quantity " << name);
  return 0;
}
template <class Input>
names names_of() {
  ct::nn::input_content<Input> const content;
  return {content.names().begin(), content.names().end()};
}

// What no event says: no quantities, no ranges.
struct given_as_numbers {
  static constexpr auto tensor() { return models::shower_digis::tensor(); }
};

}  // namespace

TEST_CASE("an input has the quantities that its image draws, and no others") {
  CHECK(names_of<models::ecal_barrel_image>() == names{"eb_hits_in_halos", "eb_hits_elsewhere",
                                                       "ecal_energy_sum", "leading_et", "subleading_et", "m_gg",
                                                       "leading_eta", "subleading_eta"});
  CHECK(names_of<models::barrel_image>() == names{"tracks", "eb_hits_in_halos", "eb_hits_elsewhere", "hb_hits",
                                                  "he_hits", "track_pt_sum", "ecal_energy_sum",
                                                  "hcal_energy_sum", "leading_et", "subleading_et", "m_gg",
                                                  "leading_eta", "subleading_eta"});
  CHECK(names_of<models::ecal_image>() == names{"eb_hits_in_halos", "eb_hits_elsewhere", "ee_hits_in_halos",
                                                "ee_hits_elsewhere", "ecal_energy_sum", "leading_et",
                                                "subleading_et", "m_gg", "leading_eta", "subleading_eta"});
  CHECK(names_of<models::photon_pair>() ==
        names{"pt1/m", "eta1", "pt2/m", "eta2", "cos(dphi)", "leading_et", "subleading_et", "m_gg"});
  CHECK(names_of<models::shower_crop>() == names{"pixels", "ecal_energy_sum"});
  CHECK(names_of<models::shower_digis>() == names{"values", "value_sum"});
  CHECK(names_of<given_as_numbers>().empty());
}

TEST_CASE("hits of crystals are counted in and out of the halos of candidates, drawn hits with energy alone") {
  auto e = hand_made();
  using central = models::barrel_image;
  CHECK(value<central>(e, "eb_hits_in_halos") == 3);
  CHECK(value<central>(e, "eb_hits_elsewhere") == 3);
  CHECK(value<central>(e, "ecal_energy_sum") == 50 + 4 + 0.5 + 2 + 0.25 + 1);
  CHECK(value<central>(e, "hb_hits") == 2);
  CHECK(value<central>(e, "he_hits") == 1);  // |ieta| = 17; the barrel's image ends there
  CHECK(value<central>(e, "hcal_energy_sum") == 2 + 0.75 + 8);
  CHECK(value<central>(e, "tracks") == 1);
  CHECK(value<central>(e, "track_pt_sum") == 3);
  using whole = models::hcal_centric_image;
  CHECK(value<whole>(e, "he_hits") == 2);
  CHECK(value<whole>(e, "tracks") == 2);
  CHECK(value<whole>(e, "ee_hits_elsewhere") == 2);
  CHECK(value<whole>(e, "ecal_energy_sum") == value<central>(e, "ecal_energy_sum") + 8);
  CHECK(value<models::ecal_centric_image>(e, "he_hits") == 2);

  // a second candidate has a halo too, in an endcap
  auto const forward = ee::center(ee::index({3, 50, -1}));
  e.photon_list.push_back(
      {.et = 20, .eta = static_cast<float>(forward.u + 0.3), .phi = static_cast<float>(forward.v - 0.3)});
  CHECK(value<whole>(e, "ee_hits_in_halos") == 1);
  CHECK(value<whole>(e, "ee_hits_elsewhere") == 1);
  e.photon_list.clear();
  CHECK(value<central>(e, "eb_hits_in_halos") == 0);
  CHECK(value<central>(e, "eb_hits_elsewhere") == 6);
  e.photon_list = {{.et = 60, .phi = 1e30F}};  // a number, but no direction
  CHECK(value<central>(e, "eb_hits_in_halos") == 0);
}

TEST_CASE("photon candidates, features and crops") {
  auto e = hand_made();
  using image = models::ecal_barrel_image;
  CHECK(value<image>(e, "leading_et") == 60);
  CHECK(std::isnan(value<image>(e, "subleading_et")));
  CHECK(std::isnan(value<image>(e, "m_gg")));
  CHECK(std::isnan(value<image>(e, "subleading_eta")));
  e.photon_list.push_back({.et = 40, .eta = 1, .phi = 2});
  CHECK(value<image>(e, "subleading_et") == 40);
  CHECK(value<image>(e, "subleading_eta") == 1);
  CHECK(value<image>(e, "leading_eta") == static_cast<double>(e.photon_list[0].eta));
  CHECK(value<image>(e, "m_gg") == ct::diphoton_mass(e.photons()));
  CHECK(value<models::photon_pair>(e, "eta2") == 1);
  CHECK(value<models::photon_pair>(e, "m_gg") == ct::diphoton_mass(e.photons()));
  CHECK(value<models::shower_crop>(e, "pixels") == 1);  // of the 50 GeV and nothing near them
  CHECK(value<models::shower_crop>(e, "ecal_energy_sum") == doctest::Approx(50));
}

TEST_CASE("computed tensors: how many of their numbers are not zero, and the sum of all") {
  auto e = hand_made();
  CHECK(value<models::shower_digis>(e, "values") == 0);
  CHECK(value<models::shower_digis>(e, "value_sum") == 0);
  e.pulse_list = {
      {crystal(1, 1), {}}, {crystal(2, 2), {}}, {crystal(60, 200), {}}};  // the last beyond the window
  for (std::size_t k = 0; k < 10; ++k) {
    e.pulse_list[0].samples[k] = static_cast<float>(k);  // 9 of them not zero, 45 together
    e.pulse_list[2].samples[k] = 100;
  }
  e.pulse_list[1].samples[3] = -0.5F;
  e.pulse_list[1].samples[4] = std::numeric_limits<float>::infinity();  // counts as none
  CHECK(value<models::shower_digis>(e, "values") == 10);
  CHECK(value<models::shower_digis>(e, "value_sum") == 44.5);
  std::vector<ct::event> const events(3, e);
  auto const ranges = ct::nn::ranges_of<models::shower_digis>(events);
  CHECK(ranges.size() == 2);
  CHECK(ranges.at("value_sum") == ct::nn::content_range{44.5, 44.5});
  CHECK(ct::nn::ranges_of<given_as_numbers>(events).empty());
}

TEST_CASE("ranges hold the inner 98 % of the events, and only what these have") {
  using image = models::ecal_barrel_image;
  std::vector<ct::event> events(200);
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      events[i].hit_lists[cms::collection::eb].push_back({eb::pack(static_cast<int>(k)), 0.5F});
    }
    events[i].photon_list = {{.et = 50, .eta = 1.2F}, {.et = 30, .eta = 1.3F, .phi = 3}};
  }
  auto ranges = ct::nn::ranges_of<image>(events);
  CHECK(ranges.size() == 8);
  auto const sums = ranges.at("ecal_energy_sum");
  CHECK(sums == ct::nn::content_range{1, 98.5});  // two events below, two above
  CHECK(ranges.at("leading_et") == ct::nn::content_range{50, 50});
  CHECK(sums.contains(1));
  CHECK(sums.contains(98.5));
  CHECK_FALSE(sums.contains(0.99));
  CHECK_FALSE(sums.contains(98.6));
  CHECK_FALSE(sums.contains(std::numeric_limits<double>::quiet_NaN()));

  events[0].photon_list.pop_back();
  events[1].photon_list.pop_back();
  CHECK(ct::nn::ranges_of<image>(events).count("m_gg") == 1);
  events[2].photon_list.pop_back();
  ranges = ct::nn::ranges_of<image>(events);
  CHECK(ranges.count("m_gg") + ranges.count("subleading_et") == 0);
  CHECK(ranges.count("leading_et") == 1);

  events.resize(99);
  CHECK(ct::nn::ranges_of<image>(events).at("ecal_energy_sum") == ct::nn::content_range{0, 49});
  events.clear();
  CHECK(ct::nn::ranges_of<image>(events).empty());
}
