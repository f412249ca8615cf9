// The time of single calls: event in, scores out, image included, one after the other on one core. Beside every
// call a loop in registers that takes as long: what that one shows beyond its median is the machine's doing.
//
//     bench_latency [--json] [--events N] [--network eb|cms-b|cms-ii] [--policy direct|winograd] [--core C]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "recorded_events.hpp"
#include <sched.h>

#include <calotype/calotype.hpp>
#include <calotype/models/event_paper.hpp>
#include <calotype/sim/simulate.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

namespace {

namespace ct = calotype;

// Times of single calls in ns.
using times = std::vector<std::uint32_t>;

std::uint64_t now() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// One chain of multiplications: no memory, no branch but the loop's.
void spin(long rounds) {
  double x = 1;
  for (long i = 0; i < rounds; ++i) {
    x *= 0.9999999;
    asm volatile("" : "+x"(x));
  }
}

std::uint32_t at(times const& sorted, double part) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}
times timed_spins(long rounds, int count) {
  times t;
  for (int i = 0; i < count; ++i) {
    auto const start = now();
    spin(rounds);
    t.push_back(static_cast<std::uint32_t>(now() - start));
  }
  std::sort(t.begin(), t.end());
  return t;
}
// Rounds of a spin of so many ns.
long calibrated(double ns) {
  constexpr long trial = 100'000;
  return std::max(1L, static_cast<long>(trial * ns / at(timed_spins(trial, 101), 0.5)));
}

std::vector<ct::event> simulated() {
  ct::sim::simulator const simulator({});
  std::vector<ct::event> events;
  for (std::uint64_t i = 0; i < 50; ++i) events.push_back(simulator(i).event);
  return events;
}

struct settings {
  int events = 100'000;
  std::string network = "eb";
  std::string policy = "direct";
  int core = -1;
  bool json = false;
};

void print(char const* who, times const& t, bool json) {
  double const p50 = at(t, 0.5), p99 = at(t, 0.99), p999 = at(t, 0.999), most = t.back();
  if (json) {
    std::printf(
        "\"%s\": {\"p50_us\": %.3f, \"p99_us\": %.3f, \"p99_9_us\": %.3f, \"max_us\": %.3f, "
        "\"p99_9_over_p50\": %.4f}",
        who, p50 / 1e3, p99 / 1e3, p999 / 1e3, most / 1e3, p999 / p50);
  } else {
    std::printf("%-10s %10.1f %10.1f %10.1f %10.1f %12.3f\n", who, p50 / 1e3, p99 / 1e3, p999 / 1e3, most / 1e3,
                p999 / p50);
  }
}

template <class Net, class Arithmetic>
int run(settings const& s, std::vector<ct::event> const& events, char const* source) {
  auto const model = ct::nn::model<Net>::random(1);
  ct::session<Net, ct::exec::cpu<ct::exec::best_arch, ct::exec::single, Arithmetic>> score(model);
  times calls, spins;
  calls.reserve(static_cast<std::size_t>(s.events));
  spins.reserve(static_cast<std::size_t>(s.events));
  float sum = 0;
  times warm;
  for (int i = 0; i < 200; ++i) {
    auto const start = now();
    sum += score(events[static_cast<std::size_t>(i) % events.size()])[0];
    warm.push_back(static_cast<std::uint32_t>(now() - start));
  }
  std::sort(warm.begin(), warm.end());
  long const rounds = calibrated(at(warm, 0.5));
  // In turns of 100, so that both see the same disturbances and neither the other's caches at every call.
  constexpr int turn = 100;
  for (int done = 0; done < s.events; done += turn) {
    int const end = std::min(s.events, done + turn);
    for (int i = done; i < end; ++i) {
      ct::event const& e = events[static_cast<std::size_t>(i) % events.size()];
      auto const start = now();
      sum += score(e)[0];
      calls.push_back(static_cast<std::uint32_t>(now() - start));
    }
    for (int i = done; i < end; ++i) {
      auto const start = now();
      spin(rounds);
      spins.push_back(static_cast<std::uint32_t>(now() - start));
    }
  }
  if (!(sum > 0)) return std::fputs("the scores are no probabilities\n", stderr), 1;
  std::sort(calls.begin(), calls.end());
  std::sort(spins.begin(), spins.end());
  double const ratio =
      static_cast<double>(at(calls, 0.999)) / at(calls, 0.5) * at(spins, 0.5) / at(spins, 0.999);
  if (s.json) {
    std::printf(
        "{\"network\": \"%s\", \"policy\": \"%s\", \"calls\": %d, \"events\": \"%zu %s\", \"core\": %d, ",
        s.network.c_str(), s.policy.c_str(), s.events, events.size(), source, s.core);
    print("score", calls, true);
    std::printf(", ");
    print("spin", spins, true);
    std::printf(", \"tail_against_spin\": %.4f}\n", ratio);
  } else {
    std::printf("%s, %s: %d calls over %zu %s events, image included, core %d; microseconds\n",
                s.network.c_str(), s.policy.c_str(), s.events, events.size(), source, s.core);
    std::printf("%-10s %10s %10s %10s %10s %12s\n", "", "p50", "p99", "p99.9", "max", "p99.9 / p50");
    print("score", calls, false);
    print("spin", spins, false);
  }
  return 0;
}

template <class Net>
int run(settings const& s, std::vector<ct::event> const& events, char const* source) {
  if (s.policy == "direct") return run<Net, ct::exec::direct>(s, events, source);
  return run<Net, ct::exec::winograd>(s, events, source);
}

int usage() {
  std::fputs(
      "usage: bench_latency [--json] [--events N] [--network eb|cms-b|cms-ii] [--policy direct|winograd] "
      "[--core C]\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    char const* const next = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--json") {
      s.json = true;
      continue;
    }
    if (word == "--events") {
      s.events = std::atoi(next);
    } else if (word == "--network") {
      s.network = next;
    } else if (word == "--policy") {
      s.policy = next;
    } else if (word == "--core") {
      s.core = std::atoi(next);
    } else {
      return usage();
    }
    ++i;
  }
  if (s.events < 1 || (s.policy != "direct" && s.policy != "winograd")) return usage();

  auto events = recorded_2012::recorded();
  char const* source = "recorded";
  if (events.empty()) {
    events = simulated();
    source = "simulated";
  }
  // The last core that this process may use, unless told: the first ones serve the system.
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  for (int c = 0; c < CPU_SETSIZE && s.core < 0; ++c) {
    int const candidate = CPU_SETSIZE - 1 - c;
    if (CPU_ISSET(candidate, &cores)) s.core = candidate;
  }
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(s.core), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) {
    return std::fprintf(stderr, "core %d cannot be had\n", s.core), 1;
  }
  if (s.network == "eb") return run<ct::models::eb>(s, events, source);
  if (s.network == "cms-b") return run<ct::models::cms_b>(s, events, source);
  if (s.network == "cms-ii") return run<ct::models::cms_ii>(s, events, source);
  return usage();
}
