// calotype as one of the engines that scripts/figures measures (protocol.hpp).
//
//   peers_calotype --prepare FOLDER   writes what all engines read: weights and images
//   peers_calotype FOLDER             answers requests
//
// Tasks: infer, events (from hits), train, build (images from hits), peak (multiply-adds in registers),
// hop (a cache line from thread to thread).
#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "contestants.hpp"
#include "events.hpp"

#include <calotype/core/random.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/image.hpp>
#include <calotype/io/safetensors.hpp>
#include <calotype/kernel/cpu/simd.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace peers {

namespace {

void write_numbers(std::string const& path, std::span<float const> numbers) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<char const*>(numbers.data()),  // NOLINT: bytes of floats
             static_cast<std::streamsize>(numbers.size_bytes()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

template <class Net>
void write_weights(std::string const& path) {
  auto const model = ct::nn::model<Net>::random(seed);
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  std::vector<ct::io::tensor_view> tensors;
  for (int i = 0; i < plan.parameter_count; ++i) {
    auto const& p = plan.parameter_at(i);
    tensors.push_back({.name = std::string(p.name()),
                       .shape = {p.extent.begin(), p.extent.begin() + p.rank},
                       .values = model.parameters().subspan(static_cast<std::size_t>(p.offset),
                                                            static_cast<std::size_t>(p.size()))});
  }
  if (auto outcome = ct::io::write_safetensors(path, tensors, {}, {.force = true}); !outcome) {
    throw std::runtime_error(outcome.error()->what);
  }
}

// Uniform noise: no pixel is zero.
template <class Net>
void write_dense(std::string const& folder) {
  std::vector<float> numbers(events_of_a_set * ct::nn::input_size<Net>());
  ct::stream draw(seed, 0, 1);
  for (float& x : numbers) x = 0.05F + 0.95F * draw.uniform();
  write_numbers(folder + "/" + Net::name + "-dense.f32", numbers);
}

template <class Net>
void write_recorded(std::string const& folder) {
  using input = typename Net::input;
  ct::image picture = ct::image::of<input>();
  ct::image_builder<input> builder;
  std::vector<float> numbers;
  for (ct::event const& e : recorded_events()) {
    builder.build(e, picture.target<input>());
    numbers.insert(numbers.end(), picture.pixels().begin(), picture.pixels().end());
  }
  if (!numbers.empty()) write_numbers(folder + "/" + Net::name + "-recorded.f32", numbers);
}

void prepare(std::string const& folder) {
  write_weights<eb>(folder + "/weights-1.safetensors");
  write_weights<cms_b>(folder + "/weights-3.safetensors");
  write_dense<eb>(folder);
  write_dense<cms_b>(folder);
  write_dense<cms_ii>(folder);
  write_dense<jet>(folder);
  write_dense<tiny>(folder);
  write_recorded<eb>(folder);
  write_recorded<cms_b>(folder);
  write_recorded<cms_ii>(folder);
}

// An event becomes a dense hcal-centric image.
class image_building final : public contestant {
 public:
  explicit image_building(std::vector<ct::event> events) : events_(std::move(events)) {
    if (events_.empty()) throw std::runtime_error("no recorded events");
  }
  std::size_t inputs() const override { return events_.size(); }
  void load(std::size_t i) override { event_ = &events_[i]; }
  void run() override { builder_.build(*event_, picture_.target<hcal_centric_image>()); }
  std::vector<float> outputs() override {  // the sum of every image
    std::vector<float> sums;
    for (std::size_t i = 0; i < inputs(); ++i) {
      load(i);
      run();
      double sum = 0;
      for (float x : picture_.pixels()) sum += static_cast<double>(x);
      sums.push_back(static_cast<float>(sum));
    }
    return sums;
  }

 private:
  std::vector<ct::event> events_;
  ct::event const* event_ = nullptr;
  ct::image picture_ = ct::image::of<hcal_centric_image>();
  ct::image_builder<hcal_centric_image> builder_;
};

// Independent chains of multiply-adds in registers, no memory: what a core can do, and a loop that nothing but
// the machine can disturb.
class peak final : public contestant {
 public:
  double work() const override { return 2.0 * v::lanes * chains * rounds; }
  void run() override {
    ct::kernel::cpu::vec<arch> sum[chains];
    CALOTYPE_UNROLL for (int i = 0; i < chains; ++i) sum[i] = v::broadcast(1e-3F * static_cast<float>(i));
    ct::kernel::cpu::vec<arch> x = v::broadcast(0.999F), y = v::broadcast(1e-3F);
    for (int k = 0; k < rounds; ++k) {
      CALOTYPE_UNROLL for (int i = 0; i < chains; ++i) sum[i] = v::fma(sum[i], x, y);
      asm volatile("" ::: "memory");
    }
    CALOTYPE_UNROLL for (int i = 1; i < chains; ++i) sum[0] = v::add(sum[0], sum[i]);
    v::store(out_.data(), sum[0]);
    asm volatile("" ::"r"(out_.data()) : "memory");
  }
  std::vector<float> outputs() override {
    run();
    return {out_.begin(), out_.end()};
  }

 private:
  using arch = ct::exec::best_arch;
  using v = ct::kernel::cpu::simd<arch>;
  static constexpr int chains = v::registers == 32 ? 24 : 12;
  static constexpr int rounds = 100'000;
  alignas(64) std::array<float, static_cast<std::size_t>(v::lanes)> out_{};
};

// A cache line that two threads hand to each other: what they pay for all that they share.
class handing_over final : public contestant {
 public:
  double work() const override { return hops; }
  void run() override {
    std::atomic<int> turn{0};
    std::thread other([&turn] { play(turn, 1); });
    play(turn, 0);
    other.join();
  }
  std::vector<float> outputs() override { return {}; }

 private:
  static constexpr int hops = 20'000;
  static void play(std::atomic<int>& turn, int mine) {
    for (int i = mine; i < hops; i += 2) {
      while (turn.load(std::memory_order_acquire) != i) {}
      turn.store(i + 1, std::memory_order_release);
    }
  }
};

std::vector<ct::event> events_called(std::string const& name) {
  if (name == "recorded") return recorded_events();
  if (name != "uniform") throw std::runtime_error("no events are called " + name);
  std::vector<ct::event> all;
  for (std::size_t i = 0; i < events_of_a_set; ++i) all.push_back(uniform_event(i));
  return all;
}

std::unique_ptr<contestant> make(request const& r, std::string const& folder) {
  if (r.task == "peak") return std::make_unique<peak>();
  if (r.task == "hop") return std::make_unique<handing_over>();
  if (r.task == "build") return std::make_unique<image_building>(events_called(r.images));
  if (r.task == "train") return make_training(r, folder);
  if (r.task != "infer" && r.task != "events") throw std::runtime_error("no task is called " + r.task);
  if (r.variant == "dispatched") return make_dispatched_inference(r, folder);
  if (r.net == eb::name) return make_inference<eb>(r, folder);
  if (r.net == cms_b::name) return make_inference<cms_b>(r, folder);
  if (r.net == cms_ii::name) return make_inference<cms_ii>(r, folder);
  if (r.net == jet::name) return make_inference<jet>(r, folder);
  if (r.net == tiny::name) return make_inference<tiny>(r, folder);
  throw std::runtime_error("no network is called " + r.net);
}

}  // namespace

}  // namespace peers

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string(argv[1]) == "--prepare") {
      peers::prepare(argv[2]);
      return 0;
    }
    if (argc == 2) {
      std::string const folder = argv[1];
      return peers::serve([&](peers::request const& r) { return peers::make(r, folder); });
    }
    std::fputs("usage: peers_calotype [--prepare] FOLDER\n", stderr);
  } catch (std::exception const& e) { std::fprintf(stderr, "peers_calotype: %s\n", e.what()); }
  return 1;
}
