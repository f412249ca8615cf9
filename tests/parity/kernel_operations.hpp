// Every operation of a policy on fixed numbers, and its comparison with the scalar reference, bit for bit. Maps
// enter and leave a policy through set_input and flatten, so that its layout is its own business.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/kernel/conv_lstm.hpp>
#include <calotype/kernel/scalar.hpp>

namespace parity {

namespace kernel = calotype::kernel;
using kernel::conv_shape;
using kernel::map_shape;
using kernel::pool_shape;
using numbers = std::vector<float>;

inline std::size_t count(int n) { return static_cast<std::size_t>(n); }

// Numbers in [-1, 1), a third of them +0, as images and activations are.
inline numbers draw(int n, std::uint64_t seed) {
  numbers v(count(n));
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (float& x : v) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    bool const zero = (state >> 33) % 3 == 0;
    x = zero ? 0.0F : static_cast<float>(state >> 40) * 0x1p-23F - 1;
  }
  return v;
}

// Everything that an operation computes, in canonical order, under one policy.
template <class Policy>
struct run {
  using ops = kernel::ops<Policy>;
  using buffer = typename ops::buffer;
  Policy p{};

  buffer upload(numbers const& v) const {
    buffer b(v.size());
    ops::to_policy(p, v.size(), v.data(), b.data());
    return b;
  }
  numbers download(buffer const& b, std::size_t n) const {
    numbers v(n);
    ops::to_host(p, n, b.data(), v.data());
    return v;
  }
  template <map_shape M>
  buffer map(numbers const& v) const {
    buffer const vector = upload(v);
    buffer b(ops::template map_size<M>);
    ops::template flatten<M>::gradient(p, vector.data(), b.data());
    return b;
  }
  template <map_shape M>
  buffer image(numbers const& v) const {
    buffer b(ops::template image_size<M>);
    ops::template set_input<M>(p, v.data(), b.data());
    return b;
  }
  template <map_shape M>
  numbers canonical(buffer const& map) const {
    buffer vector(count(M.size()));
    ops::template flatten<M>::forward(p, map.data(), vector.data());
    return download(vector, vector.size());
  }

  template <conv_shape S, bool Relu, bool Shortcut, bool FromImage>
  numbers conv_forward() const {
    using conv = typename ops::template conv<S, FromImage>;
    constexpr map_shape out_shape = S.out();
    auto const values = draw(S.in.size(), 1);
    buffer const in = FromImage ? image<S.in>(values) : map<S.in>(values);
    buffer const weights = upload(draw(S.weights(), 2));
    buffer const bias = upload(draw(S.filters, 3));
    buffer const shortcut = map<out_shape>(draw(out_shape.size(), 4));
    buffer packed(conv::packed_size);
    buffer out(ops::template map_size<out_shape>);
    conv::pack(weights.data(), bias.data(), packed.data());
    conv::template forward<Relu, Shortcut>(p, in.data(), packed.data(), Shortcut ? shortcut.data() : nullptr,
                                           out.data());
    return canonical<out_shape>(out);
  }

  // Fused where the policy can, in two steps where it cannot.
  template <conv_shape S, pool_shape Pool, bool FromImage>
  numbers conv_pool() const {
    using conv = typename ops::template conv<S, FromImage>;
    constexpr map_shape out_shape = S.out();
    constexpr map_shape pooled_shape = Pool.out();
    auto const values = draw(S.in.size(), 1);
    buffer const in = FromImage ? image<S.in>(values) : map<S.in>(values);
    buffer const weights = upload(draw(S.weights(), 2));
    buffer const bias = upload(draw(S.filters, 3));
    buffer packed(conv::packed_size);
    buffer pooled(ops::template map_size<pooled_shape>);
    conv::pack(weights.data(), bias.data(), packed.data());
    if constexpr (conv::template pools<Pool>) {
      conv::template forward_pool<true, Pool>(p, in.data(), packed.data(), pooled.data());
    } else {
      buffer out(ops::template map_size<out_shape>);
      conv::template forward<true, false>(p, in.data(), packed.data(), nullptr, out.data());
      ops::template max_pool<Pool>::forward(p, out.data(), pooled.data());
    }
    return canonical<pooled_shape>(pooled);
  }

