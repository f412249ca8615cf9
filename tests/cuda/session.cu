// exec::cuda: whole networks as one kernel, strict, with the calls of any session.
#include "../odd_networks.hpp"
#include "score.hpp"

#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>

float score_strict(calotype::event const& event, std::span<float const> inputs) {
  namespace m = calotype::models;
  using namespace calotype_test;
  using fp32 = calotype::exec::fp32;
  return score<m::cms_b, fp32>(event, inputs) + score<m::four_momentum_3, fp32>(event, inputs) +
         score<m::shower_conv_lstm, fp32>(event, inputs) + score<wide_windows, fp32>(event, inputs) +
         score<to_one_pixel, fp32>(event, inputs);
}
