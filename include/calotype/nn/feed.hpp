// Brings a sample to an engine: into its input planes, an event through the image builder, numbers by copying;
// or row by row where the engine's first layers take it so.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::nn {

namespace detail {

// For the compiler's message.
template <class Net, int Got, int Want>
struct compute_fits_the_input {
  static_assert(Got == Want,
                "calotype::nn: compute(event) of this network's input gives another number of values than its "
                "features or tensor have; the compiler's next lines name them as Got and Want");
};

}  // namespace detail

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
template <class Net, class Policy, class Engine = inference_engine<Net, Policy>,
          std::uint64_t Signature = signature<Net>>
class feed {
  using input = typename Net::input;
  using traits = input_traits<input>;
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;

  static constexpr bool reads_events = traits::is_whole_image;
  template <int Plane>
  static constexpr bool by_rows = [] {
    if constexpr (requires { Engine::template by_rows<Plane>; }) {
      return Engine::template by_rows<Plane>;
    } else {
      return false;
    }
  }();
  template <int... Plane>
  static constexpr bool any_by_rows(std::integer_sequence<int, Plane...>) {
    return (by_rows<Plane> || ...);
  }
  // All planes of an event, or none.
  static constexpr bool builds_rows = reads_events && by_rows<0>;

  struct no_tables {};
  struct no_builder {
    using tables_type = no_tables;
    no_builder(std::shared_ptr<no_tables const> const&, Policy const&) noexcept {}
    no_builder(std::shared_ptr<no_tables const> const&, Policy const&, workspace&) noexcept {}
  };
  static constexpr auto choose_builder() {
    if constexpr (builds_rows) {
      return std::type_identity<row_builder<input, Policy>>{};
    } else if constexpr (reads_events) {
      return std::type_identity<image_builder<input, Policy>>{};
    } else {
      return std::type_identity<no_builder>{};
    }
  }
  using builder_type = typename decltype(choose_builder())::type;

 public:
  using tables_type = typename builder_type::tables_type;

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
    if constexpr (reads_events) {
      return builder_type::block_bytes();
    } else {
      return 0;
    }
  }

  // What the image builder keeps.
  static constexpr std::size_t workspace_bytes() {
    if constexpr (reads_events) {
      return builder_type::workspace_bytes;
    } else {
      return 0;
    }
  }

  // An event: image planes by the builder, or the features that the description computes.
  template <concepts::event E>
  void operator()(E const& e, [[maybe_unused]] Engine& engine) noexcept {
    if constexpr (builds_rows) {
      report_ = builder_.build(e);
      numbers_ = nullptr;
    } else if constexpr (reads_events) {
      if (dense_) set(nullptr, engine);  // the builder only takes back what it wrote itself
      dense_ = false;
      images(e, engine, std::make_integer_sequence<int, traits::planes()>{});
    } else {
      static_assert(
          requires { input::compute(e); },
          "calotype::nn: this network's input is not computed from events; give it numbers "
          "(std::span<float const>), or add a static compute(event) to the input description");
      static_assert(!any_by_rows(std::make_integer_sequence<int, traits::planes()>{}),
                    "calotype::nn: an input's compute() must take a calotype::event");
      auto const numbers = input::compute(e);
      constexpr std::size_t given = decltype(std::span(numbers))::extent;
      if constexpr (given != std::dynamic_extent) {
        (void)sizeof(
            detail::compute_fits_the_input<Net, static_cast<int>(given), static_cast<int>(input_size<Net>())>);
      }
      (*this)(std::span<float const>(numbers), engine);
      if constexpr (requires { input::applies(e); }) report_.scaled = input::applies(e);
    }
  }

  // What became of the last event's hits and tracks; after numbers, and for inputs that are no image of an
  // event, `not_finite` counts those that are NaN or infinite (of whole images nothing does) and all else is
  // zero.
  image_report const& report() const noexcept { return report_; }

  // Plain numbers, input_size<Net>() of them, where they stay until the engine has run.
  void operator()(std::span<float const> numbers, Engine& engine) noexcept {
    assert(numbers.size() == input_size<Net>());
    set(numbers.data(), engine);
    report_ = {};
    if constexpr (!reads_events) {
      for (float const x : numbers) report_.not_finite += !(x - x == 0);
    }
    dense_ = true;
  }

  // The rows of an input plane of the last sample (see kernel/ops.hpp).
  template <int Plane>
  auto rows() const noexcept requires(by_rows<Plane>) {
    if constexpr (builds_rows) {
      return plane_rows<Plane>{&builder_, numbers_};
    } else {
      return rows_of_numbers<Plane>(numbers_);
    }
  }

 private:
  template <int Plane>
  static auto rows_of_numbers(float const* numbers) noexcept {
    for (int p = 0; p < Plane; ++p) numbers += traits::plane(p).size();
    return typename ops::template number_rows<traits::plane(Plane)>{numbers};
  }

  // Those of an event, or of numbers if there are some.
  template <int Plane>
  struct plane_rows {
    builder_type const* builder;
    float const* numbers;

    template <class Marks>
    CALOTYPE_INLINE void read(int row, float* to, int channel, Marks& filled) const noexcept {
      if (numbers != nullptr) {
        rows_of_numbers<Plane>(numbers).read(row, to, channel, filled);
      } else {
        builder->template read<Plane>(row, to, channel, filled);
      }
    }
    auto in_memory() const noexcept {
      using rows = decltype(rows_of_numbers<Plane>(numbers));
      return numbers != nullptr ? rows_of_numbers<Plane>(numbers) : rows{};
    }
  };

  // Null: zeros.
  void set(float const* numbers, [[maybe_unused]] Engine& engine) noexcept {
    numbers_ = numbers;
    detail::for_each_index<traits::planes()>([&](auto p) {
      constexpr map_shape shape = traits::plane(p);
      if constexpr (!by_rows<p>) ops::template set_input<shape>(policy_, numbers, engine.template input<p>());
      if (numbers != nullptr) numbers += shape.size();
    });
  }

  template <class E, int... P>
  void images(E const& e, Engine& engine, std::integer_sequence<int, P...>) noexcept {
    report_ = builder_.build(e, {engine.template target<P>()...});
  }

  [[no_unique_address]] Policy policy_;
  builder_type builder_;
  float const* numbers_ = nullptr;
  image_report report_{};
  bool dense_ = false;
};

}  // namespace calotype::nn
