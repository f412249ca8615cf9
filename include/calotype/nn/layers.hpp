// Descriptions of layers: plain aggregates that a network's layers() lists in order. Nothing here computes.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace calotype::nn {

// Two-dimensional convolution over all input channels, with bias. kernel is the side of the square window,
// padding the number of zero pixels added on every side.
struct conv {
  int filters = 0;
  int kernel = 3;
  int stride = 1;
  int padding = 0;
  std::string_view name{};
};

// x > 0 ? x : +0, on the output of the convolution or dense layer before it.
struct relu {};

// Batch normalisation (Ioffe and Szegedy, arXiv:1502.03167) of the channels of the convolution before it, for
// training: each channel gets mean 0 and variance 1 over the pixels of all events of a batch, then a scale and
// a shift that are learnt. A trained model knows nothing of it: running means and variances (a tenth of each
// batch's, PyTorch's default) and scales are folded into the convolution's weights, the shift is its bias.
struct batch_norm {};

// Largest value of a size x size window; stride 0 means size. An incomplete last window is dropped.
struct max_pool {
  int size = 2;
  int stride = 0;
};

// Largest value of every channel: a feature map becomes a vector.
struct global_max_pool {};

// Means instead of largest values; windows as those of max_pool.
struct avg_pool {
  int size = 2;
  int stride = 0;
};
struct global_avg_pool {};

// Convolutional long short-term memory (Shi et al., arXiv:1506.04214, without peepholes) over a sequence of
// `steps` maps: equal groups of the input's channels, the first step first. At each step a convolution of the
// map joined with the cells' last numbers gives their gates, with the same weights every time and as much
// padding as keeps the size; the output is what the cells show after the last step, one channel for each of
// `filters`. Parameters are those of that convolution, of 4 filters outputs in the order of torch.nn.LSTM:
// input gate, forget gate, candidate, output gate. The kernel must be odd.
struct conv_lstm {
  int filters = 0;
  int steps = 0;
  int kernel = 3;
  std::string_view name{};
};

// Fully connected layer with bias. A feature map is flattened first (channel, row, column); more than
// max_inputs numbers are refused at compile time, since that is nearly always a forgotten pooling layer.
struct dense {
  int units = 0;
  int max_inputs = 65536;
  std::string_view name{};
};

// conv 3x3 (stride) - relu - conv 3x3 - plus shortcut - relu (He et al. 2015; paper 5.1). The shortcut is the
// identity where stride is 1, a 1x1 convolution otherwise. As published, every block owns a 1x1 projection,
// also where the identity is used: `idle_projection` keeps those parameters, so that counts and PyTorch files
// match. batch_norm: a batch_norm{} behind each of its convolutions.
struct residual {
  int filters = 0;
  int stride = 1;
  bool idle_projection = true;
  std::string_view name{};
  bool batch_norm = false;
};

// In training, sets each number to zero with probability `rate` and divides the others by 1 - rate; the
// identity in inference.
struct dropout {
  double rate = 0.5;
};

// The last dense layer: as many units as the description's classes() needs outputs (one per class; a single
// class is a yes-or-no question with one logit).
struct logits {
  std::string_view name = "fc";
};

enum class layer_kind : unsigned char {
  conv,
  relu,
  max_pool,
  global_max_pool,
  dense,
  residual,
  dropout,
  logits,
  begin_branches,
  begin_branch,
  end_branches,
  avg_pool,
  global_avg_pool,
  conv_lstm,
  batch_norm
};

// One entry of a layer list, the common form of all the aggregates above.
struct layer {
  layer_kind kind{};
  int filters = 0;  // filters, units
  int kernel = 0;   // kernel, size
  int stride = 1;
  int padding = 0;
  int option = 0;  // max_inputs, idle_projection, number of branches, steps
  double rate = 0;
  std::string_view name{};
  bool normalised = false;

