// One network of the event paper against PyTorch in float64: logits and the gradient of every parameter, for
// every policy.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "calotype_tree.hpp"
#include <doctest/doctest.h>

#include <calotype/io/safetensors.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/scalar.hpp>
#include <calotype/kernel/thrust.hpp>
#include <calotype/nn/engine.hpp>
#include <calotype/nn/feed.hpp>
#include <calotype/nn/model.hpp>

namespace against_torch {

namespace ct = calotype;

struct answer {
  std::vector<float> logits, gradients;
};

// The largest difference over a tensor, as a fraction of the tensor's largest number.
inline double distance(std::span<float const> got, std::span<float const> want) {
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
    double const difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    if (!(difference <= worst)) worst = difference;  // also where it is not a number
  }
  return largest > 0 ? worst / largest : worst;
}

template <class Net, class Policy>
answer run(ct::nn::model<Net> const& model, std::vector<float> const& input, std::vector<float> const& slope) {
  using ops = ct::kernel::ops<Policy>;
  using reals = std::vector<typename ops::real_type>;
  Policy const policy{};
  auto const size = model.parameters().size();
  typename ops::buffer parameters(size), gradients(size);
  reals const weights(model.parameters().begin(), model.parameters().end());
  ops::to_policy(policy, size, weights.data(), parameters.data());
  ct::nn::packed_parameters<Net, Policy> packed(true);
  packed.pack(parameters.data());
  ct::nn::training_engine<Net, Policy> engine(policy);
  float const* numbers = input.data();
  ct::nn::detail::for_each_index<ct::nn::input_traits<typename Net::input>::planes()>([&](auto plane) {
    constexpr auto shape = ct::nn::plan_of<Net>.shape(plane);
    ops::template set_input<shape>(policy, numbers, engine.template input<plane>());
    numbers += shape.size();
  });
  auto const host = [&](std::size_t n, auto const* from) {
    reals brought(n);
    ops::to_host(policy, n, from, brought.data());
    std::vector<float> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(brought[i]);
    return out;
  };
  answer a;
  a.logits = host(slope.size(), engine.forward(packed));
  reals const given(slope.begin(), slope.end());
  ops::to_policy(policy, slope.size(), given.data(), engine.logit_gradient());
  engine.backward(packed, parameters.data(), gradients.data());
  a.gradients = host(size, gradients.data());
  return a;
}

// PyTorch judges the answer of Judged.
template <class Net, class Judged = ct::exec::scalar>
void check(std::string const& name) {
  constexpr auto const& plan = ct::nn::plan_of<Net>;
  if (std::system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0) {
    MESSAGE("SKIPPED: no PyTorch for /usr/bin/python3");
    CHECK(std::getenv("CI") == nullptr);
    return;
  }
  auto const model = ct::nn::model<Net>::random(20261124);
  std::vector<float> input(ct::nn::input_size<Net>()), slope(static_cast<std::size_t>(Net::classes().size()));
  ct::stream draw(7, 0, 1);
  // Sparse, like a detector's image; dense where the input is a handful of numbers.
  for (float& x : input) x = input.size() < 100 || draw.uniform() < 0.05f ? draw.uniform() * 4.0f - 0.5f : 0.0f;
  for (float& s : slope) s = draw.uniform() - 0.3f;

  auto const folder = std::filesystem::path(CALOTYPE_BINARY_DIR) / "reference_nn";
  std::filesystem::create_directories(folder);
  std::string const in = (folder / (name + ".in.safetensors")).string(),
                    out = (folder / (name + ".out.safetensors")).string();
  std::vector<ct::io::tensor_view> tensors;
  for (int i = 0; i < plan.parameter_count; ++i) {
    auto const& p = plan.parameter_at(i);
    tensors.push_back(
        {std::string(p.name()),
         {p.extent.begin(), p.extent.begin() + p.rank},
         model.parameters().subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size()))});
  }
  std::size_t at = 0;
  for (int p = 0; p < ct::nn::input_traits<typename Net::input>::planes(); ++p) {
    auto const shape = ct::nn::input_traits<typename Net::input>::plane(p);
    auto const n = static_cast<std::size_t>(shape.size());
    std::vector<std::uint64_t> extent{static_cast<std::uint64_t>(shape.channels)};
    if (!shape.is_vector()) {
      extent.push_back(static_cast<std::uint64_t>(shape.rows));
      extent.push_back(static_cast<std::uint64_t>(shape.cols));
    }
    tensors.push_back({"input." + std::to_string(p), extent, std::span<float const>(input).subspan(at, n)});
    at += n;
  }
  tensors.push_back({"logit_gradient", {slope.size()}, slope});
  auto const written = ct::io::write_safetensors(in, tensors, {}, {.force = true});
  REQUIRE(written);
  std::string const command =
      "/usr/bin/python3 " CALOTYPE_SOURCE_DIR "/tests/reference/nn/oracle.py " + name + " " + in + " " + out;
  REQUIRE(std::system(command.c_str()) == 0);
  auto const torch = ct::io::read_safetensors(out);
  REQUIRE(torch);

  auto const judged = run<Net, Judged>(model, input, slope);
  double const forward = distance(judged.logits, torch->find("logits")->values);
  double backward = 0;
  std::string worst;
  for (int i = 0; i < plan.parameter_count; ++i) {
    auto const& p = plan.parameter_at(i);
    auto const got = std::span<float const>(judged.gradients)
                         .subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size()));
    double const d = distance(got, torch->find("gradient." + std::string(p.name()))->values);
    if (d > backward) {
      backward = d;
      worst = std::string(p.name());
    }
  }
  MESSAGE(name, ": forward ", forward, ", gradients ", backward, " (", worst, ")");
  CHECK(forward < 1e-6);
  CHECK(backward < 1e-5);

  auto const scalar = run<Net, ct::exec::scalar>(model, input, slope);
  auto same = [&](answer const& other, char const* policy) {
    INFO(name, " under ", policy);
    CHECK(other.logits == scalar.logits);
    CHECK(other.gradients == scalar.gradients);
  };
  same(run<Net, ct::exec::cpu<>>(model, input, slope), "exec::cpu");
  same(run<Net, ct::exec::serial>(model, input, slope), "exec::serial");
#if defined(_OPENMP)
  same(run<Net, ct::exec::openmp>(model, input, slope), "exec::openmp");
#endif
  same(run<Net, ct::exec::tbb>(model, input, slope), "exec::tbb");
}

}  // namespace against_torch
