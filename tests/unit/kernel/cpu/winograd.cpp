// The Winograd arithmetic: close to the direct one, and the same bits for every instruction set.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "winograd_layer.hpp"

#include <calotype/models/resnet15.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::map_shape;

double largest(numbers const& x) {
  double most = 0;
  for (float v : x) most = std::max(most, static_cast<double>(std::abs(v)));
  return most;
}
// Of the largest number of `right`.
double deviation(numbers const& x, numbers const& right) {
  REQUIRE(x.size() == right.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const d = std::abs(static_cast<double>(x[i]) - static_cast<double>(right[i]));
    most = std::isnan(d) ? 1 : std::max(most, d);
  }
  return most / largest(right);
}

template <class F>
void for_each_layer_of_networks(F f) {
  f.template operator()<conv_shape{{16, 41, 89}, 16, 3, 1, 1}>();
  f.template operator()<conv_shape{{32, 21, 45}, 32, 3, 1, 1}>();
}

}  // namespace

TEST_CASE("winograd: what it takes") {
  CHECK(kernel::cpu::winograd_applies({{16, 41, 89}, 16, 3, 1, 1}));
  CHECK(kernel::cpu::winograd_applies({{32, 4, 4}, 32, 3, 1, 1}));
  CHECK_FALSE(kernel::cpu::winograd_applies({{16, 41, 89}, 16, 3, 2, 1}));
  CHECK_FALSE(kernel::cpu::winograd_applies({{16, 41, 89}, 16, 3, 1, 0}));
  CHECK_FALSE(kernel::cpu::winograd_applies({{16, 41, 89}, 16, 1, 1, 0}));
  CHECK_FALSE(kernel::cpu::winograd_applies({{1, 41, 89}, 16, 3, 1, 1}));
  // 21 x 45: a last row and a last column of two.
  constexpr auto tiling = kernel::cpu::detail::best_winograd_tiling({{32, 21, 45}, 32, 3, 1, 1});
  static_assert(tiling.field(0).tiles() == 5 * 11 && tiling.field(1).tiles() == 5);
  static_assert(tiling.field(2).tiles() == 11 && tiling.field(3).tiles() == 1);
  static_assert(kernel::cpu::detail::best_winograd_tiling({{32, 4, 4}, 32, 3, 1, 1}).field(0).tiles() == 1);
  // Of two outputs each.
  static_assert(kernel::cpu::detail::best_winograd_tiling({{32, 6, 6}, 32, 3, 1, 1}).field(0).cols.tiles == 3);
}

TEST_CASE("winograd: within 5e-6 of direct") {
  using Arch = exec::best_arch;
  auto const check = []<conv_shape S>() {
    CAPTURE(S.in.rows);
    CAPTURE(S.in.cols);
    auto const direct = results<exec::cpu<Arch>, S>();
    auto const winograd = results<winograd_policy<Arch>, S>();
    for (std::size_t i = 0; i < direct.size(); ++i) {
      CAPTURE(i);
      CHECK(deviation(winograd[i], direct[i]) < 5e-6);
    }
    CHECK(differences(winograd[0], direct[0]) > 0);
  };
  for_each_cut(check);
  for_each_layer_of_networks(check);
}

TEST_CASE_TEMPLATE("winograd: the bits of the portable kernels", Arch, CALOTYPE_TEST_ARCHS) {
  for_each_cut([]<conv_shape S>() {
    auto const reference = results<winograd_policy<exec::portable>, S>();
    auto const here = results<winograd_policy<Arch>, S>();
    for (std::size_t i = 0; i < here.size(); ++i) CHECK(differences(here[i], reference[i]) == 0);
  });
}

namespace {

struct small_image {
  static constexpr auto tensor() { return std::array{map_shape{3, 61, 93}}; }
};
struct small_net {
  using input = small_image;
  static constexpr auto classes() { return labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return nn::resnet15(); }
};

template <class Policy>
numbers logits_of(nn::model<small_net> const& model, std::uint32_t seed) {
  nn::packed_parameters<small_net, Policy> packed;
  packed.pack(model.parameters().data());
  nn::inference_engine<small_net, Policy> engine;
  numbers x = random_numbers(nn::input_size<small_net>(), seed);
  for (float& v : x) v = std::max(v, 0.f);
  nn::feed<small_net, Policy> feed;
  feed(std::span<float const>(x), engine);
  float const* y = engine.run(packed, feed);
  return {y, y + 3};
}

// The logits of an event and the gradients of all parameters.
template <class Policy>
numbers gradients_of(nn::model<small_net> const& model) {
  nn::packed_parameters<small_net, Policy> packed(true);
  packed.pack(model.parameters().data());
  nn::training_engine<small_net, Policy> engine;
  numbers x = random_numbers(nn::input_size<small_net>(), 3);
  for (float& v : x) v = std::max(v, 0.f);
  kernel::ops<Policy>::template set_input<nn::plan_of<small_net>.shape(0)>({}, x.data(),
                                                                           engine.template input<0>());
  numbers all(model.parameters().size());
  engine.forward(packed);
  for (int i = 0; i < 3; ++i) engine.logit_gradient()[i] = i == 0 ? -0.5f : 0.25f;
  engine.backward(packed, model.parameters().data(), all.data());
  return all;
}

numbers part(numbers const& all, nn::parameter const& p) {
  return {all.begin() + p.offset, all.begin() + p.offset + p.size()};
}

}  // namespace

