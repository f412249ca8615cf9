// From the list of layers to a flat plan: every step with its shapes, every parameter with its PyTorch name and
// place, computed at compile time by ordinary code. A mismatch becomes a compiler error that names layer,
// numbers and remedy.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/core/hash.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/layers.hpp>

namespace calotype::nn {

using kernel::map_shape;

namespace detail {

// Calls f with integral constants 0 .. N-1, in order.
template <int N, class F>
CALOTYPE_INLINE constexpr void for_each_index(F&& f) {
  [&]<int... Step>(std::integer_sequence<int, Step...>) { (f(std::integral_constant<int, Step>{}), ...); }
  (std::make_integer_sequence<int, N>{});
}

}  // namespace detail

// `image_import` brings an image plane into the layout of feature maps where the first layer is no convolution.
// The numbers are part of the networks' signatures: new ones come last.
enum class op : unsigned char {
  image_import,
  conv,
  max_pool,
  global_max_pool,
  flatten,
  dense,
  dropout,
  avg_pool,
  global_avg_pool,
  conv_lstm
};

// A number array that flows between steps. Planes of the input come first. A vector that is part of a joined
// vector has a parent and an offset in it.
struct value {
  map_shape shape{};
  int parent = -1;
  int offset = 0;
  bool input = false;
};

// One operation. `weight` and `bias` index the plan's parameters; `shortcut` is a value added before the ReLU.
struct step {
  op kind{};
  int layer = 0;  // index in layers()
  int in = -1;
  int shortcut = -1;
  int out = -1;
  int kernel = 0;
  int stride = 1;
  int padding = 0;
  bool relu = false;
  bool normalised = false;  // its channels over a batch, before a shortcut is added; training only
  int weight = -1;
  int bias = -1;
  double rate = 0;
  int steps = 0;  // of a sequence
};

// A parameter tensor in PyTorch's state-dict order and layout (convolutions: out, in, row, column; dense: out,
// in).
struct parameter {
  std::array<char, 72> text{};
  int length = 0;
  int layer = 0;  // index in layers()
  int rank = 0;
  std::array<int, 4> extent{};
  int offset = 0;  // in the flat list of all parameters
  int fan_in = 0;
  bool idle = false;  // counted and stored, never used (see residual)

  constexpr std::string_view name() const { return {text.data(), static_cast<std::size_t>(length)}; }
  constexpr int size() const {
    int n = 1;
    for (int i = 0; i < rank; ++i) n *= extent[static_cast<std::size_t>(i)];
    return n;
  }
};

enum class problem_kind : unsigned char {
  none,
  size_too_small,
  rate_in_range,
  name_length,
  name_twice,
  relu_position,
  map_needed,
  window_too_large,
  residual_channels,
  dense_inputs,
  branches_first,
  branch_count,
  branch_empty,
  branch_result,
  outputs,
  last_layer,
  odd_kernel,
  equal_steps,
  batch_norm_position
};

// The first thing found wrong with a network, for the compiler's message.
struct problem {
  problem_kind kind = problem_kind::none;
  int layer = 0;
  int got = 0;
  int want = 0;
};

template <int Capacity>
struct plan {
  std::array<step, Capacity> steps{};
  std::array<value, Capacity> values{};
  std::array<parameter, 2 * Capacity> parameters{};
  int step_count = 0;
  int value_count = 0;
  int parameter_count = 0;
  int result = -1;  // the value that holds the logits
  calotype::nn::problem problem{};

  constexpr step const& at(int i) const { return steps[static_cast<std::size_t>(i)]; }
  constexpr calotype::nn::value const& value_at(int i) const { return values[static_cast<std::size_t>(i)]; }
  constexpr parameter const& parameter_at(int i) const { return parameters[static_cast<std::size_t>(i)]; }
  constexpr map_shape shape(int v) const { return value_at(v).shape; }

  constexpr kernel::conv_shape conv(int i) const {
    step const& s = at(i);
    return {shape(s.in), shape(s.out).channels, s.kernel, s.stride, s.padding};
  }
  constexpr kernel::pool_shape pool(int i) const { return {shape(at(i).in), at(i).kernel, at(i).stride}; }
  constexpr kernel::dense_shape dense(int i) const {
    return {shape(at(i).in).channels, shape(at(i).out).channels};
  }

  constexpr kernel::lstm_shape lstm(int i) const {
    return {shape(at(i).in), shape(at(i).out).channels, at(i).kernel, at(i).steps};
  }

