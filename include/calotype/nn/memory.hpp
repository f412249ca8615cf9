// Which activations and gradients live when, decided at compile time: buffers are shared between maps of one
// shape, because the zero halo around a map must never be written.
#pragma once

#include <array>

#include <calotype/nn/plan.hpp>

namespace calotype::nn {

// Buffers for the values of a plan. slot[v] is the buffer of value v (-1: none, e.g. fused away), slot_shape
// its shape.
template <int Capacity>
struct memory_plan {
  std::array<int, Capacity> slot{};
  std::array<int, Capacity> offset{};  // of the value in its buffer
  std::array<map_shape, Capacity> slot_shape{};
  std::array<bool, Capacity> slot_is_image{};
  int slots = 0;
};

// Gradients of a backward pass, step by step: the buffers read (dout, added) and written (din); -1 where there
// is none.
template <int Capacity>
struct gradient_plan {
  std::array<int, Capacity> dout{};
  std::array<int, Capacity> din{};
  std::array<int, Capacity> added{};
  std::array<int, Capacity> dout_offset{};
  std::array<int, Capacity> din_offset{};
  std::array<map_shape, Capacity> slot_shape{};
  int slots = 0;
  int result = -1;  // where the gradient of the logits goes
  bool supported = true;
};

namespace detail {

// Hands out buffers by shape and takes them back.
template <int Capacity>
class slot_pool {
 public:
  constexpr int take(map_shape shape) {
    for (int s = 0; s < count_; ++s) {
      if (users_[static_cast<std::size_t>(s)] == 0 && shape_[static_cast<std::size_t>(s)] == shape) {
        users_[static_cast<std::size_t>(s)] = 1;
        return s;
      }
    }
    shape_[static_cast<std::size_t>(count_)] = shape;
    users_[static_cast<std::size_t>(count_)] = 1;
    return count_++;
  }
  constexpr void share(int s) { ++users_[static_cast<std::size_t>(s)]; }
  constexpr void release(int s) {
    if (s >= 0) --users_[static_cast<std::size_t>(s)];
  }
  constexpr int count() const { return count_; }
  constexpr map_shape shape(int s) const { return shape_[static_cast<std::size_t>(s)]; }

