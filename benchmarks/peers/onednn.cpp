// oneDNN called directly, as one of the engines that scripts/figures measures (protocol.hpp): the network as a
// list of primitives in the blocked layouts that the library asks for, bias, ReLU and the residual sum fused as
// post-ops.
//
//   peers_onednn FOLDER   answers requests
//
// Tasks: infer; convolutions (those of a training step alone, forward and both gradients, nothing between them:
// a floor for any trainer built on them).
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol.hpp"
#include <dnnl.hpp>
#include <omp.h>

#include <calotype/io/safetensors.hpp>

namespace peers {

namespace {

using dnnl::memory;
using dims = memory::dims;
using tag = memory::format_tag;
using kind = dnnl::prop_kind;

struct shape {
  int channels, rows, cols;
  std::size_t size() const { return static_cast<std::size_t>(channels * rows * cols); }
};

shape input_of(std::string const& net) {
  if (net == "EB") return {1, 170, 360};
  if (net == "CMSB") return {3, 170, 360};
  if (net == "CMSII") return {3, 280, 360};
  if (net == "JET") return {3, 125, 125};
  if (net == "TINY") return {1, 32, 32};
  throw std::runtime_error("no network is called " + net);
}

calotype::io::tensor_file read_weights(std::string const& folder, int channels) {
  auto file = calotype::io::read_safetensors(folder + "/weights-" + std::to_string(channels) + ".safetensors");
  if (!file) throw std::runtime_error(file.error()->what);
  return *file;
}

memory::desc numbers(dims d, tag t) { return {std::move(d), memory::data_type::f32, t}; }

// A convolution as the network has it, and what it reads and writes.
struct convolution {
  int batch;
  shape in;
  int filters, window, stride, padding;

  shape out() const {
    return {filters, (in.rows + 2 * padding - window) / stride + 1,
            (in.cols + 2 * padding - window) / stride + 1};
  }
  dims source() const { return {batch, in.channels, in.rows, in.cols}; }
  dims weights() const { return {filters, in.channels, window, window}; }
  dims result() const { return {batch, filters, out().rows, out().cols}; }
  dims strides() const { return {stride, stride}; }
  dims before() const { return {padding, padding}; }
  // What is read beyond the far edges: less than the padding where the stride leaves a rest.
  dims after() const {
    return {(out().rows - 1) * stride + window - in.rows - padding,
            (out().cols - 1) * stride + window - in.cols - padding};
  }
  double operations() const {
    return 2.0 * batch * in.channels * window * window * static_cast<double>(out().size());
  }
};

constexpr int blocks = 7;
constexpr std::array block_names{"layer1.0", "layer1.1", "layer1.2", "layer2.0",
                                 "layer3.0", "layer3.1", "layer3.2"};

class network {
 public:
  network(std::string const& folder, std::string const& net, int batch)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), shape_(input_of(net)), batch_(batch) {
    auto const weights = read_weights(folder, shape_.channels);
    in_ = memory(numbers({batch, shape_.channels, shape_.rows, shape_.cols}, tag::nchw), engine_);
    convolution const first{batch, shape_, 16, 7, 2, 1};
    memory now = add(weights, "conv0", first, in_, nullptr, true);
    shape s = pool(now, first.out(), 2, 2);
    for (int b = 0; b < blocks; ++b) {
      int const filters = b < 3 ? 16 : 32, stride = filters / s.channels;
      std::string const name = block_names[static_cast<std::size_t>(b)];
      convolution const one{batch, s, filters, 3, stride, 1};
      convolution const two{batch, one.out(), filters, 3, 1, 1};
      memory const middle = add(weights, name + ".conv1", one, now, nullptr, true);
      // The shortcut's values are where the sum goes.
      memory const shortcut = stride == 1 ? now
                                          : add(weights, name + ".shortcut", {batch, s, filters, 1, stride, 0},
                                                now, nullptr, false);
      now = add(weights, name + ".conv2", two, middle, &shortcut, true);
      s = two.out();
    }
    pool(now, s, s.rows, s.cols);
    memory const vector(numbers({batch, s.channels}, tag::nc), engine_);
    memory const plain(numbers({batch, s.channels, 1, 1}, tag::nchw), engine_, vector.get_data_handle());
    steps_.push_back({dnnl::reorder(now, plain), {{DNNL_ARG_FROM, now}, {DNNL_ARG_TO, plain}}});
    out_ = memory(numbers({batch, 3}, tag::nc), engine_);
    memory const w = held(weights, "fc.weight", {3, s.channels}, tag::oi),
                 b = held(weights, "fc.bias", {3}, tag::x);
    dnnl::inner_product_forward::primitive_desc const last(
        {kind::forward_inference, vector.get_desc(), w.get_desc(), b.get_desc(), out_.get_desc()}, engine_);
    operations_ += 2.0 * batch * s.channels * 3;
    steps_.push_back(
        {dnnl::inner_product_forward(last),
         {{DNNL_ARG_SRC, vector}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_BIAS, b}, {DNNL_ARG_DST, out_}}});
    kept_.push_back(vector);
  }

