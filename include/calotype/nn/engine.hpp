// Carries out a plan with the kernels of a policy: inference with shared buffers, training with every
// activation kept.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <calotype/kernel/ops.hpp>
#include <calotype/nn/changes.hpp>
#include <calotype/nn/input.hpp>
#include <calotype/nn/memory.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/step_kernels.hpp>
#include <calotype/tensor/buffer.hpp>

namespace calotype::nn {

namespace detail {

// Whether a policy's memory is the host's.
template <class Policy>
inline constexpr bool in_host_memory =
    std::constructible_from<typename kernel::ops<Policy>::buffer, std::size_t, workspace&>;

template <class Policy>
concept has_team = requires(Policy p) {
  p.threads.hire();
};

// The threads of an engine: none besides the caller's, or those its policy asks for.
template <class Policy>
struct crew {
  explicit crew(Policy&) {}
  static constexpr std::size_t size() { return 1; }
};
template <has_team Policy>
struct crew<Policy> {
  explicit crew(Policy& p) : team(p.threads.hire()) {}
  std::size_t size() const { return static_cast<std::size_t>(team->size()); }
  decltype(std::declval<Policy&>().threads.hire()) team;
};

template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
struct layout {
  using ops = kernel::ops<Policy>;
  static constexpr int steps = plan_of<Net>.step_count;
  static constexpr auto plan = plan_of<Net>;
  static constexpr int capacity = static_cast<int>(plan_of<Net>.steps.size());
  template <std::size_t N>
  static constexpr std::size_t sum(std::array<std::size_t, N> const& sizes) {
    std::size_t n = 0;
    for (std::size_t s : sizes) n += s;
    return n;
  }
  // Places of the packed parameters of every step, forward then backward.
  static constexpr auto packed_offsets(bool gradient) {
    std::array<std::size_t, static_cast<std::size_t>(steps) + 1> offsets{};
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      offsets[i + 1] = offsets[i] + padded(gradient ? k::gradient_packed_size() : k::packed_size());
    });
    return offsets;
  }
  static constexpr auto forward_offset = packed_offsets(false);
  static constexpr auto gradient_offset = packed_offsets(true);
  static constexpr std::size_t forward_packed_size = forward_offset[static_cast<std::size_t>(steps)];
  static constexpr std::size_t gradient_packed_size = gradient_offset[static_cast<std::size_t>(steps)];

  static constexpr std::size_t larger(std::size_t a, std::size_t b) { return a < b ? b : a; }

