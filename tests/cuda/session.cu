// exec::cuda: whole networks as one kernel, strict, with the calls of any session.
#include <array>
#include <span>

#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;

// What the papers' networks do not have: means, windows that reach further out, one pixel, several inputs.
struct others {
  struct input {
    static constexpr auto tensor() {
      return std::array{ct::kernel::map_shape{2, 45, 50}, ct::kernel::map_shape{1, 9, 9}};
    }
  };
  static constexpr auto classes() { return ct::labels("a", "b"); }
  static constexpr auto layers() {
    using namespace ct::nn;
    return ct::nn::layers(
        branches(branch("wide", avg_pool{}, conv{.filters = 6, .kernel = 5, .padding = 2}, relu{},
                        conv{.filters = 7, .kernel = 3, .stride = 3, .padding = 1}, global_avg_pool{}),
                 branch("small", conv{.filters = 5, .kernel = 3}, max_pool{.size = 7, .stride = 7})),
        logits{});
  }
};

template <class Net>
float score(ct::event const& event, std::span<float const> inputs) {
  using session = ct::session<Net, ct::exec::cuda<>>;
  session one{ct::nn::model<Net>::initial(1), {}, 1024};
  typename session::scores out[2];
  one(inputs, std::span(out));
  if constexpr (ct::nn::input_traits<typename Net::input>::is_whole_image) out[1] = one(event);
  return out[1][0];
}

}  // namespace

float score_all(ct::event const& event, std::span<float const> inputs) {
  namespace m = ct::models;
  return score<m::cms_b>(event, inputs) + score<m::four_momentum_3>(event, inputs) +
         score<m::shower_conv_lstm>(event, inputs) + score<others>(event, inputs);
}
