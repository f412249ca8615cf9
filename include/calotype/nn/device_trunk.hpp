// The parts of a network that a block of a device computes in its shared memory: a convolution of an image with
// its pool, residual blocks, a global pool.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/cuda/ops.hpp>
#include <calotype/kernel/cuda/tile_trunk.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>

namespace calotype::nn::detail {

// The steps of a residual block; projection: -1 where the shortcut is the input.
struct residual_steps {
  int inner = -1, outer = -1, projection = -1;
  int end = -1;  // the step after it
};

// The block that begins at step i and reads value v, if there is one.
template <class Plan>
constexpr residual_steps residual_at(Plan const& p, int i, int v) {
  residual_steps r;
  int shortcut = v;
  auto const is_conv_of = [&](int k, int in) {
    return k < p.step_count && p.at(k).kind == op::conv && p.at(k).in == in;
  };
  for (; is_conv_of(i, v); ++i) {
    step const& s = p.at(i);
    if (s.shortcut >= 0 || p.uses(s.out) != 1) return {};
    if (s.relu && s.kernel == 3 && s.padding == 1 && r.inner < 0) {
      r.inner = i;
    } else if (!s.relu && s.kernel == 1 && s.padding == 0 && r.projection < 0) {
      r.projection = i;
      shortcut = s.out;
    } else {
      return {};
    }
  }
  if (r.inner < 0 || p.uses(v) != 2 || !is_conv_of(i, p.at(r.inner).out)) return {};
  step const& last = p.at(i);
  bool const strides =
      r.projection < 0 ? p.at(r.inner).stride == 1 : p.at(r.inner).stride == p.at(r.projection).stride;
  if (!strides || !last.relu || last.shortcut != shortcut || last.kernel != 3 || last.padding != 1 ||
      last.stride != 1) {
    return {};
  }
  r.outer = i;
  r.end = i + 1;
  return r;
}

// The trunk that begins at step First. usable: there is one, and its maps fit.
template <class Net, class Policy, int First>
struct trunk {
  using layout = detail::layout<Net, Policy>;
  using ops = kernel::ops<Policy>;
  using precision = typename ops::precision;
  static constexpr auto const& plan = layout::plan;
  static constexpr int most_blocks = 16, most_units = 16;
  static constexpr std::size_t most_bytes = 227 * 1024;

  struct found {
    std::array<residual_steps, most_blocks> blocks{};
    int count = 0;
    int pool = -1;  // the global one
  };
  static constexpr found steps = [] {
    found f;
    if constexpr (layout::fused[First]) {
      int v = plan.at(First + 1).out, i = First + 2;
      for (; f.count < most_blocks; ++f.count) {
        residual_steps const r = residual_at(plan, i, v);
        if (r.end < 0) break;
        f.blocks[static_cast<std::size_t>(f.count)] = r;
        v = plan.at(r.outer).out;
        i = r.end;
      }
      bool const ends = i < plan.step_count && plan.at(i).in == v && plan.uses(v) == 1 &&
                        (plan.at(i).kind == op::global_max_pool || plan.at(i).kind == op::global_avg_pool);
      if (f.count > 0 && ends) f.pool = i;
    }
    return f;
  }();
  static constexpr bool exists = steps.pool >= 0;
  static constexpr int end = steps.pool + 1;

  // Everything of class type is named here: device code may not.
  template <int Block>
  struct block {
    static constexpr residual_steps self = steps.blocks[Block];
    static constexpr int inner_step = self.inner, outer_step = self.outer, projection_step = self.projection;
    static constexpr bool projects = self.projection >= 0;
    static constexpr kernel::conv_shape inner = plan.conv(self.inner), outer = plan.conv(self.outer);
    static constexpr kernel::conv_shape projection = plan.conv(projects ? self.projection : self.outer);
    static constexpr int before = kernel::cuda_task::chunks_before<precision, inner, outer, projects>();
    using input = kernel::chunk_map<precision, inner.in>;
    using result = kernel::chunk_map<precision, outer.out()>;
    using first_role = kernel::cuda_task::inner_rows<precision, inner>;
    using second_role = kernel::cuda_task::outer_rows<precision, inner, outer, projects, projection>;
    using clear_ring = kernel::cuda_task::clear_sides<precision, inner.out(), kernel::cuda_task::rows_in_ring>;
    using clear_result = kernel::cuda_task::clear_sides<precision, outer.out(), outer.out().rows>;
  };

  // In chunks: where the map lies that block Block reads (of the last one, where its result lies, at 0).
  template <int Block>
  static constexpr int base() {
    if constexpr (Block < steps.count) {
      return block<Block>::before + base<Block + 1>();
    } else {
      return 0;
    }
  }

