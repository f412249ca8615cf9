// Sets of pixels against the obvious loops.
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/random.hpp>
#include <calotype/kernel/cpu/pixel_set.hpp>

namespace {

using namespace calotype;
using kernel::map_shape;
using kernel::pixel_word;

template <map_shape M>
struct plain_set {
  std::vector<pixel_word> words = std::vector<pixel_word>(kernel::words_in_set(M));

  static bool inside(int y, int x) { return y >= 0 && y < M.rows && x >= 0 && x < M.cols; }
  pixel_word& word(int y, int x) {
    return words[static_cast<std::size_t>(y * kernel::words_in_row(M) + x / 64)];
  }
  bool has(int y, int x) { return inside(y, x) && (word(y, x) >> x % 64 & 1) != 0; }
  void add(int y, int x) { word(y, x) |= pixel_word{1} << x % 64; }
};

template <map_shape M>
plain_set<M> some_pixels(std::uint64_t seed, float share) {
  stream draw(seed, 1, 1);
  plain_set<M> set;
  for (int y = 0; y < M.rows; ++y) {
    for (int x = 0; x < M.cols; ++x) {
      if (draw.uniform() < share) set.add(y, x);
    }
  }
  return set;
}

template <map_shape M, int Rows, int Cols>
void check() {
  CAPTURE(M.cols);
  using set = kernel::cpu::pixel_set<M>;
  for (float share : {0.f, 0.003f, 0.05f, 1.f}) {
    auto from = some_pixels<M>(3, share);
    plain_set<M> spread, tiles, near, covered;
    set::spread(from.words.data(), spread.words.data());
    set::template whole_tiles<Rows, Cols>(from.words.data(), tiles.words.data());
    for (int y = 0; y < M.rows; ++y) {
      for (int x = 0; x < M.cols; ++x) {
        for (int b = -1; b <= 1; ++b) {
          for (int a = -1; a <= 1; ++a) {
            if (from.has(y + b, x + a)) near.add(y, x);
          }
        }
        for (int b = y / Rows * Rows; b < y / Rows * Rows + Rows; ++b) {
          for (int a = x / Cols * Cols; a < x / Cols * Cols + Cols; ++a) {
            if (from.has(b, a)) covered.add(y, x);
          }
        }
      }
    }
    CHECK(spread.words == near.words);
    CHECK(tiles.words == covered.words);
    set::template whole_tiles<Rows, Cols>(from.words.data(), from.words.data());
    CHECK(from.words == covered.words);
  }
  plain_set<M> all, filled;
  for (int y = 0; y < M.rows; ++y) {
    for (int x = 0; x < M.cols; ++x) all.add(y, x);
  }
  set::fill(filled.words.data());
  CHECK(filled.words == all.words);
}

TEST_CASE("neighbours and whole tiles of pixels") {
  check<map_shape{16, 41, 89}, 4, 4>();
  check<map_shape{1, 13, 64}, 4, 2>();
  check<map_shape{1, 7, 63}, 2, 4>();
  check<map_shape{1, 5, 130}, 2, 2>();
  check<map_shape{1, 3, 5}, 4, 4>();
}

}  // namespace
