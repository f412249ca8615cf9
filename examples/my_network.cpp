// A network of one's own on a plain map, its costs at compile time, and a short training: my_network
#include <array>
#include <cstdio>
#include <vector>

#include <calotype/kernel/cpu.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/cost.hpp>
#include <calotype/train/fit.hpp>
namespace ct = calotype;

// Does a 24 x 24 map hold one spot or two?
struct spots {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{1, 24, 24}}; }
  };
  static constexpr auto classes() { return ct::labels("two"); }  // one class: one logit, a yes-or-no question
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 3, .padding = 1}, relu{}, max_pool{},
                          residual{.filters = 8}, residual{.filters = 16, .stride = 2}, global_max_pool{},
                          logits{});
  }
};
static_assert(ct::nn::plan_of<spots>.total_parameters() == 4969);
static_assert(ct::nn::cost<spots>.workspace_bytes < 100'000);

// Event i of a seed, made whenever it is asked for.
struct toys {
  std::uint64_t seed;
  std::size_t count;

  std::size_t size() const { return count; }
  int label(std::size_t i) const { return i % 2 == 0 ? 0 : 1; }  // 0 is the class named first
  float weight(std::size_t) const { return 1; }
  std::vector<float> sample(std::size_t i) const {
    ct::stream draw(seed, i, 1);
    std::vector<float> map(24 * 24);
    for (float& pixel : map) pixel = 0.1f * draw.uniform();
    std::uint32_t const row = 4 + draw.below(16), col = 4 + draw.below(16);
    map[row * 24 + col] = 1;
    if (label(i) == 0) map[(row + draw.below(3)) * 24 + col + 1 + draw.below(2)] += 0.5f;
    return map;
  }
};

int main() {
  using policy = ct::exec::cpu<>;
  ct::train::trainer<spots, policy> trainer(
      ct::nn::model<spots>::initial(1), {.optimiser = {.learning_rate = 2e-3}, .batch_size = 20, .epochs = 6});
  ct::train::run_state<spots> state;
  auto const trained = ct::train::fit(
      trainer, toys{1, 2000}, toys{2, 500}, state, [](ct::train::step_report const&) {},
      [](ct::train::epoch_report const& r) {
        std::printf("epoch %d: loss %.3f, AUC %.3f\n", static_cast<int>(r.epoch), r.loss, r.validation_auc);
        return true;
      });
  if (!trained) return std::fprintf(stderr, "%s\n", trained.error()->message().c_str()), 1;
  std::printf("%s\n", state.best_auc > 0.99 ? "learned to tell one spot from two" : "learned too little");
  return state.best_auc > 0.99 ? 0 : 1;
}
