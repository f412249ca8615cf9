// exec::cuda on tensor cores, emulated warp by warp on the host: whole networks, near the scalar reference.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../full_event.hpp"
#include "../../mixed_network.hpp"
#include "../../odd_networks.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;
using calotype_test::mixed;
using calotype_test::some_inputs;
using calotype_test::to_one_pixel;
using calotype_test::wide_windows;
using ct::kernel::map_shape;

// A trunk whose every pixel counts, some columns of tiles wide, behind means; and another input without one.
template <int Cols>
struct means {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 41, Cols}, map_shape{1, 9, 9}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(branches(branch("trunk", resnet_trunk<2, max_pool, global_avg_pool>()),
                                   branch("other", conv{.filters = 5}, relu{}, global_avg_pool{})),
                          dense{.units = 19}, relu{}, logits{});
  }
};

// Of a trunk that changes its size twice, and one that is too wide for the registers of a block.
struct narrowing {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{3, 61, 90}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 16, .kernel = 5, .stride = 1, .padding = 2}, relu{}, max_pool{},
                          residual{.filters = 32, .stride = 2}, residual{.filters = 32},
                          residual{.filters = 64, .stride = 2}, global_avg_pool{}, logits{});
  }
};
struct too_wide {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 20, 640}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() { return ct::nn::layers(ct::nn::resnet_trunk<1>(), ct::nn::logits{}); }
};

template <class Net, class Precision>
constexpr std::size_t shared_size = ct::nn::device_program<Net, ct::exec::cuda<Precision, ct::exec::emulated>,
                                                           ct::nn::dense_inputs>::shared_size;
// In shared memory: what fits.
static_assert(shared_size<ct::models::eb, ct::exec::fp16> > 100'000);
static_assert(shared_size<ct::models::cms_ii, ct::exec::bf16> > 200'000);
static_assert(shared_size<ct::models::cms_i, ct::exec::fp16> > 100'000);
static_assert(shared_size<means<30>, ct::exec::tf32> > 0);
static_assert(shared_size<narrowing, ct::exec::fp16> > 0);
static_assert(shared_size<ct::models::eb, ct::exec::tf32> == 0);
static_assert(shared_size<too_wide, ct::exec::fp16> == 0);
static_assert(shared_size<ct::models::eb, ct::exec::fp32> == 0);

// Weights that are larger than those that a training begins with, so that events differ.
template <class Net>
ct::nn::model<Net> some_model() {
  auto const start = ct::nn::model<Net>::random(6);
  std::vector<float> parameters(start.parameters().begin(), start.parameters().end());
  for (float& p : parameters) p *= 1.5F;
  return ct::nn::model<Net>(std::move(parameters));
}

// Largest difference of an event's logits from those of fp32, of what logits differ by between events.
template <class Precision>
constexpr double tolerance = std::is_same_v<Precision, ct::exec::bf16> ? 0.1 : 8e-3;

template <class Net, class Precision>
void check_near() {
  using reduced = ct::exec::cuda<Precision, ct::exec::emulated>;
  using scores = typename ct::session<Net, reduced>::scores;
  constexpr std::size_t events = 5, size = ct::nn::input_size<Net>();
  auto const model = some_model<Net>();
  auto const inputs = some_inputs<Net>(events);
  ct::session<Net, ct::exec::scalar> reference(model);
  ct::session<Net, reduced> score(model, {}, 3);
  std::vector<scores> together(events), logits(events);
  score.score_each([&](std::size_t i) { return std::span<float const>(inputs).subspan(i * size, size); },
                   std::span(together), std::span(logits));
  std::vector<scores> expected;
  double spread = 0, error = 0;
  for (std::size_t i = 0; i < events; ++i) {
    CAPTURE(i);
    auto const input = std::span<float const>(inputs).subspan(i * size, size);
    reference(input);
    expected.push_back(reference.logits());
    CHECK(score(input) == together[i]);  // in shared memory or layer by layer: the same bits
    CHECK(score.logits() == logits[i]);
  }
  for (std::size_t i = 0; i < events; ++i) {
    for (std::size_t k = 0; k < expected[i].size(); ++k) {
      double const e = expected[i][k];
      error = std::max(error, std::abs(logits[i][k] - e));
      spread = std::max(spread, std::abs(e - static_cast<double>(expected[(i + 1) % events][k])));
    }
  }
  CAPTURE(spread);
  CAPTURE(error);
  CHECK(spread > 0);
  CHECK(error < tolerance<Precision> * spread + 1e-6);
}

TEST_CASE_TEMPLATE("fp16: near the reference, alone as in a batch", Net, means<30>, means<64>, narrowing,
                   too_wide, mixed, wide_windows, to_one_pixel, calotype_test::shrinks_to_a_pixel,
                   calotype_test::far_apart, calotype_test::two_sequences) {
  check_near<Net, ct::exec::fp16>();
}
TEST_CASE_TEMPLATE("bf16 and tf32: near the reference, alone as in a batch", P, ct::exec::bf16,
                   ct::exec::tf32) {
  check_near<means<30>, P>();
  check_near<narrowing, P>();
  check_near<ct::models::shower_conv_lstm, P>();
}

TEST_CASE("from hits to logits") {
  using net = ct::models::ecal;
  auto const model = some_model<net>();
  ct::session<net, ct::exec::scalar> reference(model);
  ct::session<net, ct::exec::cuda<ct::exec::fp16, ct::exec::emulated>> score(model, {}, 2);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 3; ++i) events.push_back(calotype_test::full_event(i));
  std::vector<std::array<float, 3>> scores(events.size());
  score(std::span<ct::event const>(events), std::span(scores));
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto const expected = reference(events[i]);
    for (std::size_t k = 0; k < 3; ++k) CHECK(std::abs(scores[i][k] - expected[k]) < 3e-3F);
    CHECK(score(events[i]) == scores[i]);
  }
  // Nothing is left of the events.
  auto const numbers = some_inputs<net>(1);
  auto const before = score(std::span<float const>(numbers));
  CHECK(score(events[1]) != before);
  CHECK(score(std::span<float const>(numbers)) == before);
}

}  // namespace
