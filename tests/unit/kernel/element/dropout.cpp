#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/scalar.hpp>

namespace {

namespace kernel = calotype::kernel;
using calotype::exec::scalar;
using ops = kernel::ops<scalar>;
constexpr kernel::map_shape shape{100'000};
using dropout = ops::dropout<shape>;

std::vector<float> run(float rate, std::uint64_t key) {
  std::vector<float> const in(100'000, 3.0F);
  std::vector<float> out(in.size());
  dropout::forward(scalar{}, rate, key, in.data(), out.data());
  return out;
}

}  // namespace

TEST_CASE("the share that falls is the rate and the rest is scaled to keep the mean") {
  for (float rate : {0.1F, 0.5F, 0.75F}) {
    auto const out = run(rate, 12345);
    double dropped = 0;
    for (float x : out) {
      dropped += x == 0 ? 1 : 0;
      CHECK((x == 0 || x == 3 * (1 / (1 - rate))));
    }
    // five standard deviations of a binomial count
    double const mean = 1e5 * static_cast<double>(rate);
    CHECK(std::abs(dropped - mean) < 5 * std::sqrt(mean * (1 - static_cast<double>(rate))));
  }
}

TEST_CASE("a mask belongs to its key and its gradient uses the same one") {
  auto const out = run(0.5F, 7);
  CHECK(out == run(0.5F, 7));
  CHECK(out != run(0.5F, 8));
  CHECK(out != run(0.5F, 7 + (std::uint64_t{1} << 32)));
  std::vector<float> const dout(out.size(), 3.0F);
  std::vector<float> din(out.size());
  dropout::gradient(scalar{}, 0.5F, 7, dout.data(), din.data());
  CHECK(din == out);
}

TEST_CASE("nothing falls at rate 0") { CHECK(run(0, 1) == std::vector<float>(100'000, 3.0F)); }
