// Work for a stated number of threads; no pool, no hidden threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace calotype {

// Calls work(worker, item) once for every item in [0, items); items go to whichever of the `threads` workers is
// free, so work must not depend on which worker it meets. The calling thread is worker 0 and returns when all
// is done. What work throws, the first of several, reaches the caller when all threads have stopped; items that
// were not begun are then left out. Without exceptions (-fno-exceptions) the system must give all the threads.
template <class Work>
void for_each_item(int threads, std::size_t items, Work&& work) {
  std::atomic<std::size_t> next{0};
  auto const each = [&](int worker) {
    for (std::size_t i = next.fetch_add(1); i < items; i = next.fetch_add(1)) work(worker, i);
  };
  std::size_t const workers = std::min(static_cast<std::size_t>(std::max(threads, 1)), items);
  std::vector<std::thread> others;
  others.reserve(workers);
#if defined(__cpp_exceptions)
  std::atomic<bool> failed{false};
  std::exception_ptr thrown;
  auto const run = [&](int worker) noexcept {
    try {
      each(worker);
    } catch (...) {
      next.store(items);
      if (!failed.exchange(true)) thrown = std::current_exception();
    }
  };
  try {
    for (std::size_t w = 1; w < workers; ++w) others.emplace_back(run, static_cast<int>(w));
  } catch (std::system_error const&) {
    // The system gives no more threads: those that there are do all the work.
  }
  run(0);
  for (auto& t : others) t.join();
  if (thrown) std::rethrow_exception(thrown);
#else
  for (std::size_t w = 1; w < workers; ++w) others.emplace_back(each, static_cast<int>(w));
  each(0);
  for (auto& t : others) t.join();
#endif
}

}  // namespace calotype
