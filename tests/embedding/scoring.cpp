// Nothing but the scoring of an event, as a trigger would call it. test_embedding.py looks at what the compiler
// makes of these functions: what they call, and how deep the stack goes.
#include <calotype/calotype.hpp>
#include <calotype/models/event_paper.hpp>

namespace {

namespace ct = calotype;

template <class Net, class Arithmetic>
using scorer = ct::session<Net, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, Arithmetic>>;

template <class Session>
void score(Session& s, ct::event const& e, float* out) noexcept {
  for (float p : s(e)) *out++ = p;
}

}  // namespace

extern "C" {
void eb_direct(scorer<ct::models::eb, ct::exec::direct>& s, ct::event const& e, float* p) { score(s, e, p); }
void eb_winograd(scorer<ct::models::eb, ct::exec::winograd>& s, ct::event const& e, float* p) {
  score(s, e, p);
}
void cms_b_direct(scorer<ct::models::cms_b, ct::exec::direct>& s, ct::event const& e, float* p) {
  score(s, e, p);
}
void cms_b_winograd(scorer<ct::models::cms_b, ct::exec::winograd>& s, ct::event const& e, float* p) {
  score(s, e, p);
}
void cms_ii_direct(scorer<ct::models::cms_ii, ct::exec::direct>& s, ct::event const& e, float* p) {
  score(s, e, p);
}
void cms_ii_winograd(scorer<ct::models::cms_ii, ct::exec::winograd>& s, ct::event const& e, float* p) {
  score(s, e, p);
}
}
