#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "contestants.hpp"

#include <calotype/kernel/cpu.hpp>
#include <calotype/train/trainer.hpp>

namespace peers {

namespace {

struct labelled_images {
  std::vector<float> numbers;
  std::size_t count;
  std::size_t size() const { return count; }
  std::span<float const> sample(std::size_t i) const {
    std::size_t const n = ct::nn::input_size<eb>();
    return std::span<float const>(numbers).subspan(i * n, n);
  }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
};

// One optimiser step on the same batch a call: forward, loss, backward, Adam.
template <class Arithmetic>
class training final : public contestant {
 public:
  training(std::vector<float> images, int batch, int threads)
      : data_{std::move(images), static_cast<std::size_t>(batch)},
        order_(static_cast<std::size_t>(batch)),
        trainer_(ct::nn::model<eb>::random(seed), {.threads = threads}) {
    if (data_.numbers.size() < data_.count * ct::nn::input_size<eb>())
      throw std::runtime_error("not as many images");
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }
  // Forward, and twice as much backward, but for the input of the first layer, whose gradient nobody asks for.
  double work() const override {
    constexpr auto const& p = ct::nn::plan_of<eb>;
    long long n = 3 * p.multiply_adds();
    for (int i = 0; i < p.step_count; ++i) {
      if (p.at(i).kind == ct::nn::op::conv && p.value_at(p.at(i).in).input) n -= p.conv(i).multiply_adds();
    }
    return 2.0 * static_cast<double>(n) * static_cast<double>(data_.count);
  }
  void run() override { trainer_.step(data_, order_); }
  // The losses before the first steps.
  std::vector<float> outputs() override {
    std::vector<float> losses;
    for (int i = 0; i < 4; ++i) losses.push_back(static_cast<float>(trainer_.step(data_, order_)));
    return losses;
  }

 private:
  labelled_images data_;
  std::vector<std::size_t> order_;
  ct::train::trainer<eb, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, Arithmetic>> trainer_;
};

}  // namespace

std::unique_ptr<contestant> make_training(request const& r, std::string const& folder) {
  if (r.net != eb::name) throw std::runtime_error("training is measured for EB only");
  auto images = read_images(folder, r);
  if (r.variant == "direct") {
    return std::make_unique<training<ct::exec::direct>>(std::move(images), r.batch, r.threads);
  }
  return std::make_unique<training<ct::exec::winograd>>(std::move(images), r.batch, r.threads);
}

}  // namespace peers
