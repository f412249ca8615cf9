// A convolution with numbers in it, and the shapes on which the tests of convolutions and of their gradients
// agree.
#pragma once

#include "same_bits.hpp"

namespace calotype::test {

using kernel::conv_shape;

template <class Arch, conv_shape S, bool FromImage>
struct conv_input {
  cpu_map<S.in> map;
  buffer<float> image;

  explicit conv_input(numbers const& x) {
    if constexpr (FromImage) {
      image = image_of<Arch, S.in>(x);
    } else {
      map = cpu_map<S.in>::of(x);
    }
  }
  float const* data() { return FromImage ? image.data() : map.data(); }
};

template <conv_shape S>
struct conv_example {
  numbers x = random_numbers(static_cast<std::size_t>(S.in.size()), 1);
  numbers weights = random_numbers(static_cast<std::size_t>(S.weights()), 2);
  numbers bias = random_numbers(static_cast<std::size_t>(S.filters), 3);
  numbers shortcut = random_numbers(static_cast<std::size_t>(S.out().size()), 4);
  numbers gradient = random_numbers(static_cast<std::size_t>(S.out().size()), 5);
  numbers added = random_numbers(static_cast<std::size_t>(S.in.size()), 6);
  numbers packed = numbers(reference::conv<S, false>::packed_size);

  conv_example() { reference::conv<S, false>::pack(weights.data(), bias.data(), packed.data()); }
};

template <conv_shape... S>
struct conv_shapes {
  // f<shape>() for each of them.
  template <class F>
  static void each(F f) {
    (f.template operator()<S>(), ...);
  }
};

using shapes_of_networks =
    conv_shapes<conv_shape{{16, 5, 89}, 16, 3, 1, 1}, conv_shape{{16, 7, 29}, 32, 3, 2, 1},
                conv_shape{{16, 7, 30}, 32, 1, 2, 0}, conv_shape{{32, 5, 45}, 32, 3, 1, 1},
                conv_shape{{32, 7, 7}, 32, 3, 1, 1}>;
using shapes_with_any_channels =
    conv_shapes<conv_shape{{1, 5, 7}, 3, 3, 1, 1}, conv_shape{{3, 6, 9}, 10, 3, 2, 1},
                conv_shape{{17, 4, 5}, 47, 3, 1, 1}, conv_shape{{47, 3, 4}, 17, 1, 1, 0},
                conv_shape{{32, 2, 31}, 64, 3, 1, 1}>;
// One row, one column, one pixel (a vector) in or out.
using thin_shapes = conv_shapes<conv_shape{{16, 1, 37}, 16, 3, 1, 1}, conv_shape{{16, 37, 1}, 16, 3, 1, 1},
                                conv_shape{{16, 1, 1}, 10, 3, 1, 1}, conv_shape{{10, 3, 3}, 10, 3, 1, 0}>;
// One to nine taps, some of them beyond the halo.
using shapes_with_any_window =
    conv_shapes<conv_shape{{3, 9, 10}, 16, 2, 1, 0}, conv_shape{{3, 9, 10}, 16, 4, 3, 2},
                conv_shape{{16, 9, 31}, 3, 5, 1, 2}, conv_shape{{3, 12, 17}, 16, 7, 2, 1},
                conv_shape{{2, 12, 17}, 16, 7, 2, 3}, conv_shape{{2, 9, 9}, 16, 9, 1, 4},
                conv_shape{{2, 9, 9}, 16, 1, 3, 0}, conv_shape{{2, 3, 3}, 16, 1, 1, 3}>;
using shapes_of_images = conv_shapes<conv_shape{{1, 17, 71}, 16, 7, 2, 1}, conv_shape{{3, 9, 61}, 16, 7, 2, 1},
                                     conv_shape{{3, 9, 21}, 32, 7, 2, 3}, conv_shape{{2, 9, 9}, 10, 9, 1, 4},
                                     conv_shape{{2, 9, 9}, 10, 9, 1, 6}, conv_shape{{3, 1, 40}, 47, 3, 1, 1}>;

// f<shape>() for shapes of every kind.
template <class F>
void for_each_conv_shape(F f) {
  shapes_of_networks::each(f);
  shapes_with_any_channels::each(f);
  thin_shapes::each(f);
  shapes_with_any_window::each(f);
}

}  // namespace calotype::test