  // All parameters, idle ones included: what the papers quote.
  constexpr int total_parameters() const {
    return parameter_count == 0
               ? 0
               : parameter_at(parameter_count - 1).offset + parameter_at(parameter_count - 1).size();
  }
  constexpr int idle_parameters() const {
    int n = 0;
    for (int i = 0; i < parameter_count; ++i) n += parameter_at(i).idle ? parameter_at(i).size() : 0;
    return n;
  }
  // Multiply-adds of one forward pass; multiplications with zero padding count.
  constexpr long long multiply_adds() const {
    long long n = 0;
    for (int i = 0; i < step_count; ++i) {
      if (at(i).kind == op::conv) n += conv(i).multiply_adds();
      if (at(i).kind == op::dense) n += dense(i).weights();
      if (at(i).kind == op::conv_lstm) n += at(i).steps * lstm(i).gates().multiply_adds();
    }
    return n;
  }
  // Channels of the steps before `step` whose batches are normalised.
  constexpr int normalised_channels(int step) const {
    int n = 0;
    for (int i = 0; i < step; ++i) n += at(i).normalised ? shape(at(i).out).channels : 0;
    return n;
  }
  constexpr int normalised_channels() const { return normalised_channels(step_count); }
  // The value that v is without its dropouts.
  constexpr int before_dropout(int v) const {
    for (int i = step_count - 1; i >= 0; --i) {
      if (at(i).kind == op::dropout && at(i).out == v) v = at(i).in;
    }
    return v;
  }
  constexpr int uses(int v) const {
    int n = 0;
    for (int i = 0; i < step_count; ++i) n += (at(i).in == v) + (at(i).shortcut == v);
    return n;
  }
};

namespace detail {

inline constexpr int longest_name = 24;  // of a layer or a branch

// Walks the list once; stops at the first problem.
template <int Capacity>
class plan_builder {
 public:
  template <class Input, std::size_t N>
  constexpr void run(layer_list<N> const& list, int outputs) {
    using traits = input_traits<Input>;
    for (int p = 0; p < traits::planes(); ++p) add_value({traits::plane(p), -1, 0, true});
    current_ = 0;
    planes_ = traits::planes();
    bool const branched = list.size() > 0 && list[0].kind == layer_kind::begin_branches;
    if (planes_ > 1 && !branched) return fail(problem_kind::branch_count, 0, 1, planes_);
    int last_kind_layer = -1;
    for (int i = 0; i < list.size() && ok(); ++i) {
      layer_ = i;
      check_numbers(list[i]);
      if (!ok()) return;
      one(list[i], outputs);
      if (list[i].kind != layer_kind::dropout) last_kind_layer = i;
    }
    if (!ok()) return;
    bool const ends_well = last_kind_layer >= 0 && plan_.step_count > 0 && last().kind == op::dense &&
                           !last().relu && last().out == current_;
    layer_ = list.size() - 1;
    if (!ends_well) return fail(problem_kind::last_layer, layer_, 0, outputs);
    if (shape().channels != outputs) return fail(problem_kind::outputs, layer_, shape().channels, outputs);
    plan_.result = current_;
  }

  // Every input, and the logits of one of them.
  template <class Input>
  constexpr void run_nothing(int outputs) {
    using traits = input_traits<Input>;
    if constexpr (traits::valid) {
      for (int p = 0; p < traits::planes(); ++p) add_value({traits::plane(p), -1, 0, true});
    } else {
      add_value({{1, 1, 1}, -1, 0, true});
    }
    if (!shape().is_vector()) one(layer(global_max_pool{}), outputs);
    one(layer(logits{}), outputs);
    plan_.result = current_;
  }

  constexpr plan<Capacity> const& get() const { return plan_; }

 private:
  constexpr bool ok() const { return plan_.problem.kind == problem_kind::none; }
  constexpr void fail(problem_kind kind, int layer, int got, int want) {
    plan_.problem = {kind, layer, got, want};
  }
  constexpr map_shape shape() const { return plan_.shape(current_); }
  constexpr step& last() { return plan_.steps[static_cast<std::size_t>(plan_.step_count - 1)]; }