  // The largest of all steps: one block serves them in turn.
  static constexpr std::size_t largest_scratch(bool training) {
    std::size_t most = 0;
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      std::size_t const n = padded(k::scratch_size()), g = padded(training ? k::gradient_scratch_size() : 0);
      most = larger(most, larger(n, g));
    });
    return most;
  }
  static constexpr std::size_t inference_scratch = largest_scratch(false);
  static constexpr std::size_t training_scratch = largest_scratch(true);

  static constexpr auto fused_steps() {
    std::array<bool, static_cast<std::size_t>(capacity)> f{};
    for_each_index<steps>([&](auto i) { f[i] = step_kernels<Net, Policy, i>::pools_next(); });
    return f;
  }
  static constexpr auto fused = fused_steps();
  // Whether step i is done by the one before it.
  static constexpr bool is_fused(int i) { return i > 0 && fused[static_cast<std::size_t>(i - 1)]; }
  // The input planes that are read row by row, from where their pixels stay until then. A builder makes all
  // planes of an event in one way.
  using flags = std::array<bool, static_cast<std::size_t>(capacity)>;
  using input = input_traits<typename Net::input>;
  static constexpr int planes = input::planes();
  static constexpr flags planes_by_rows() {
    flags f{};
    int count = 0;
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      if constexpr (k::reads_rows()) {
        f[static_cast<std::size_t>(k::self.in)] = true;
        ++count;
      }
    });
    bool const stay = input::is_whole_image ? count == planes : !input::is_computed;
    return stay ? f : flags{};
  }
  static constexpr flags by_rows = planes_by_rows();
  // Of the largest plane: they are read one after the other.
  static constexpr std::size_t largest_window(bool training) {
    std::size_t most = 0;
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      if (training || by_rows[static_cast<std::size_t>(k::self.in)])
        most = larger(most, padded(k::window_size()));
    });
    return most;
  }
  static constexpr std::size_t inference_window = largest_window(false);
  static constexpr std::size_t training_window = largest_window(true);

  static constexpr auto inference_memory = plan_memory(plan, false, fused, by_rows);
  static constexpr auto training_memory = plan_memory(plan, true, flags{});
  static constexpr auto gradients = plan_gradients(plan);

  template <int Slot, bool Training>
  static constexpr std::size_t slot_size() {
    constexpr auto const& m = Training ? training_memory : inference_memory;
    if constexpr (m.slot_is_image[Slot]) {
      return padded(ops::template image_size<m.slot_shape[Slot]>);
    } else {
      return padded(ops::template map_size<m.slot_shape[Slot]>);
    }
  }
  template <bool Training>
  static constexpr auto slot_offsets() {
    constexpr int n = Training ? training_memory.slots : inference_memory.slots;
    std::array<std::size_t, static_cast<std::size_t>(n) + 1> offsets{};
    for_each_index<n>([&](auto s) { offsets[s + 1] = offsets[s] + slot_size<s, Training>(); });
    return offsets;
  }
  static constexpr auto inference_offset = slot_offsets<false>();
  static constexpr auto training_offset = slot_offsets<true>();
  static constexpr std::size_t inference_size =
      inference_offset[static_cast<std::size_t>(inference_memory.slots)];

  // The step from which on several inputs go through the network together, layer by layer; before it each goes
  // alone, so that its activations stay in the cache. `steps`: nothing is faster together.
  static constexpr int first_together() {
    int first = steps;
    for_each_index<steps>([&](auto i) {
      if (first == steps && step_kernels<Net, Policy, i>::gains_together()) first = i;
    });
    for (int i = first; i < steps; ++i) {  // the next input would overwrite what these read
      bool const reads_input = plan.value_at(detail::storage(plan, plan.at(i).in, false)).input;
      if (reads_input || changes<Net, Policy>::known.follows(i)) return steps;
    }
    return first;
  }
  static constexpr int joint = first_together();
  // Input planes come first in memory; there is one set of them for all inputs.
  static constexpr std::size_t planes_size = [] {
    int kept = 0;
    for (int v = 0; v < planes; ++v) kept += by_rows[static_cast<std::size_t>(v)] ? 0 : 1;
    return inference_offset[static_cast<std::size_t>(kept)];
  }();
  // Reals for so many inputs.
  static constexpr std::size_t size_for(int batch) {
    return planes_size + (inference_size - planes_size) * static_cast<std::size_t>(joint < steps ? batch : 1);
  }
  static constexpr std::size_t training_size = training_offset[static_cast<std::size_t>(training_memory.slots)];

  // Convolutions whose outputs training need not keep if the image is nearly empty, and the places of their
  // sets: the pooled pixels that see energy.
  static constexpr flags through_pool = [] {
    flags f{};
    for_each_index<steps>([&](auto i) { f[i] = step_kernels<Net, Policy, i>::finds_filled(); });
    return f;
  }();
  static constexpr auto filled_offset = [] {
    std::array<std::size_t, static_cast<std::size_t>(steps) + 1> at{};
    for_each_index<steps>([&](auto i) {
      at[i + 1] = at[i];
      if constexpr (through_pool[i]) at[i + 1] += kernel::words_in_set(plan.pool(i + 1).out());
    });
    return at;
  }();
  static constexpr std::size_t filled_words = filled_offset[static_cast<std::size_t>(steps)];

  // Places of what the gradients of steps need besides inputs and outputs.
  static constexpr auto kept_offset = [] {
    std::array<std::size_t, static_cast<std::size_t>(steps) + 1> at{};
    for_each_index<steps>(
        [&](auto i) { at[i + 1] = at[i] + padded(step_kernels<Net, Policy, i>::kept_size()); });
    return at;
  }();
  static constexpr std::size_t kept_size = kept_offset[static_cast<std::size_t>(steps)];

  // The step with a ReLU whose output step i reads, if step i is the last to add to that output's gradient: -1
  // otherwise.
  static constexpr int masked_by(int i) {
    int producer = -1;
    for (int j = 0; j < i; ++j) {
      if (plan.at(j).in == plan.at(i).in) return -1;
      if (plan.at(j).out == plan.at(i).in && plan.at(j).relu) producer = j;
    }
    return gradients.din[static_cast<std::size_t>(i)] >= 0 ? producer : -1;
  }
  static constexpr auto masking_steps() {
    std::array<bool, static_cast<std::size_t>(capacity)> f{};
    for_each_index<steps>([&](auto i) {
      using k = step_kernels<Net, Policy, i>;
      if constexpr (k::self.kind == op::conv) {
        f[i] = kernel::has_input_gradient_relu<typename k::conv_kernel>() && masked_by(i) >= 0;
      }
    });
    return f;
  }
  static constexpr auto masking = masking_steps();
  // Whether step i applies the ReLU gradient of the step before it, and whether step i's has been applied.
  static constexpr bool masks_gradient(int i) { return masking[static_cast<std::size_t>(i)]; }
  static constexpr bool gradient_is_masked(int i) {
    for (int j = i + 1; j < steps; ++j) {
      if (masking[static_cast<std::size_t>(j)] && masked_by(j) == i) return true;
    }
    return false;
  }

  static constexpr auto gradient_offsets() {
    std::array<std::size_t, static_cast<std::size_t>(gradients.slots) + 1> offsets{};
    for_each_index<gradients.slots>(
        [&](auto s) { offsets[s + 1] = offsets[s] + padded(ops::template map_size<gradients.slot_shape[s]>); });
    return offsets;
  }
  static constexpr auto gradient_map_offset = gradient_offsets();
  static constexpr std::size_t gradient_size = gradient_map_offset[static_cast<std::size_t>(gradients.slots)];
};

}  // namespace detail

