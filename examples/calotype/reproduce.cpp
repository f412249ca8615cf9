// calotype reproduce: a paper's study from its events to its tables and figures.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "common.hpp"
#include "event_study/other_showers.hpp"
#include "event_study/perform.hpp"
#include "event_study/runs.hpp"
#include "event_study/samples.hpp"
#include "event_study/study.hpp"
#include "validation.hpp"

#include <calotype/io/output.hpp>

namespace program {

namespace {

namespace fs = std::filesystem;
namespace study = event_study;

enum class paper { event };
choices<paper> const papers{{"event-paper", paper::event}};
// CvM compares groups of 200 events of similar mass with all events of their class.
constexpr std::uint64_t least_events = 300;

choices<study::size const*> const budgets{
    {"small", &study::sizes[0]}, {"standard", &study::sizes[1]}, {"paper", &study::sizes[2]}};

struct reproduce_options {
  program::paper paper = paper::event;
  study::size const* budget = &study::sizes[0];
  std::uint64_t events = 0;  // 0: those of the budget
  int epochs = 0;
  study::request request{};
  bool json = false;
};

ct::result<void> make_folder(fs::path const& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (fs::is_directory(folder)) return {};
  return ct::error{"the folder cannot be made", folder.string(), "name another with --out"};
}

ct::result<void> write_text(std::string const& path, std::string const& text, bool force) {
  auto file = ct::io::output_file::create(path, {.force = force});
  if (!file) return *file.error();
  if (auto written = file->write(text); !written) return written;
  return file->commit();
}

int reproduce(reproduce_options const& o) {
  if (o.events > 0 && o.events < least_events) {
    return fail(
        {"fewer than " + std::to_string(least_events) + " events per class cannot be tested for the mass",
         "command line", "ask for more with --events"});
  }
  study::request request = o.request;
  request.size = *o.budget;
  if (o.events > 0) {
    request.size.training.fill(o.events);
    request.size.test.fill(o.events);
    request.size.validation = o.events;
  }
  if (o.epochs > 0) request.size.epochs = o.epochs;
  if (auto const usable = check_found(request); !usable) return fail(*usable.error());
  if (auto const usable = check_recorded(request.recorded); !usable) return fail(*usable.error());
  if (!request.particles.empty()) {
    // found out before the work
    if (auto const files = open_generated(request); !files) return fail(*files.error());
  }
  auto const showers = study::read_showers(request);
  if (!showers) return fail(*showers.error());
  auto const soft = open_library(request);
  if (!soft) return fail(*soft.error());
  if (auto made = make_folder(request.out); !made) return fail(*made.error());
  if (!request.only.empty()) {
    if (auto const done = perform(request, **soft, *showers); !done) return fail(*done.error());
    for (study::training const& t : study::trainings) {
      for (study::run const& r : runs_of(request, t)) std::printf("%s\n", weights_of(request, r).c_str());
    }
    return success;
  }
  std::string const page = (fs::path(request.out) / "report.html").string();
  std::string const numbers = (fs::path(request.out) / "report.json").string();
  for (auto const& path : {page, numbers}) {
    if (auto free = ct::io::output_file::create(path, {.force = request.force}); !free)
      return fail(*free.error());
  }
  auto const done = perform(request, **soft, *showers);
  if (!done) return fail(*done.error());
  auto const report = study::report_on(*done);
  if (!report) return fail(*report.error());
  if (auto written = write_text(page, report->page, request.force); !written) return fail(*written.error());
  if (auto written = write_text(numbers, report->numbers, request.force); !written)
    return fail(*written.error());
  if (o.json) {
    std::printf("%s", report->numbers.c_str());
  } else {
    std::printf("%s\n%s\n", page.c_str(), numbers.c_str());
  }
  return success;
}

}  // namespace

void add_reproduce(CLI::App& app, int& status) {
  CLI::App* command = nullptr;
  auto& o = add_command<reproduce_options>(
      app, status, "reproduce", "Do a paper's study again, from its events to its tables and figures",
      "Simulates the events, trains every network of the study, tests all on events that none has seen, and\n"
      "writes a page with the paper's tables and figures beside its own numbers. Trainings that are complete\n"
      "are kept, one that was interrupted goes on where it stopped. small: all tables and figures in half an\n"
      "hour on two cores, from too few events for the paper's numbers; standard: hours; paper: the paper's\n"
      "numbers of events and epochs, days.",
      command, reproduce);
  o.request.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  add_choice(*command, "paper", o.paper, papers, "Which study");
  command->get_option("paper")->required();
  add_choice(*command, "--budget", o.budget, budgets, "How many events and epochs (default: small)");
  add_count(*command, "--events", o.events,
            "Events per class to train on, and as many to choose by and to test, instead of the budget's",
            10'000'000);
  command->add_option("--epochs", o.epochs, "Passes over the events, instead of the budget's")
      ->check(CLI::Range(1, 100000))
      ->type_name("E");
  command
      ->add_option("--out", o.request.out,
                   "Folder for weights and report; made if it does not exist (default: event-paper)")
      ->type_name("DIR");
  command
      ->add_option(
          "--weights", o.request.weights,
          "Folder of weights as an earlier run of the same budget, seed and options left them, which are not\n"
          "trained anew; others are refused")
      ->type_name("DIR");
  std::vector<std::string> ids{study::all_trainings};
  for (study::training const& t : study::trainings) ids.emplace_back(t.id);
  command
      ->add_option("--only", o.request.only,
                   "Do these trainings alone, named as their files are, or 'all', and write no report:\n"
                   "a study in parts; --weights leaves out those that are there")
      ->check(CLI::IsMember(ids))
      ->type_name("ID");
  command->add_flag("--no-training", o.request.no_training,
                    "Make the report of the weights that are given, and leave out the other trainings");
  add_count(*command, "--seed", o.request.seed, "Seed of events, initial weights and their order (default: 1)")
      ->type_name("S");
  command
      ->add_option(
          "--seeds", o.request.seeds,
          "Train EB and ECAL with N seeds of initial weights and order, and quote the spread (default: 1)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_flag(
      "--paper-split", o.request.paper_split,
      "Train the paper's networks once more with the epoch chosen by the test events, as in the paper,\n"
      "and show both");
  command
      ->add_option(
          "--particles", o.request.particles,
          "Generated events of higgs, born and gamma-jet, as examples/pythia/generate.py writes them,\n"
          "instead of the embedded generators")
      ->type_name("F.npz");
  command
      ->add_option(
          "--library", o.request.library,
          "Take the pile-up from a library of 'simulate --minimum-bias': training, validation and test\n"
          "share no collision of it")
      ->type_name("F.npz");
  command
      ->add_option("--threads", o.request.threads,
                   "Threads to work on; the result is the same for any number (default: all)")
      ->check(CLI::Range(1, 1024))
      ->type_name("T");
  add_recorded(*command, o.request.recorded);
  command
      ->add_option(
          "--showers", o.request.showers,
          "Test the networks on crops also on showers of other origin: archives of 32 x 32 crops (x_train\n"
          "in units of 50 GeV, y_train 1 for electrons), and recorded events, of which photon candidates\n"
          "near electron candidates count as electrons")
      ->type_name("F.npz|F.ig");
  add_force(*command, o.request.force);
  add_json(*command, o.json, "Print the numbers of the report as a JSON object");
  command->get_option("--only")->excludes("--json")->excludes("--showers")->excludes("--recorded");
  command->get_option("--no-training")->needs("--weights")->excludes("--only");
}

}  // namespace program