// Tiles here and there: of those the bits of the whole layer, or of another map; the rest is left alone.
template <class Arch, conv_shape S>
void check_changed() {
  using policy = winograd_policy<Arch>;
  using conv = typename kernel::ops<policy>::template conv<S, false>;
  static_assert(conv::follows);
  example<S> const e;
  numbers packed(conv::packed_size), scratch(conv::scratch_size, poison);
  conv::pack(e.weights.data(), e.bias.data(), packed.data());
  auto in = cpu_map<S.in>::of(e.x);
  auto shortcut = cpu_map<S.out()>::of(e.shortcut), other = cpu_map<S.out()>::of(e.gradient);
  auto whole = cpu_map<S.out()>::poisoned(), part = cpu_map<S.out()>::poisoned();
  conv::template forward<true, true>({}, in.data(), packed.data(), shortcut.data(), whole.data(),
                                     scratch.data());

  constexpr auto M = S.out();
  constexpr int words = kernel::words_in_row(M);
  auto const has = [](std::vector<kernel::pixel_word> const& set, int y, int x) {
    return (set[static_cast<std::size_t>(y * words + x / 64)] >> x % 64 & 1) != 0;
  };
  std::vector<kernel::pixel_word> computed(kernel::words_in_set(M)), copied(computed);
  for (int i = 0; i < 5; ++i) {
    computed[static_cast<std::size_t>(i * (M.rows - 1) / 4 * words)] |= kernel::pixel_word{1} << i * 11;
    copied[static_cast<std::size_t>((i * (M.rows - 1) / 4 + 1) * words - 1)] |= kernel::pixel_word{1}
                                                                                << (M.cols - 1 - 3 * i) % 64;
  }
  conv::computed(computed.data(), computed.data());
  conv::computed(copied.data(), copied.data());
  for (std::size_t i = 0; i < copied.size(); ++i) copied[i] &= ~computed[i];
  conv::template forward_changed<true, true>({}, in.data(), packed.data(), shortcut.data(), other.data(),
                                             computed.data(), copied.data(), part.data(), scratch.data());
  CHECK(part.rest_is_zero());
  auto const got = part.canonical(), all = whole.canonical(), from_other = other.canonical();
  auto const untouched = cpu_map<M>::poisoned().canonical();
  int kinds[3] = {}, wrong = 0;
  for (int c = 0; c < M.channels; ++c) {
    for (int y = 0; y < M.rows; ++y) {
      for (int x = 0; x < M.cols; ++x) {
        auto const i = static_cast<std::size_t>((c * M.rows + y) * M.cols + x);
        int const kind = has(computed, y, x) ? 0 : has(copied, y, x) ? 1 : 2;
        ++kinds[kind];
        wrong += std::memcmp(&got[i],
                             &(kind == 0   ? all
                               : kind == 1 ? from_other
                                           : untouched)[i],
                             sizeof(float)) != 0;
      }
    }
  }
  CHECK(wrong == 0);
  for (int n : kinds) CHECK(n > 0);
}

TEST_CASE_TEMPLATE("winograd: a part of the tiles", Arch, CALOTYPE_TEST_ARCHS) {
  check_changed<Arch, conv_shape{{16, 41, 89}, 16, 3, 1, 1}>();
  check_changed<Arch, conv_shape{{32, 21, 45}, 32, 3, 1, 1}>();
  check_changed<Arch, conv_shape{{5, 17, 70}, 48, 3, 1, 1}>();
}

TEST_CASE("winograd: a part of the tiles of a map with more of them than a list has numbers for") {
  using conv_of =
      kernel::cpu::winograd_conv<winograd_policy<exec::best_arch>, conv_shape{{16, 1024, 1024}, 16, 3, 1, 1}>;
  static_assert(conv_of::tiling.field(0).tiles() == 65'536 && conv_of::follows);
  using larger =
      kernel::cpu::winograd_conv<winograd_policy<exec::best_arch>, conv_shape{{16, 1024, 1028}, 16, 3, 1, 1}>;
  static_assert(larger::tiling.field(0).tiles() > 65'536 && !larger::follows);
}

TEST_CASE("winograd: the gradients of a network are within 5e-6 of direct") {
  auto const model = nn::model<small_net>::random(5);
  auto const direct = gradients_of<exec::cpu<>>(model);
  auto const winograd = gradients_of<winograd_policy<exec::best_arch>>(model);
  constexpr auto const& plan = nn::plan_of<small_net>;
  for (int i = 0; i < plan.parameter_count; ++i) {
    if (plan.parameter_at(i).idle) continue;
    CAPTURE(std::string(plan.parameter_at(i).name()));
    CHECK(deviation(part(winograd, plan.parameter_at(i)), part(direct, plan.parameter_at(i))) < 5e-6);
  }
}

TEST_CASE_TEMPLATE("winograd: a whole network", Arch, CALOTYPE_TEST_ARCHS) {
  auto const model = nn::model<small_net>::random(5);
  CHECK(differences(gradients_of<winograd_policy<Arch>>(model),
                    gradients_of<winograd_policy<exec::portable>>(model)) == 0);
  for (std::uint32_t seed : {1u, 2u}) {
    auto const direct = logits_of<exec::cpu<>>(model, seed);
    auto const winograd = logits_of<winograd_policy<Arch>>(model, seed);
    CHECK(deviation(winograd, direct) < 5e-6);
    CHECK(differences(winograd, logits_of<winograd_policy<exec::portable>>(model, seed)) == 0);
  }
  using winograd_engine = nn::inference_engine<small_net, winograd_policy<Arch>>;
  CHECK(winograd_engine::workspace_bytes > nn::inference_engine<small_net, exec::cpu<>>::workspace_bytes);
}