// The parameters of a network in the order a policy's kernels read them. Immutable once packed; shared by
// sessions.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class packed_parameters {
  using layout = detail::layout<Net, Policy>;

 public:
  using ops = kernel::ops<Policy>;
  using real_type = typename ops::real_type;

  // for_training: also what the gradients of inputs need.
  explicit packed_parameters(bool for_training = false)
      : forward_(layout::forward_packed_size), gradient_(for_training ? layout::gradient_packed_size : 0) {}

  // From the flat list in PyTorch's order, in the policy's memory.
  void pack(real_type const* parameters) noexcept {
    constexpr auto const& p = layout::plan;
    detail::for_each_index<layout::steps>([&](auto i) {
      using k = detail::step_kernels<Net, Policy, i>;
      constexpr op kind = k::self.kind;
      if constexpr (kind == op::conv || kind == op::dense || kind == op::conv_lstm) {
        real_type const* weight = parameters + p.parameter_at(k::self.weight).offset;
        real_type const* bias = parameters + p.parameter_at(k::self.bias).offset;
        real_type* to = forward_.data() + layout::forward_offset[i];
        if constexpr (kind == op::conv) {
          using conv_kernel = typename k::conv_kernel;
          conv_kernel::pack(weight, bias, to);
          if constexpr (!k::from_image) {
            if (gradient_.size() > 0)
              conv_kernel::pack_gradient(weight, gradient_.data() + layout::gradient_offset[i]);
          }
        } else if constexpr (kind == op::conv_lstm) {
          k::lstm_kernel::pack(weight, bias, to);
          if (gradient_.size() > 0)
            k::lstm_kernel::pack_gradient(weight, gradient_.data() + layout::gradient_offset[i]);
        } else {
          ops::template dense<k::dense_shape>::pack(weight, bias, to);
        }
      }
    });
  }

  // Computes the empty event's maps once, so that engines can leave out what an event does not reach.
  void remember_empty_event(Policy const& policy) {
    if constexpr (changes::known.any) {
      typename ops::buffer maps(changes::empty_size), scratch(layout::inference_scratch);
      detail::for_each_index<layout::steps>([&](auto i) {
        if constexpr (changes::known.finds(i)) {
          using k = detail::step_kernels<Net, Policy, i>;
          typename ops::buffer image(ops::template image_size<k::in_shape>);
          typename ops::buffer first(ops::template map_size<changes::template shape<i>>);
          k::conv_kernel::template forward_pool<k::self.relu, layout::plan.pool(i + 1)>(
              policy, image.data(), forward() + layout::forward_offset[i], first.data());
          auto const at = [&](int v) {
            int const step = changes::known.of_value(v);
            return step == i ? first.data()
                             : maps.data() + changes::empty_offset[static_cast<std::size_t>(step)];
          };
          detail::for_each_index<layout::steps>([&](auto j) {
            if constexpr (changes::known.follows(j) && changes::known.root_of(j) == i) {
              detail::forward_step<detail::step_kernels<Net, Policy, j>>(
                  policy, at, forward() + layout::forward_offset[j], scratch.data());
            }
          });
        }
      });
      empty_ = std::move(maps);
    }
  }

  real_type const* forward() const noexcept { return forward_.data(); }
  real_type const* gradient() const noexcept { return gradient_.data(); }
  // The map of step Step; null before remember_empty_event().
  template <int Step>
  real_type const* empty() const noexcept {
    return empty_.size() > 0 ? empty_.data() + changes::empty_offset[Step] : nullptr;
  }

 private:
  using changes = detail::changes<Net, Policy>;

  typename ops::buffer forward_;
  typename ops::buffer gradient_;
  typename ops::buffer empty_;
};

