// What training a network with batch_norm needs: the numbers that are trained, and the steps of one event of a
// batch whose events go through the network together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/batch_norm.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>

namespace calotype::nn {

// Constants of batch_norm, PyTorch's defaults.
inline constexpr double batch_norm_epsilon = 1e-5;
inline constexpr double batch_norm_momentum = 0.1;  // a batch's part in the running means and variances

// The list of numbers that a trainer keeps of a network: its parameters, in which a normalised convolution has
// the weights that normalisation follows and for its bias the shift; behind them the scales of all normalised
// channels, in the order of the steps, their running means and their running variances. Of a network without
// batch_norm, its parameters.
template <class Net, std::uint64_t Signature = signature<Net>>
struct trained_numbers {
  static constexpr auto const& plan = plan_of<Net>;
  static constexpr auto parameters = static_cast<std::size_t>(plan.total_parameters());
  static constexpr auto channels = static_cast<std::size_t>(plan.normalised_channels());
  static constexpr std::size_t size = parameters + 3 * channels;
  // Of the first channel of step `step`.
  static constexpr std::size_t scale(int step) {
    return parameters + static_cast<std::size_t>(plan.normalised_channels(step));
  }
  static constexpr std::size_t mean(int step) { return scale(step) + channels; }
  static constexpr std::size_t variance(int step) { return scale(step) + 2 * channels; }
  static constexpr std::size_t shift(int step) {
    return static_cast<std::size_t>(plan.parameter_at(plan.at(step).bias).offset);
  }

  // What a training that begins with a model begins with: scales and variances are 1, means 0.
  static std::vector<float> of(model<Net> const& start) {
    std::vector<float> list(start.parameters().begin(), start.parameters().end());
    list.resize(parameters + channels, 1.0F);
    list.resize(parameters + 2 * channels, 0.0F);
    list.resize(size, 1.0F);
    return list;
  }
  // The model that scores as the list says, with running means and variances. Precondition: list.size() ==
  // size, no variance is below 0.
  static model<Net> model_of(std::span<float const> list) {
    std::vector<float> numbers(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(parameters));
    for (int i = 0; i < plan.step_count; ++i) {
      if (!plan.at(i).normalised) continue;
      parameter const& weight = plan.parameter_at(plan.at(i).weight);
      auto const filters = static_cast<std::size_t>(plan.shape(plan.at(i).out).channels);
      std::size_t const each = static_cast<std::size_t>(weight.size()) / filters;
      for (std::size_t c = 0; c < filters; ++c) {
        double const deviation =
            kernel::square_root(kernel::add(double{list[variance(i) + c]}, batch_norm_epsilon));
        double const factor = kernel::divide(double{list[scale(i) + c]}, deviation);
        float* const of_filter = numbers.data() + static_cast<std::size_t>(weight.offset) + c * each;
        for (std::size_t k = 0; k < each; ++k)
          of_filter[k] = static_cast<float>(kernel::mul(factor, double{of_filter[k]}));
        numbers[shift(i) + c] =
            static_cast<float>(kernel::fma(-factor, double{list[mean(i) + c]}, double{list[shift(i) + c]}));
      }
    }
    return model<Net>(std::move(numbers));
  }
};

// One event of a batch that is normalised, step by step: all events do a step before one does the next. What
// normalised convolutions compute is kept beside what becomes of it.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class normalised_engine : public training_engine<Net, Policy> {
  using base = training_engine<Net, Policy>;
  using layout = detail::layout<Net, Policy>;
  template <int Step>
  using kernels = detail::step_kernels<Net, Policy, Step>;

 public:
  using ops = kernel::ops<Policy>;
  using real_type = typename ops::real_type;
  using norm = kernel::channel_norm<real_type>;
  using slope = kernel::channel_slope<real_type>;

  explicit normalised_engine(Policy policy = {})
      : base(policy), before_(before_offset[static_cast<std::size_t>(layout::steps)]) {}

  void begin(std::uint64_t dropout_key) noexcept { this->dropout_key_ = dropout_key; }
  real_type const* logits() noexcept { return this->at(layout::plan.result); }

  template <int Step>
  void forward_step(packed_parameters<Net, Policy> const& p) noexcept {
    this->template forward<Step>(p.forward() + layout::forward_offset[Step]);
  }
  template <int Step>
  void backward_step(packed_parameters<Net, Policy> const& p, real_type const* parameters_flat,
                     real_type* gradients) noexcept {
    base::template backward_step<Step>(p, parameters_flat, gradients);
  }

  // A normalised convolution: what it computes, with its sums over pixels.
  template <int Step>
  void convolve(packed_parameters<Net, Policy> const& p, double* sums) noexcept {
    using k = kernels<Step>;
    kernel::run_forward<typename k::conv_kernel, false, false>(
        this->policy_, this->at(k::self.in), p.forward() + layout::forward_offset[Step],
        static_cast<real_type const*>(nullptr), before<Step>(), this->scratch_.data());
    ops::template batch_norm<kernels<Step>::out_shape>::sums(this->policy_, before<Step>(), sums);
  }
  template <int Step>
  void squares(real_type const* mean, double* sums) noexcept {
    ops::template batch_norm<kernels<Step>::out_shape>::squares(this->policy_, before<Step>(), mean, sums);
  }
  template <int Step>
  void normalise(norm const& n) noexcept {
    constexpr step s = kernels<Step>::self;
    real_type const* shortcut = nullptr;
    if constexpr (s.shortcut >= 0) shortcut = this->at(s.shortcut);
    ops::template batch_norm<kernels<Step>::out_shape>::template forward<s.relu, (s.shortcut >= 0)>(
        this->policy_, before<Step>(), n, shortcut, this->at(s.out));
  }
  // The gradient behind it is final: its sums, and those of its product with the normalised numbers.
  template <int Step>
  void slopes(norm const& n, double* sums) noexcept {
    constexpr step s = kernels<Step>::self;
    if constexpr (s.relu && !layout::gradient_is_masked(Step)) {
      ops::template relu_gradient<kernels<Step>::out_shape>(this->policy_, this->at(s.out), dout<Step>());
    }
    ops::template batch_norm<kernels<Step>::out_shape>::slopes(this->policy_, before<Step>(), n, dout<Step>(),
                                                               sums);
  }
  // Once: what the convolution had computed makes room for its gradient.
  template <int Step>
  void gradient(packed_parameters<Net, Policy> const& p, norm const& n, slope const& means,
                real_type* gradients) noexcept {
    ops::template batch_norm<kernels<Step>::out_shape>::gradient(this->policy_, before<Step>(), n, means,
                                                                 dout<Step>(), before<Step>());
    this->template conv_gradient<Step>(p.gradient() + layout::gradient_offset[Step], before<Step>(), gradients);
  }

 private:
  static constexpr auto before_offset = [] {
    std::array<std::size_t, static_cast<std::size_t>(layout::steps) + 1> at{};
    detail::for_each_index<layout::steps>([&](auto i) {
      at[i + 1] = at[i];
      if constexpr (layout::plan.at(i).normalised)
        at[i + 1] += detail::padded(ops::template map_size<kernels<i>::out_shape>);
    });
    return at;
  }();

  template <int Step>
  real_type* before() noexcept {
    return before_.data() + before_offset[Step];
  }
  template <int Step>
  real_type* dout() noexcept {
    return this->gradient_slot(layout::gradients.dout[Step]) + layout::gradients.dout_offset[Step];
  }

  typename ops::buffer before_;
};

}  // namespace calotype::nn