  constexpr int add_value(value v) {
    plan_.values[static_cast<std::size_t>(plan_.value_count)] = v;
    return plan_.value_count++;
  }
  constexpr step& add_step(step s, map_shape out) {
    s.layer = layer_;
    s.out = add_value({out});
    plan_.steps[static_cast<std::size_t>(plan_.step_count)] = s;
    current_ = s.out;
    ++plan_.step_count;
    return last();
  }

  // name: prefix + (given or kind + number) + suffix
  constexpr int add_parameter(std::string_view base, std::string_view suffix, std::array<int, 4> extent,
                              int rank, int fan_in, bool idle) {
    parameter p;
    auto put = [&p](std::string_view s) {
      for (char c : s) p.text[static_cast<std::size_t>(p.length++)] = c;
    };
    put(prefix_);
    put(base);
    put(suffix);
    for (int i = 0; i < plan_.parameter_count; ++i) {
      parameter const& other = plan_.parameter_at(i);
      if (ok() && other.name() == p.name()) fail(problem_kind::name_twice, layer_, layer_, other.layer);
    }
    p.layer = layer_;
    p.rank = rank;
    p.extent = extent;
    p.fan_in = fan_in;
    p.idle = idle;
    p.offset = plan_.total_parameters();
    plan_.parameters[static_cast<std::size_t>(plan_.parameter_count)] = p;
    return plan_.parameter_count++;
  }

  struct label {
    std::array<char, longest_name + 10> text{};  // with ".shortcut"
    int length = 0;
    constexpr std::string_view view() const { return {text.data(), static_cast<std::size_t>(length)}; }
  };
  static constexpr label numbered(std::string_view given, std::string_view kind, int number) {
    label l;
    auto put = [&l](char c) { l.text[static_cast<std::size_t>(l.length++)] = c; };
    for (char c : given.empty() ? kind : given) put(c);
    if (!given.empty()) return l;
    if (number >= 100) put(static_cast<char>('0' + number / 100 % 10));
    if (number >= 10) put(static_cast<char>('0' + number / 10 % 10));
    put(static_cast<char>('0' + number % 10));
    return l;
  }

  constexpr void check_numbers(layer const& l) {
    auto const at_least = [&](int least, int number) {
      if (ok() && number < least) fail(problem_kind::size_too_small, layer_, number, least);
    };
    bool const is_conv = l.kind == layer_kind::conv, is_residual = l.kind == layer_kind::residual;
    bool const is_pool = l.kind == layer_kind::max_pool || l.kind == layer_kind::avg_pool;
    bool const is_lstm = l.kind == layer_kind::conv_lstm;
    if (is_conv || is_residual || is_lstm || l.kind == layer_kind::dense) at_least(1, l.filters);
    if (is_conv || is_pool || is_lstm) at_least(1, l.kernel);
    if (is_lstm) at_least(1, l.option);
    if (is_conv || is_pool || is_residual) at_least(1, l.stride);
    if (is_conv) at_least(0, l.padding);
    if (l.kind == layer_kind::dropout && !(l.rate >= 0 && l.rate < 1)) {
      fail(problem_kind::rate_in_range, layer_, l.rate < 0 ? -1 : 1, 0);
    }
    auto const length = static_cast<int>(l.name.size());
    if (ok() && length > longest_name) fail(problem_kind::name_length, layer_, length, longest_name);
  }

  // Only convolutions (and dense layers on vectors) read an input plane in place.
  constexpr void leave_image() {
    if (!plan_.value_at(current_).input || shape().is_vector()) return;
    step s;
    s.kind = op::image_import;
    s.in = current_;
    add_step(s, shape());
  }

  constexpr void conv_step(std::string_view base, std::string_view sub, int in, int shortcut, int filters,
                           int kernel, int stride, int padding, bool relu, bool normalised) {
    map_shape const from = plan_.shape(in);
    kernel::conv_shape const c{from, filters, kernel, stride, padding};
    int const w = conv_parameters(base, sub, from.channels, filters, kernel, false);
    step s;
    s.kind = op::conv;
    s.in = in;
    s.shortcut = shortcut;
    s.kernel = kernel;
    s.stride = stride;
    s.padding = padding;
    s.relu = relu;
    s.normalised = normalised;
    s.weight = w;
    s.bias = w + 1;
    add_step(s, c.out());
  }