  template <conv_shape S>
  numbers conv_input_gradient(bool with_added) const {
    using conv = typename ops::template conv<S, false>;
    constexpr map_shape out_shape = S.out();
    buffer const dout = map<out_shape>(draw(out_shape.size(), 5));
    buffer const weights = upload(draw(S.weights(), 2));
    buffer const added = map<S.in>(draw(S.in.size(), 6));
    buffer packed(conv::gradient_packed_size);
    buffer din(ops::template map_size<S.in>);
    conv::pack_gradient(weights.data(), packed.data());
    conv::input_gradient(p, dout.data(), packed.data(), with_added ? added.data() : nullptr, din.data());
    return canonical<S.in>(din);
  }

  template <conv_shape S, bool FromImage>
  numbers conv_weight_gradient() const {
    using conv = typename ops::template conv<S, FromImage>;
    constexpr map_shape out_shape = S.out();
    auto const values = draw(S.in.size(), 1);
    buffer const in = FromImage ? image<S.in>(values) : map<S.in>(values);
    buffer const dout = map<out_shape>(draw(out_shape.size(), 5));
    buffer dweights(count(S.weights()));
    buffer dbias(count(S.filters));
    conv::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
    auto all = download(dweights, dweights.size());
    auto const tail = download(dbias, dbias.size());
    all.insert(all.end(), tail.begin(), tail.end());
    return all;
  }

  template <map_shape M>
  numbers relu_gradient() const {
    buffer const out = map<M>(draw(M.size(), 1));
    buffer dout = map<M>(draw(M.size(), 2));
    ops::template relu_gradient<M>(p, out.data(), dout.data());
    return canonical<M>(dout);
  }

  template <pool_shape S>
  numbers max_pool_forward() const {
    constexpr map_shape out_shape = S.out();
    buffer const in = map<S.in>(draw(S.in.size(), 1));
    buffer out(ops::template map_size<out_shape>);
    ops::template max_pool<S>::forward(p, in.data(), out.data());
    return canonical<out_shape>(out);
  }
  // Values rounded to quarters, so that maxima are tied.
  template <pool_shape S>
  numbers max_pool_gradient() const {
    constexpr map_shape out_shape = S.out();
    auto values = draw(S.in.size(), 1);
    for (float& x : values) x = static_cast<float>(static_cast<int>(x * 4)) / 4;
    buffer const in = map<S.in>(values);
    buffer const dout = map<out_shape>(draw(out_shape.size(), 2));
    buffer out(ops::template map_size<out_shape>);
    buffer din(ops::template map_size<S.in>);
    ops::template max_pool<S>::forward(p, in.data(), out.data());
    ops::template max_pool<S>::gradient(p, in.data(), out.data(), dout.data(), din.data());
    return canonical<S.in>(din);
  }

  template <map_shape M>
  numbers global_max_pool() const {
    auto values = draw(M.size(), 1);
    for (float& x : values) x = static_cast<float>(static_cast<int>(x * 64)) / 64;
    buffer const in = map<M>(values);
    buffer const dvector = upload(draw(M.channels, 2));
    buffer vector(count(M.channels));
    buffer din(ops::template map_size<M>);
    ops::template global_max_pool<M>::forward(p, in.data(), vector.data());
    ops::template global_max_pool<M>::gradient(p, in.data(), vector.data(), dvector.data(), din.data());
    auto all = canonical<M>(din);
    auto const top = download(vector, vector.size());
    all.insert(all.end(), top.begin(), top.end());
    return all;
  }

  template <pool_shape S>
  numbers avg_pool() const {
    constexpr map_shape out_shape = S.out();
    buffer const in = map<S.in>(draw(S.in.size(), 1));
    buffer const dout = map<out_shape>(draw(out_shape.size(), 2));
    buffer out(ops::template map_size<out_shape>);
    buffer din(ops::template map_size<S.in>);
    ops::template avg_pool<S>::forward(p, in.data(), out.data());
    ops::template avg_pool<S>::gradient(p, dout.data(), din.data());
    auto all = canonical<S.in>(din);
    auto const means = canonical<out_shape>(out);
    all.insert(all.end(), means.begin(), means.end());
    return all;
  }

  template <map_shape M>
  numbers global_avg_pool() const {
    buffer const in = map<M>(draw(M.size(), 1));
    buffer const dvector = upload(draw(M.channels, 2));
    buffer vector(count(M.channels));
    buffer din(ops::template map_size<M>);
    ops::template global_avg_pool<M>::forward(p, in.data(), vector.data());
    ops::template global_avg_pool<M>::gradient(p, dvector.data(), din.data());
    auto all = canonical<M>(din);
    auto const means = download(vector, vector.size());
    all.insert(all.end(), means.begin(), means.end());
    return all;
  }

