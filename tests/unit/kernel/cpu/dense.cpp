// Dense layers of the CPU policy against the scalar reference, bit for bit.
#include "same_bits.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::dense_shape;

// An exact number of floats, so that the sanitizers see every access beyond it.
template <class Arch, dense_shape S>
void check() {
  CAPTURE(S.inputs);
  CAPTURE(S.outputs);
  auto const inputs = static_cast<std::size_t>(S.inputs);
  auto const outputs = static_cast<std::size_t>(S.outputs);
  numbers const x = random_numbers(inputs, 1);
  numbers const weights = random_numbers(inputs * outputs, 2);
  numbers const bias = random_numbers(outputs, 3);
  numbers const dout = random_numbers(outputs, 4);
  using ours = typename cpu_ops<Arch>::template dense<S>;
  using theirs = reference::dense<S>;

  numbers their_packed(theirs::packed_size);
  numbers our_packed(ours::packed_size, poison);
  theirs::pack(weights.data(), bias.data(), their_packed.data());
  ours::pack(weights.data(), bias.data(), our_packed.data());
  numbers expected(outputs);
  numbers out(outputs, poison);
  theirs::template forward<false>({}, x.data(), their_packed.data(), expected.data());
  ours::template forward<false>({}, x.data(), our_packed.data(), out.data());
  CHECK(differences(out, expected) == 0);
  theirs::template forward<true>({}, x.data(), their_packed.data(), expected.data());
  ours::template forward<true>({}, x.data(), our_packed.data(), out.data());
  CHECK(differences(out, expected) == 0);

  numbers expected_din(inputs);
  numbers din(inputs, poison);
  theirs::input_gradient({}, dout.data(), weights.data(), expected_din.data());
  ours::input_gradient({}, dout.data(), weights.data(), din.data());
  CHECK(differences(din, expected_din) == 0);

  numbers expected_weights(weights.size());
  numbers expected_bias(outputs);
  numbers dweights(weights.size(), poison);
  numbers dbias(outputs, poison);
  theirs::weight_gradient({}, x.data(), dout.data(), expected_weights.data(), expected_bias.data());
  ours::weight_gradient({}, x.data(), dout.data(), dweights.data(), dbias.data());
  CHECK(differences(dweights, expected_weights) == 0);
  CHECK(differences(dbias, expected_bias) == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("dense layers", Arch, CALOTYPE_TEST_ARCHS) {
  check<Arch, dense_shape{32, 3}>();
  check<Arch, dense_shape{1, 1}>();
  check<Arch, dense_shape{17, 47}>();
  check<Arch, dense_shape{16, 128}>();
  check<Arch, dense_shape{256, 131}>();
  check<Arch, dense_shape{131, 300}>();
  check<Arch, dense_shape{8, 256}>();
}
