// Gradients of a batch of a network with batch_norm: all events do a step before one does the next, on a few
// threads of the host. Every event has activations of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <calotype/core/parallel.hpp>
#include <calotype/kernel/arithmetic.hpp>
#include <calotype/kernel/element/batch_norm.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/normalised_engine.hpp>
#include <calotype/train/batch_engine.hpp>

namespace calotype::train {

// The engine of train/batch_engine.hpp for whole batches of one process.
//
//   keep(numbers)  puts the running means and variances with those of the last batch of sums() into a list that
//                  a trainer keeps (nn::trained_numbers)
template <class Net, class Policy, std::uint64_t Signature>
requires(nn::plan_of<Net>.normalised_channels() > 0 &&
         requires { kernel::ops<Policy>::normalises_batches; }) class batch_engine<Net, Policy, Signature> {
 public:
  using ops = kernel::ops<Policy>;
  using real = typename ops::real_type;
  using buffer = typename ops::buffer;
  using trained = nn::trained_numbers<Net>;
  static constexpr auto const& plan = nn::plan_of<Net>;
  static constexpr int outputs = plan.shape(plan.result).channels;
  using logits_type = std::array<real, static_cast<std::size_t>(outputs)>;
  static constexpr bool takes_whole_batches = true;

  batch_engine(Policy policy, nn::model<Net> const& m, int threads, std::size_t /*batch*/)
      : policy_(policy),
        threads_(threads),
        tables_(feed_type::tables_of(m)),
        parameters_(trained::parameters),
        packed_(true) {}

  void use(buffer const& numbers) {
    forwarded_.clear();
    numbers_ = numbers.data();
    ops::to_host(policy_, trained::parameters, numbers_, parameters_.data());
    for (int i = 0; i < steps; ++i) {  // the shift comes after normalisation
      for (int c = 0; plan.at(i).normalised && c < plan.shape(plan.at(i).out).channels; ++c) {
        parameters_.data()[trained::shift(i) + static_cast<std::size_t>(c)] = 0;
      }
    }
    packed_.pack(parameters_.data());
  }

  template <class Data, class Key, class Receive>
  void logits(Data const& data, std::span<std::size_t const> batch, std::span<std::size_t const> places,
              Key key, Receive receive) {
    forward(data, batch, key);
    for (std::size_t k = 0; k < places.size(); ++k) receive(k, logits_of(places[k]));
  }

  template <class Data, class Key, class Slope>
  bool sums(Data const& data, std::span<std::size_t const> batch, std::size_t /*first*/, std::size_t /*behind*/,
            bool /*alone*/, Key key, Slope slope, std::vector<buffer>& sums) {
    std::size_t const n = batch.size();
    // What logits() has found of the same events is there.
    if (!std::equal(batch.begin(), batch.end(), forwarded_.begin(), forwarded_.end()))
      forward(data, batch, key);
    forwarded_.clear();
    each(n, [&](std::size_t k) {
      auto const of_event = slope(k, logits_of(k));
      ops::to_policy(policy_, of_event.size(), of_event.data(), events_[k]->engine.logit_gradient());
    });
    nn::detail::for_each_index<steps>([&](auto i) { this->template backward<steps - 1 - i>(n); });
    for (std::size_t width = 1; width < n; width *= 2) {  // (0+1) + (2+3) ...
      std::size_t const pairs = (n - width + 2 * width - 1) / (2 * width);
      each(pairs, [&](std::size_t k) {
        ops::add(policy_, trained::size, events_[2 * k * width + width]->gradients.data(),
                 events_[2 * k * width]->gradients.data());
      });
    }
    detail::make_room(trained::size, sums[0]);
    std::swap(sums[0], events_[0]->gradients);
    nn::detail::for_each_index<steps>([&](auto i) {
      if constexpr (plan.at(i).normalised) {
        channels const& of = channels_[i];
        for (std::size_t c = 0; c < of.count; ++c) {
          sums[0].data()[trained::shift(i) + c] = of.shift_slope[c];
          sums[0].data()[trained::scale(i) + c] = of.scale_slope[c];
        }
      }
    });
    return true;
  }

  void keep(buffer& numbers) const {
    constexpr auto part = static_cast<real>(nn::batch_norm_momentum);
    auto const move = [](real& running, real batch) {
      running = kernel::fma(part, kernel::add(batch, -running), running);
    };
    for (int i = 0; i < steps; ++i) {
      channels const& of = channels_[static_cast<std::size_t>(i)];
      for (std::size_t c = 0; c < of.count; ++c) {
        move(numbers.data()[trained::mean(i) + c], of.mean[c]);
        move(numbers.data()[trained::variance(i) + c], of.variance[c]);
      }
    }
  }

 private:
  static constexpr int steps = plan.step_count;
  static constexpr auto most_channels = [] {
    int most = 0;
    for (int i = 0; i < steps; ++i) {
      if (plan.at(i).normalised) most = std::max(most, plan.shape(plan.at(i).out).channels);
    }
    return static_cast<std::size_t>(most);
  }();
  using engine_type = nn::normalised_engine<Net, Policy>;
  using feed_type = nn::feed<Net, Policy, engine_type>;
  static_assert(nn::detail::in_host_memory<Policy>);

  struct event {
    event(Policy policy, std::shared_ptr<typename feed_type::tables_type const> const& tables)
        : engine(policy), feed(policy, tables), gradients(trained::size), sums(2 * most_channels) {}
    engine_type engine;
    feed_type feed;
    buffer gradients;
    std::vector<double> sums;  // of a step's channels
  };

  // The channels of a normalised step, in whole blocks of 16; variance: as the running one takes it.
  struct channels {
    void resize(std::size_t n) {
      count = n;
      for (auto* list : {&mean, &inverse, &scale, &shift, &variance, &shift_slope, &scale_slope, &mean_slope,
                         &mean_product}) {
        list->resize((n + 15) / 16 * 16);
      }
    }
    kernel::channel_norm<real> norm() const {
      return {mean.data(), inverse.data(), scale.data(), shift.data()};
    }
    kernel::channel_slope<real> slope() const { return {mean_slope.data(), mean_product.data()}; }
    std::size_t count = 0;
    std::vector<real> mean, inverse, scale, shift, variance, shift_slope, scale_slope, mean_slope, mean_product;
  };

  // work(event) for n events, by all threads.
  template <class Work>
  void each(std::size_t n, Work work) {
    for_each_item(threads_, n, [&](int, std::size_t k) { work(k); });
  }

  logits_type logits_of(std::size_t k) {
    logits_type host{};
    ops::to_host(policy_, host.size(), events_[k]->engine.logits(), host.data());
    return host;
  }

  // Sums of the events, in their order: total[i] = sum of what event k put to sums[i].
  std::vector<double> total(std::size_t n, std::size_t numbers) const {
    std::vector<double> all(numbers);
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < numbers; ++i) all[i] += events_[k]->sums[i];
    }
    return all;
  }

  template <class Data, class Key>
  void forward(Data const& data, std::span<std::size_t const> samples, Key key) {
    std::size_t const n = samples.size();
    while (events_.size() < n) events_.push_back(std::make_unique<event>(policy_, tables_));
    each(n, [&](std::size_t k) {
      engine_type& engine = events_[k]->engine;
      events_[k]->feed(data.sample(samples[k]), engine);
      engine.begin(key(samples[k]));
    });
    nn::detail::for_each_index<steps>([&](auto i) {
      if constexpr (plan.at(i).normalised) {
        this->template normalise<i>(n);
      } else {
        each(n, [&](std::size_t k) { events_[k]->engine.template forward_step<i>(packed_); });
      }
    });
    forwarded_.assign(samples.begin(), samples.end());
  }

  template <int Step>
  void normalise(std::size_t n) {
    constexpr kernel::map_shape shape = plan.shape(plan.at(Step).out);
    constexpr auto count = static_cast<std::size_t>(shape.channels);
    channels& of = channels_[Step];
    of.resize(count);
    each(n,
         [&](std::size_t k) { events_[k]->engine.template convolve<Step>(packed_, events_[k]->sums.data()); });
    double const pixels = static_cast<double>(n) * shape.rows * shape.cols;
    auto const sum = total(n, count);
    for (std::size_t c = 0; c < count; ++c) {
      of.mean[c] = static_cast<real>(sum[c] / pixels);
      of.scale[c] = numbers_[trained::scale(Step) + c];
      of.shift[c] = numbers_[trained::shift(Step) + c];
    }
    each(n, [&](std::size_t k) {
      events_[k]->engine.template squares<Step>(of.mean.data(), events_[k]->sums.data());
    });
    auto const squares = total(n, count);
    for (std::size_t c = 0; c < count; ++c) {
      of.inverse[c] = static_cast<real>(
          kernel::divide(1.0, kernel::square_root(squares[c] / pixels + nn::batch_norm_epsilon)));
      of.variance[c] = static_cast<real>(squares[c] / (pixels > 1 ? pixels - 1 : 1));
    }
    each(n, [&](std::size_t k) { events_[k]->engine.template normalise<Step>(of.norm()); });
  }

  template <int Step>
  void backward(std::size_t n) {
    if constexpr (plan.at(Step).normalised) {
      constexpr kernel::map_shape shape = plan.shape(plan.at(Step).out);
      channels& of = channels_[Step];
      each(n, [&](std::size_t k) {
        events_[k]->engine.template slopes<Step>(of.norm(), events_[k]->sums.data());
      });
      double const pixels = static_cast<double>(n) * shape.rows * shape.cols;
      auto const sum = total(n, 2 * of.count);
      for (std::size_t c = 0; c < of.count; ++c) {
        of.shift_slope[c] = static_cast<real>(sum[c]);
        of.scale_slope[c] = static_cast<real>(sum[of.count + c]);
        of.mean_slope[c] = static_cast<real>(sum[c] / pixels);
        of.mean_product[c] = static_cast<real>(sum[of.count + c] / pixels);
      }
      each(n, [&](std::size_t k) {
        events_[k]->engine.template gradient<Step>(packed_, of.norm(), of.slope(),
                                                   events_[k]->gradients.data());
      });
    } else {
      each(n, [&](std::size_t k) {
        events_[k]->engine.template backward_step<Step>(packed_, parameters_.data(),
                                                        events_[k]->gradients.data());
      });
    }
  }

  [[no_unique_address]] Policy policy_;
  int threads_;
  std::shared_ptr<typename feed_type::tables_type const> tables_;
  buffer parameters_;  // with shifts of 0
  nn::packed_parameters<Net, Policy> packed_;
  real const* numbers_ = nullptr;
  std::vector<std::unique_ptr<event>> events_;
  std::vector<std::size_t> forwarded_;  // whose activations the first of events_ hold, all of this batch's
  std::array<channels, static_cast<std::size_t>(steps)> channels_;
};

}  // namespace calotype::train
