// exec::cuda on this machine's device: checks a network against the scalar reference, fp32 bit for bit and what
// runs on tensor cores within bounds, then times it. A line of JSON for each figure; exit status 1 where a
// check fails. The network is the macro CALOTYPE_NETWORK, so that several are compiled at once. For nvcc;
// scripts/figures gpu runs it.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include <cuda_runtime.h>

#include <calotype/core/random.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/event.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/nn/cuda_session.hpp>
#include <calotype/train/cuda.hpp>
#include <calotype/train/trainer.hpp>

// With names of their own: what a network does not use would be complained about.
namespace bench {

// The jet paper's network on its image of three channels.
struct jets {
  struct input {
    static constexpr auto tensor() { return std::array{calotype::kernel::map_shape{3, 125, 125}}; }
  };
  static constexpr auto classes() { return calotype::labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return calotype::nn::resnet15(); }
};

// Events in turns of the classes, made beforehand.
struct training_events {
  std::vector<calotype::event> all;
  std::size_t size() const { return all.size(); }
  calotype::event const& sample(std::size_t i) const { return all[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
};

}  // namespace bench

namespace {

namespace ct = calotype;
template <class Precision>
using policy = ct::exec::cuda<Precision>;
using device = ct::kernel::device<ct::exec::on_device>;
template <class T>
using array = ct::kernel::device_array<T, ct::exec::on_device>;

template <class Net>
constexpr char const* name_of() {
  namespace m = ct::models;
  if constexpr (std::is_same_v<Net, m::eb>) return "eb";
  if constexpr (std::is_same_v<Net, m::cms_b>) return "cms-b";
  if constexpr (std::is_same_v<Net, m::cms_ii>) return "cms-ii";
  return "jets";
}

// What scores of a model that has learned nothing may be off by: nothing, or some times what they are in
// emulation (6e-6 to 3e-5).
template <class Precision>
struct told;
template <>
struct told<ct::exec::fp32> {
  static constexpr char const* name = "fp32";
  static constexpr float error = 0;
};
template <>
struct told<ct::exec::tf32> {
  static constexpr char const* name = "tf32";
  static constexpr float error = 1e-4F;
};
template <>
struct told<ct::exec::fp16> {
  static constexpr char const* name = "fp16";
  static constexpr float error = 1e-4F;
};
template <>
struct told<ct::exec::bf16> {
  static constexpr char const* name = "bf16";
  static constexpr float error = 1e-3F;
};

// The largest difference of two lists of scores or logits; NaN counts as infinite.
template <class List, class Other>
float off(List const& a, Other const& b) {
  float most = 0;
  for (std::size_t k = 0; k < std::size(a); ++k) {
    float const d = std::abs(a[k] - b[k]);
    most = d >= 0 ? std::max(most, d) : std::numeric_limits<float>::infinity();
  }
  return most;
}

constexpr int host_threads = 8;  // that list what events show
constexpr float filled = 0.04F;  // of the pixels, as where the peers were measured

template <class Net>
std::vector<float> images(std::size_t count, std::uint64_t seed) {
  std::vector<float> numbers(count * ct::nn::input_size<Net>());
  ct::stream draw(seed, 0, 1);
  for (float& x : numbers) x = draw.uniform() < filled ? draw.uniform() : 0.0F;
  return numbers;
}

// Mean seconds of a call of many, after some that are not counted; wait(): until the device has done them.
template <class Call, class Wait>
double seconds_of(Call call, Wait wait) {
  using clock = std::chrono::steady_clock;
  for (int i = 0; i < 3; ++i) call();
  wait();
  for (int calls = 4;; calls *= 4) {
    auto const start = clock::now();
    for (int i = 0; i < calls; ++i) call();
    wait();
    double const seconds = std::chrono::duration<double>(clock::now() - start).count();
    if (seconds > 0.3) return seconds / calls;
  }
}

// An event with as many hits and tracks as recorded ones have.
ct::event some_event(std::uint64_t number) {
  ct::event e;
  ct::stream draw(31, number, 6);
  auto hits = [&]<class D>(std::type_identity<D>, int n) {
    using cells = ct::segmentation<D>;
    int const apart = cells::size() / n;
    for (int cell = 0; cell + apart <= cells::size(); cell += apart) {
      int const at = cell + static_cast<int>(draw.below(static_cast<std::uint32_t>(apart)));
      e.hit_lists[cells::collection].push_back({cells::pack(at), draw.uniform(0.1F, 4.0F)});
    }
  };
  hits(std::type_identity<ct::cms::eb>{}, 320);
  hits(std::type_identity<ct::cms::ee>{}, 280);
  hits(std::type_identity<ct::cms::hb>{}, 36);
  for (int i = 0; i < 105; ++i) {
    e.track_list.push_back({5 * draw.uniform(), draw.uniform(-2.5F, 2.5F), draw.uniform(-3.14F, 3.14F)});
  }
  e.photon_list = {{60, 0.3F, 0.1F, 62}, {50, -0.5F, 2.9F, 56}};
  return e;
}

// Fresh inputs and events with scores of the reference, which does not depend on a precision and takes most of
// a second for an event.
template <class Net>
struct references {
  using scores = typename ct::session<Net, ct::exec::scalar>::scores;
  static constexpr std::size_t count = 600;
  static constexpr std::array<std::size_t, 4> places{0, 1, count / 2, count - 1};
  static constexpr bool reads_events = ct::nn::input_traits<typename Net::input>::is_whole_image;

