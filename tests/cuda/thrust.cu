// The CUDA system of Thrust compiles from the same code as the host systems: images, scores and training.
#include <calotype/kernel/thrust.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/session.hpp>
#include <calotype/train/trainer.hpp>

namespace {

using network = calotype::models::eb;
using policy = calotype::exec::cuda_thrust;

struct no_events {
  std::size_t size() const { return 0; }
  calotype::event const& sample(std::size_t) const { return event; }
  int label(std::size_t) const { return 0; }
  float weight(std::size_t) const { return 1; }
  calotype::event event;
};

}  // namespace

auto score(calotype::nn::model<network> const& model, calotype::event const& event) {
  calotype::session<network, policy> session{model};
  return session(event);
}

double train(calotype::nn::model<network> const& model) {
  calotype::train::trainer<network, policy> trainer(model, {});
  return trainer.epoch(no_events{}, [](std::size_t, std::size_t, double) {});
}
