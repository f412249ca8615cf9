#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/models/event_paper.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/plan.hpp>

namespace {

namespace ct = calotype;

// Names of the tensors in which two starts differ; those of the first are all 0 there.
template <class Net>
std::vector<std::string_view> cleared() {
  auto const initial = ct::nn::model<Net>::initial(3), random = ct::nn::model<Net>::random(3);
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  std::vector<std::string_view> names;
  for (int i = 0; i < plan.parameter_count; ++i) {
    auto const& q = plan.parameter_at(i);
    auto const part = [&](auto const& model) {
      return model.parameters().subspan(static_cast<std::size_t>(q.offset), static_cast<std::size_t>(q.size()));
    };
    auto const a = part(initial), b = part(random);
    if (std::equal(a.begin(), a.end(), b.begin())) continue;
    CHECK(std::all_of(a.begin(), a.end(), [](float x) { return x == 0; }));
    names.push_back(q.name());
  }
  return names;
}

}  // namespace

TEST_CASE("a training starts with residual blocks that are their short cuts") {
  // the last convolution of each of seven blocks, weights and biases
  auto const names = cleared<ct::models::eb>();
  CHECK(names.size() == 14);
  CHECK(std::all_of(names.begin(), names.end(),
                    [](auto name) { return name.find("conv2") != std::string_view::npos; }));
  CHECK(cleared<ct::models::eb_batch_norm>().empty());
  CHECK(cleared<ct::models::four_momentum>().empty());
}
