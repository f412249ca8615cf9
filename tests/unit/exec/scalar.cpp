#include <type_traits>

#include <doctest/doctest.h>

#include <calotype/exec/scalar.hpp>

namespace {

namespace exec = calotype::exec;

static_assert(calotype::concepts::execution_policy<exec::scalar>);
static_assert(calotype::concepts::execution_policy<exec::scalar_of<double>>);
static_assert(std::is_same_v<exec::scalar, exec::scalar_of<float>>);
static_assert(std::is_empty_v<exec::scalar>);

}  // namespace

TEST_CASE("buffers of the reference are owned, zero and movable") {
  using buffer = calotype::kernel::ops<exec::scalar>::buffer;
  buffer a(1000);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a.data()[i] == 0);
  a.data()[999] = 7;
  float const* const place = a.data();
  buffer const b(std::move(a));
  CHECK(b.data() == place);
  CHECK(b.size() == 1000);
  CHECK(b.data()[999] == 7);
  CHECK(buffer().size() == 0);
}
