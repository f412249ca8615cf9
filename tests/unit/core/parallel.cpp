#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <calotype/core/parallel.hpp>

namespace {

TEST_CASE("every item is worked on once, by any number of threads") {
  for (int threads : {-1, 0, 1, 3}) {
    for (std::size_t items : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
      std::vector<std::atomic<int>> times(items);
      calotype::for_each_item(threads, items, [&](int, std::size_t i) { ++times[i]; });
      for (auto const& n : times) CHECK(n == 1);
    }
  }
}

TEST_CASE("what the work throws reaches the caller, and the rest is left out") {
  for (int threads : {1, 4}) {
    std::atomic<std::size_t> done{0};
    CHECK_THROWS_WITH_AS(calotype::for_each_item(threads, 100'000,
                                                 [&](int, std::size_t i) {
                                                   if (i == 5) throw std::runtime_error("event 5");
                                                   ++done;
                                                 }),
                         "event 5", std::runtime_error);
    CHECK(done >= 5 - 5 * (threads > 1));
    CHECK(done < 99'999);
  }
}

}  // namespace
