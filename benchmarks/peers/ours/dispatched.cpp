#include "inference.hpp"

#include <calotype/nn/dispatched_session.hpp>

namespace peers {

std::unique_ptr<contestant> make_dispatched_inference(request const& r, std::string const& folder) {
  if (r.net != eb::name || r.batch != 1 || r.threads != 1) {
    throw std::runtime_error("dispatched is measured for single images of EB on one thread");
  }
  return make_with<eb>(r, folder, ct::exec::dispatched<ct::exec::single, ct::exec::winograd>{});
}

}  // namespace peers
