// Training on a device, strict: events and numbers.
#include <cstddef>
#include <span>
#include <vector>

#include "../mixed_network.hpp"

#include <calotype/models/event_paper.hpp>
#include <calotype/train/cuda.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;

template <class Sample>
struct some {
  std::vector<Sample> all;
  std::size_t size() const { return all.size(); }
  Sample const& sample(std::size_t i) const { return all[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
  float mass(std::size_t) const { return 100; }
};

template <class Net, class Data>
double train(Data const& data) {
  ct::train::trainer<Net, ct::exec::cuda<>> t(ct::nn::model<Net>::random(1), {.batch_size = 360});
  return t.epoch(data, [](std::size_t, std::size_t, double) {});
}

}  // namespace

double train_all(std::vector<ct::event> const& events, std::vector<std::span<float const>> const& numbers) {
  return train<ct::models::eb>(some<ct::event>{events}) +
         train<calotype_test::mixed>(some<std::span<float const>>{numbers});
}
