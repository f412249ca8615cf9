// exec::cuda's kernels, thread by thread on the host, in both orders: the bits of the scalar reference.
#include <array>
#include <span>
#include <vector>

#include "../../full_event.hpp"
#include "../../mixed_network.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;
using ct::kernel::map_shape;
using cuda = ct::exec::cuda<ct::exec::fp32, ct::exec::emulated>;

// Windows that reach further out, means, strides of three, many pixels and few.
struct wide_windows {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{2, 45, 50}}; }
  };
  static constexpr auto classes() { return ct::labels("only"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(avg_pool{}, conv{.filters = 6, .kernel = 5, .padding = 2}, relu{},
                          conv{.filters = 12, .kernel = 3, .stride = 3, .padding = 1}, avg_pool{},
                          conv{.filters = 7, .kernel = 1}, relu{}, global_avg_pool{}, logits{});
  }
};

// A pooled first convolution whose columns begin at no quads, with more padding.
struct odd_stride {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{4, 31, 33}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 10, .kernel = 5, .stride = 1, .padding = 2}, max_pool{},
                          conv{.filters = 8, .kernel = 3}, relu{}, global_max_pool{}, logits{});
  }
};

// Convolutions and pools that leave one pixel, which is a vector: behind another convolution, and as the first
// of all.
struct to_one_pixel {
  struct input {
    static constexpr auto tensor() {
      return std::array{map_shape{2, 8, 8}, map_shape{3, 6, 6}, map_shape{1, 4, 4}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b", "c"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(branches(branch("convolution", conv{.filters = 6, .kernel = 3, .padding = 1}, relu{},
                                          conv{.filters = 5, .kernel = 8}, relu{}),
                                   branch("pool", conv{.filters = 7, .kernel = 3, .padding = 1}, relu{},
                                          max_pool{.size = 6, .stride = 6}),
                                   branch("both", conv{.filters = 9, .kernel = 3}, relu{}, max_pool{})),
                          dense{.units = 11}, relu{}, logits{});
  }
};

// A global pool over more rows than usual.
struct many_rows {
  struct input {
    static constexpr auto tensor() { return std::array{map_shape{1, 300, 12}}; }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(conv{.filters = 8, .kernel = 3, .padding = 1}, global_avg_pool{}, logits{});
  }
};

template <class Net>
std::vector<float> some_inputs(std::size_t n) {
  std::vector<float> x(n * ct::nn::input_size<Net>());
  ct::stream draw(21, 0, 5);
  for (float& v : x) v = draw.uniform() < 0.2f ? draw.uniform(-0.3f, 1.0f) : 0.0f;
  return x;
}

TEST_CASE_TEMPLATE("from numbers to logits, in batches", Net, calotype_test::mixed, wide_windows, odd_stride,
                   ct::models::eb, ct::models::four_momentum_3, ct::models::shower_cnn,
                   ct::models::shower_conv_lstm) {
  constexpr std::size_t events = 5, size = ct::nn::input_size<Net>();
  auto const model = ct::nn::model<Net>::initial(3);
  auto const inputs = some_inputs<Net>(events);
  ct::session<Net, ct::exec::scalar> reference(model);
  ct::session<Net, cuda> score(model, {}, 3);  // the second batch is not full
  std::vector<typename ct::session<Net, cuda>::scores> scores(events);
  score(std::span<float const>(inputs), std::span(scores));
  for (std::size_t i = 0; i < events; ++i) {
    CAPTURE(i);
    auto const input = std::span<float const>(inputs).subspan(i * size, size);
    CHECK(scores[i] == reference(input));
    CHECK(score(input) == reference(input));
    CHECK(score.logits() == reference.logits());
    CHECK(score.log_odds() == reference.log_odds());
  }
}

TEST_CASE_TEMPLATE("from hits to logits", Net, ct::models::cms_b, ct::models::ecal) {
  auto const model = ct::nn::model<Net>::initial(4);
  ct::session<Net, ct::exec::scalar> reference(model);
  ct::session<Net, cuda> score(model, {}, 2);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 3; ++i) events.push_back(calotype_test::full_event(i));
  std::vector<typename ct::session<Net, cuda>::scores> scores(events.size());
  score(std::span<ct::event const>(events), std::span(scores));
  CHECK(score.report() == (reference(events.back()), reference.report()));
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(scores[i] == reference(events[i]));
  // numbers after events, and events after numbers
  auto const numbers = some_inputs<Net>(1);
  CHECK(score(std::span<float const>(numbers)) == reference(std::span<float const>(numbers)));
  CHECK(score(events[1]) == reference(events[1]));
}

TEST_CASE("what an event is computed to, and events that fill the list before the batch is full") {
  using net = ct::models::four_momentum_3;
  auto const model = ct::nn::model<net>::initial(4);
  ct::session<net, ct::exec::scalar> reference(model);
  ct::session<net, cuda> score(model, {}, 2);
  auto const e = calotype_test::full_event(1);
  CHECK(score(e) == reference(e));

  // Every crystal of the barrel: a list holds some such events, and not the whole batch.
  ct::event full = e;
  full.hit_lists[ct::cms::collection::eb].clear();
  for (int cell = 0; cell < ct::segmentation<ct::cms::eb>::size(); ++cell) {
    full.hit_lists[ct::cms::collection::eb].push_back(
        {ct::segmentation<ct::cms::eb>::pack(cell), 0.1f + 1e-5f * static_cast<float>(cell)});
  }
  auto const barrel = ct::nn::model<ct::models::eb>::initial(5);
  ct::session<ct::models::eb, ct::exec::scalar> expected(barrel);
  ct::session<ct::models::eb, cuda> many(barrel, {}, 3);
  std::vector<ct::event> const events{full, e, full, full};
  std::vector<std::array<float, 3>> scores(events.size());
  many(std::span<ct::event const>(events), std::span(scores));
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(scores[i] == expected(events[i]));
}

}  // namespace
