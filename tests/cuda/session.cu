// exec::cuda: whole networks as one kernel, strict, with the calls of any session.
#include <span>

#include <calotype/models/event_paper.hpp>
#include <calotype/models/shower_paper.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace {

namespace ct = calotype;

template <class Net>
auto score(ct::nn::model<Net> const& model, ct::event const& event, std::span<float const> inputs) {
  using session = ct::session<Net, ct::exec::cuda<>>;
  session one{model, {}, 1024};
  typename session::scores out[2];
  one(inputs, std::span(out));
  if constexpr (requires { one(event); }) out[1] = one(event);
  return out[1][0];
}

}  // namespace

float score_all(ct::event const& event, std::span<float const> inputs) {
  namespace m = ct::models;
  return score(ct::nn::model<m::cms_b>::initial(1), event, inputs) +
         score(ct::nn::model<m::cms_ii>::initial(1), event, inputs) +
         score(ct::nn::model<m::four_momentum_3>::initial(1), event, inputs);
}
