// Brings a sample into the input planes of an engine: an event through the image builder, numbers by copying.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::nn {

// The numbers of all input planes, one after the other, each channel x row x column.
template <class Net, std::uint64_t Signature = signature<Net>>
constexpr std::size_t input_size() {
  std::size_t n = 0;
  for (int p = 0; p < input_traits<typename Net::input>::planes(); ++p) {
    n += static_cast<std::size_t>(input_traits<typename Net::input>::plane(p).size());
  }
  return n;
}

// One per engine, since the builder remembers which pixels it set there; the builder's tables may be shared.
// Allocates at construction only.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class feed {
  using input = typename Net::input;
  using traits = input_traits<input>;
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;

  static constexpr bool builds_images = traits::is_whole_image;

  struct no_tables {};
  struct no_builder {
    no_builder(std::shared_ptr<no_tables const> const&, Policy const&) noexcept {}
    no_builder(std::shared_ptr<no_tables const> const&, Policy const&, workspace&) noexcept {}
  };
  template <bool IsImage, class = void>
  struct builder_for {
    using type = no_builder;
    using tables_type = no_tables;
  };
  template <class Unused>
  struct builder_for<true, Unused> {
    using type = image_builder<input, Policy>;
    using tables_type = typename type::tables_type;
  };

 public:
  using tables_type = typename builder_for<builds_images>::tables_type;

  // The builder's tables, once for everything that reads events for a model.
  static std::shared_ptr<tables_type const> tables_of(model<Net> const& m) {
    return m.template shared<tables_type>([] { return std::make_shared<tables_type const>(); });
  }

  explicit feed(Policy policy = {},
                std::shared_ptr<tables_type const> tables = std::make_shared<tables_type const>())
      : policy_(policy), builder_(std::move(tables), policy) {}
  // With the builder's lists in memory that the caller gives, block_bytes() of it.
  feed(Policy policy, std::shared_ptr<tables_type const> tables, workspace& from) noexcept
      : policy_(policy), builder_(std::move(tables), policy, from) {}

  static constexpr std::size_t block_bytes() {
    if constexpr (builds_images) {
      return image_builder<input, Policy>::block_bytes();
    } else {
      return 0;
    }
  }

  // What the image builder keeps.
  static constexpr std::size_t workspace_bytes() {
    if constexpr (builds_images) {
      return image_builder<input, Policy>::workspace_bytes;
    } else {
      return 0;
    }
  }

  // An event: image planes by the builder, or the features that the description computes.
  template <concepts::event E, class Engine>
  void operator()(E const& e, Engine& engine) noexcept {
    if constexpr (builds_images) {
      if (dense_) set(nullptr, engine);  // the builder only takes back what it wrote itself
      dense_ = false;
      images(e, engine, std::make_integer_sequence<int, traits::planes()>{});
    } else {
      static_assert(
          requires { input::compute(e); },
          "calotype::nn: this network's input is not computed from events; give it numbers "
          "(std::span<float const>), or add a static compute(event) to the input description");
      auto const numbers = input::compute(e);
      (*this)(std::span<float const>(numbers), engine);
    }
  }

  // What became of the last event's hits and tracks; all zero after numbers, and for inputs that are no image.
  image_report const& report() const noexcept { return report_; }

  // Plain numbers, input_size<Net>() of them.
  template <class Engine>
  void operator()(std::span<float const> numbers, Engine& engine) noexcept {
    set(numbers.data(), engine);
    report_ = {};
    dense_ = true;
  }

 private:
  template <class Engine>
  void set(float const* numbers, Engine& engine) noexcept {
    detail::for_each_index<traits::planes()>([&](auto p) {
      constexpr map_shape shape = traits::plane(p);
      ops::template set_input<shape>(policy_, numbers, engine.template input<p>());
      if (numbers != nullptr) numbers += shape.size();
    });
  }

  template <class E, class Engine, int... P>
  void images(E const& e, Engine& engine, std::integer_sequence<int, P...>) noexcept {
    report_ = builder_.build(e, {engine.template target<P>()...});
  }

  [[no_unique_address]] Policy policy_;
  typename builder_for<builds_images>::type builder_;
  image_report report_{};
  bool dense_ = false;
};

}  // namespace calotype::nn