// One input at a time through the network, or several together. Owns its activations, and its threads under a
// policy that has some; allocates once, at construction. workspace_bytes is what one thread needs for one
// input; each other thread has scratch memory of its own.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class inference_engine {
  using layout = detail::layout<Net, Policy>;

 public:
  using ops = kernel::ops<Policy>;
  using real_type = typename ops::real_type;
  static constexpr int outputs = layout::plan.shape(layout::plan.result).channels;
  static constexpr std::size_t workspace_bytes =
      (layout::inference_size + layout::inference_scratch + layout::inference_window) * sizeof(real_type) +
      detail::changes<Net, Policy>::workspace_bytes();

  // batch: the most inputs that go through together.
  explicit inference_engine(Policy policy = {}, int batch = 1)
      : policy_(policy),
        crew_(policy_),
        memory_(layout::size_for(batch)),
        scratch_(layout::inference_scratch * crew_.size()),
        windows_(layout::inference_window * crew_.size()) {}
  // In memory that the caller gives, block_bytes of it (host policies without threads of their own).
  inference_engine(Policy policy, workspace& from) noexcept
      : policy_(policy),
        crew_(policy_),
        memory_(layout::inference_size, from),
        scratch_(layout::inference_scratch, from),
        windows_(layout::inference_window, from),
        changes_(from) {}
  static constexpr std::size_t block_bytes = workspace::bytes_of<real_type>(layout::inference_size) +
                                             workspace::bytes_of<real_type>(layout::inference_scratch) +
                                             workspace::bytes_of<real_type>(layout::inference_window) +
                                             detail::changes<Net, Policy>::block_bytes();

  // Where the numbers of an input plane are kept, in the policy's image layout; zero at first.
  template <int Plane>
  real_type* input() noexcept requires(!layout::by_rows[Plane]) {
    return memory_.data() +
           layout::inference_offset[static_cast<std::size_t>(layout::inference_memory.slot[Plane])];
  }
  // The same as a builder's target (float policies).
  template <int Plane>
  kernel::plane_target target() noexcept requires(!layout::by_rows[Plane]) {
    return ops::template image_target<layout::plan.shape(Plane)>(input<Plane>());
  }

  // Whether an input plane has no place here, since the network reads its rows from somewhere else.
  template <int Plane>
  static constexpr bool by_rows = layout::by_rows[Plane];
  struct all_planes_here {};

  // From the input planes to the logits (outputs numbers in the policy's memory). input.rows<Plane>() are the
  // rows of a plane that has no place here: a feed has them.
  template <class Input = all_planes_here>
  real_type const* run(packed_parameters<Net, Policy> const& parameters, Input const& input = {}) noexcept {
    detail::for_each_index<layout::steps>([&](auto i) { this->template forward<i>(parameters, 0, input); });
    return logits(0);
  }

  // Whether several inputs together are faster than one after the other. Then, instead of run(): begin(i) with
  // each of them in the input planes, i = 0, 1, ... below `batch`, and finish() for all.
  static constexpr bool gains_together = layout::joint < layout::steps;
  template <class Input>
  void begin(packed_parameters<Net, Policy> const& parameters, Input const& input,
             int i) noexcept requires gains_together {
    detail::for_each_index<layout::joint>(
        [&](auto step) { this->template forward<step>(parameters, i, input); });
  }
  void finish(packed_parameters<Net, Policy> const& parameters, int inputs) noexcept requires gains_together {
    detail::for_each_index<layout::steps - layout::joint>(
        [&](auto step) { this->template forward_together<layout::joint + step>(parameters, inputs); });
  }
  // Of input i.
  real_type const* logits(int i) noexcept { return at(layout::plan.result, i); }

  // Whether step Step computes a part of its outputs only, if parameters remember the empty event; and whether
  // it did for the last input.
  template <int Step>
  static constexpr bool follows = detail::changes<Net, Policy>::known.follows(Step);
  template <int Step>
  bool partial() const noexcept requires follows<Step> {
    return changes_.template partial<Step>();
  }

 private:
  using changes = detail::changes<Net, Policy>;
  static constexpr std::size_t apart = layout::inference_size - layout::planes_size;

  // Value v of input i.
  real_type* at(int v, int i) noexcept {
    std::size_t const offset = layout::inference_offset[static_cast<std::size_t>(
        layout::inference_memory.slot[static_cast<std::size_t>(v)])];
    return memory_.data() + offset + (offset < layout::planes_size ? 0 : apart * static_cast<std::size_t>(i)) +
           layout::inference_memory.offset[static_cast<std::size_t>(v)];
  }

  template <int Step>
  static real_type const* packed(packed_parameters<Net, Policy> const& parameters) noexcept {
    return parameters.forward() + layout::forward_offset[Step];
  }

  // Of input i.
  template <int Step, class Input = all_planes_here>
  void forward(packed_parameters<Net, Policy> const& parameters, int i,
               [[maybe_unused]] Input const& input = {}) noexcept {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr step s = k::self;
    if constexpr (k::pools_next()) {
      constexpr kernel::pool_shape pool = layout::plan.pool(Step + 1);
      constexpr bool finds = changes::known.any && changes::known.finds(Step);
      real_type* const out = at(layout::plan.at(Step + 1).out, i);
      [[maybe_unused]] kernel::pixel_word* filled = nullptr;
      if constexpr (finds) {
        if (parameters.template empty<Step>() != nullptr) filled = changes_.template filled<Step>();
      }
      if constexpr (layout::by_rows[static_cast<std::size_t>(s.in)]) {
        k::conv_kernel::template forward_pool_rows<s.relu, pool>(
            policy_, input.template rows<s.in>(), packed<Step>(parameters), out, windows_.data(), filled);
      } else if constexpr (finds) {
        k::conv_kernel::template forward_pool<s.relu, pool>(policy_, at(s.in, i), packed<Step>(parameters), out,
                                                            filled);
      } else {
        k::conv_kernel::template forward_pool<s.relu, pool>(policy_, at(s.in, i), packed<Step>(parameters),
                                                            out);
      }
      if constexpr (finds) {
        if (filled != nullptr) changes_.template follow<Step>();
      }
    } else if constexpr (!layout::is_fused(Step) && s.kind != op::dropout) {
      if constexpr (changes::known.follows(Step)) {
        real_type const* const empty = parameters.template empty<Step>();
        if (empty != nullptr && changes_.template partial<Step>()) {
          real_type const* shortcut = nullptr;
          if constexpr (s.shortcut >= 0) shortcut = at(s.shortcut, i);
          return k::conv_kernel::template forward_changed<s.relu, (s.shortcut >= 0)>(
              policy_, at(s.in, i), packed<Step>(parameters), shortcut, empty,
              changes_.template computed<Step>(), changes_.template copied<Step>(), at(s.out, i),
              scratch_.data());
        }
      }
      detail::forward_step<k>(
          policy_, [&](int v) { return at(v, i); }, packed<Step>(parameters), scratch_.data());
    }
  }

  template <int Step>
  void forward_together(packed_parameters<Net, Policy> const& parameters, int inputs) noexcept {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr step s = k::self;
    if constexpr (k::gains_together()) {
      using conv_kernel = typename k::conv_kernel;
      real_type const* shortcut = nullptr;
      if constexpr (s.shortcut >= 0) shortcut = at(s.shortcut, 0);
      conv_kernel::template forward_together<s.relu, (s.shortcut >= 0)>(policy_, inputs, apart, at(s.in, 0),
                                                                        packed<Step>(parameters), shortcut,
                                                                        at(s.out, 0), scratch_.data());
    } else {
      for (int i = 0; i < inputs; ++i) forward<Step>(parameters, i);
    }
  }

  [[no_unique_address]] Policy policy_;
  [[no_unique_address]] detail::crew<Policy> crew_;
  typename ops::buffer memory_;
  typename ops::buffer scratch_;
  typename ops::buffer windows_;  // of the kernels that read rows; zero between their calls
  changes changes_;
};