  std::vector<float> inputs;
  std::array<scores, places.size()> of_inputs{};
  std::vector<ct::event> events;
  std::vector<scores> of_events;

  references(ct::nn::model<Net> const& model, std::uint64_t seed) : inputs(images<Net>(count, seed)) {
    ct::session<Net, ct::exec::scalar> reference(model);
    for (std::size_t k = 0; k < places.size(); ++k) of_inputs[k] = reference(input(places[k]));
    if constexpr (reads_events) {
      for (std::uint64_t i = 0; i < 3; ++i) {
        events.push_back(some_event(seed + i));
        of_events.push_back(reference(events.back()));
      }
    }
  }
  std::span<float const> input(std::size_t i) const {
    constexpr std::size_t size = ct::nn::input_size<Net>();
    return std::span(inputs).subspan(i * size, size);
  }

  // How far a precision is from them: at places all over a batch, alone, and as events.
  template <class Precision>
  float error_of(ct::nn::model<Net> const& model) const {
    ct::session<Net, policy<Precision>> score(model, {}, static_cast<int>(count));
    std::vector<scores> out(count);
    for (auto& s : out) s.fill(std::numeric_limits<float>::quiet_NaN());
    score(std::span<float const>(inputs), std::span(out));
    float error = 0;
    for (std::size_t k = 0; k < places.size(); ++k) {
      error = std::max({error, off(out[places[k]], of_inputs[k]), off(score(input(places[k])), of_inputs[k])});
    }
    if constexpr (reads_events) {
      score(std::span<ct::event const>(events), std::span(out).first(events.size()));
      for (std::size_t i = 0; i < events.size(); ++i) {
        error = std::max({error, off(out[i], of_events[i]), off(score(events[i]), of_events[i])});
      }
    }
    return error;
  }
};

// From hits on the host to scores on the host, events a second; the first of them are the reference's.
template <class Net, class Precision>
double from_hits(ct::nn::model<Net> const& model, references<Net> const& known, float& error) {
  constexpr int batch = 1024, batches = 16;
  using session = ct::session<Net, policy<Precision>>;
  session score(model, {.host_threads = host_threads}, batch);
  std::vector<ct::event> events = known.events;
  for (std::uint64_t i = events.size(); i < batches * batch; ++i) events.push_back(some_event(i));
  std::vector<typename session::scores> out(events.size());
  auto const all = [&] { score(std::span<ct::event const>(events), std::span(out)); };
  double const seconds = seconds_of(all, [] {});
  for (std::size_t i = 0; i < known.events.size(); ++i)
    error = std::max(error, off(out[i], known.of_events[i]));
  return static_cast<double>(events.size()) / seconds;
}

// Whether a network is as near the reference as its precision must be.
template <class Net, class Precision>
bool measure(std::span<references<Net> const> known) {
  auto const model = ct::nn::model<Net>::random(1);
  float error = 0;
  for (auto const& some : known) error = std::max(error, some.template error_of<Precision>(model));
  using program = ct::nn::device_program<Net, policy<Precision>, ct::nn::dense_inputs>;
  int const blocks = device::template blocks<program>();
  int const count = 8 * blocks;
  device::queue const queue;
  auto const numbers = program::pack(model.parameters().data());
  array<float> packed(numbers.size()), inputs(static_cast<std::size_t>(count) * program::input_size);
  array<float> workspace(static_cast<std::size_t>(blocks) * program::workspace_size);
  std::vector<float> results(static_cast<std::size_t>(count) * program::outputs);
  array<float> logits(results.size());
  queue.upload(numbers.size(), numbers.data(), packed.data());
  // All inputs are one, whose margins are filled too: speed does not depend on what pixels hold, as nothing is
  // left out.
  std::vector<float> one(program::input_size);
  ct::stream draw(3, 0, 1);
  constexpr std::size_t pixels = program::input_size * ct::kernel::number<Precision>::in_word;
  for (std::size_t i = 0; i < pixels; ++i) {
    ct::kernel::set_pixel<Precision>(one.data(), static_cast<int>(i),
                                     draw.uniform() < filled ? draw.uniform() : 0);
  }
  for (int i = 0; i < count; ++i) {
    queue.upload(one.size(), one.data(), inputs.data() + static_cast<std::size_t>(i) * program::input_size);
  }
  program const run{{inputs.data()}, packed.data(), workspace.data(), logits.data(), count};
  program single = run;
  single.count = 1;
  auto const wait = [&] { queue.download(1, logits.data(), results.data()); };
  auto const poison = [&] {
    results.assign(results.size(), std::numeric_limits<float>::quiet_NaN());
    queue.upload(results.size(), results.data(), logits.data());
  };
  poison();
  double const batch = seconds_of([&] { queue.launch(run, blocks); }, wait);
  queue.download(results.size(), logits.data(), results.data());
  auto const first = std::vector<float>(results.begin(), results.begin() + program::outputs);
  bool same = true;  // every event of a batch, in whatever block
  for (std::size_t i = 0; i < results.size(); ++i) same = same && results[i] == first[i % first.size()];
  poison();
  int const spread_blocks = device::template spread_blocks<program>();
  double const alone = seconds_of([&] { queue.spread(single, spread_blocks); }, wait);
  queue.download(results.size(), logits.data(), results.data());
  results.resize(first.size());
  error = std::max(error, off(results, first));
  double rate = 0;
  if constexpr (std::is_same_v<Net, ct::models::cms_ii>)
    rate = from_hits<Net, Precision>(model, known[0], error);
  bool const good = same && error <= told<Precision>::error;
  std::printf(
      "{\"network\": \"%s\", \"precision\": \"%s\", \"good\": %s, \"error\": %.3g, \"batch\": %d, "
      "\"blocks\": %d, \"shared_bytes\": %zu, \"events_per_second\": %.6g, \"one_event_us\": %.4g, "
      "\"from_hits_per_second\": %.6g}\n",
      name_of<Net>(), told<Precision>::name, good ? "true" : "false", static_cast<double>(error), count, blocks,
      program::shared_size, count / batch, 1e6 * alone, rate);
  std::fflush(stdout);
  return good;
}

// Whether training is strict: steps on a few events have the reference's bits. Then steps of 360 events are
// timed, with everything: lists of the events, forward, losses, backward, the optimiser.
template <class Net>
bool measure_training() {
  constexpr std::size_t batch = 360;
  ct::train::options o{.batch_size = batch, .threads = host_threads};
  std::vector<std::size_t> places(batch);
  std::iota(places.begin(), places.end(), std::size_t{0});
  bench::training_events data;
  for (std::uint64_t i = 0; i < batch; ++i) data.all.push_back(some_event(i));
  auto const start = ct::nn::model<Net>::random(1);
  bool good = true;
  {
    auto const few = std::span<std::size_t const>(places).first(10);
    ct::train::trainer<Net, policy<ct::exec::fp32>> ours(start, o);
    ct::train::trainer<Net, ct::exec::scalar> reference(start, o);
    for (int step = 0; step < 2; ++step) good = good && ours.step(data, few) == reference.step(data, few);
    good = good && ours.save().parameters == reference.save().parameters;
  }
  ct::train::trainer<Net, policy<ct::exec::fp32>> t(start, o);
  double const seconds = seconds_of([&] { t.step(data, places); }, [&] { t.save(); });
  std::printf(
      "{\"network\": \"%s\", \"precision\": \"fp32\", \"good\": %s, \"training_batch\": %zu, "
      "\"training_images_per_second\": %.6g}\n",
      name_of<Net>(), good ? "true" : "false", batch, static_cast<double>(batch) / seconds);
  std::fflush(stdout);
  return good;
}

}  // namespace

#if !defined(CALOTYPE_NETWORK)
#define CALOTYPE_NETWORK m::eb
#endif

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::fputs("bench_cuda: this machine has no NVIDIA device that works\n", stderr);
    return 77;
  }
  namespace m = ct::models;
  using net = CALOTYPE_NETWORK;
  auto const model = ct::nn::model<net>::random(1);
  std::vector<references<net>> known;
  for (std::uint64_t seed : {7, 8}) known.emplace_back(model, seed);
  auto const all = std::span<references<net> const>(known);
  bool good = measure<net, ct::exec::fp32>(all);
  good = measure<net, ct::exec::tf32>(all) && good;
  good = measure<net, ct::exec::fp16>(all) && good;
  if constexpr (std::is_same_v<net, m::eb>) {
    good = measure<net, ct::exec::bf16>(all) && good;
    good = measure_training<net>() && good;
  }
  return good ? 0 : 1;
}
