#include <type_traits>

#include <calotype/exec/policy.hpp>

namespace {

namespace exec = calotype::exec;

static_assert(calotype::concepts::execution_policy<exec::scalar>);
static_assert(calotype::concepts::execution_policy<exec::scalar_of<double>>);
static_assert(std::is_same_v<exec::scalar, exec::scalar_of<float>>);
static_assert(std::is_empty_v<exec::scalar>);

}  // namespace
