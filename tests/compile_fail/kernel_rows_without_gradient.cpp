// expect: calotype::kernel::ops: a convolution that says reads_rows must have window_size, forward_pool_rows,
// gradient_through_pool_pays and weight_gradient_through_pool as well
#include <cstddef>

#include <calotype/kernel/ops.hpp>

namespace kernel = calotype::kernel;

struct convolution {
  template <bool, kernel::pool_shape>
  static constexpr bool reads_rows = true;
  template <kernel::pool_shape>
  static constexpr std::size_t window_size = 16;
  template <bool, kernel::pool_shape, class Rows>
  static void forward_pool_rows(Rows const&, float const*, float*, float*, kernel::pixel_word*) noexcept;
  template <kernel::pool_shape>
  static void weight_gradient_through_pool(float const*, float*, float*) noexcept;
};

static_assert(kernel::reads_rows<convolution, true, kernel::pool_shape{{16, 8, 8}}>());