  template <kernel::dense_shape S>
  numbers dense() const {
    using layer = typename ops::template dense<S>;
    buffer const in = upload(draw(S.inputs, 1));
    buffer const weights = upload(draw(S.weights(), 2));
    buffer const bias = upload(draw(S.outputs, 3));
    buffer const dout = upload(draw(S.outputs, 4));
    buffer packed(layer::packed_size);
    buffer out(count(S.outputs));
    buffer rectified(count(S.outputs));
    buffer din(count(S.inputs));
    buffer dweights(count(S.weights()));
    buffer dbias(count(S.outputs));
    layer::pack(weights.data(), bias.data(), packed.data());
    layer::template forward<false>(p, in.data(), packed.data(), out.data());
    layer::template forward<true>(p, in.data(), packed.data(), rectified.data());
    layer::input_gradient(p, dout.data(), weights.data(), din.data());
    layer::weight_gradient(p, in.data(), dout.data(), dweights.data(), dbias.data());
    numbers all;
    for (buffer const* b : {&out, &rectified, &din, &dweights, &dbias}) {
      auto const part = download(*b, b->size());
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  // Memory whose contents should not matter is full of numbers.
  template <kernel::lstm_shape S>
  numbers conv_lstm() const {
    using layer = kernel::conv_lstm<Policy, S>;
    constexpr int weights = S.gates().weights(), biases = S.gates().filters;
    buffer const in = map<S.in>(draw(S.in.size(), 1));
    buffer const weight = upload(draw(weights, 2));
    buffer const bias = upload(draw(biases, 3));
    buffer const dout = map<S.out()>(draw(S.out().size(), 4));
    buffer packed(layer::packed_size);
    buffer gradient_packed(layer::gradient_packed_size);
    buffer out(ops::template map_size<S.out()>);
    buffer alone(ops::template map_size<S.out()>);
    buffer din(ops::template map_size<S.in>);
    buffer kept = upload(draw(static_cast<int>(layer::kept_size), 5));
    buffer scratch =
        upload(draw(static_cast<int>(std::max(layer::scratch_size, layer::gradient_scratch_size)), 6));
    buffer dweights(count(weights));
    buffer dbias(count(biases));
    layer::pack(weight.data(), bias.data(), packed.data());
    layer::pack_gradient(weight.data(), gradient_packed.data());
    layer::forward(p, in.data(), packed.data(), alone.data(), nullptr, scratch.data());
    layer::forward(p, in.data(), packed.data(), out.data(), kept.data(), scratch.data());
    layer::gradient(p, dout.data(), gradient_packed.data(), kept.data(), dweights.data(), dbias.data(),
                    din.data(), scratch.data());
    numbers all = canonical<S.out()>(out);
    auto const append = [&all](numbers const& more) { all.insert(all.end(), more.begin(), more.end()); };
    CHECK(all == canonical<S.out()>(alone));
    append(canonical<S.in>(din));
    append(download(dweights, dweights.size()));
    append(download(dbias, dbias.size()));
    return all;
  }

  template <map_shape M>
  numbers dropout(bool backwards) const {
    buffer const in = map<M>(draw(M.size(), 1));
    buffer out(ops::template map_size<M>);
    if (backwards) {
      ops::template dropout<M>::gradient(p, 0.3F, 0x123456789abcdefULL, in.data(), out.data());
    } else {
      ops::template dropout<M>::forward(p, 0.3F, 0x123456789abcdefULL, in.data(), out.data());
    }
    return canonical<M>(out);
  }

  template <map_shape M>
  numbers moved() const {
    auto const values = draw(M.size(), 1);
    buffer const plane = image<M>(values);
    buffer imported(ops::template map_size<M>);
    buffer copied(ops::template map_size<M>);
    ops::template import_image<M>(p, plane.data(), imported.data());
    ops::template copy<M>(p, imported.data(), copied.data());
    return canonical<M>(copied);
  }

  numbers optimiser() const {
    std::size_t const n = 1003;
    buffer parameters = upload(draw(1003, 1));
    buffer first(n);
    buffer second(n);
    buffer gradient = upload(draw(1003, 2));
    buffer const more = upload(draw(1003, 3));
    for (int t = 1; t <= 5; ++t) {
      ops::adam(p, n, kernel::adam_step_at(0.01, 0.9, 0.999, 1e-8, t), gradient.data(), first.data(),
                second.data(), parameters.data());
      ops::add(p, n, more.data(), gradient.data());
    }
    numbers all;
    for (buffer const* b : {&parameters, &first, &second, &gradient}) {
      auto const part = download(*b, n);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
};

inline void check_same_bits(numbers const& got, numbers const& want) {
  REQUIRE(got.size() == want.size());
  std::size_t different = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    different += std::memcmp(&got[i], &want[i], sizeof(float)) != 0 ? 1U : 0U;
  CHECK(different == 0);
  std::size_t zeros = 0;
  for (float x : want) zeros += x == 0 ? 1U : 0U;
  CHECK(zeros < want.size());
}

template <conv_shape S, bool Relu, bool Shortcut, bool FromImage, class Policy>
void check_conv_forward(run<Policy> const& policy) {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  check_same_bits(policy.template conv_forward<S, Relu, Shortcut, FromImage>(),
                  run<calotype::exec::scalar>{}.template conv_forward<S, Relu, Shortcut, FromImage>());
}

template <conv_shape S, class Policy>
void check_conv_gradients(run<Policy> const& policy) {
  CAPTURE(S.in.channels);
  CAPTURE(S.in.cols);
  CAPTURE(S.filters);
  CAPTURE(S.kernel);
  CAPTURE(S.stride);
  run<calotype::exec::scalar> const reference{};
  check_same_bits(policy.template conv_input_gradient<S>(false),
                  reference.template conv_input_gradient<S>(false));
  check_same_bits(policy.template conv_input_gradient<S>(true),
                  reference.template conv_input_gradient<S>(true));
  check_same_bits(policy.template conv_weight_gradient<S, false>(),
                  reference.template conv_weight_gradient<S, false>());
}

// The layers of the papers' networks on small maps: image layers, blocks, projections, pools, heads.
template <class Policy>
void check_convolutions() {
  run<Policy> const policy{};
  constexpr conv_shape image{{3, 37, 45}, 16, 7, 2, 1};
  constexpr conv_shape one_channel{{1, 32, 32}, 8, 7, 2, 1};
  constexpr conv_shape block16{{16, 11, 21}, 16, 3, 1, 1};
  constexpr conv_shape narrow{{8, 13, 9}, 8, 3, 1, 1};
  constexpr conv_shape down{{16, 13, 22}, 32, 3, 2, 1};
  constexpr conv_shape projection{{16, 13, 22}, 32, 1, 2, 0};
  constexpr conv_shape block32{{32, 7, 11}, 32, 3, 1, 1};
  constexpr conv_shape odd{{5, 10, 9}, 7, 5, 3, 2};
  check_conv_forward<image, true, false, true>(policy);
  check_conv_forward<image, false, false, true>(policy);
  check_conv_forward<one_channel, true, false, true>(policy);
  check_conv_forward<block16, true, false, false>(policy);
  check_conv_forward<block16, true, true, false>(policy);
  check_conv_forward<narrow, true, true, false>(policy);
  check_conv_forward<down, true, false, false>(policy);
  check_conv_forward<projection, false, false, false>(policy);
  check_conv_forward<block32, true, true, false>(policy);
  check_conv_forward<odd, false, true, false>(policy);
}

template <class Policy>
void check_pooled_convolutions() {
  run<Policy> const policy{};
  run<calotype::exec::scalar> const reference{};
  constexpr conv_shape image{{3, 37, 45}, 16, 7, 2, 1};
  constexpr pool_shape pool{image.out(), 2, 2};
  check_same_bits(policy.template conv_pool<image, pool, true>(),
                  reference.template conv_pool<image, pool, true>());
}

template <class Policy>
void check_convolution_gradients() {
  run<Policy> const policy{};
  check_conv_gradients<conv_shape{{16, 11, 21}, 16, 3, 1, 1}>(policy);
  check_conv_gradients<conv_shape{{8, 13, 9}, 8, 3, 1, 1}>(policy);
  check_conv_gradients<conv_shape{{16, 13, 22}, 32, 3, 2, 1}>(policy);
  check_conv_gradients<conv_shape{{16, 13, 22}, 32, 1, 2, 0}>(policy);
  check_conv_gradients<conv_shape{{32, 7, 11}, 32, 3, 1, 1}>(policy);
  check_conv_gradients<conv_shape{{5, 10, 9}, 7, 5, 3, 2}>(policy);
  constexpr conv_shape image{{3, 37, 45}, 16, 7, 2, 1};
  check_same_bits(policy.template conv_weight_gradient<image, true>(),
                  run<calotype::exec::scalar>{}.template conv_weight_gradient<image, true>());
}

template <class Policy>
void check_pools() {
  run<Policy> const policy{};
  run<calotype::exec::scalar> const reference{};
  constexpr pool_shape even{{16, 14, 22}, 2, 2};
  constexpr pool_shape cut{{3, 15, 19}, 2, 2};
  constexpr pool_shape overlapping{{8, 11, 13}, 3, 2};
  check_same_bits(policy.template max_pool_forward<even>(), reference.template max_pool_forward<even>());
  check_same_bits(policy.template max_pool_forward<cut>(), reference.template max_pool_forward<cut>());
  check_same_bits(policy.template max_pool_forward<overlapping>(),
                  reference.template max_pool_forward<overlapping>());
  check_same_bits(policy.template max_pool_gradient<even>(), reference.template max_pool_gradient<even>());
  check_same_bits(policy.template max_pool_gradient<cut>(), reference.template max_pool_gradient<cut>());
  check_same_bits(policy.template max_pool_gradient<overlapping>(),
                  reference.template max_pool_gradient<overlapping>());
  check_same_bits(policy.template global_max_pool<map_shape{64, 10, 12}>(),
                  reference.template global_max_pool<map_shape{64, 10, 12}>());
  check_same_bits(policy.template global_max_pool<map_shape{5, 3, 7}>(),
                  reference.template global_max_pool<map_shape{5, 3, 7}>());
  check_same_bits(policy.template avg_pool<even>(), reference.template avg_pool<even>());
  check_same_bits(policy.template avg_pool<cut>(), reference.template avg_pool<cut>());
  check_same_bits(policy.template avg_pool<overlapping>(), reference.template avg_pool<overlapping>());
  check_same_bits(policy.template global_avg_pool<map_shape{64, 10, 12}>(),
                  reference.template global_avg_pool<map_shape{64, 10, 12}>());
  check_same_bits(policy.template global_avg_pool<map_shape{5, 3, 7}>(),
                  reference.template global_avg_pool<map_shape{5, 3, 7}>());
}

template <class Policy>
void check_dense_layers() {
  run<Policy> const policy{};
  run<calotype::exec::scalar> const reference{};
  check_same_bits(policy.template dense<kernel::dense_shape{64, 3}>(),
                  reference.template dense<kernel::dense_shape{64, 3}>());
  check_same_bits(policy.template dense<kernel::dense_shape{4, 256}>(),
                  reference.template dense<kernel::dense_shape{4, 256}>());
  check_same_bits(policy.template dense<kernel::dense_shape{37, 53}>(),
                  reference.template dense<kernel::dense_shape{37, 53}>());
}

template <class Policy>
void check_recurrent_layers() {
  run<Policy> const policy{};
  run<calotype::exec::scalar> const reference{};
  constexpr kernel::lstm_shape digis{{10, 9, 11}, 8, 3, 10};
  constexpr kernel::lstm_shape wide_window{{6, 7, 9}, 5, 5, 2};
  constexpr kernel::lstm_shape many_channels{{36, 5, 6}, 20, 1, 2};
  check_same_bits(policy.template conv_lstm<digis>(), reference.template conv_lstm<digis>());
  check_same_bits(policy.template conv_lstm<wide_window>(), reference.template conv_lstm<wide_window>());
  check_same_bits(policy.template conv_lstm<many_channels>(), reference.template conv_lstm<many_channels>());
}

template <class Policy>
void check_elementwise() {
  run<Policy> const policy{};
  run<calotype::exec::scalar> const reference{};
  constexpr map_shape map{16, 9, 13};
  constexpr map_shape vector{77};
  check_same_bits(policy.template relu_gradient<map>(), reference.template relu_gradient<map>());
  check_same_bits(policy.template relu_gradient<vector>(), reference.template relu_gradient<vector>());
  for (bool backwards : {false, true}) {
    check_same_bits(policy.template dropout<vector>(backwards), reference.template dropout<vector>(backwards));
    check_same_bits(policy.template dropout<map>(backwards), reference.template dropout<map>(backwards));
  }
  check_same_bits(policy.template moved<map_shape{3, 9, 13}>(),
                  reference.template moved<map_shape{3, 9, 13}>());
  check_same_bits(policy.optimiser(), reference.optimiser());
}

}  // namespace parity