// Forward and backward of one event. Activations are kept, but for those of a first convolution whose image is
// nearly empty: what its gradient needs of them is computed again. Gradients share buffers.
template <class Net, class Policy, std::uint64_t Signature = signature<Net>>
class training_engine {
  using layout = detail::layout<Net, Policy>;
  static_assert(layout::gradients.supported,
                "calotype::nn: this network uses a value in a way whose gradient is not built; a shortcut must "
                "be the last "
                "use of its input");

 public:
  using ops = kernel::ops<Policy>;
  using real_type = typename ops::real_type;
  static constexpr int outputs = layout::plan.shape(layout::plan.result).channels;
  static constexpr int parameters = layout::plan.total_parameters();
  static constexpr std::size_t workspace_bytes =
      (layout::training_size + layout::gradient_size + layout::kept_size + layout::training_scratch +
       layout::training_window) *
          sizeof(real_type) +
      layout::filled_words * sizeof(kernel::pixel_word);

  explicit training_engine(Policy policy = {})
      : policy_(policy),
        crew_(policy_),
        memory_(layout::training_size),
        gradient_(layout::gradient_size),
        kept_(layout::kept_size),
        scratch_(layout::training_scratch * crew_.size()),
        windows_(layout::training_window * crew_.size()) {}

  template <int Plane>
  real_type* input() noexcept {
    return slot(layout::training_memory.slot[Plane]);
  }
  template <int Plane>
  kernel::plane_target target() noexcept {
    return ops::template image_target<layout::plan.shape(Plane)>(input<Plane>());
  }

