// Trains one network in several processes, on one machine or on many, to the bits of one process:
//   mpiexec -n 4 train_together WEIGHTS.safetensors [EVENTS per class] [EPOCHS]
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <mpi.h>

#include <calotype/calotype.hpp>
#include <calotype/io/complain.hpp>
#include <calotype/io/model.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/sim/simulate.hpp>
#include <calotype/train/fit.hpp>
#include <calotype/train/mpi.hpp>
namespace ct = calotype;

using network = ct::models::eb_mass_aware;

// Events are simulated when they are asked for: no file, and every process makes only those of its share.
struct events {
  std::uint64_t seed;
  std::size_t per_class;
  std::array<ct::sim::simulator, 3> of_class = {
      ct::sim::simulator{{.process = ct::sim::process::higgs, .seed = seed}},
      ct::sim::simulator{{.process = ct::sim::process::born, .seed = seed}},
      ct::sim::simulator{{.process = ct::sim::process::gamma_jet, .seed = seed}}};

  std::size_t size() const { return 3 * per_class; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
  ct::event sample(std::size_t i) const { return of_class[i % 3](i / 3).event; }
};

int train(std::shared_ptr<ct::train::team> together, char const* path, std::size_t per_class, int epochs) {
  bool const speaks = together->rank() == 0;
  ct::train::options const options{.batch_size = 16, .epochs = epochs};
  ct::train::trainer<network, ct::exec::cpu<>> trainer(ct::nn::model<network>::initial(options.seed), options,
                                                       {}, together);
  ct::train::run_state<network> state;
  auto const trained = ct::train::fit(
      trainer, events{1, per_class}, events{2, per_class / 2}, state, [](ct::train::step_report const&) {},
      [&](ct::train::epoch_report const& r) {
        if (speaks) {
          std::printf("epoch %d: loss %.4f, AUC %.4f\n", static_cast<int>(r.epoch), r.loss, r.validation_auc);
        }
        return true;
      });
  if (!trained) return speaks ? ct::io::complain(trained) : 1;
  if (!speaks) return 0;
  auto const saved = ct::io::save(path, ct::nn::model<network>(state.best_parameters), {},
                                  {.force = true});  // over an old one
  return saved ? 0 : ct::io::complain(saved);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int const per_class = argc > 2 ? std::atoi(argv[2]) : 1000, epochs = argc > 3 ? std::atoi(argv[3]) : 4;
  int status = 2;
  if (argc < 2 || per_class < 2 || epochs < 1) {
    std::fputs("usage: train_together WEIGHTS.safetensors [EVENTS per class] [EPOCHS]\n", stderr);
  } else {
    status =
        train(std::make_shared<ct::train::mpi_team>(), argv[1], static_cast<std::size_t>(per_class), epochs);
  }
  MPI_Finalize();
  return status;
}
