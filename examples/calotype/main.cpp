// calotype: collision events in, images, pictures and scores out.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "common.hpp"

#include <calotype/core/config.hpp>

namespace {

namespace ct = calotype;

int run(int argc, char** argv) {
  program::set_command_line(argc, argv);
  CLI::App app{
      "calotype: collision events in, detector images, pictures and scores out.\n\n"
      "FILE is an .ig file (events recorded by CMS, from opendata.cern.ch) or an .npz file (as 'simulate' "
      "writes it).\n"
      "'calotype COMMAND --help' tells more.",
      "calotype"};
  app.set_version_flag("--version", "calotype " + std::to_string(ct::version_major) + "." +
                                        std::to_string(ct::version_minor) + "." +
                                        std::to_string(ct::version_patch));
  app.require_subcommand(1);
  app.failure_message([](CLI::App const*, CLI::Error const&) { return std::string(); });

  int status = program::success;
  program::add_models(app, status);
  program::add_info(app, status);
  program::add_display(app, status);
  program::add_images(app, status);
  program::add_simulate(app, status);
  program::add_train(app, status);
  program::add_evaluate(app, status);
  program::add_classify(app, status);
  program::add_convert(app, status);
  program::add_reproduce(app, status);
  program::add_validate(app, status);

  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem);  // --help, --version
    auto const given = app.get_subcommands();
    std::string const command = given.empty() ? "" : " " + given.front()->get_name();
    bool const unknown = given.empty() && argc > 1 && argv[1][0] != '-';
    std::string const what = unknown ? "there is no command '" + std::string(argv[1]) + "'" : problem.what();
    program::fail({what, {}, "'calotype" + command + " --help' lists what there is"});
    return program::usage;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return program::fail(
        {"the result could not be written", "standard output", "free some space or write elsewhere"});
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (std::bad_alloc const&) {
    return program::fail({"the memory does not suffice", {}, "work on fewer events, or with fewer threads"});
  } catch (std::exception const& problem) {
    return program::fail({std::string("this was not foreseen: ") + problem.what(),
                          {},
                          "please report it, with the command line"});
  }
}