  double operations() const { return operations_; }
  std::size_t image_size() const { return shape_.size(); }
  float* input() { return static_cast<float*>(in_.get_data_handle()); }
  void run() {
    for (auto const& s : steps_) s.what.execute(stream_, s.arguments);
    stream_.wait();
  }
  void append_logits(std::vector<float>& to) const {
    auto const* const y = static_cast<float const*>(out_.get_data_handle());
    to.insert(to.end(), y, y + 3 * batch_);
  }

 private:
  struct step {
    dnnl::primitive what;
    std::unordered_map<int, memory> arguments;
  };

  memory held(calotype::io::tensor_file const& weights, std::string const& name, dims d, tag t) const {
    auto const* const tensor = weights.find(name);
    memory m(numbers(std::move(d), t), engine_);
    if (tensor == nullptr || tensor->values.size() * sizeof(float) != m.get_desc().get_size()) {
      throw std::runtime_error("the weights have no " + name + " of this size");
    }
    std::memcpy(m.get_data_handle(), tensor->values.data(), m.get_desc().get_size());
    return m;
  }

  memory add(calotype::io::tensor_file const& weights, std::string const& name, convolution const& c,
             memory const& from, memory const* sum, bool relu) {
    dnnl::post_ops after;
    if (sum != nullptr) after.append_sum(1.0F);
    if (relu) after.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    dnnl::convolution_forward::primitive_desc const chosen(
        {kind::forward_inference, dnnl::algorithm::convolution_direct, from.get_desc(),
         numbers(c.weights(), tag::any), numbers({c.filters}, tag::x),
         sum != nullptr ? sum->get_desc() : numbers(c.result(), tag::any), c.strides(), c.before(), c.after()},
        attributes, engine_);
    memory plain = held(weights, name + ".weight", c.weights(), tag::oihw);
    memory packed(chosen.weights_desc(), engine_);
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    stream_.wait();
    memory const to = sum != nullptr ? *sum : memory(chosen.dst_desc(), engine_);
    steps_.push_back({dnnl::convolution_forward(chosen),
                      {{DNNL_ARG_SRC, from},
                       {DNNL_ARG_WEIGHTS, packed},
                       {DNNL_ARG_BIAS, held(weights, name + ".bias", {c.filters}, tag::x)},
                       {DNNL_ARG_DST, to}}});
    operations_ += c.operations();
    return to;
  }

  shape pool(memory& now, shape s, int rows, int cols) {
    shape const out{s.channels, s.rows / rows, s.cols / cols};
    dims const window{rows, cols};
    dnnl::pooling_forward::primitive_desc const chosen(
        {kind::forward_inference, dnnl::algorithm::pooling_max, now.get_desc(),
         numbers({batch_, out.channels, out.rows, out.cols}, tag::any), window, window, dims{0, 0}, dims{0, 0}},
        engine_);
    memory const to(chosen.dst_desc(), engine_);
    steps_.push_back({dnnl::pooling_forward(chosen), {{DNNL_ARG_SRC, now}, {DNNL_ARG_DST, to}}});
    now = to;
    return out;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  shape shape_;
  int batch_;
  double operations_ = 0;
  memory in_, out_;
  std::vector<memory> kept_;
  std::vector<step> steps_;
};

class inference final : public contestant {
 public:
  inference(std::string const& folder, request const& r)
      : threads_(r.threads),
        batch_(r.batch),
        network_(folder, r.net, r.batch),
        images_(read_images(folder, r)) {
    std::size_t const needed = static_cast<std::size_t>(batch_) * network_.image_size();
    if (images_.size() < needed) throw std::runtime_error("not as many images");
    std::memcpy(network_.input(), images_.data(), needed * sizeof(float));
  }
  double work() const override { return network_.operations(); }
  std::size_t inputs() const override { return batch_ > 1 ? 1 : images_.size() / network_.image_size(); }
  void load(std::size_t i) override {
    if (batch_ == 1) {
      std::memcpy(network_.input(), &images_[i * network_.image_size()], network_.image_size() * sizeof(float));
    }
  }
  void run() override {
    omp_set_num_threads(threads_);
    network_.run();
  }
  std::vector<float> outputs() override {
    std::vector<float> all;
    for (std::size_t i = 0; i < inputs(); ++i) {
      load(i);
      run();
      network_.append_logits(all);
    }
    return all;
  }

