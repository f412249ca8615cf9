// Which pixels of a network's first maps an event changes. Where no hit reaches, a map holds what it holds for
// the empty event: known once for a model, and the same bits. The first convolution says where it saw energy;
// the convolutions after it compute what that can reach, and copy from the empty event's map what later steps
// read besides. As soon as an event reaches nearly everything, its steps are computed whole.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <calotype/core/config.hpp>
#include <calotype/kernel/ops.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::nn::detail {

template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class changes {
  static constexpr auto plan = plan_of<Net>;
  static constexpr int steps = plan.step_count;
  static constexpr std::size_t capacity = plan.steps.size();
  using pixel_word = kernel::pixel_word;

  template <int Step>
  using conv = typename step_kernels<Net, Policy, Step>::conv_kernel;

 public:
  // root[i]: the step whose set of filled pixels decides what step i changes; i itself where it finds that set;
  // -1: step i is always computed whole.
  struct chains {
    std::array<int, capacity> root{};
    std::array<int, capacity> step_of{};  // of a value: the step that has its set, or -1
    bool any = false;

    constexpr bool finds(int i) const { return root[static_cast<std::size_t>(i)] == i; }
    constexpr bool follows(int i) const { return root[static_cast<std::size_t>(i)] >= 0 && !finds(i); }
    constexpr int root_of(int i) const { return root[static_cast<std::size_t>(i)]; }
    constexpr int of_value(int v) const { return v < 0 ? -1 : step_of[static_cast<std::size_t>(v)]; }
  };
  static constexpr chains known = [] {
    chains c;
    c.root.fill(-1);
    c.step_of.fill(-1);
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      if constexpr (k::finds_filled()) {
        c.root[i] = i;
        c.step_of[static_cast<std::size_t>(plan.at(i + 1).out)] = i;
      } else if constexpr (k::follows()) {
        int const in = c.of_value(k::self.in), added = c.of_value(k::self.shortcut);
        if (in >= 0 && (k::self.shortcut < 0 || (added >= 0 && c.root_of(added) == c.root_of(in)))) {
          c.root[i] = c.root_of(in);
          c.step_of[static_cast<std::size_t>(k::self.out)] = i;
          c.any = true;
        }
      }
    });
    return c;
  }();

  // The map whose pixels step i has a set of.
  template <int Step>
  static constexpr map_shape shape = plan.shape(plan.at(known.finds(Step) ? Step + 1 : Step).out);

  // Places of the empty event's maps.
  static constexpr auto empty_offset = [] {
    std::array<std::size_t, static_cast<std::size_t>(steps) + 1> at{};
    for_each_index<steps>([&](auto i) {
      at[i + 1] = at[i];
      if constexpr (known.follows(i)) at[i + 1] += padded(kernel::ops<Policy>::template map_size<shape<i>>);
    });
    return at;
  }();
  static constexpr std::size_t empty_size = empty_offset[static_cast<std::size_t>(steps)];

  changes() : sets_(words) {}
  explicit changes(workspace& from) noexcept : sets_(words, from) {}
  static constexpr std::size_t workspace_bytes() { return words * sizeof(pixel_word); }
  static constexpr std::size_t block_bytes() { return workspace::bytes_of<pixel_word>(words); }

  // Where the first convolution of a chain puts its set.
  template <int Step>
  pixel_word* filled() noexcept {
    return set<Step>(0);
  }
  // Works out the sets of all steps behind it.
  template <int Root>
  void follow() noexcept {
    for_each_index<steps>([&](auto i) {
      if constexpr (known.follows(i) && known.root_of(i) == Root) this->template reach<i>();
    });
    for_each_index<steps>([&](auto i) {
      if constexpr (known.follows(i) && known.root_of(i) == Root) {
        if (partial_[i]) this->template needed<i>();
      }
    });
  }

  // Whether step Step is to be done by forward_changed, and with which sets.
  template <int Step>
  bool partial() const noexcept {
    return partial_[Step];
  }
  template <int Step>
  pixel_word const* computed() noexcept {
    return set<Step>(0);
  }
  template <int Step>
  pixel_word const* copied() noexcept {
    return set<Step>(1);
  }

 private:
  // The filled pixels of a root; what a step behind it computes, and what it copies.
  static constexpr int sets_of(int i) { return known.finds(i) ? 1 : known.follows(i) ? 2 : 0; }
  static constexpr auto offsets = [] {
    std::array<std::size_t, static_cast<std::size_t>(steps) + 1> at{};
    for_each_index<steps>([&](auto i) {
      at[i + 1] = at[i];
      if constexpr (known.any && sets_of(i) > 0) {
        at[i + 1] += static_cast<std::size_t>(sets_of(i)) * kernel::words_in_set(shape<i>);
      }
    });
    return at;
  }();
  static constexpr std::size_t words = offsets[static_cast<std::size_t>(steps)];

  template <int Step>
  pixel_word* set(int which) noexcept {
    return sets_.data() + offsets[Step] + static_cast<std::size_t>(which) * kernel::words_in_set(shape<Step>);
  }

  template <int Step>
  void reach() noexcept {
    constexpr int from = known.of_value(plan.at(Step).in), added = known.of_value(plan.at(Step).shortcut);
    constexpr std::size_t size = kernel::words_in_set(shape<Step>);
    partial_[Step] = known.finds(from) || partial_[static_cast<std::size_t>(from)];
    if (!partial_[Step]) return;
    pixel_word* const computed = set<Step>(0);
    conv<Step>::changed(set<from>(0), computed);
    if constexpr (added >= 0) {
      if (known.follows(added) && !partial_[static_cast<std::size_t>(added)]) {
        partial_[Step] = false;
        return;
      }
      pixel_word const* const more = set<added>(0);
      for (std::size_t i = 0; i < size; ++i) computed[i] |= more[i];
    }
    conv<Step>::computed(computed, computed);
    int count = 0;
    for (std::size_t i = 0; i < size; ++i) count += std::popcount(computed[i]);
    partial_[Step] = pays(count, shape<Step>.rows * shape<Step>.cols);
  }
  // With more than that, to copy and to choose tiles costs more than to compute the rest.
  static constexpr bool pays(int computed, int pixels) { return 8 * computed <= 7 * pixels; }

  // What other steps read of the output of Step that it does not compute.
  template <int Step>
  void needed() noexcept {
    constexpr std::size_t size = kernel::words_in_set(shape<Step>);
    pixel_word* const copied = set<Step>(1);
    for (std::size_t i = 0; i < size; ++i) copied[i] = 0;
    bool all = false;
    for_each_index<steps - Step - 1>([&](auto distance) {
      constexpr int user = Step + 1 + distance;
      constexpr bool reads = plan.at(user).in == plan.at(Step).out;
      constexpr bool adds = plan.at(user).shortcut == plan.at(Step).out;
      if constexpr (reads || adds) {
        if constexpr (known.follows(user)) {
          if (partial_[static_cast<std::size_t>(user)]) {
            pixel_word const* const used = set<user>(0);
            if constexpr (reads) {
              pixel_word seen[size];
              conv<user>::read(used, seen);
              for (std::size_t i = 0; i < size; ++i) copied[i] |= seen[i];
            } else {
              for (std::size_t i = 0; i < size; ++i) copied[i] |= used[i];
            }
            return;
          }
        }
        all = true;
      }
    });
    if (all) {
      for (std::size_t i = 0; i < size; ++i) copied[i] = ~pixel_word{0};
    }
    conv<Step>::computed(copied, copied);
    pixel_word const* const computed = set<Step>(0);
    for (std::size_t i = 0; i < size; ++i) copied[i] &= ~computed[i];
  }

  buffer<pixel_word> sets_;
  std::array<bool, capacity> partial_{};
};

}  // namespace calotype::nn::detail