  struct sizes {
    int maps = 0, ring = 0, units = 0;
    bool channels_fill = true;
  };
  static constexpr sizes size = [] {
    sizes s;
    if constexpr (exists) {
      auto const larger = [](int& a, int b) { a = a < b ? b : a; };
      auto const fits = [&](kernel::map_shape m) {
        s.channels_fill = s.channels_fill && m.channels % (2 * kernel::in_chunk<precision>) == 0;
      };
      for_each_index<steps.count>([&](auto b) {
        using at = block<b>;
        fits(at::inner.in);
        fits(at::inner.out());
        fits(at::outer.out());
        larger(s.maps, base<b>() + at::input::cells);
        larger(s.maps, base<b + 1>() + at::result::cells);
        larger(s.ring, kernel::cuda_task::ring_chunks<precision, at::inner.out()>);
        larger(s.ring, at::result::of_rows);
        larger(s.units, at::first_role::units + at::second_role::units);
      });
    }
    return s;
  }();
  static constexpr int reach = 64;  // chunks behind the ring, which windows may reach
  static constexpr std::size_t bytes =
      exists ? static_cast<std::size_t>(size.maps + size.ring + reach) * sizeof(kernel::chunk) : 0;
  static constexpr bool usable =
      exists && size.channels_fill && size.units <= most_units && bytes <= most_bytes;

  // weights(step): where those of a step lie. image: the plane that the first convolution reads; result: where
  // the global pool's vector goes.
  template <class Group, class Weights>
  CALOTYPE_HD static void score(Group const& g, float const* image, Weights const& weights, float* result) {
    kernel::chunk* const memory = static_cast<kernel::chunk*>(g.memory);
    kernel::chunk* const map = memory + first_base;
    g.warps(entry::count, entry{image, weights(First), map});
    g.each(clear_entry::count, clear_entry{map});
    blocks<0>(g, memory, weights);
    pool::forward(g, reinterpret_cast<float const*>(memory), reinterpret_cast<float*>(memory + size_of_maps),
                  result);
  }

 private:
  static constexpr int first_base = base<0>(), size_of_maps = size.maps, count = steps.count;
  static constexpr bool entry_relu = plan.at(First).relu;
  using entry = kernel::cuda_task::trunk_entry<precision, plan.conv(First), entry_relu>;
  using clear_entry = kernel::cuda_task::clear_sides<precision, entry::shape, entry::shape.rows>;
  static constexpr int pool_step = exists ? steps.pool : 0;
  static constexpr bool mean = plan.at(pool_step).kind == op::global_avg_pool;
  using pool = typename ops::template global_pool<plan.shape(plan.at(pool_step).in), mean>;

  template <int Block, class Group, class Weights>
  CALOTYPE_HD static void blocks(Group const& g, kernel::chunk* memory, Weights const& weights) {
    if constexpr (Block < count) {
      using at = block<Block>;
      using first = typename at::first_role;
      using second = typename at::second_role;
      constexpr int map_base = base<Block>(), out_base = base<Block + 1>();
      kernel::chunk* const ring = memory + size_of_maps;
      kernel::chunk* const map = memory + map_base;
      kernel::chunk* const out = memory + out_base;
      if constexpr (Block == 0 || at::projects) {
        using clear = typename at::clear_ring;
        g.each(clear::count, clear{ring});
      }
      g.together(second::steps, first{weights(at::inner_step), map, ring},
                 second{weights(at::outer_step), at::projects ? weights(at::projection_step) : nullptr, ring,
                        map, out});
      if constexpr (at::projects) {
        using clear = typename at::clear_result;
        g.each(clear::count, clear{out});
      }
      blocks<Block + 1>(g, memory, weights);
    }
  }
};

// The trunks of a network, and the blocks of threads that compute it.
template <class Net, class Policy>
struct trunks {
  template <int Step>
  static constexpr bool begins_at = [] {
    if constexpr (kernel::ops<Policy>::has_trunks) {
      return trunk<Net, Policy, Step>::usable;
    } else {
      return false;
    }
  }();

  struct sizes {
    std::size_t bytes = 0;
    int units = 0;
  };
  static constexpr sizes largest = [] {
    sizes most;
    for_each_index<plan_of<Net>.step_count>([&](auto i) {
      if constexpr (begins_at<i>) {
        using at = trunk<Net, Policy, i>;
        most.bytes = most.bytes < at::bytes ? at::bytes : most.bytes;
        most.units = most.units < at::size.units ? at::size.units : most.units;
      }
    });
    return most;
  }();
  static constexpr std::size_t bytes = largest.bytes;
  static constexpr int threads = largest.units > 0 ? 32 * largest.units : 256;
  // Two, as one computes nothing while it waits at a barrier; with trunks, as many as there is memory and
  // registers for.
  static constexpr int blocks_at_once = [] {
    if constexpr (largest.units == 0) {
      return 2;
    } else {
      constexpr std::size_t all = 228 * 1024, taken_by_each = 1024;
      constexpr int by_memory = static_cast<int>(all / (bytes + taken_by_each)),
                    by_registers = 12 / largest.units;
      constexpr int n = by_memory < by_registers ? by_memory : by_registers;
      return n > 1 ? n : 1;
    }
  }();
};

}  // namespace calotype::nn::detail
