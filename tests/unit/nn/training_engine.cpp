// Gradients of images that are nearly empty go another way than those of full ones; the scalar policy has one
// way only.
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>

namespace {

namespace ct = calotype;

// The maps of one plane have the shape of another's pooled one, so that they share memory.
struct two_planes {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{1, 36, 36}, ct::kernel::map_shape{2, 18, 18}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    constexpr conv first{.filters = 16, .kernel = 5, .padding = 2};
    return ct::nn::layers(
        branches(branch("large", first, relu{}, max_pool{}, residual{.filters = 16}, global_max_pool{}),
                 branch("small", first, relu{}, max_pool{}, global_max_pool{})),
        logits{});
  }
};

// Of inputs in which every pixel, or only each of so many, is filled, one after the other in one engine.
template <class Policy>
std::vector<std::vector<float>> gradients(std::vector<std::size_t> const& steps) {
  auto const model = ct::nn::model<two_planes>::random(3);
  ct::nn::packed_parameters<two_planes, Policy> packed(true);
  packed.pack(model.parameters().data());
  using engine_type = ct::nn::training_engine<two_planes, Policy>;
  engine_type engine;
  ct::nn::feed<two_planes, Policy, engine_type> feed;
  std::vector<std::vector<float>> all;
  for (std::size_t step : steps) {
    std::vector<float> x(ct::nn::input_size<two_planes>());
    for (std::size_t i = 0; i < x.size(); i += step) x[i] = 1 + 0.01f * static_cast<float>(i % 50);
    feed(std::span<float const>(x), engine);
    engine.forward(packed);
    engine.logit_gradient()[0] = 1;
    engine.logit_gradient()[1] = -1;
    all.emplace_back(model.parameters().size());
    engine.backward(packed, model.parameters().data(), all.back().data());
  }
  return all;
}

TEST_CASE("nearly empty and full images, by turns, have the reference's gradients") {
  std::vector<std::size_t> const steps{37, 37, 3, 37, 1, 101};
  auto const want = gradients<ct::exec::scalar>(steps);
  CHECK(gradients<ct::exec::cpu<>>(steps) == want);
}

}  // namespace