  // dropout_key names the random stream of this event in this epoch; its masks are the same on every machine.
  real_type const* forward(packed_parameters<Net, Policy> const& p, std::uint64_t dropout_key = 0) noexcept {
    dropout_key_ = dropout_key;
    real_type const* packed = p.forward();
    detail::for_each_index<layout::steps>(
        [&](auto i) { this->template forward<i>(packed + layout::forward_offset[i]); });
    return at(layout::plan.result);
  }

  // Where the gradient of the loss with respect to the logits is put before backward().
  real_type* logit_gradient() noexcept {
    return gradient_slot(layout::gradients.result) + layout::plan.value_at(layout::plan.result).offset;
  }

  // Gradients of this event with respect to all parameters, overwriting `gradients` (flat, PyTorch's order;
  // places of idle parameters are left alone). `parameters` is the flat list the packed ones were made from.
  void backward(packed_parameters<Net, Policy> const& p, real_type const* parameters_flat,
                real_type* gradients) noexcept {
    detail::for_each_index<layout::steps>(
        [&](auto i) { this->template backward_step<layout::steps - 1 - i>(p, parameters_flat, gradients); });
  }

 protected:
  real_type* slot(int s) noexcept {
    return memory_.data() + layout::training_offset[static_cast<std::size_t>(s)];
  }
  real_type* at(int v) noexcept {
    return slot(layout::training_memory.slot[static_cast<std::size_t>(v)]) +
           layout::training_memory.offset[static_cast<std::size_t>(v)];
  }
  real_type* gradient_slot(int s) noexcept {
    return s < 0 ? nullptr : gradient_.data() + layout::gradient_map_offset[static_cast<std::size_t>(s)];
  }

