// What a training run is asked to do; plain numbers that go into the checkpoint and the weights' provenance.
#pragma once

#include <cstdint>

namespace calotype::train {

// Adam (Kingma & Ba 2014); the defaults are the event paper's learning rate and PyTorch's other constants.
struct adam {
  double learning_rate = 5e-4;
  double rate_decay = 1;  // the learning rate of epoch n = 0, 1, ... is learning_rate rate_decay^n
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

// The loss against learning the mass (train/decorrelation.hpp), for the events of one class.
struct decorrelation {
  double strength = 0;  // multiplies the loss; 0: none
  int neighbours = 12;
  // Earlier pairs of mass and score that are kept; while they gather, batches add no loss before there are ten
  // times the neighbours. 0: none, and every batch has its share of each class.
  int ring = 240;
  int label = 1;  // prompt photon pairs
};

struct options {
  train::adam optimiser{};
  int batch_size = 32;
  int epochs = 10;
  std::uint64_t seed = 1;  // order of the events, start of the parameters, dropout
  int threads = 1;
  train::decorrelation decorrelation{};
  // The largest CvM on the validation events of the class that an epoch may have to be chosen by its AUC; 0:
  // any. Where no epoch keeps to it, the one with the smallest CvM is chosen.
  double cvm_bound = 0;
};

}  // namespace calotype::train