  constexpr int conv_parameters(std::string_view base, std::string_view sub, int channels, int filters,
                                int kernel, bool idle) {
    label full;
    for (std::string_view part : {base, sub}) {
      for (char c : part) full.text[static_cast<std::size_t>(full.length++)] = c;
    }
    int const fan_in = channels * kernel * kernel;
    int const w = add_parameter(full.view(), ".weight", {filters, channels, kernel, kernel}, 4, fan_in, idle);
    add_parameter(full.view(), ".bias", {filters}, 1, fan_in, idle);
    return w;
  }

  constexpr void one(layer const& l, int outputs) {
    map_shape const in = shape();
    switch (l.kind) {
      case layer_kind::conv: {
        if (in.is_vector()) return fail(problem_kind::map_needed, layer_, in.rows, 2);
        int const smallest = in.rows < in.cols ? in.rows : in.cols;
        if (smallest + 2 * l.padding < l.kernel) {
          return fail(problem_kind::window_too_large, layer_, l.kernel, smallest + 2 * l.padding);
        }
        label const name = numbered(l.name, "conv", layer_);
        return conv_step(name.view(), {}, current_, -1, l.filters, l.kernel, l.stride, l.padding, false, false);
      }
      case layer_kind::batch_norm: {
        bool const can = plan_.step_count > 0 && last().out == current_ && !last().relu && !last().normalised &&
                         last().kind == op::conv;
        if (!can) return fail(problem_kind::batch_norm_position, layer_, 0, 1);
        last().normalised = true;
        return;
      }
      case layer_kind::relu: {
        bool const can = plan_.step_count > 0 && last().out == current_ && !last().relu &&
                         (last().kind == op::conv || last().kind == op::dense);
        if (!can) return fail(problem_kind::relu_position, layer_, 0, 1);
        last().relu = true;
        return;
      }
      case layer_kind::max_pool:
      case layer_kind::avg_pool: {
        if (in.is_vector()) return fail(problem_kind::map_needed, layer_, in.rows, 2);
        int const smallest = in.rows < in.cols ? in.rows : in.cols;
        if (smallest < l.kernel) return fail(problem_kind::window_too_large, layer_, l.kernel, smallest);
        leave_image();
        step s;
        s.kind = l.kind == layer_kind::max_pool ? op::max_pool : op::avg_pool;
        s.in = current_;
        s.kernel = l.kernel;
        s.stride = l.stride;
        add_step(s, kernel::pool_shape{in, l.kernel, l.stride}.out());
        return;
      }
      case layer_kind::global_max_pool:
      case layer_kind::global_avg_pool: {
        if (in.is_vector()) return fail(problem_kind::map_needed, layer_, in.rows, 2);
        leave_image();
        step s;
        s.kind = l.kind == layer_kind::global_max_pool ? op::global_max_pool : op::global_avg_pool;
        s.in = current_;
        add_step(s, {in.channels, 1, 1});
        return;
      }
      case layer_kind::residual: {
        if (in.is_vector()) return fail(problem_kind::map_needed, layer_, in.rows, 2);
        if (l.stride == 1 && l.filters != in.channels) {
          return fail(problem_kind::residual_channels, layer_, l.filters, in.channels);
        }
        label const name = numbered(l.name, "block", layer_);
        leave_image();
        int const start = current_;
        conv_step(name.view(), ".conv1", start, -1, l.filters, 3, l.stride, 1, true, l.normalised);
        int const inner = current_;
        // PyTorch's order of the parameters is conv1, conv2, shortcut; the projection is computed before conv2.
        conv_step(name.view(), ".conv2", inner, start, l.filters, 3, 1, 1, true, l.normalised);
        if (l.stride > 1) {
          step const second = last();
          map_shape const out = shape();
          --plan_.step_count;
          --plan_.value_count;
          conv_step(name.view(), ".shortcut", start, -1, l.filters, 1, l.stride, 0, false, l.normalised);
          step again = second;
          again.shortcut = current_;
          add_step(again, out);
        } else if (l.option != 0) {
          conv_parameters(name.view(), ".shortcut", in.channels, l.filters, 1, true);
        }
        return;
      }
      case layer_kind::conv_lstm: {
        if (in.is_vector()) return fail(problem_kind::map_needed, layer_, in.rows, 2);
        if (l.kernel % 2 == 0) return fail(problem_kind::odd_kernel, layer_, l.kernel, l.kernel + 1);
        if (in.channels % l.option != 0) {
          return fail(problem_kind::equal_steps, layer_, in.channels, l.option);
        }
        leave_image();
        label const name = numbered(l.name, "conv_lstm", layer_);
        kernel::lstm_shape const lstm{in, l.filters, l.kernel, l.option};
        kernel::conv_shape const gates = lstm.gates();
        int const w = conv_parameters(name.view(), {}, gates.in.channels, gates.filters, l.kernel, false);
        step s;
        s.kind = op::conv_lstm;
        s.in = current_;
        s.kernel = l.kernel;
        s.padding = gates.padding;
        s.steps = l.option;
        s.weight = w;
        s.bias = w + 1;
        add_step(s, lstm.out());
        return;
      }
      case layer_kind::dense:
      case layer_kind::logits: {
        bool const is_logits = l.kind == layer_kind::logits;
        int const units = is_logits ? outputs : l.filters;
        int const most = is_logits ? nn::dense{}.max_inputs : l.option;
        if (in.size() > most) return fail(problem_kind::dense_inputs, layer_, in.size(), most);
        if (!in.is_vector()) {
          leave_image();
          step s;
          s.kind = op::flatten;
          s.in = current_;
          add_step(s, {in.size(), 1, 1});
        }
        label const name = numbered(l.name, "dense", layer_);
        int const inputs = shape().channels;
        int const w = add_parameter(name.view(), ".weight", {units, inputs}, 2, inputs, false);
        add_parameter(name.view(), ".bias", {units}, 1, inputs, false);
        step s;
        s.kind = op::dense;
        s.in = current_;
        s.weight = w;
        s.bias = w + 1;
        add_step(s, {units, 1, 1});
        return;
      }
      case layer_kind::dropout: {
        leave_image();
        step s;
        s.kind = op::dropout;
        s.in = current_;
        s.rate = l.rate;
        add_step(s, in);
        return;
      }
      case layer_kind::begin_branches: {
        if (layer_ > 0) return fail(problem_kind::branches_first, layer_, layer_, 0);
        if (l.option != planes_) return fail(problem_kind::branch_count, layer_, l.option, planes_);
        branch_ = -1;
        return;
      }
      case layer_kind::begin_branch: {
        if (!finish_branch()) return;
        ++branch_;
        current_ = branch_;
        name_prefix(l.name);
        return;
      }
      case layer_kind::end_branches: {
        if (!finish_branch()) return;
        prefix_ = {};
        int joined = 0;
        for (int b = 0; b < l.option; ++b) joined += plan_.shape(ends_[static_cast<std::size_t>(b)]).channels;
        int const whole = add_value({{joined, 1, 1}});
        int offset = 0;
        for (int b = 0; b < l.option; ++b) {
          value& part = plan_.values[static_cast<std::size_t>(ends_[static_cast<std::size_t>(b)])];
          part.parent = whole;
          part.offset = offset;
          offset += part.shape.channels;
        }
        current_ = whole;
        return;
      }
    }
  }

