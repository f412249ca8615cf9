#include "against_torch.hpp"

#include <calotype/models/event_paper.hpp>

TEST_CASE("ecal equals PyTorch, and every policy the same bits") {
  against_torch::check<calotype::models::ecal>("ecal");
}
