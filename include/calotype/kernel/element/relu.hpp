// The gradient of the ReLU; its forward direction is part of the operation before it (kernel/arithmetic.hpp:
// rectified).
#pragma once

#include <calotype/core/config.hpp>

namespace calotype::kernel::element {

template <class Real>
CALOTYPE_INLINE CALOTYPE_HD Real relu_gradient(Real out, Real dout) {
  return out > Real{0} ? dout : Real{0};
}

}  // namespace calotype::kernel::element
