// Threads within an event: every part once, the same bits, no matter who does what.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <doctest/doctest.h>

#include <calotype/exec/pool.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/session.hpp>

namespace {

using namespace calotype;

struct small_image {
  static constexpr auto tensor() { return std::array{kernel::map_shape{3, 81, 125}}; }
};
struct small_net {
  using input = small_image;
  static constexpr auto classes() { return labels("H->gg", "gg", "gamma+jet"); }
  static constexpr auto layers() { return nn::resnet15(); }
};

std::vector<float> some_image() {
  std::vector<float> x(nn::input_size<small_net>());
  std::uint32_t state = 7;
  for (float& v : x) {
    state = state * 1664525u + 1013904223u;
    v = state % 3 == 0 ? static_cast<float>(state >> 8) * 0x1p-24f : 0.f;
  }
  return x;
}

template <class Arithmetic>
void check_bits() {
  using arch = exec::best_arch;
  auto const model = nn::model<small_net>::random(2);
  auto const image = some_image();
  session<small_net, exec::cpu<arch, exec::single, Arithmetic>> alone(model);
  alone(image);
  for (int threads : {1, 2, 5}) {
    using policy = exec::cpu<arch, exec::pool, Arithmetic>;
    session<small_net, policy> together(model, policy{{.count = threads}});
    for (int i = 0; i < 20; ++i) {
      together(image);
      CHECK(together.logits() == alone.logits());
    }
  }
}

}  // namespace

TEST_CASE("a team does every part once") {
  for (int threads : {1, 2, 4}) {
    exec::team team(threads);
    CHECK(team.size() == threads);
    for (int parts : {0, 1, 2, 7, 100, 1000, 65'535, 200'000}) {
      for (int round = 0; round < (parts > 1000 ? 1 : 20); ++round) {
        std::vector<std::atomic<int>> times(static_cast<std::size_t>(parts));
        std::atomic<bool> strange{false};
        team.each(parts, [&](int worker, int part) {
          if (worker < 0 || worker >= threads) strange = true;
          ++times[static_cast<std::size_t>(part)];
        });
        CHECK_FALSE(strange);
        bool once = true;
        for (auto& n : times) once = once && n == 1;
        CHECK(once);
      }
    }
  }
}

TEST_CASE("a team that sleeps wakes up") {
  exec::team team(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> sum{0};
    team.each(64, [&](int, int part) { sum += part; });
    CHECK(sum == 2016);
  }
}

#if defined(__linux__)
// The length of a turn of the calling thread; 0 where the kernel has no such thing.
std::uint64_t turn() {
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t slice, deadline, period;
  } of{};
  return syscall(SYS_sched_getattr, 0, &of, sizeof of, 0) == 0 ? of.slice : 0;
}

TEST_CASE("a team's own threads take short turns, the caller's stay as they are") {
  std::uint64_t const before = turn();
  exec::team team(2);
  std::array<std::uint64_t, 2> turns{};
  std::array<int, 2> workers{};
  std::atomic<bool> other{false};
  team.each(2, [&](int worker, int part) {
    turns[static_cast<std::size_t>(part)] = turn();
    workers[static_cast<std::size_t>(part)] = worker;
    if (part == 1) other = true;
    while (!other) std::this_thread::yield();
  });
  CHECK(workers == std::array{0, 1});
  CHECK(turns[0] == before);
  CHECK(turns[1] == (before > 0 ? 100'000 : 0));
}
#endif

TEST_CASE("threads change no bit: direct") { check_bits<exec::direct>(); }
TEST_CASE("threads change no bit: winograd") { check_bits<exec::winograd>(); }
