#include "against_torch.hpp"

#include <calotype/models/event_paper.hpp>
#include <calotype/observables/identified_photons.hpp>

TEST_CASE("variants of the event paper's networks equal PyTorch, and every policy the same bits") {
  against_torch::check<calotype::models::reference>("reference");
  against_torch::check<calotype::models::eb_deeper>("eb-deeper");
  // Means bring gradients to every pixel, and among so many there are activations within rounding of 0.
  using in_double = calotype::exec::scalar_of<double>;
  against_torch::check<calotype::models::eb_average_pooling, in_double>("eb-average-pooling");
  against_torch::check<calotype::models::eb_fcn_head>("eb-fcn-head");
}
