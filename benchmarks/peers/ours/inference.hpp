// The definition behind make_inference (contestants.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "contestants.hpp"
#include "events.hpp"

#include <calotype/exec/pool.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/nn/session.hpp>

namespace peers {

template <class Net>
constexpr double operations = 2.0 * static_cast<double>(ct::nn::plan_of<Net>.multiply_adds());

template <class Scores>
void append(std::vector<float>& to, Scores const& logits) {
  to.insert(to.end(), logits.begin(), logits.end());
}

// One image a call; the caller has it in memory of its own.
template <class Net, class Policy>
class one_image final : public contestant {
 public:
  one_image(std::vector<float> images, Policy policy)
      : images_(std::move(images)), here_(size), score_(ct::nn::model<Net>::random(seed), policy) {}
  double work() const override { return operations<Net>; }
  std::size_t inputs() const override { return images_.size() / size; }
  void load(std::size_t i) override { std::copy_n(&images_[i * size], size, here_.begin()); }
  void run() override { score_(std::span<float const>(here_)); }
  std::vector<float> outputs() override {
    std::vector<float> all;
    for (std::size_t i = 0; i < inputs(); ++i) {
      load(i);
      run();
      append(all, score_.logits());
    }
    return all;
  }

 private:
  static constexpr std::size_t size = ct::nn::input_size<Net>();
  std::vector<float> images_, here_;
  ct::session<Net, Policy> score_;
};

// One event a call, from its hits.
template <class Net, class Policy>
class one_event final : public contestant {
 public:
  explicit one_event(Policy policy) : score_(ct::nn::model<Net>::random(seed), policy) {
    if (recorded_events().empty()) throw std::runtime_error("no recorded events");
  }
  double work() const override { return operations<Net>; }
  std::size_t inputs() const override { return recorded_events().size(); }
  void load(std::size_t i) override { event_ = &recorded_events()[i]; }
  void run() override { score_(*event_); }
  std::vector<float> outputs() override {
    std::vector<float> all;
    for (std::size_t i = 0; i < inputs(); ++i) {
      load(i);
      run();
      append(all, score_.logits());
    }
    return all;
  }

 private:
  ct::event const* event_ = nullptr;
  ct::session<Net, Policy> score_;
};

// A batch of images a call, eight at a time, each thread with a session of its own.
template <class Net, class Policy>
class image_batch final : public contestant {
 public:
  image_batch(std::vector<float> images, int batch, int threads)
      : images_(std::move(images)), scores_(static_cast<std::size_t>(batch)), team_(threads) {
    if (images_.size() < scores_.size() * size) throw std::runtime_error("not as many images");
    auto const model = ct::nn::model<Net>::random(seed);
    for (int t = 0; t < threads; ++t) {
      score_.push_back(std::make_unique<ct::session<Net, Policy>>(model, Policy{}, static_cast<int>(together)));
    }
  }
  double work() const override { return operations<Net> * static_cast<double>(scores_.size()); }
  void run() override {
    team_.each(static_cast<int>((scores_.size() + together - 1) / together), [this](int worker, int part) {
      std::size_t const first = static_cast<std::size_t>(part) * together;
      std::size_t const count = std::min(together, scores_.size() - first);
      (*score_[static_cast<std::size_t>(worker)])(
          std::span<float const>(images_).subspan(first * size, count * size),
          std::span(scores_).subspan(first, count));
    });
  }
  // Logits, like everybody's; a session keeps those of its last input only.
  std::vector<float> outputs() override {
    std::vector<float> all;
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      (*score_[0])(std::span<float const>(images_).subspan(i * size, size));
      append(all, score_[0]->logits());
    }
    return all;
  }

 private:
  static constexpr std::size_t size = ct::nn::input_size<Net>();
  static constexpr std::size_t together = 8;
  std::vector<float> images_;
  std::vector<typename ct::session<Net, Policy>::scores> scores_;
  std::vector<std::unique_ptr<ct::session<Net, Policy>>> score_;
  ct::exec::team team_;
};

template <class Net, class Policy>
std::unique_ptr<contestant> make_with(request const& r, std::string const& folder, Policy policy) {
  if (r.task == "events") {
    if constexpr (ct::nn::input_traits<typename Net::input>::is_whole_image) {
      return std::make_unique<one_event<Net, Policy>>(policy);
    } else {
      throw std::runtime_error("no event becomes an image of " + r.net);
    }
  }
  return std::make_unique<one_image<Net, Policy>>(read_images(folder, r), policy);
}

template <class Net>
std::unique_ptr<contestant> make_inference_of(request const& r, std::string const& folder) {
  using arch = ct::exec::best_arch;
  using direct = ct::exec::cpu<arch, ct::exec::single, ct::exec::direct>;
  using winograd = ct::exec::cpu<arch, ct::exec::single, ct::exec::winograd>;
  bool const is_direct = r.variant == "direct";
  if (!is_direct && r.variant != "winograd") throw std::runtime_error("no arithmetic is called " + r.variant);
  if (r.batch > 1) {
    auto images = read_images(folder, r);
    if (is_direct) return std::make_unique<image_batch<Net, direct>>(std::move(images), r.batch, r.threads);
    return std::make_unique<image_batch<Net, winograd>>(std::move(images), r.batch, r.threads);
  }
  if (r.threads > 1) {
    if (is_direct) throw std::runtime_error("direct is measured on one thread only");
    using pool = ct::exec::cpu<arch, ct::exec::pool, ct::exec::winograd>;
    return make_with<Net>(r, folder, pool{ct::exec::pool{r.threads}});
  }
  return is_direct ? make_with<Net>(r, folder, direct{}) : make_with<Net>(r, folder, winograd{});
}

}  // namespace peers
