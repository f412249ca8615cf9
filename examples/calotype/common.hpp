// What all commands of the program share: options, errors, progress.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <calotype/core/result.hpp>

namespace program {

namespace ct = calotype;

// The exit codes: done; the command could not do its work; the command line was not understood.
inline constexpr int success = 0;
inline constexpr int failure = 1;
inline constexpr int usage = 2;

// Prints the error as one sentence on standard error and returns `failure`.
int fail(ct::error const& problem);

// Whether a path names a plain file that is there: a pipe would be waited for, and cannot be read twice.
ct::result<void> check_input(std::string const& path);

// Refuses an output that is one of the inputs by whatever name; replacing it would destroy what was read. Empty
// names are passed over.
ct::result<void> check_apart(std::string const& output, std::initializer_list<std::string> inputs);

// Which events of a file a command works on.
struct range {
  std::uint64_t skip = 0;
  std::optional<std::uint64_t> count{};
};
void add_range(CLI::App& command, range& events);

void add_force(CLI::App& command, bool& force);
void add_json(CLI::App& command, bool& json, std::string const& what);

// Makes a command: parsing it calls run(options), whose result becomes the exit code. Returns the options, to
// be bound to the command's options; they live as long as the command. `summary` is one line, `details` follow
// the list of options.
template <class Options, class Run>
Options& add_command(CLI::App& app, int& status, std::string name, std::string summary, std::string details,
                     CLI::App*& command, Run run) {
  auto options = std::make_shared<Options>();
  command = app.add_subcommand(std::move(name), std::move(summary));
  command->footer(std::move(details));
  command->callback([options, run, &status] { status = run(*options); });
  return *options;
}

// Lets a real option take the finite numbers from `low` to `high`, both included.
CLI::Validator finite_in(double low, double high);

// An option that takes a whole number from 0 to `most`.
inline constexpr std::uint64_t any_count = std::numeric_limits<std::uint64_t>::max();
std::uint64_t count_of(std::string const& flag, std::string const& word, std::uint64_t most = any_count);
template <class Target>
CLI::Option* add_count(CLI::App& command, std::string const& flag, Target& target, std::string help,
                       std::uint64_t most = any_count) {
  return command
      .add_option_function<std::string>(
          flag, [&target, flag, most](std::string const& word) { target = count_of(flag, word, most); },
          std::move(help))
      ->type_name("N");
}

// An option that takes one of some words, each of which stands for a value.
template <class Value>
using choices = std::vector<std::pair<std::string, Value>>;

template <class Value>
Value const& chosen(choices<Value> const& all, std::string const& flag, std::string const& word) {
  std::string known;
  for (auto const& [name, value] : all) {
    if (name == word) return value;
    known += known.empty() ? "" : ", ";
    known += name;
  }
  throw CLI::ValidationError(flag, "'" + word + "' is none of " + known);
}

template <class Value>
std::string name_of(choices<Value> const& all, Value const& value) {
  for (auto const& [name, v] : all) {
    if (v == value) return name;
  }
  return {};
}

template <class Value, class Target>
CLI::Option* add_choice(CLI::App& command, std::string const& flag, Target& target, choices<Value> const& all,
                        std::string help) {
  std::string known;
  for (auto const& [name, value] : all) {
    known += known.empty() ? "" : "|";
    known += name;
  }
  return command
      .add_option_function<std::string>(
          flag, [&target, all, flag](std::string const& word) { target = chosen(all, flag, word); },
          std::move(help))
      ->type_name(known);
}

// The same for a list of words, separated by commas, each at most once.
template <class Value>
CLI::Option* add_choice_list(CLI::App& command, std::string const& flag, std::vector<Value>& target,
                             choices<Value> const& all, std::string help) {
  auto const choose = [&target, all, flag](std::vector<std::string> const& words) {
    target.clear();
    for (std::string const& word : words) {
      Value const& value = chosen(all, flag, word);
      if (std::find(target.begin(), target.end(), value) != target.end()) {
        throw CLI::ValidationError(flag, "'" + word + "' is listed twice");
      }
      target.push_back(value);
    }
  };
  return command.add_option_function<std::vector<std::string>>(flag, choose, std::move(help))
      ->delimiter(',')
      ->type_name("LIST");
}

// Progress on standard error: a bar with the time to go where that is a terminal, a line now and then where it
// is not, nothing for work that is over within a few seconds.
class progress {
 public:
  progress(std::string what, std::uint64_t total);
  ~progress();
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;

  // `note` is shown behind the bar, such as the loss of a training.
  void step(std::uint64_t done, std::string_view note = {});
  // The same for work that knows itself how long it will take.
  void step_of(std::uint64_t done, std::uint64_t total, double seconds_left, std::string_view note);
  void finish();

 private:
  using clock = std::chrono::steady_clock;
  bool is_time();
  void print(double part, double seconds_left, std::string_view note);

  std::string what_;
  std::uint64_t total_;
  bool terminal_;
  bool drawn_ = false;
  clock::time_point start_ = clock::now();
  clock::time_point last_ = clock::now();
};

// "12,345"
std::string grouped(std::uint64_t number);

// The command line as it was typed, for provenance.
std::string const& command_line();
void set_command_line(int argc, char const* const* argv);

// Each adds one command; `status` receives its exit code.
void add_models(CLI::App& app, int& status);
void add_info(CLI::App& app, int& status);
void add_display(CLI::App& app, int& status);
void add_images(CLI::App& app, int& status);
void add_simulate(CLI::App& app, int& status);
void add_train(CLI::App& app, int& status);
void add_evaluate(CLI::App& app, int& status);
void add_classify(CLI::App& app, int& status);
void add_convert(CLI::App& app, int& status);
void add_reproduce(CLI::App& app, int& status);
void add_validate(CLI::App& app, int& status);

}  // namespace program
