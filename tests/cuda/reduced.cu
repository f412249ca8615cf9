// exec::cuda on tensor cores: the calls of any session.
#include "../odd_networks.hpp"
#include "score.hpp"

#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>

float score_reduced(calotype::event const& event, std::span<float const> inputs) {
  namespace m = calotype::models;
  using namespace calotype_test;
  return score<m::cms_b, calotype::exec::fp16>(event, inputs) +
         score<wide_windows, calotype::exec::tf32>(event, inputs) +
         score<narrow_trunk, calotype::exec::bf16>(event, inputs) +
         score<m::shower_conv_lstm, calotype::exec::bf16>(event, inputs);
}
