// What the networks that must not compile have in common: one image plane, three classes.
#pragma once

#include <array>

#include <calotype/nn/plan.hpp>

namespace ct = calotype;

struct one_image {
  struct input {
    static constexpr auto tensor() { return std::array{ct::kernel::map_shape{1, 170, 360}}; }
  };
  static constexpr auto classes() { return ct::labels("H->gg", "gg", "gamma+jet"); }
};
