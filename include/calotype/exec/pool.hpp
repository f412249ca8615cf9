// Threads within one event: exec::cpu<Arch, exec::pool>.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <calotype/core/config.hpp>

namespace calotype::exec {

namespace detail {

// Asks for short turns on the CPU for this thread. On a busy CPU its share stays what it was, but it gets a
// turn as soon as it is woken, which those that wait for its part need. Linux 6.12 and later; without effect
// elsewhere.
inline void take_short_turns() noexcept {
#if defined(__linux__) && defined(SYS_sched_setattr)
  // As the kernel has it; not every C library knows it.
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t slice, deadline, period;
  } turns{};
  constexpr std::uint32_t shared = 0;             // SCHED_OTHER
  constexpr std::uint64_t nanoseconds = 100'000;  // the shortest that there is
  if (syscall(SYS_sched_getattr, 0, &turns, sizeof turns, 0) != 0 || turns.policy != shared) return;
  turns.slice = nanoseconds;
  syscall(SYS_sched_setattr, 0, &turns, 0);
#endif
}

}  // namespace detail

// A few threads that share out the parts of one job after another with the thread that calls. Each has a share
// of its own and then helps the others with theirs, so a thread that the machine does not schedule delays
// nothing that it has not begun. An idle thread spins for some 20 microseconds, so that it is there for the
// next layer, and then sleeps. The threads besides the caller's take short turns. One caller at a time.
class team {
 public:
  // The caller is one of the threads. There are fewer where the system gives no more.
  explicit team(int threads) : shares_(static_cast<std::size_t>(threads > 1 ? threads : 1)) {
    others_.reserve(shares_.size());
    auto const start = [this, threads] {
      for (int worker = 1; worker < threads; ++worker) others_.emplace_back([this, worker] { serve(worker); });
    };
#if defined(__cpp_exceptions)
    try {
      start();
    } catch (std::system_error const&) {}
#else
    start();
#endif
  }
  ~team() {
    stop_.store(true, std::memory_order_relaxed);
    call_.fetch_add(1, std::memory_order_release);
    call_.notify_all();
    for (auto& t : others_) t.join();
  }
  team(team const&) = delete;
  team& operator=(team const&) = delete;

  int size() const noexcept { return static_cast<int>(others_.size()) + 1; }

  // f(worker, part) once for every part in [0, parts); returns when all are done. The caller is worker 0. f
  // must not throw and must not depend on which worker it meets.
  template <class F>
  void each(int parts, F&& f) noexcept {
    int first = 0;
    auto const part_of_job = [&](int worker, int part) { f(worker, first + part); };
    for (; parts - first > most_at_once; first += most_at_once) share_out(most_at_once, part_of_job);
    share_out(parts - first, part_of_job);
  }

 private:
  static constexpr int spins = 1000;
  // What a share has bits for.
  static constexpr int most_at_once = 0xffff;

  template <class F>
  void share_out(int parts, F const& f) noexcept {
    if (others_.empty() || parts < 2) {
      for (int i = 0; i < parts; ++i) f(0, i);
      return;
    }
    // No part of the job before is left, so nobody reads these.
    context_ = &f;
    run_ = [](void const* context, int worker, int part) { (*static_cast<F const*>(context))(worker, part); };
    left_.store(parts, std::memory_order_relaxed);
    ++job_;
    for (int worker = 0; worker < size(); ++worker) {
      auto const begin = static_cast<std::uint64_t>(parts * worker / size());
      auto const end = static_cast<std::uint64_t>(parts * (worker + 1) / size());
      share_of(worker).store(std::uint64_t{job_} << 32 | end << 16 | begin, std::memory_order_release);
    }
    call_.fetch_add(1, std::memory_order_release);
    call_.notify_all();
    work(0);
    for (int i = 0; i < spins; ++i) {
      if (left_.load(std::memory_order_acquire) == 0) return;
      pause();
    }
    for (int left = left_.load(std::memory_order_acquire); left != 0;
         left = left_.load(std::memory_order_acquire)) {
      left_.wait(left, std::memory_order_acquire);
    }
  }

  static void pause() noexcept {
#if defined(__SSE2__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // What is left of a thread's share: {job, end, begin}, in a cache line of its own, since a line that threads
  // change in turns costs more than a small part. A thread has the same share of every layer, so it finds what
  // it made in the one before in its own cache.
  struct alignas(64) share {
    std::atomic<std::uint64_t> left{0};
  };
  std::atomic<std::uint64_t>& share_of(int worker) noexcept {
    return shares_[static_cast<std::size_t>(worker)].left;
  }

  // Takes parts while there are any: its own from the front, then those of others from the back. Whoever took a
  // part of a job may read the job's function: the job lasts until all that was taken is subtracted from left_.
  void work(int worker) noexcept {
    int done = 0;
    for (int k = 0; k < size(); ++k) {
      int const owner = (worker + k) % size();
      auto& from = share_of(owner);
      std::uint64_t now = from.load(std::memory_order_acquire);
      for (;;) {
        int const begin = static_cast<int>(now & 0xffff), end = static_cast<int>(now >> 16 & 0xffff);
        if (begin >= end) break;
        std::uint64_t const next = k == 0 ? now + 1 : now - 0x10000;
        if (!from.compare_exchange_weak(now, next, std::memory_order_acq_rel, std::memory_order_acquire))
          continue;
        run_(context_, worker, k == 0 ? begin : end - 1);
        ++done;
        now = from.load(std::memory_order_acquire);
      }
    }
    if (done > 0 && left_.fetch_sub(done, std::memory_order_acq_rel) == done && worker != 0) left_.notify_one();
  }

  void serve(int worker) noexcept {
    detail::take_short_turns();
    std::uint32_t seen = 0;
    for (;;) {
      std::uint32_t now = call_.load(std::memory_order_acquire);
      for (int i = 0; now == seen && i < spins; ++i) {
        pause();
        now = call_.load(std::memory_order_acquire);
      }
      if (now == seen) {
        call_.wait(seen, std::memory_order_acquire);
        continue;
      }
      seen = now;
      if (stop_.load(std::memory_order_relaxed)) return;
      work(worker);
    }
  }

  std::vector<share> shares_;
  alignas(64) std::atomic<int> left_{0};
  alignas(64) std::atomic<std::uint32_t> call_{0};
  std::atomic<bool> stop_{false};
  void const* context_ = nullptr;
  void (*run_)(void const*, int, int) = nullptr;
  std::uint32_t job_ = 0;
  std::vector<std::thread> others_;
};

// Threads of an event: `count` of them, the caller's included; 0: one for each CPU. An engine starts the others
// when it is made and stops them when it goes. The same bits as exec::single.
struct pool {
  int count = 0;
  team* crew = nullptr;  // the engine's

  int size() const noexcept {
    int const cpus = static_cast<int>(std::thread::hardware_concurrency());
    return count > 0 ? count : cpus > 0 ? cpus : 1;
  }
  std::unique_ptr<team> hire() {
    auto hired = std::make_unique<team>(size());
    crew = hired.get();
    return hired;
  }
};

}  // namespace calotype::exec