  template <int Step>
  static constexpr bool is_pool_behind() {
    if constexpr (Step > 0) {
      return layout::through_pool[Step - 1];
    } else {
      return false;
    }
  }

  template <int Step>
  kernel::pixel_word* filled() noexcept {
    return filled_.data() + layout::filled_offset[Step];
  }

  template <int Step>
  real_type* kept() noexcept {
    return kept_.data() + layout::kept_offset[Step];
  }

  template <int Step>
  void forward(real_type const* packed) noexcept {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr step s = k::self;
    if constexpr (layout::through_pool[Step]) {
      constexpr kernel::pool_shape pool = layout::plan.pool(Step + 1);
      through_[Step] = k::conv_kernel::template gradient_through_pool_pays<pool>(at(s.in));
      if (through_[Step]) {
        return k::conv_kernel::template forward_pool_rows<true, pool>(
            policy_, ops::template image_rows<k::in_shape>(at(s.in)), packed, at(layout::plan.at(Step + 1).out),
            windows_.data(), filled<Step>());
      }
    }
    if constexpr (is_pool_behind<Step>()) {
      if (through_[Step - 1]) return;
    }
    if constexpr (s.kind == op::dropout) {
      ops::template dropout<k::in_shape>::forward(policy_, static_cast<real_type>(s.rate), key<Step>(),
                                                  at(s.in), at(s.out));
    } else {
      detail::forward_step<k>(
          policy_, [this](int v) { return at(v); }, packed, scratch_.data(), kept<Step>());
    }
  }

  // Of a convolution, from the gradient of what it computes before shortcut and ReLU.
  template <int Step>
  void conv_gradient(real_type const* packed, real_type const* dout, real_type* gradients) noexcept {
    using k = detail::step_kernels<Net, Policy, Step>;
    using conv_kernel = typename k::conv_kernel;
    constexpr step s = k::self;
    constexpr auto const& g = layout::gradients;
    real_type* const din = gradient_slot(g.din[Step]);
    kernel::run_weight_gradient<conv_kernel>(
        policy_, at(s.in), dout, gradients + layout::plan.parameter_at(s.weight).offset,
        gradients + layout::plan.parameter_at(s.bias).offset, scratch_.data());
    if constexpr (layout::masks_gradient(Step)) {
      conv_kernel::input_gradient_relu(policy_, dout, packed, gradient_slot(g.added[Step]), at(s.in), din,
                                       scratch_.data());
    } else if constexpr (g.din[Step] >= 0) {
      kernel::run_input_gradient<conv_kernel>(policy_, dout, packed, gradient_slot(g.added[Step]), din,
                                              scratch_.data());
    }
  }