  constexpr layer() = default;
  constexpr layer(conv c)
      : kind(layer_kind::conv),
        filters(c.filters),
        kernel(c.kernel),
        stride(c.stride),
        padding(c.padding),
        name(c.name) {}
  constexpr layer(relu) : kind(layer_kind::relu) {}
  constexpr layer(batch_norm) : kind(layer_kind::batch_norm) {}
  constexpr layer(max_pool p)
      : kind(layer_kind::max_pool), kernel(p.size), stride(p.stride == 0 ? p.size : p.stride) {}
  constexpr layer(global_max_pool) : kind(layer_kind::global_max_pool) {}
  constexpr layer(avg_pool p)
      : kind(layer_kind::avg_pool), kernel(p.size), stride(p.stride == 0 ? p.size : p.stride) {}
  constexpr layer(global_avg_pool) : kind(layer_kind::global_avg_pool) {}
  constexpr layer(conv_lstm l)
      : kind(layer_kind::conv_lstm), filters(l.filters), kernel(l.kernel), option(l.steps), name(l.name) {}
  constexpr layer(dense d) : kind(layer_kind::dense), filters(d.units), option(d.max_inputs), name(d.name) {}
  constexpr layer(residual r)
      : kind(layer_kind::residual),
        filters(r.filters),
        kernel(3),
        stride(r.stride),
        option(r.idle_projection),
        name(r.name),
        normalised(r.batch_norm) {}
  constexpr layer(dropout d) : kind(layer_kind::dropout), rate(d.rate) {}
  constexpr layer(logits l) : kind(layer_kind::logits), name(l.name) {}
  constexpr layer(layer_kind marker, int count, std::string_view label)
      : kind(marker), option(count), name(label) {}
};

// A list of layers of known length; what layers() returns.
template <std::size_t N>
struct layer_list {
  std::array<layer, N> entries{};

  static constexpr int size() { return static_cast<int>(N); }
  constexpr layer const& operator[](int i) const { return entries[static_cast<std::size_t>(i)]; }
};

namespace detail {

template <class T>
inline constexpr std::size_t entries_of = 1;
template <std::size_t N>
inline constexpr std::size_t entries_of<layer_list<N>> = N;

template <std::size_t N>
constexpr void append(layer_list<N>& list, std::size_t& at, layer const& one) {
  list.entries[at++] = one;
}
template <std::size_t N, std::size_t M>
constexpr void append(layer_list<N>& list, std::size_t& at, layer_list<M> const& many) {
  for (layer const& one : many.entries) list.entries[at++] = one;
}

}  // namespace detail

// Joins layers and lists of layers into one list, in order.
template <class... L>
constexpr auto layers(L const&... parts) {
  layer_list<(std::size_t{0} + ... + detail::entries_of<L>)> list;
  std::size_t at = 0;
  (detail::append(list, at, parts), ...);
  return list;
}

// A named list that reads one plane of a multi-plane image; parameters are named "<name>.<layer>".
template <std::size_t N>
struct branch_list {
  std::string_view name;
  layer_list<N> list;
};
template <class... L>
constexpr auto branch(std::string_view name, L const&... parts) {
  return branch_list<(std::size_t{0} + ... + detail::entries_of<L>)>{name, layers(parts...)};
}

// One branch per plane of the image, in the planes' order; each must end in a vector, and the vectors are
// joined in order.
template <std::size_t... N>
constexpr auto branches(branch_list<N> const&... parts) {
  layer_list<2 + (std::size_t{0} + ... + (N + 1))> list;
  std::size_t at = 0;
  detail::append(list, at, layer(layer_kind::begin_branches, static_cast<int>(sizeof...(N)), {}));
  ((detail::append(list, at, layer(layer_kind::begin_branch, 0, parts.name)),
    detail::append(list, at, parts.list)),
   ...);
  detail::append(list, at, layer(layer_kind::end_branches, static_cast<int>(sizeof...(N)), {}));
  return list;
}

// The names of the classes, in the order of the scores.
template <std::size_t N>
struct label_list {
  std::array<std::string_view, N> names{};

  static constexpr int size() { return static_cast<int>(N); }
  constexpr std::string_view operator[](int i) const { return names[static_cast<std::size_t>(i)]; }
};

}  // namespace calotype::nn

namespace calotype {

template <class... S>
constexpr auto labels(S const&... names) {
  return nn::label_list<sizeof...(S)>{{std::string_view(names)...}};
}

}  // namespace calotype
