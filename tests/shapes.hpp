// A small data set that tests of training learn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <calotype/core/random.hpp>
#include <calotype/train/dataset.hpp>

// Images of one, two or many lit pixels.
struct shapes {
  std::vector<std::vector<float>> images;
  explicit shapes(std::size_t n, std::uint64_t seed = 3) {
    for (std::size_t i = 0; i < n; ++i) {
      calotype::stream draw(seed, i, 9);
      std::vector<float> image(14 * 12);
      int const label = static_cast<int>(i % 3);
      std::uint32_t const at = draw.below(14 * 12 - 1);
      if (label == 0) {
        for (int k = 0; k < 12; ++k) image[draw.below(14 * 12)] = 0.3f * draw.uniform();
      } else {
        image[at] = 1 + draw.uniform();
        if (label == 2) image[at + 1] = 1 + draw.uniform();
      }
      images.push_back(image);
    }
  }
  std::size_t size() const { return images.size(); }
  std::span<float const> sample(std::size_t i) const { return images[i]; }
  int label(std::size_t i) const { return static_cast<int>(i % 3); }
  float weight(std::size_t i) const { return i % 2 == 0 ? 1.0f : 0.5f; }
};
static_assert(calotype::concepts::dataset<shapes>);
