// What a network reads: the planes of an image, or a list of named numbers.
#pragma once

#include <array>
#include <cstdint>

#include <calotype/core/hash.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/kernel/ops.hpp>

namespace calotype::nn {

namespace detail {

template <class Input>
constexpr std::uint64_t signature_of_input() {
  if constexpr (requires { Input::image(); }) {
    return image_traits<Input>::signature;
  } else {
    hasher h;
    if constexpr (requires { Input::features(); }) {
      for (auto name : Input::features().names) h.add(name);
    } else if constexpr (requires { Input::tensor(); }) {
      for (auto p : Input::tensor()) h.add(p.channels).add(p.rows).add(p.cols);
      if constexpr (requires { Input::meaning(); }) h.add(Input::meaning());
    }
    return h.value();
  }
}

}  // namespace detail

// The common form of the inputs a network may name:
//   static constexpr auto image()     detector images (image/layout.hpp): one map per plane
//   static constexpr auto features()  labels(...): a vector of named numbers
//   static constexpr auto tensor()    std::array of kernel::map_shape: plain maps without a layout behind them;
//                                     static constexpr std::string_view meaning(), optional, says what their
//                                     numbers are, and is part of the signature
// The numbers of features(), tensor() and crops may come from events:
//   static auto compute(event)        std::array or another contiguous range of floats; must not throw
//   static bool applies(event)        optional: false where an event has no such numbers
//   (session::report().scaled)
// and, where it is computed of an event's digitised pulses:
//   static constexpr bool reads_pulses = true
// Signature is never named (see segmentation).
template <class Input, std::uint64_t Signature = detail::signature_of_input<Input>()>
struct input_traits {
  static constexpr bool is_image = requires { Input::image(); };
  static constexpr bool is_features = requires { Input::features(); };
  static constexpr bool is_tensor = requires { Input::tensor(); };
  // An image that a builder makes of an event. A crop needs to know where to cut, which an event does not say:
  // it is made by crop_builder and given as numbers, or its description computes it.
  static constexpr bool is_whole_image = [] {
    if constexpr (is_image) {
      return !image_traits<Input>::is_crop;
    } else {
      return false;
    }
  }();
  // Numbers that the description computes of an event: compute(event).
  static constexpr bool is_computed = requires(event const& e) { Input::compute(e); };
  // Whether these are made of an event's digitised pulses, which recorded files and most samples lack: a
  // program must refuse such events, whose input would be zeros.
  static constexpr bool reads_pulses = [] {
    if constexpr (requires { Input::reads_pulses; }) {
      static_assert(is_computed, "calotype::nn: an input with reads_pulses must have compute(event)");
      return bool{Input::reads_pulses};
    } else {
      return false;
    }
  }();
  static constexpr bool valid = int{is_image} + int{is_features} + int{is_tensor} == 1;
  static_assert(
      valid,
      "calotype::nn: a network's input must have exactly one (valid) of image(), features() and tensor()");

  static constexpr int planes() {
    if constexpr (is_image) {
      return image_traits<Input>::planes;
    } else if constexpr (is_tensor) {
      constexpr int count = static_cast<int>(Input::tensor().size());
      return count;
    } else {
      return 1;
    }
  }

  static constexpr kernel::map_shape plane(int i) {
    if constexpr (is_image) {
      constexpr auto of = [](auto p) { return kernel::map_shape{p.channels, p.rows, p.cols}; };
      return of(image_traits<Input>::plane(i));
    } else if constexpr (is_tensor) {
      constexpr auto shapes = Input::tensor();
      return shapes[static_cast<std::size_t>(i)];
    } else {
      constexpr int count = Input::features().size();
      return {count, 1, 1};
    }
  }

  // Changes whenever the meaning of the numbers changes: layout, channels, units and preprocessing, or feature
  // names.
  static constexpr std::uint64_t signature() { return Signature; }
};

}  // namespace calotype::nn
