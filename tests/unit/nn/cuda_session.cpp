// exec::cuda's strict kernels, thread by thread on the host, in both orders: the bits of the scalar reference.
#include <array>
#include <span>
#include <vector>

#include "../../full_event.hpp"
#include "../../mixed_network.hpp"
#include "../../odd_networks.hpp"
#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;
using calotype_test::some_inputs;
using cuda = ct::exec::cuda<ct::exec::fp32, ct::exec::emulated>;

TEST_CASE_TEMPLATE("from numbers to logits, in batches", Net, calotype_test::mixed, calotype_test::wide_windows,
                   calotype_test::odd_stride, calotype_test::to_one_pixel, calotype_test::shrinks_to_a_pixel,
                   calotype_test::far_apart, calotype_test::two_sequences, calotype_test::many_rows,
                   ct::models::eb, ct::models::four_momentum_3, ct::models::shower_cnn,
                   ct::models::shower_conv_lstm) {
  constexpr std::size_t events = 5, size = ct::nn::input_size<Net>();
  auto const model = ct::nn::model<Net>::random(3);
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
  auto const model = ct::nn::model<Net>::random(4);
  ct::session<Net, ct::exec::scalar> reference(model);
  ct::session<Net, cuda> score(model, {}, 2);
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 5; ++i) events.push_back(calotype_test::full_event(i));
  std::vector<typename ct::session<Net, cuda>::scores> scores(events.size()), expected;
  for (ct::event const& e : events) expected.push_back(reference(e));
  score(std::span<ct::event const>(events), std::span(scores));
  CHECK(score.report() == reference.report());
  CHECK(scores == expected);
  ct::session<Net, cuda> several(model, {.host_threads = 3}, 3);
  for (auto& s : scores) s = {};
  several(std::span<ct::event const>(events), std::span(scores));
  CHECK(several.report() == reference.report());
  CHECK(scores == expected);
  score(std::span<ct::event const>{}, {});
  // numbers after events, and events after numbers
  auto const numbers = some_inputs<Net>(1);
  CHECK(score(std::span<float const>(numbers)) == reference(std::span<float const>(numbers)));
  CHECK(score(events[1]) == reference(events[1]));
}

TEST_CASE("what an event is computed to, and events that fill the list before the batch is full") {
  using net = ct::models::four_momentum_3;
  auto const model = ct::nn::model<net>::random(4);
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
  auto const barrel = ct::nn::model<ct::models::eb>::random(5);
  ct::session<ct::models::eb, ct::exec::scalar> expected(barrel);
  ct::session<ct::models::eb, cuda> many(barrel, {}, 3);
  std::vector<ct::event> const events{full, e, full, full};
  std::vector<std::array<float, 3>> scores(events.size());
  many(std::span<ct::event const>(events), std::span(scores));
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(scores[i] == expected(events[i]));
  ct::session<ct::models::eb, cuda> with_threads(barrel, {.host_threads = 2}, 3);
  for (auto& s : scores) s = {};
  with_threads(std::span<ct::event const>(events), std::span(scores));
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(scores[i] == expected(events[i]));
}

}  // namespace
