// exec::cuda on tensor cores: the calls of any session.
#include <array>
#include <span>

#include "../odd_networks.hpp"

#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;

template <class Net, class Precision>
float score(ct::event const& event, std::span<float const> inputs) {
  using session = ct::session<Net, ct::exec::cuda<Precision>>;
  session one{ct::nn::model<Net>::initial(1), {}, 1024};
  typename session::scores out[2];
  one(inputs, std::span(out));
  if constexpr (ct::nn::input_traits<typename Net::input>::is_whole_image) out[1] = one(event);
  return out[1][0];
}

}  // namespace

float score_reduced(ct::event const& event, std::span<float const> inputs) {
  return score<ct::models::cms_b, ct::exec::fp16>(event, inputs) +
         score<calotype_test::wide_windows, ct::exec::tf32>(event, inputs) +
         score<calotype_test::narrow_trunk, ct::exec::bf16>(event, inputs) +
         score<ct::models::shower_conv_lstm, ct::exec::bf16>(event, inputs);
}
