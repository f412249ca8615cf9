// One number for the bits of every part of the library that promises them; compared between instruction sets,
// between optimisation levels and between ways of contracting. Internal to each translation unit, so that what
// is compared is what that unit's flags made.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/calotype.hpp>
#include <calotype/core/random.hpp>
#include <calotype/exec/pool.hpp>
#include <calotype/image/image.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/train/trainer.hpp>

namespace {

namespace ct = calotype;

struct named_digest {
  char const* part;
  std::uint64_t bits;
};

inline std::uint64_t digest_of_functions() {
  ct::hasher h;
  ct::stream numbers(1, 2, 3);
  for (int i = 0; i < 4096; ++i) {
    float const x = numbers.uniform(-8.0F, 8.0F);
    h.add(ct::math::exp(x))
        .add(ct::math::log(x * x))
        .add(ct::math::sin(x))
        .add(ct::math::cos(x))
        .add(ct::math::atan(x));
    h.add(numbers.normal()).add(numbers.exponential()).add(numbers.poisson(3.5)).add(numbers.gamma(2.5));
  }
  return h.value();
}

template <class Segmentation>
void add_hits(ct::event& e, ct::stream& numbers, int count) {
  auto& hits = e.hit_lists[static_cast<std::size_t>(Segmentation::collection)];
  for (int i = 0; i < count; ++i) {
    int const cell = static_cast<int>(numbers.below(static_cast<std::uint32_t>(Segmentation::size())));
    hits.push_back({Segmentation::pack(cell), numbers.exponential()});
  }
  std::sort(hits.begin(), hits.end(), [](ct::hit const& a, ct::hit const& b) { return a.id < b.id; });
  hits.erase(
      std::unique(hits.begin(), hits.end(), [](ct::hit const& a, ct::hit const& b) { return a.id == b.id; }),
      hits.end());
}

inline ct::event invented_event(std::uint64_t number) {
  ct::stream numbers(7, number, 11);
  ct::event e;
  e.number = number;
  add_hits<ct::segmentation<ct::cms::eb>>(e, numbers, 700);
  add_hits<ct::segmentation<ct::cms::ee>>(e, numbers, 400);
  add_hits<ct::segmentation<ct::cms::hb>>(e, numbers, 60);
  add_hits<ct::segmentation<ct::cms::he>>(e, numbers, 60);
  for (int i = 0; i < 80; ++i) {
    e.track_list.push_back({.pt = 0.5F + numbers.exponential(),
                            .eta = numbers.uniform(-2.5F, 2.5F),
                            .phi = numbers.uniform(-3.14F, 3.14F),
                            .charge = i % 2 == 0 ? 1.0F : -1.0F});
  }
  e.photon_list = {{.et = 60, .eta = 0.5F, .phi = 1, .energy = 67.66F},
                   {.et = 40, .eta = -0.25F, .phi = -1.5F, .energy = 41.3F}};
  return e;
}

template <class Image, class Policy>
std::uint64_t digest_of_images() {
  ct::hasher h;
  for (std::uint64_t i = 0; i < 3; ++i) {
    ct::image const made = ct::make_image<Image, Policy>(invented_event(i));
    for (float pixel : made.pixels()) h.add(pixel);
  }
  return h.value();
}

template <class Net, class Policy>
std::uint64_t digest_of_scores(int events, Policy policy = {}) {
  auto const model = ct::nn::model<Net>::random(5);
  ct::session<Net, Policy> score(model, policy);
  ct::hasher h;
  for (int i = 0; i < events; ++i) {
    for (float p : score(invented_event(static_cast<std::uint64_t>(i)))) h.add(p);
    for (float logit : score.logits()) h.add(logit);
  }
  return h.value();
}

struct invented_events {
  std::vector<ct::event> events;
  std::size_t size() const { return events.size(); }
  ct::event const& sample(std::size_t i) const { return events[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t) const { return 1; }
};

// Two optimiser steps of five events; the number of threads must not show.
template <class Net, class Policy>
std::uint64_t digest_of_training(int threads) {
  invented_events data;
  for (std::uint64_t i = 0; i < 10; ++i) data.events.push_back(invented_event(i));
  ct::train::options settings;
  settings.batch_size = 5;
  settings.threads = threads;
  ct::train::trainer<Net, Policy> trainer(ct::nn::model<Net>::random(5), settings);
  ct::hasher h;
  h.add(trainer.epoch(data, [](std::size_t, std::size_t, double) {}));
  auto const model = trainer.model();
  for (float p : model.parameters()) h.add(p);
  return h.value();
}

[[maybe_unused]] std::vector<named_digest> digests() {
  using namespace ct::models;
  using arch = ct::exec::best_arch;
  using direct = ct::exec::cpu<>;
  using winograd = ct::exec::cpu<arch, ct::exec::single, ct::exec::winograd>;
  using scalar = ct::exec::scalar;
  using threads = ct::exec::cpu<arch, ct::exec::pool>;
  using winograd_threads = ct::exec::cpu<arch, ct::exec::pool, ct::exec::winograd>;
  return {{"functions and random numbers", digest_of_functions()},
          {"images, central, cpu", digest_of_images<barrel_image, direct>()},
          {"images, central, scalar", digest_of_images<barrel_image, scalar>()},
          {"images, ECAL-centric, cpu", digest_of_images<ecal_centric_image, direct>()},
          {"images, HCAL-centric, cpu", digest_of_images<hcal_centric_image, direct>()},
          {"scores of cms-b, cpu", digest_of_scores<cms_b, direct>(3)},
          {"scores of cms-b, cpu, two threads", digest_of_scores<cms_b, threads>(3, {.threads = {.count = 2}})},
          {"scores of cms-b, scalar", digest_of_scores<cms_b, scalar>(3)},
          {"scores of cms-b, winograd", digest_of_scores<cms_b, winograd>(3)},
          {"scores of cms-b, winograd, two threads",
           digest_of_scores<cms_b, winograd_threads>(3, {.threads = {.count = 2}})},
          {"scores of cms-i, cpu", digest_of_scores<cms_i, direct>(2)},
          {"scores of cms-i, winograd", digest_of_scores<cms_i, winograd>(2)},
          {"scores of four-momentum, cpu", digest_of_scores<four_momentum, direct>(3)},
          {"training of eb, cpu, one thread", digest_of_training<eb, direct>(1)},
          {"training of eb, cpu, two threads", digest_of_training<eb, direct>(2)},
          {"training of eb, winograd, two threads", digest_of_training<eb, winograd>(2)}};
}

}  // namespace
