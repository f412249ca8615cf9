// Each instruction set's registers against plain floats, and against xsimd's own batches.
#include <bit>
#include <cmath>
#include <limits>

#include "same_bits.hpp"
#include <xsimd/xsimd.hpp>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cpu/math.hpp>

namespace {

using namespace calotype;
using namespace calotype::test;
using kernel::cpu::simd;
using kernel::cpu::vec;

template <class Arch>
numbers lanes_of(vec<Arch> a) {
  numbers x(static_cast<std::size_t>(simd<Arch>::lanes));
  simd<Arch>::store(x.data(), a);
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("registers", Arch, CALOTYPE_TEST_ARCHS) {
  using v = simd<Arch>;
  constexpr auto lanes = static_cast<std::size_t>(v::lanes);
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    numbers const a = random_numbers(lanes, 3 * seed), b = random_numbers(lanes, 3 * seed + 1);
    numbers c = random_numbers(lanes, 3 * seed + 2);
    // Products that nearly cancel: a rounded product would give other bits.
    for (std::size_t i = 0; i < lanes; i += 2) c[i] = -(a[i] * b[i]);
    vec<Arch> const x = v::load(a.data()), y = v::load(b.data()), z = v::load(c.data());
    numbers const fma = lanes_of<Arch>(v::fma(x, y, z)), mul = lanes_of<Arch>(v::mul(x, y));
    numbers const add = lanes_of<Arch>(v::add(x, y)), div = lanes_of<Arch>(v::div(x, y));
    numbers const sqrt = lanes_of<Arch>(v::sqrt(v::mul(x, x))), greater = lanes_of<Arch>(v::greater_of(x, y));
    numbers const sum = lanes_of<Arch>(v::add(v::mul(x, y), z));
    numbers const relu = lanes_of<Arch>(kernel::cpu::rectified<Arch>(x));
    numbers const equal = lanes_of<Arch>(v::select_equal(x, v::broadcast(0.f), y, z));
    numbers const above = lanes_of<Arch>(v::select_greater(x, y, z, x));
    for (std::size_t i = 0; i < lanes; ++i) {
      CHECK(bits(fma[i]) == bits(std::fma(a[i], b[i], c[i])));
      CHECK(bits(mul[i]) == bits(kernel::mul(a[i], b[i])));
      CHECK(bits(sum[i]) == bits(kernel::mul(a[i], b[i]) + c[i]));
      CHECK(bits(add[i]) == bits(a[i] + b[i]));
      CHECK((bits(div[i]) == bits(a[i] / b[i]) || (a[i] == 0 && b[i] == 0)));
      CHECK(bits(sqrt[i]) == bits(std::sqrt(kernel::mul(a[i], a[i]))));
      CHECK(bits(greater[i]) == bits(a[i] > b[i] ? a[i] : b[i]));
      CHECK(bits(relu[i]) == bits(a[i] > 0 ? a[i] : 0.f));
      CHECK(bits(equal[i]) == bits(a[i] == 0 ? b[i] : c[i]));
      CHECK(bits(above[i]) == bits(a[i] > b[i] ? c[i] : a[i]));
    }
  }
}

// Where a sum in double, rounded again to float, would be wrong, and at the ends of the range.
TEST_CASE_TEMPLATE("fused multiply-adds round once", Arch, CALOTYPE_TEST_ARCHS) {
  using v = simd<Arch>;
  float const inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  float const tiny = std::numeric_limits<float>::denorm_min(), huge = std::numeric_limits<float>::max();
  float const near_one = 1 + std::ldexp(1.f, -12);  // its square lies half-way between two floats
  float const factors[] = {near_one,   -near_one,        3,    0.f, -0.f, tiny,
                           0x1.8p-75f, -0x1.000002p-74f, huge, 1,   inf,  nan};
  float const terms[] = {0x1p-60f,  -0x1p-60f, 0.f,   -0.f, tiny, -tiny, 0x1p-149f,
                         0x1p-127f, huge,      -huge, 1,    inf,  -inf};
  for (float a : factors) {
    for (float b : factors) {
      for (float c : terms) {
        float const want = std::fma(a, b, c);
        for (float got : lanes_of<Arch>(v::fma(v::broadcast(a), v::broadcast(b), v::broadcast(c)))) {
          CHECK((bits(got) == bits(want) || (std::isnan(got) && std::isnan(want))));
        }
      }
    }
  }
  // Bits at random, so exponents too.
  stream draw(1, 2, 3);
  auto any = [&draw] { return std::bit_cast<float>(draw()); };
  for (int i = 0; i < 200000; ++i) {
    float const a = any(), b = any(),
                c = i % 2 == 0 ? any() : -(a * b) * (1 + std::ldexp(any() > 0 ? 1.f : -1.f, -23));
    float const want = std::fma(a, b, c);
    float const got = lanes_of<Arch>(v::fma(v::broadcast(a), v::broadcast(b), v::broadcast(c)))[0];
    bool const same = bits(got) == bits(want) || (std::isnan(got) && std::isnan(want));
    if (!same) CHECK_MESSAGE(same, a, " ", b, " ", c);
  }
}

TEST_CASE_TEMPLATE("the ReLU gives +0 for everything that is not positive", Arch, CALOTYPE_TEST_ARCHS) {
  using v = simd<Arch>;
  for (float x :
       {-0.f, 0.f, -1.f, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    for (float y : lanes_of<Arch>(kernel::cpu::rectified<Arch>(v::broadcast(x)))) CHECK(bits(y) == 0);
  }
}

TEST_CASE_TEMPLATE("functions of registers have the bits of functions of floats", Arch, CALOTYPE_TEST_ARCHS) {
  using number = kernel::cpu::batch<Arch>;
  using words = math::number<number>;
  auto const check = [](char const* what, auto const& f, float x) {
    INFO(what, " of ", x);
    float const want = f(x);
    for (float got : lanes_of<Arch>(f(number{simd<Arch>::broadcast(x)}).lanes)) {
      bool const same = bits(got) == bits(want) || (std::isnan(got) && std::isnan(want));
      if (!same) CHECK_MESSAGE(same, got, " instead of ", want);
    }
  };
  stream draw(4, 5, 6);
  float const inf = std::numeric_limits<float>::infinity();
  numbers some{0.f, -0.f, 1.f, -1.f, 88.8f, -104.f, inf, -inf, std::numeric_limits<float>::quiet_NaN()};
  for (int i = 0; i < 2000; ++i) some.push_back(std::bit_cast<float>(draw()));
  for (int i = 0; i < 2000; ++i) some.push_back(draw.uniform(-12.f, 12.f));
  for (float x : some) {
    check(
        "exp", [](auto t) { return math::exp(t); }, x);
    check(
        "tanh", [](auto t) { return math::tanh(t); }, x);
    check(
        "sigmoid", [](auto t) { return math::sigmoid(t); }, x);
  }
  // words wrap around, shifts fill up with zeros
  auto const a = words::integer(0x80000001U), b = words::integer(0xfffffffeU);
  auto const is = [](auto word, std::uint32_t want) {
    for (float x : lanes_of<Arch>(word.lanes)) CHECK(bits(x) == want);
  };
  is(a + b, 0x7fffffffU);
  is(a - b, 0x80000003U);
  is(a & b, 0x80000000U);
  is(a ^ b, 0x7fffffffU);
  is(a << 4, 0x10U);
  is(a >> 4, 0x08000000U);
}

TEST_CASE_TEMPLATE("parts of registers", Arch, CALOTYPE_TEST_ARCHS) {
  using v = simd<Arch>;
  for (int n = 1; n < v::lanes; ++n) {
    numbers const a = random_numbers(static_cast<std::size_t>(n), 7);  // reading on would leave the block
    vec<Arch> const x = v::load_part(a.data(), n);
    numbers const all = lanes_of<Arch>(x);
    numbers some(static_cast<std::size_t>(v::lanes), 2.f);
    v::store_part(some.data(), x, n);
    for (int i = 0; i < v::lanes; ++i) {
      auto const at = static_cast<std::size_t>(i);
      CHECK(bits(all[at]) == (i < n ? bits(a[at]) : 0u));
      CHECK(some[at] == (i < n ? a[at] : 2.f));
    }
  }
}

TEST_CASE_TEMPLATE("lanes that are not zero", Arch, CALOTYPE_TEST_ARCHS) {
  using v = simd<Arch>;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                  tiny = std::numeric_limits<float>::denorm_min();
  numbers some(static_cast<std::size_t>(v::lanes), 0.f);
  CHECK(v::not_zero(v::load(some.data())) == 0);
  for (float filled : {1.f, -2.f, tiny, nan}) {
    for (int i = 0; i < v::lanes; ++i) {
      numbers one(some);
      one[static_cast<std::size_t>(i)] = filled;
      one[static_cast<std::size_t>((i + 1) % v::lanes)] = -0.f;
      CHECK(v::not_zero(v::load(one.data())) == 1u << i);
    }
  }
}

TEST_CASE_TEMPLATE("registers are xsimd's", Arch, CALOTYPE_TEST_ARCHS) {
  if constexpr (!std::is_same_v<Arch, exec::portable>) {
    using batch = xsimd::batch<float, Arch>;
    using v = simd<Arch>;
    static_assert(batch::size == static_cast<std::size_t>(v::lanes));
    numbers const a = random_numbers(batch::size, 1), b = random_numbers(batch::size, 2);
    batch const x = batch::load_unaligned(a.data()), y = batch::load_unaligned(b.data());
    vec<Arch> const sum = v::add(x, y), larger = v::greater_of(x, y);
    numbers theirs(batch::size);
    (x + y).store_unaligned(theirs.data());
    CHECK(differences(lanes_of<Arch>(sum), theirs) == 0);
    xsimd::select(x > y, x, y).store_unaligned(theirs.data());
    CHECK(differences(lanes_of<Arch>(larger), theirs) == 0);
  }
}
