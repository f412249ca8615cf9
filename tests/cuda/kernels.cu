// The Thrust kernels on the CUDA system: every operation compiles, and its device code computes in float alone
// (no_double.py looks at the PTX of this file).
#include <cstddef>

#include <calotype/kernel/conv_lstm.hpp>
#include <calotype/kernel/element/loss.hpp>
#include <calotype/kernel/thrust.hpp>

namespace {

namespace kernel = calotype::kernel;

static_assert(calotype::concepts::execution_policy<calotype::exec::cuda_thrust>);

struct losses {
  float const* logits;
  float* slope;
  float* loss;

  CALOTYPE_HD void operator()(int i) const {
    *loss = kernel::element::softmax_cross_entropy<3>(logits, i, 0.5F, slope);
    *loss = kernel::add(*loss, kernel::element::binary_cross_entropy(logits[0], i, 0.5F, slope[3]));
    kernel::element::softmax<3>(logits, slope + 4);
    slope[7] = kernel::element::sigmoid(logits[0]);
  }
};

}  // namespace

// A template, as the engines are: nvcc 13 cannot spell ops::map_size<map> outside of one. Never called here.
template <class Policy>
struct every_operation {
  using ops = kernel::ops<Policy>;

  template <kernel::conv_shape S>
  static void convolution(Policy const& p, float const* in, float* packed, float* out, float* din) {
    using conv = typename ops::template conv<S, false>;
    conv::pack(in, in, packed);
    conv::pack_gradient(in, packed);
    conv::template forward<true, true>(p, in, packed, in, out);
    conv::template forward<false, false>(p, in, packed, nullptr, out);
    conv::input_gradient(p, out, packed, nullptr, din);
    conv::weight_gradient(p, in, out, packed, packed);
  }

  template <kernel::lstm_shape S>
  static void sequence(Policy const& p, float const* in, float* packed, float* out, float* din) {
    using lstm = kernel::conv_lstm<Policy, S>;
    typename ops::buffer kept(lstm::kept_size);
    typename ops::buffer scratch(lstm::scratch_size + lstm::gradient_scratch_size);
    lstm::pack(in, in, packed);
    lstm::pack_gradient(in, packed);
    lstm::forward(p, in, packed, out, kept.data(), scratch.data());
    lstm::gradient(p, out, packed, kept.data(), packed, packed, din, scratch.data());
  }

  static void run(float const* host, float* to_host);
};

template <class Policy>
void every_operation<Policy>::run(float const* host, float* to_host) {
  Policy const p{};
  constexpr kernel::map_shape map{16, 24, 30};
  constexpr kernel::pool_shape pool{map, 2, 2};
  constexpr kernel::dense_shape head{16, 3};
  typename ops::buffer in(ops::template image_size<map>);
  typename ops::buffer out(ops::template map_size<map>);
  typename ops::buffer din(ops::template map_size<map>);
  typename ops::buffer packed(100'000);
  ops::template set_input<map>(p, host, in.data());
  ops::template set_input<map>(p, nullptr, in.data());
  ops::template import_image<map>(p, in.data(), out.data());
  convolution<kernel::conv_shape{map, 16, 3, 1, 1}>(p, in.data(), packed.data(), out.data(), din.data());
  convolution<kernel::conv_shape{map, 16, 7, 2, 1}>(p, in.data(), packed.data(), out.data(), din.data());
  sequence<kernel::lstm_shape{map, 4, 3, 8}>(p, in.data(), packed.data(), out.data(), din.data());
  ops::template relu_gradient<map>(p, out.data(), din.data());
  ops::template max_pool<pool>::forward(p, in.data(), out.data());
  ops::template max_pool<pool>::gradient(p, in.data(), out.data(), out.data(), din.data());
  ops::template global_max_pool<map>::forward(p, in.data(), out.data());
  ops::template global_max_pool<map>::gradient(p, in.data(), out.data(), out.data(), din.data());
  ops::template avg_pool<pool>::forward(p, in.data(), out.data());
  ops::template avg_pool<pool>::gradient(p, out.data(), din.data());
  ops::template global_avg_pool<map>::forward(p, in.data(), out.data());
  ops::template global_avg_pool<map>::gradient(p, out.data(), din.data());
  ops::template flatten<map>::forward(p, in.data(), out.data());
  ops::template flatten<map>::gradient(p, in.data(), out.data());
  ops::template dense<head>::pack(in.data(), in.data(), packed.data());
  ops::template dense<head>::template forward<true>(p, in.data(), packed.data(), out.data());
  ops::template dense<head>::input_gradient(p, out.data(), packed.data(), din.data());
  ops::template dense<head>::weight_gradient(p, in.data(), out.data(), packed.data(), din.data());
  ops::template dropout<map>::forward(p, 0.5F, 1, in.data(), out.data());
  ops::template dropout<map>::gradient(p, 0.5F, 1, out.data(), din.data());
  ops::template copy<map>(p, in.data(), out.data());
  ops::add(p, out.size(), in.data(), out.data());
  ops::adam(p, out.size(), kernel::adam_step_at(1e-3, 0.9, 0.999, 1e-8, 1), in.data(), out.data(), din.data(),
            packed.data());
  thrust::for_each_n(thrust::cuda::tag{}, thrust::counting_iterator<int>(0), 1,
                     losses{in.data(), out.data(), din.data()});
  ops::to_policy(p, out.size(), host, out.data());
  ops::to_host(p, out.size(), out.data(), to_host);
}

template struct every_operation<calotype::exec::cuda_thrust>;