 private:
  std::array<map_shape, Capacity> shape_{};
  std::array<int, Capacity> users_{};
  int count_ = 0;
};

// The value whose buffer holds v: v itself, or the joined vector it is part of.
template <int C>
constexpr int home(plan<C> const& p, int v) {
  return p.value_at(v).parent >= 0 ? p.value_at(v).parent : v;
}

// The value whose place v takes. In inference a dropout layer does nothing: what goes in and what comes out are
// one number, kept where the output belongs (it may be part of a joined vector), or in the input plane that it
// came from.
template <int C>
constexpr int placed(plan<C> const& p, int v, bool keep) {
  if (keep) return v;
  int const source = p.before_dropout(v);
  if (p.value_at(source).input) return source;
  for (int i = 0; i < p.step_count; ++i) {
    if (p.at(i).kind == op::dropout && p.at(i).in == v) v = p.at(i).out;
  }
  return v;
}

// The value whose buffer holds v in the end, and where in it: a part is in its joined vector, which may itself
// be placed elsewhere.
struct place_in_buffer {
  int value;
  int offset;
};
template <int C>
constexpr place_in_buffer final_place(plan<C> const& p, int v, bool keep) {
  int offset = 0;
  for (;;) {
    v = placed(p, v, keep);
    if (p.value_at(v).parent < 0) return {v, offset};
    offset += p.value_at(v).offset;
    v = p.value_at(v).parent;
  }
}
template <int C>
constexpr int storage(plan<C> const& p, int v, bool keep) {
  return final_place(p, v, keep).value;
}

// keep: every value keeps its own buffer (training). skipped[i]: step i does not store its output (fused with
// the next). elsewhere[v]: input plane v needs no buffer.
template <int C, class Flags>
constexpr memory_plan<C> plan_memory(plan<C> const& p, bool keep, Flags const& skipped,
                                     Flags const& elsewhere = {}) {
  memory_plan<C> m;
  slot_pool<C> pool;
  std::array<int, C> last{};
  for (int v = 0; v < C; ++v) m.slot[static_cast<std::size_t>(v)] = last[static_cast<std::size_t>(v)] = -1;
  for (int i = 0; i < p.step_count; ++i) {
    // a step that is fused with the next reads its input while that one's output is written
    last[static_cast<std::size_t>(storage(p, p.at(i).in, keep))] =
        skipped[static_cast<std::size_t>(i)] ? i + 1 : i;
    if (p.at(i).shortcut >= 0) last[static_cast<std::size_t>(storage(p, p.at(i).shortcut, keep))] = i;
  }
  last[static_cast<std::size_t>(storage(p, p.result, keep))] = p.step_count;
  for (int v = 0; v < p.value_count; ++v) {
    if (!p.value_at(v).input || elsewhere[static_cast<std::size_t>(v)]) continue;
    int const s = pool.take(p.shape(v));
    m.slot[static_cast<std::size_t>(v)] = s;
    m.slot_is_image[static_cast<std::size_t>(s)] = !p.shape(v).is_vector();
  }
  for (int i = 0; i < p.step_count; ++i) {
    int const out = storage(p, p.at(i).out, keep);
    if (!skipped[static_cast<std::size_t>(i)] && m.slot[static_cast<std::size_t>(out)] < 0) {
      m.slot[static_cast<std::size_t>(out)] = pool.take(p.shape(out));
    }
    for (int v = 0; v < p.value_count && !keep; ++v) {
      int const s = m.slot[static_cast<std::size_t>(v)];
      if (s >= 0 && !p.value_at(v).input && last[static_cast<std::size_t>(v)] == i) pool.release(s);
    }
  }
  for (int v = 0; v < p.value_count; ++v) {
    m.slot[static_cast<std::size_t>(v)] = m.slot[static_cast<std::size_t>(storage(p, v, keep))];
    m.offset[static_cast<std::size_t>(v)] = final_place(p, v, keep).offset;
  }
  m.slots = pool.count();
  for (int s = 0; s < m.slots; ++s) m.slot_shape[static_cast<std::size_t>(s)] = pool.shape(s);
  return m;
}

// Walks the steps backwards. A shortcut's gradient is the gradient of the block's output itself: no copy is
// made, the inner convolution adds it last.
template <int C>
constexpr gradient_plan<C> plan_gradients(plan<C> const& p) {
  gradient_plan<C> g;
  slot_pool<C> pool;
  std::array<int, C> where{};
  for (int v = 0; v < C; ++v) where[static_cast<std::size_t>(v)] = -1;
  for (int i = 0; i < C; ++i) {
    auto const at = static_cast<std::size_t>(i);
    g.dout[at] = g.din[at] = g.added[at] = -1;
  }
  g.result = pool.take(p.shape(home(p, p.result)));
  where[static_cast<std::size_t>(home(p, p.result))] = g.result;
  for (int i = p.step_count - 1; i >= 0; --i) {
    auto const at = static_cast<std::size_t>(i);
    step const& s = p.at(i);
    int const dout = where[static_cast<std::size_t>(home(p, s.out))];
    g.dout[at] = dout;
    g.dout_offset[at] = p.value_at(s.out).offset;
    if (s.shortcut >= 0) {
      int& slot = where[static_cast<std::size_t>(s.shortcut)];
      if (slot >= 0) g.supported = false;  // a value used again after the block that short-cuts it
      slot = dout;
      pool.share(dout);
    }
    if (!p.value_at(s.in).input) {
      int const in = home(p, s.in);
      int const before = where[static_cast<std::size_t>(in)];
      bool const part = p.value_at(s.in).parent >= 0;
      if (part) {
        g.supported = false;  // a part of a joined vector is only read as a whole
      }
      g.added[at] = before;
      g.din[at] = pool.take(p.shape(in));
      pool.release(before);
      where[static_cast<std::size_t>(in)] = g.din[at];
      if (before >= 0 && s.kind != op::conv) g.supported = false;
    }
    // The parts of a joined vector share its gradient until the first of them has been walked.
    bool still_needed = false;
    for (int j = 0; j < i; ++j) still_needed = still_needed || home(p, p.at(j).out) == home(p, s.out);
    if (!still_needed) pool.release(dout);
  }
  g.slots = pool.count();
  for (int k = 0; k < g.slots; ++k) g.slot_shape[static_cast<std::size_t>(k)] = pool.shape(k);
  return g;
}

}  // namespace detail
}  // namespace calotype::nn