  constexpr bool finish_branch() {
    if (branch_ < 0) return true;
    if (plan_.value_at(plan_.before_dropout(current_)).input) {
      fail(problem_kind::branch_empty, layer_, 0, 1);
      return false;
    }
    if (!shape().is_vector()) {
      fail(problem_kind::branch_result, layer_, shape().rows, 1);
      return false;
    }
    ends_[static_cast<std::size_t>(branch_)] = current_;
    return true;
  }
  constexpr void name_prefix(std::string_view name) {
    prefix_length_ = 0;
    for (char c : name) prefix_text_[prefix_length_++] = c;
    prefix_text_[prefix_length_++] = '.';
    prefix_ = {prefix_text_.data(), prefix_length_};
  }

  plan<Capacity> plan_{};
  int current_ = 0;
  int layer_ = 0;
  int planes_ = 0;
  int branch_ = -1;
  std::array<int, Capacity> ends_{};
  std::array<char, longest_name + 1> prefix_text_{};
  std::size_t prefix_length_ = 0;
  std::string_view prefix_{};
};

template <class Net>
constexpr int plan_capacity() {
  return 4 * Net::layers().size() + 8 + input_traits<typename Net::input>::planes();
}
// The smallest network with the inputs and outputs of Net.
template <class Net>
constexpr auto stand_in() {
  plan_builder<plan_capacity<Net>()> builder;
  builder.template run_nothing<typename Net::input>(Net::classes().size());
  return builder.get();
}
template <class Net>
constexpr auto make_plan() {
  if constexpr (input_traits<typename Net::input>::valid) {
    plan_builder<plan_capacity<Net>()> builder;
    builder.template run<typename Net::input>(Net::layers(), Net::classes().size());
    return builder.get();
  } else {
    return stand_in<Net>();  // the compiler has said why
  }
}

// One sentence per kind of mistake; the numbers are template arguments, so every compiler prints them.
// Functions, not classes: a class with a failed assertion breaks whatever names it, and the sentence drowns.
template <class Net, int Layer, int Got, int Want>
constexpr void sizes_are_large_enough() {
  static_assert(
      Got >= Want,
      "calotype::nn: the layer named by Layer has a number of filters or units, a kernel, a size or a "
      "stride below 1, or a padding below 0; set it");
}
template <class Net, int Layer, int Got, int Want>
constexpr void rate_is_in_range() {
  static_assert(
      Got == Want,
      "calotype::nn::dropout: the layer named by Layer has a rate below 0 (Got = -1) or of 1 and more "
      "(Got = 1); keep a part of the numbers, 0 <= rate < 1");
}
template <class Net, int Layer, int Got, int Want>
constexpr void name_is_short() {
  static_assert(Got <= Want,
                "calotype::nn: the name of the layer or branch at Layer has Got characters (limit Want); "
                "shorten it");
}
template <class Net, int Layer, int Got, int Want>
constexpr void names_differ() {
  static_assert(Got == Want,
                "calotype::nn: the parameters of the layers Want and Got have the same name; give one of these "
                "layers another .name");
}
template <class Net, int Layer, int Got, int Want>
constexpr void relu_must_follow_conv_or_dense() {
  static_assert(
      Got == Want,
      "calotype::nn::relu: the layer named by Layer has no conv, dense or logits layer directly before it; "
      "move the relu behind one");
}
template <class Net, int Layer, int Got, int Want>
constexpr void batch_norm_must_follow_conv() {
  static_assert(
      Got == Want,
      "calotype::nn::batch_norm: the layer named by Layer has no conv layer directly before it; move it "
      "between a conv and its relu");
}
template <class Net, int Layer, int Got, int Want>
constexpr void layer_needs_a_feature_map() {
  static_assert(Got == Want,
                "calotype::nn: the layer named by Layer works on a feature map but gets a vector; "
                "put it before global_max_pool or dense");
}
template <class Net, int Layer, int Got, int Want>
constexpr void window_fits_the_map() {
  static_assert(Got <= Want,
                "calotype::nn: the window of the layer named by Layer (Got) is larger than its input with "
                "padding (Want); "
                "use a smaller kernel or fewer pooling layers before it");
}
template <class Net, int Layer, int Got, int Want>
constexpr void kernel_is_odd() {
  static_assert(
      Got == Want,
      "calotype::nn::conv_lstm: the layer named by Layer has an even kernel (Got), which cannot keep the "
      "size of its map; set .kernel to an odd number, e.g. Want");
}
template <class Net, int Layer, int Got, int Want>
constexpr void steps_are_equal() {
  static_assert(Got % Want == 0,
                "calotype::nn::conv_lstm: the layer named by Layer cannot cut its Got input channels into Want "
                "equal steps; set .steps to a divisor of the channels");
}
template <class Net, int Layer, int Got, int Want>
constexpr void residual_channels_match() {
  static_assert(Got == Want,
                "calotype::nn::residual: the block named by Layer has Got output channels but Want input "
                "channels, and its "
                "shortcut is the identity; set .filters to the input's channels, or .stride = 2 for a "
                "projection shortcut");
}
template <class Net, int Layer, int Got, int Want>
constexpr void dense_inputs_are_few() {
  static_assert(
      Got <= Want,
      "calotype::nn::dense: the layer named by Layer would flatten a map of Got numbers (limit Want); "
      "pool before it (max_pool, global_max_pool) or raise .max_inputs");
}
template <class Net, int Layer, int Got, int Want>
constexpr void branches_come_first() {
  static_assert(
      Got == Want,
      "calotype::nn::branches: the branches at Layer read the planes of the image, so no layer may come "
      "before them; put these layers into the branches");
}
template <class Net, int Layer, int Got, int Want>
constexpr void one_branch_per_plane() {
  static_assert(Got == Want,
                "calotype::nn::branches: the image has Want planes but the network reads Got; "
                "list one branch(...) per plane in branches(...)");
}
template <class Net, int Layer, int Got, int Want>
constexpr void branch_has_a_layer() {
  static_assert(
      Got >= Want,
      "calotype::nn::branches: the branch before the layer named by Layer has no layer that computes; "
      "give it one, e.g. a dense layer");
}
template <class Net, int Layer, int Got, int Want>
constexpr void branch_ends_in_a_vector() {
  static_assert(Got == Want,
                "calotype::nn::branches: the branch before the layer named by Layer ends in a feature map; "
                "end it with global_max_pool or dense");
}
template <class Net, int Layer, int Got, int Want>
constexpr void outputs_match_classes() {
  static_assert(
      Got == Want,
      "calotype::nn: the last layer has Got outputs but classes() needs Want; end the network with logits{}");
}
template <class Net, int Layer, int Got, int Want>
constexpr void network_ends_in_logits() {
  static_assert(Got == Want, "calotype::nn: the last layer must be logits{} or a dense layer without relu");
}

template <class Net>
inline constexpr auto unchecked_plan = make_plan<Net>();

template <class Net>
constexpr auto checked_plan() {
  constexpr problem found = unchecked_plan<Net>.problem;
  constexpr int layer = found.layer, got = found.got, want = found.want;
  if constexpr (found.kind == problem_kind::size_too_small) {
    sizes_are_large_enough<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::rate_in_range) {
    rate_is_in_range<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::name_length) {
    name_is_short<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::name_twice) {
    names_differ<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::relu_position) {
    relu_must_follow_conv_or_dense<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::batch_norm_position) {
    batch_norm_must_follow_conv<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::map_needed) {
    layer_needs_a_feature_map<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::window_too_large) {
    window_fits_the_map<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::odd_kernel) {
    kernel_is_odd<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::equal_steps) {
    steps_are_equal<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::residual_channels) {
    residual_channels_match<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::dense_inputs) {
    dense_inputs_are_few<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::branches_first) {
    branches_come_first<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::branch_count) {
    one_branch_per_plane<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::branch_empty) {
    branch_has_a_layer<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::branch_result) {
    branch_ends_in_a_vector<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::outputs) {
    outputs_match_classes<Net, layer, got, want>();
  } else if constexpr (found.kind == problem_kind::last_layer) {
    network_ends_in_logits<Net, layer, got, want>();
  }
  // A broken network goes on as another one, so that nothing else is said about it.
  if constexpr (found.kind != problem_kind::none) {
    return stand_in<Net>();
  } else {
    return unchecked_plan<Net>;
  }
}

template <class Net>
constexpr std::uint64_t signature_of_network() {
  auto const p = unchecked_plan<Net>;
  hasher h;
  h.add(input_traits<typename Net::input>::signature());
  for (auto name : Net::classes().names) h.add(name);
  for (int i = 0; i < p.step_count; ++i) {
    step const& s = p.at(i);
    h.add(static_cast<int>(s.kind))
        .add(s.in)
        .add(s.shortcut)
        .add(s.out)
        .add(s.kernel)
        .add(s.stride)
        .add(s.padding);
    h.add(s.relu).add(s.rate).add(s.weight).add(s.bias);
    if (s.kind == op::conv_lstm) h.add(s.steps);
    if (s.normalised) h.add("batch_norm");
  }
  for (int i = 0; i < p.value_count; ++i) {
    value const& v = p.value_at(i);
    h.add(v.shape.channels).add(v.shape.rows).add(v.shape.cols).add(v.parent).add(v.offset);
  }
  for (int i = 0; i < p.parameter_count; ++i) h.add(p.parameter_at(i).name()).add(p.parameter_at(i).size());
  return h.value();
}

}  // namespace detail

// A 64-bit number computed from everything that decides what the parameters mean: input, steps, shapes, class
// names. It goes into the model file, and as the last template argument, never named, into everything that is
// made for a network: two libraries of one process may each have a network of the same name.
template <class Net>
inline constexpr std::uint64_t signature = detail::signature_of_network<Net>();

// The plan of a network description; naming it checks the description.
template <class Net, std::uint64_t Signature = signature<Net>>
inline constexpr auto plan_of = detail::checked_plan<Net>();

}  // namespace calotype::nn

namespace calotype::concepts {

// A network description: what it reads, the names of its classes, its layers.
template <class N>
concept network = requires {
  typename N::input;
  N::classes().size();
  N::layers().size();
};

}  // namespace calotype::concepts
