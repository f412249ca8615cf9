#include "common.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace program {

int fail(ct::error const& problem) {
  std::fprintf(stderr, "error: %s\n", problem.message().c_str());
  return failure;
}

ct::result<void> check_input(std::string const& path) {
  std::error_code unknown;
  auto const status = std::filesystem::status(path, unknown);
  if (!std::filesystem::exists(status)) return ct::error{"there is no such file", path, "check its name"};
  if (std::filesystem::is_directory(status)) return ct::error{"this is a folder", path, "name a file in it"};
  if (!std::filesystem::is_regular_file(status)) {
    return ct::error{"this is a pipe or device", path, "copy its content to a plain file"};
  }
  return {};
}

ct::result<void> check_apart(std::string const& output, std::initializer_list<std::string> inputs) {
  for (std::string const& input : inputs) {
    std::error_code absent;
    if (!input.empty() && std::filesystem::equivalent(output, input, absent)) {
      return ct::error{"the output is the same file as the input " + input, output, "choose another name"};
    }
  }
  return {};
}

CLI::Validator finite_in(double low, double high) {
  char text[80];
  std::snprintf(text, sizeof text, "%g to %g", low, high);
  auto const check = [low, high, range = std::string(text)](std::string const& word) {
    double number = 0;
    auto const [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
    bool const good = code == std::errc() && end == word.data() + word.size() && std::isfinite(number) &&
                      low <= number && number <= high;
    return good ? std::string() : "'" + word + "' is no number from " + range;
  };
  return CLI::Validator(check, text, "finite_in");
}

std::uint64_t count_of(std::string const& flag, std::string const& word, std::uint64_t most) {
  std::uint64_t number = 0;
  auto const [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (code != std::errc() || end != word.data() + word.size()) {
    throw CLI::ValidationError(flag, "'" + word + "' is no whole number from 0 on");
  }
  if (number > most) { throw CLI::ValidationError(flag, "'" + word + "' is more than " + grouped(most)); }
  return number;
}

void add_range(CLI::App& command, range& events) {
  add_count(command, "-n,--events", events.count, "Work on N events at most (default: all)");
  add_count(command, "--skip", events.skip, "Pass over the first N events of the file");
}

void add_force(CLI::App& command, bool& force) {
  command.add_flag("--force", force, "Replace output files that exist already");
}

void add_json(CLI::App& command, bool& json, std::string const& what) {
  command.add_flag("--json", json, what);
}

progress::progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress::~progress() { finish(); }

bool progress::is_time() {
  auto const now = clock::now();
  if (std::chrono::duration<double>(now - last_).count() < (terminal_ ? 0.1 : 20.0)) return false;
  last_ = now;
  return true;
}

void progress::step(std::uint64_t done, std::string_view note) {
  if (!is_time()) return;
  double const part = total_ > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total_)) : 0.0;
  double const gone = std::chrono::duration<double>(clock::now() - start_).count();
  print(part, part > 0 ? gone * (1 - part) / part : 0.0, note);
}

void progress::step_of(std::uint64_t done, std::uint64_t total, double seconds_left, std::string_view note) {
  if (is_time())
    print(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0, seconds_left, note);
}

void progress::finish() {
  if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

void progress::print(double part, double seconds_left, std::string_view note) {
  drawn_ = true;
  auto const left = static_cast<long>(seconds_left + 0.5);
  char time[32];
  std::snprintf(time, sizeof time, "%ld:%02ld left", left / 60, left % 60);
  if (terminal_) {
    constexpr int width = 30;
    auto const full = static_cast<int>(part * width);
    std::string bar(static_cast<std::size_t>(width), '.');
    std::fill_n(bar.begin(), full, '#');
    std::fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %s  %.*s", what_.c_str(), bar.c_str(), 100 * part, time,
                 static_cast<int>(note.size()), note.data());
  } else {
    std::fprintf(stderr, "%s: %.0f %%, %s%s%.*s\n", what_.c_str(), 100 * part, time, note.empty() ? "" : ", ",
                 static_cast<int>(note.size()), note.data());
  }
  std::fflush(stderr);
}

std::string grouped(std::uint64_t number) {
  std::string const digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

namespace {
std::string& typed() {
  static std::string text;
  return text;
}
}  // namespace

std::string const& command_line() { return typed(); }

void set_command_line(int argc, char const* const* argv) {
  typed() = "calotype";
  for (int i = 1; i < argc; ++i) typed() += std::string(" ") + argv[i];
}

}  // namespace program