  template <int Step>
  void backward_step(packed_parameters<Net, Policy> const& p, real_type const* parameters_flat,
                     real_type* gradients) noexcept {
    using k = detail::step_kernels<Net, Policy, Step>;
    constexpr step s = k::self;
    constexpr auto const& g = layout::gradients;
    real_type const* const packed = p.gradient() + layout::gradient_offset[Step];
    real_type* const dout = gradient_slot(g.dout[Step]) + g.dout_offset[Step];
    real_type* const din = gradient_slot(g.din[Step]);
    if constexpr (layout::through_pool[Step]) {
      if (through_[Step]) return;
    }
    if constexpr (is_pool_behind<Step>()) {
      using before = detail::step_kernels<Net, Policy, Step - 1>;
      if (through_[Step - 1]) {
        // Whoever reads the pooled map has: its memory is free.
        return before::conv_kernel::template weight_gradient_through_pool<k::pool_shape>(
            policy_, at(before::self.in), p.forward() + layout::forward_offset[Step - 1], filled<Step - 1>(),
            dout, at(s.out), gradients + layout::plan.parameter_at(before::self.weight).offset,
            gradients + layout::plan.parameter_at(before::self.bias).offset);
      }
    }
    if constexpr (s.relu && !layout::gradient_is_masked(Step))
      ops::template relu_gradient<k::out_shape>(policy_, at(s.out), dout);
    if constexpr (s.kind == op::conv) {
      conv_gradient<Step>(packed, dout, gradients);
    } else if constexpr (s.kind == op::conv_lstm) {
      k::lstm_kernel::gradient(policy_, dout, packed, kept<Step>(),
                               gradients + layout::plan.parameter_at(s.weight).offset,
                               gradients + layout::plan.parameter_at(s.bias).offset, din, scratch_.data());
    } else if constexpr (s.kind == op::max_pool) {
      ops::template max_pool<k::pool_shape>::gradient(policy_, at(s.in), at(s.out), dout, din);
    } else if constexpr (s.kind == op::global_max_pool) {
      ops::template global_max_pool<k::in_shape>::gradient(policy_, at(s.in), at(s.out), dout, din);
    } else if constexpr (s.kind == op::avg_pool) {
      ops::template avg_pool<k::pool_shape>::gradient(policy_, dout, din);
    } else if constexpr (s.kind == op::global_avg_pool) {
      ops::template global_avg_pool<k::in_shape>::gradient(policy_, dout, din);
    } else if constexpr (s.kind == op::flatten) {
      if constexpr (g.din[Step] >= 0) ops::template flatten<k::in_shape>::gradient(policy_, dout, din);
    } else if constexpr (s.kind == op::dense) {
      ops::template dense<k::dense_shape>::weight_gradient(
          policy_, at(s.in), dout, gradients + layout::plan.parameter_at(s.weight).offset,
          gradients + layout::plan.parameter_at(s.bias).offset);
      if constexpr (g.din[Step] >= 0) {
        ops::template dense<k::dense_shape>::input_gradient(
            policy_, dout, parameters_flat + layout::plan.parameter_at(s.weight).offset, din);
      }
    } else if constexpr (s.kind == op::dropout) {
      if constexpr (g.din[Step] >= 0) {
        ops::template dropout<k::in_shape>::gradient(policy_, static_cast<real_type>(s.rate), key<Step>(), dout,
                                                     din);
      }
    }
  }

  template <int Step>
  std::uint64_t key() const noexcept {
    return detail::dropout_key_of_step(dropout_key_, Step);
  }

  [[no_unique_address]] Policy policy_;
  [[no_unique_address]] detail::crew<Policy> crew_;
  typename ops::buffer memory_;
  typename ops::buffer gradient_;
  typename ops::buffer kept_;
  typename ops::buffer scratch_;
  typename ops::buffer windows_;  // of the kernels that read rows; zero between their calls
  buffer<kernel::pixel_word> filled_{layout::filled_words};
  std::array<bool, static_cast<std::size_t>(layout::capacity)> through_{};
  std::uint64_t dropout_key_ = 0;
};

}  // namespace calotype::nn
