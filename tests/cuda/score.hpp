// A session's calls on a device: numbers in a batch, and an event alone.
#pragma once

#include <span>

#include <calotype/image/event.hpp>
#include <calotype/nn/cuda_session.hpp>

namespace calotype_test {

template <class Net, class Precision>
float score(calotype::event const& event, std::span<float const> inputs) {
  using session = calotype::session<Net, calotype::exec::cuda<Precision>>;
  session one{calotype::nn::model<Net>::random(1), {}, 1024};
  typename session::scores out[2];
  one(inputs, std::span(out));
  if constexpr (calotype::nn::input_traits<typename Net::input>::is_whole_image) out[1] = one(event);
  return out[1][0];
}

}  // namespace calotype_test
