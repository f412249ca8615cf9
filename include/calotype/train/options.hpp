// What a training run is asked to do; plain numbers that go into the checkpoint and the weights' provenance.
#pragma once

#include <cstdint>

namespace calotype::train {

// Adam (Kingma & Ba 2014); the defaults are the event paper's learning rate and PyTorch's other constants.
struct adam {
  double learning_rate = 5e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

struct options {
  train::adam optimiser{};
  int batch_size = 32;
  int epochs = 10;
  std::uint64_t seed = 1;  // order of the events, start of the parameters, dropout
  int threads = 1;
};

}  // namespace calotype::train