 private:
  int threads_, batch_;
  network network_;
  std::vector<float> images_;
};

// Every convolution of a training step in the library's best layouts: forward, gradient of the weights and, but
// for the first, of the input.
class convolutions final : public contestant {
 public:
  explicit convolutions(request const& r)
      : threads_(r.threads), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    convolution const first{r.batch, input_of(r.net), 16, 7, 2, 1};
    add(first, true);
    shape s{16, first.out().rows / 2, first.out().cols / 2};
    for (int b = 0; b < blocks; ++b) {
      int const filters = b < 3 ? 16 : 32, stride = filters / s.channels;
      convolution const one{r.batch, s, filters, 3, stride, 1};
      add(one, false);
      if (stride != 1) add({r.batch, s, filters, 1, stride, 0}, false);
      add({r.batch, one.out(), filters, 3, 1, 1}, false);
      s = one.out();
    }
  }
  double work() const override { return operations_; }
  void run() override {
    omp_set_num_threads(threads_);
    for (auto const& s : steps_) s.what.execute(stream_, s.arguments);
    stream_.wait();
  }
  std::vector<float> outputs() override { return {}; }

 private:
  struct step {
    dnnl::primitive what;
    std::unordered_map<int, memory> arguments;
  };

  memory filled(memory::desc const& d) const {
    memory m(d, engine_);
    auto* const x = static_cast<float*>(m.get_data_handle());
    for (std::size_t i = 0; i < d.get_size() / sizeof(float); ++i) x[i] = 1e-3F * static_cast<float>(i % 97);
    return m;
  }

  void add(convolution const& c, bool from_image) {
    auto const source = numbers(c.source(), from_image ? tag::nchw : tag::any);
    auto const weights = numbers(c.weights(), tag::any);
    auto const bias = numbers({c.filters}, tag::x);
    auto const result = numbers(c.result(), tag::any);
    auto const direct = dnnl::algorithm::convolution_direct;
    dnnl::convolution_forward::primitive_desc const forward(
        {kind::forward_training, direct, source, weights, bias, result, c.strides(), c.before(), c.after()},
        engine_);
    steps_.push_back({dnnl::convolution_forward(forward),
                      {{DNNL_ARG_SRC, filled(forward.src_desc())},
                       {DNNL_ARG_WEIGHTS, filled(forward.weights_desc())},
                       {DNNL_ARG_BIAS, filled(bias)},
                       {DNNL_ARG_DST, filled(forward.dst_desc())}}});
    dnnl::convolution_backward_weights::primitive_desc const back(
        {direct, source, weights, bias, result, c.strides(), c.before(), c.after()}, engine_, forward);
    steps_.push_back({dnnl::convolution_backward_weights(back),
                      {{DNNL_ARG_SRC, filled(back.src_desc())},
                       {DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())},
                       {DNNL_ARG_DIFF_WEIGHTS, filled(back.diff_weights_desc())},
                       {DNNL_ARG_DIFF_BIAS, filled(bias)}}});
    operations_ += 2 * c.operations();
    if (from_image) return;
    dnnl::convolution_backward_data::primitive_desc const down(
        {direct, source, weights, result, c.strides(), c.before(), c.after()}, engine_, forward);
    steps_.push_back({dnnl::convolution_backward_data(down),
                      {{DNNL_ARG_DIFF_DST, filled(down.diff_dst_desc())},
                       {DNNL_ARG_WEIGHTS, filled(down.weights_desc())},
                       {DNNL_ARG_DIFF_SRC, filled(down.diff_src_desc())}}});
    operations_ += c.operations();
  }

  int threads_;
  double operations_ = 0;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<step> steps_;
};

}  // namespace

}  // namespace peers

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: peers_onednn FOLDER\n", stderr);
    return 1;
  }
  std::string const folder = argv[1];
  return peers::serve([&](peers::request const& r) -> std::unique_ptr<peers::contestant> {
    omp_set_num_threads(r.threads);  // packing depends on it
    if (r.task == "infer") return std::make_unique<peers::inference>(folder, r);
    if (r.task == "convolutions") return std::make_unique<peers::convolutions>(r);
    throw std::runtime_error("no task is called " + r.task);
  });
}
