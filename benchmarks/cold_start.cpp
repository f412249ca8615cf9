// How long a scorer takes from the start of its process to the first score, and how much memory it ever holds:
// starts itself again and again, as a process that loads the weights of eb, scores one event and says so.
//
//     bench_cold_start [--json] [-n PROCESSES] [--weights W.safetensors]
//
// load_unverified_ms, self_test_ms   process start to first score with io::load_unverified and io::load
// nothing_ms                         a process that does nothing: what the system takes
// peak_rss_mb                        largest resident memory of the scorer that loads and verifies, in 10^6
// bytes
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../tests/sample_event.hpp"
#include "calotype_tree.hpp"
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <calotype/calotype.hpp>
#include <calotype/io/model.hpp>
#include <calotype/models/event_paper.hpp>

#if !defined(NDEBUG)
#error "calotype: benchmarks are worth running from a release build only (-O3 -DNDEBUG)"
#endif

extern char** environ;

namespace {

namespace ct = calotype;
using net = ct::models::eb;

int score(ct::nn::model<net> const& model) {
  ct::session<net> scorer(model);
  float const p = scorer(calotype_test::sample_event(0))[0];
  char const byte = p > 0 && p < 1 ? 'y' : 'n';
  return write(STDOUT_FILENO, &byte, 1) == 1 && byte == 'y' ? 0 : 1;
}

int child(std::string_view what, char const* weights) {
  if (what == "nothing") return write(STDOUT_FILENO, "y", 1) == 1 ? 0 : 1;
  auto const model = what == "self_test" ? ct::io::load<net>(weights) : ct::io::load_unverified<net>(weights);
  if (!model) return std::fprintf(stderr, "%s\n", model.error()->message().c_str()), 1;
  return score(*model);
}

struct start {
  double milliseconds = 0;
  double megabytes = 0;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One process; nothing of it is measured but what any user would see.
bool run(char const* program, char const* what, char const* weights, start& found) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return false;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::array<std::string, 4> words{program, "--child", what, weights};
  std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  pid_t process = 0;
  double const before = now();
  bool good = posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) == 0;
  close(ends[1]);
  char byte = 0;
  good = good && read(ends[0], &byte, 1) == 1 && byte == 'y';
  found.milliseconds = 1e3 * (now() - before);
  close(ends[0]);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  rusage usage{};
  if (process > 0 && wait4(process, &status, 0, &usage) == process) good = good && status == 0;
  found.megabytes = static_cast<double>(usage.ru_maxrss) * 1024e-6;
  return good;
}

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--child") == 0) return child(argv[2], argv[3]);
  bool json = false;
  int processes = 50;
  std::string weights = CALOTYPE_SOURCE_DIR "/examples/weights/eb.safetensors";
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "-n" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      processes = std::atoi(argv[++i]);
    } else if (word == "--weights" && i + 1 < argc) {
      weights = argv[++i];
    } else {
      return std::fputs("usage: bench_cold_start [--json] [-n PROCESSES] [--weights W.safetensors]\n", stderr),
             2;
    }
  }
  constexpr std::array<char const*, 3> kinds{"nothing", "load_unverified", "self_test"};
  std::array<std::vector<double>, kinds.size()> times;
  double megabytes = 0;
  for (int round = -2; round < processes; ++round) {  // in turns; the first two rounds warm the disk's cache
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      start found;
      if (!run(argv[0], kinds[k], weights.c_str(), found)) {
        return std::fprintf(stderr, "a process that does '%s' fails\n", kinds[k]), 1;
      }
      if (round >= 0) times[k].push_back(found.milliseconds);
      megabytes = std::max(megabytes, found.megabytes);
    }
  }
  if (json) {
    std::printf("{\"processes\": %d, \"peak_rss_mb\": %.3f", processes, megabytes);
    for (std::size_t k = 0; k < kinds.size(); ++k) std::printf(", \"%s_ms\": %.3f", kinds[k], median(times[k]));
    std::printf("}\n");
  } else {
    std::printf("process start to first score of eb, median of %d processes\n", processes);
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      auto const [least, most] = std::minmax_element(times[k].begin(), times[k].end());
      std::printf("%-16s %7.3f ms (%.3f to %.3f)\n", kinds[k], median(times[k]), *least, *most);
    }
    std::printf("peak resident memory %.2f MB\n", megabytes);
  }
}
