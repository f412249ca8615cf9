// ReLU's gradient, sums, Adam and changes of layout of the CPU policy against the scalar reference, bit for
// bit.
#include "same_bits.hpp"

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::map_shape;

template <class Arch, map_shape M>
void check_maps() {
  CAPTURE(M.channels);
  CAPTURE(M.rows);
  CAPTURE(M.cols);
  auto const n = static_cast<std::size_t>(M.size());
  numbers const out = random_numbers(n, 1);
  numbers const dout = random_numbers(n, 2);
  using ops = cpu_ops<Arch>;

  numbers expected = dout;
  reference::relu_gradient<M>({}, out.data(), expected.data());
  auto out_map = cpu_map<M>::of(out);
  auto dout_map = cpu_map<M>::of(dout);
  ops::template relu_gradient<M>({}, out_map.data(), dout_map.data());
  CHECK(differences(dout_map.canonical(), expected) == 0);
  CHECK(dout_map.rest_is_zero());

  numbers vector(n, poison);
  ops::template flatten<M>::forward({}, out_map.data(), vector.data());
  CHECK(differences(vector, out) == 0);
  auto back = cpu_map<M>::poisoned();
  ops::template flatten<M>::gradient({}, vector.data(), back.data());
  CHECK(differences(back.canonical(), out) == 0);
  CHECK(back.rest_is_zero());

  numbers masked(n), masked_back(n);
  reference::dropout<M>::forward({}, 0.4f, 77, out.data(), masked.data());
  reference::dropout<M>::gradient({}, 0.4f, 77, dout.data(), masked_back.data());
  auto gradient_map = cpu_map<M>::of(dout);
  auto masked_map = cpu_map<M>::poisoned();
  auto masked_back_map = cpu_map<M>::poisoned();
  ops::template dropout<M>::forward({}, 0.4f, 77, out_map.data(), masked_map.data());
  ops::template dropout<M>::gradient({}, 0.4f, 77, gradient_map.data(), masked_back_map.data());
  CHECK(differences(masked_map.canonical(), masked) == 0);
  CHECK(differences(masked_back_map.canonical(), masked_back) == 0);
  CHECK(masked_map.rest_is_zero());

  auto copied = cpu_map<M>::poisoned();
  ops::template copy<M>({}, out_map.data(), copied.data());
  CHECK(differences(copied.canonical(), out) == 0);
  CHECK(copied.rest_is_zero());

  auto imported = cpu_map<M>::poisoned();
  buffer<float> image = image_of<Arch, M>(out);
  ops::template import_image<M>({}, image.data(), imported.data());
  CHECK(differences(imported.canonical(), out) == 0);
  CHECK(imported.rest_is_zero());
}

}  // namespace

TEST_CASE_TEMPLATE("operations on maps", Arch, CALOTYPE_TEST_ARCHS) {
  check_maps<Arch, map_shape{16, 5, 9}>();
  check_maps<Arch, map_shape{3, 7, 1}>();
  check_maps<Arch, map_shape{47, 1, 6}>();
  check_maps<Arch, map_shape{17, 1, 1}>();
}

TEST_CASE_TEMPLATE("sums and copies of any number of reals", Arch, CALOTYPE_TEST_ARCHS) {
  for (std::size_t n : {0u, 1u, 15u, 16u, 17u, 100u}) {
    numbers const from = random_numbers(n, 1);
    numbers expected = random_numbers(n, 2);
    numbers into = expected;
    reference::add({}, n, from.data(), expected.data());
    cpu_ops<Arch>::add({}, n, from.data(), into.data());
    CHECK(differences(into, expected) == 0);
    numbers there(n, poison);
    numbers back(n, poison);
    cpu_ops<Arch>::to_policy({}, n, from.data(), there.data());
    cpu_ops<Arch>::to_host({}, n, there.data(), back.data());
    CHECK(differences(back, from) == 0);
  }
}

TEST_CASE_TEMPLATE("steps of Adam", Arch, CALOTYPE_TEST_ARCHS) {
  std::size_t const n = 83;
  numbers first(n), second(n), parameters = random_numbers(n, 3);
  numbers first_here = first, second_here = second, parameters_here = parameters;
  for (int t = 1; t <= 5; ++t) {
    numbers const gradient = random_numbers(n, static_cast<std::uint32_t>(10 + t));
    auto const late = static_cast<float>(t);
    kernel::adam_step const step{1e-3f, 0.9f, 0.999f, 1e-8f, 1 + 9 / late, 1 + 999 / late};
    reference::adam({}, n, step, gradient.data(), first.data(), second.data(), parameters.data());
    cpu_ops<Arch>::adam({}, n, step, gradient.data(), first_here.data(), second_here.data(),
                        parameters_here.data());
  }
  CHECK(differences(first_here, first) == 0);
  CHECK(differences(second_here, second) == 0);
  CHECK(differences(parameters_here, parameters) == 0);
}
