// exec::cuda on tensor cores, emulated warp by warp on the host: whole networks, near the scalar reference.
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
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

template <class Precision>
constexpr float logit_error = std::is_same_v<Precision, ct::exec::bf16> ? 1e-2F : 1e-3F;

template <class Precision, class... Nets>
void check_near() {
  (
      [] {
        using net = Nets;
        using reduced = ct::exec::cuda<Precision, ct::exec::emulated>;
        constexpr std::size_t events = 5, size = ct::nn::input_size<net>();
        auto const model = ct::nn::model<net>::initial(3);
        auto const inputs = some_inputs<net>(events);
        ct::session<net, ct::exec::scalar> reference(model);
        ct::session<net, reduced> score(model, {}, 3);
        std::vector<typename ct::session<net, reduced>::scores> scores(events);
        score(std::span<float const>(inputs), std::span(scores));
        for (std::size_t i = 0; i < events; ++i) {
          CAPTURE(i);
          auto const input = std::span<float const>(inputs).subspan(i * size, size);
          auto const expected = reference(input);
          auto const alone = score(input);
          for (std::size_t k = 0; k < expected.size(); ++k) {
            CHECK(scores[i][k] == doctest::Approx(expected[k]).epsilon(logit_error<Precision>));
            CHECK(alone[k] == doctest::Approx(expected[k]).epsilon(logit_error<Precision>));
            CHECK(score.logits()[k] ==
                  doctest::Approx(reference.logits()[k]).scale(0.1).epsilon(logit_error<Precision>));
          }
        }
      }(),
      ...);
}

TEST_CASE("near the reference, in a block's shared memory or not") {
  check_near<ct::exec::fp16, means<30>, means<64>, narrowing, too_wide, mixed, wide_windows, to_one_pixel>();
  check_near<ct::exec::bf16, means<30>>();
  check_near<ct::exec::tf32, means<30>, ct::models::shower_conv_lstm>();
}

TEST_CASE("from hits to logits") {
  using P = ct::exec::fp16;
  using net = ct::models::ecal;
  auto const model = ct::nn::model<net>::initial(4);
  ct::session<net, ct::exec::scalar> reference(model);
  ct::session<net, ct::exec::cuda<P, ct::exec::emulated>> score(model, {}, 2);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 3; ++i) events.push_back(calotype_test::full_event(i));
  std::vector<std::array<float, 3>> scores(events.size());
  score(std::span<ct::event const>(events), std::span(scores));
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto const expected = reference(events[i]);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(scores[i][k] == doctest::Approx(expected[k]).epsilon(logit_error<P>));
    }
  }
  // Nothing is left of the events.
  auto const numbers = some_inputs<net>(1);
  auto const before = score(std::span<float const>(numbers));
  CHECK(score(events[1]) != before);
  CHECK(score(std::span<float const>(numbers)) == before);
}

}  // namespace
