// The bits of the CPU policy, written down: the same for every compiler, -ffp-contract, instruction set and
// machine.
#include "same_bits.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::conv_shape;
using kernel::dense_shape;
using kernel::map_shape;

// A strided layer, its gradients, a dense layer and three steps of Adam on what they give.
template <class Arch>
std::uint64_t bits_of_a_small_network() {
  using ops = cpu_ops<Arch>;
  constexpr conv_shape shape{{3, 13, 37}, 32, 3, 2, 1};
  constexpr map_shape map = shape.out();
  constexpr dense_shape head{32, 3};
  using conv = typename ops::template conv<shape, false>;
  using dense = typename ops::template dense<head>;
  using pool = typename ops::template global_max_pool<map>;

  numbers weights = random_numbers(static_cast<std::size_t>(shape.weights()), 1);
  numbers const bias = random_numbers(32, 2);
  numbers const head_weights = random_numbers(static_cast<std::size_t>(head.weights()), 3);
  numbers const head_bias = random_numbers(3, 4);
  numbers packed(conv::packed_size), gradient_packed(conv::gradient_packed_size),
      head_packed(dense::packed_size);
  numbers first(weights.size()), second(weights.size()), dweights(weights.size()), dbias(32);
  dense::pack(head_weights.data(), head_bias.data(), head_packed.data());
  auto in = cpu_map<shape.in>::of(random_numbers(static_cast<std::size_t>(shape.in.size()), 5));
  cpu_map<map> out, dout;
  cpu_map<shape.in> din;
  numbers pooled(32), dpooled(32), logits(3);
  fingerprint print;
  for (int t = 1; t <= 3; ++t) {
    conv::pack(weights.data(), bias.data(), packed.data());
    conv::pack_gradient(weights.data(), gradient_packed.data());
    conv::template forward<true, false>({}, in.data(), packed.data(), nullptr, out.data());
    pool::forward({}, out.data(), pooled.data());
    dense::template forward<false>({}, pooled.data(), head_packed.data(), logits.data());
    dense::input_gradient({}, logits.data(), head_weights.data(), dpooled.data());
    pool::gradient({}, out.data(), pooled.data(), dpooled.data(), dout.data());
    ops::template relu_gradient<map>({}, out.data(), dout.data());
    conv::weight_gradient({}, in.data(), dout.data(), dweights.data(), dbias.data());
    conv::input_gradient({}, dout.data(), gradient_packed.data(), in.data(), din.data());
    auto const late = static_cast<float>(t);
    kernel::adam_step const step{1e-2f, 0.9f, 0.999f, 1e-8f, 1 + 9 / late, 1 + 999 / late};
    ops::adam({}, weights.size(), step, dweights.data(), first.data(), second.data(), weights.data());
    print.add(logits.data(), logits.size()).add(dbias.data(), dbias.size());
    numbers const x = din.canonical();
    print.add(x.data(), x.size()).add(weights.data(), weights.size());
  }
  return print.value();
}

}  // namespace

namespace {

// Everything a batch's normalisation needs of an event.
template <class Arch>
std::uint64_t bits_of_batch_norm() {
  constexpr map_shape map{21, 7, 11};
  using norm = typename cpu_ops<Arch>::template batch_norm<map>;
  auto x = cpu_map<map>::of(random_numbers(static_cast<std::size_t>(map.size()), 1));
  auto shortcut = cpu_map<map>::of(random_numbers(static_cast<std::size_t>(map.size()), 2));
  auto dout = cpu_map<map>::of(random_numbers(static_cast<std::size_t>(map.size()), 3));
  numbers channels[6];
  for (std::uint32_t i = 0; i < 6; ++i) {
    channels[i] = random_numbers(21, 4 + i);
    channels[i].resize(32);
  }
  kernel::channel_norm<float> const n{channels[0].data(), channels[1].data(), channels[2].data(),
                                      channels[3].data()};
  kernel::channel_slope<float> const slope{channels[4].data(), channels[5].data()};
  std::vector<double> sums(21), squares(21), slopes(42);
  auto out = cpu_map<map>::poisoned(), din = cpu_map<map>::poisoned();
  norm::sums({}, x.data(), sums.data());
  norm::squares({}, x.data(), n.mean, squares.data());
  norm::template forward<true, true>({}, x.data(), n, shortcut.data(), out.data());
  norm::slopes({}, x.data(), n, dout.data(), slopes.data());
  norm::gradient({}, x.data(), n, slope, dout.data(), din.data());
  CHECK(out.rest_is_zero());
  CHECK(din.rest_is_zero());
  fingerprint print;
  for (auto const* list : {&sums, &squares, &slopes}) {
    for (double s : *list) {
      auto const high = static_cast<float>(s), low = static_cast<float>(s - double{high});
      print.add(&high, 1).add(&low, 1);
    }
  }
  numbers const y = out.canonical(), d = din.canonical();
  return print.add(y.data(), y.size()).add(d.data(), d.size()).value();
}

}  // namespace

TEST_CASE_TEMPLATE("the bits of batch normalisation", Arch, CALOTYPE_TEST_ARCHS) {
  CHECK(bits_of_batch_norm<Arch>() == 1827819038657827787u);
}

TEST_CASE_TEMPLATE("the bits of a small network", Arch, CALOTYPE_TEST_ARCHS) {
  CHECK(bits_of_a_small_network<Arch>() == 6016680025977946719u);
}
