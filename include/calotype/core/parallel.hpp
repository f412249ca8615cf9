// Work for a stated number of threads; no pool, no hidden threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace calotype {

// Calls work(worker, item) once for every item in [0, items); items go to whichever of the `threads` workers is
// free, so work must not depend on which worker it meets. The calling thread is worker 0 and returns when all
// is done. work must not throw. Without exceptions (-fno-exceptions) the system must give all the threads.
template <class Work>
void for_each_item(int threads, std::size_t items, Work&& work) {
  std::atomic<std::size_t> next{0};
  auto run = [&](int worker) {
    for (std::size_t i = next.fetch_add(1); i < items; i = next.fetch_add(1)) work(worker, i);
  };
  std::vector<std::thread> others;
  auto const start = [&] {
    for (int w = 1; w < threads && static_cast<std::size_t>(w) < items; ++w) others.emplace_back(run, w);
  };
#if defined(__cpp_exceptions)
  try {
    start();
  } catch (std::system_error const&) {
    // The system gives no more threads: those that there are do all the work.
  }
#else
  start();
#endif
  run(0);
  for (auto& t : others) t.join();
}

}  // namespace calotype
