#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <calotype/io/output.hpp>

namespace {

namespace io = calotype::io;

TEST_CASE("an output file appears when it is committed, not before") {
  scratch::folder const folder;
  auto const path = folder / "out";
  {
    auto file = io::output_file::create(path);
    REQUIRE(file);
    REQUIRE(file->write("one "));
    REQUIRE(file->write(std::string(100'000, 'x')));
    CHECK(::access(path.c_str(), F_OK) != 0);
    REQUIRE(file->commit());
  }
  CHECK(scratch::slurp(path) == "one " + std::string(100'000, 'x'));
  CHECK(folder.list().size() == 1);

  mode_t const mask = ::umask(0);
  ::umask(mask);
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("an output file that is given up leaves nothing behind") {
  scratch::folder const folder;
  {
    auto file = io::output_file::create(folder / "out");
    REQUIRE(file);
    REQUIRE(file->write("something"));
    auto moved = std::move(*file);
    CHECK(folder.list().size() == 1);
  }
  CHECK(folder.list().empty());
}

TEST_CASE("an existing file is replaced only by force, and only on commit") {
  scratch::folder const folder;
  auto const path = folder / "out";
  scratch::spill(path, "old");
  auto const refused = io::output_file::create(path);
  REQUIRE(!refused);
  CHECK(refused.error()->message().find("exists already") != std::string::npos);
  {
    auto given_up = io::output_file::create(path, {.force = true});
    REQUIRE(given_up);
    REQUIRE(given_up->write("new"));
  }
  CHECK(scratch::slurp(path) == "old");
  auto file = io::output_file::create(path, {.force = true});
  REQUIRE(file);
  REQUIRE(file->write("new"));
  REQUIRE(file->commit());
  CHECK(scratch::slurp(path) == "new");
}

TEST_CASE("a file that came into being meanwhile is not replaced") {
  scratch::folder const folder;
  auto file = io::output_file::create(folder / "out");
  REQUIRE(file);
  scratch::spill(folder / "out", "somebody else's");
  REQUIRE(!file->commit());
  CHECK(scratch::slurp(folder / "out") == "somebody else's");
  CHECK(folder.list().size() == 1);

  scratch::spill(folder / "mine", "new");
  CHECK(io::detail::rename_to_new(folder / "mine", folder / "out") == EEXIST);
  CHECK(scratch::slurp(folder / "out") == "somebody else's");
  CHECK(io::detail::rename_to_new(folder / "mine", folder / "other") == 0);
  CHECK(scratch::slurp(folder / "other") == "new");
  CHECK(folder.list().size() == 2);
}

TEST_CASE("with force what a symbolic link points to is replaced, not the link") {
  scratch::folder const folder;
  REQUIRE(::mkdir((folder / "store").c_str(), 0700) == 0);
  scratch::spill(folder / "store/file", "old");
  REQUIRE(::symlink("store/file", (folder / "link").c_str()) == 0);
  CHECK(!io::output_file::create(folder / "link"));
  {
    auto file = io::output_file::create(folder / "link", {.force = true});
    REQUIRE(file);
    CHECK(file->path() == folder / "link");
    REQUIRE(file->write("new"));
    REQUIRE(file->commit());
  }
  struct stat found {};
  REQUIRE(::lstat((folder / "link").c_str(), &found) == 0);
  CHECK(S_ISLNK(found.st_mode));
  CHECK(scratch::slurp(folder / "store/file") == "new");
  CHECK(folder.list().size() == 2);

  REQUIRE(::symlink("nowhere", (folder / "lost").c_str()) == 0);
  auto const refused = io::output_file::create(folder / "lost");
  REQUIRE(!refused);
  CHECK(refused.error()->message().find("exists already") != std::string::npos);
}

TEST_CASE("places that cannot become a file are refused with the reason") {
  scratch::folder const folder;
  auto const says = [](std::string const& path, bool force) {
    auto const file = io::output_file::create(path, {.force = force});
    return file ? std::string("nothing") : file.error()->message();
  };
  CHECK(says(folder.path(), true).find("is a folder") != std::string::npos);
  CHECK(says(folder / "no/such", true).find("does not exist") != std::string::npos);
  CHECK(says("/dev/null", true).find("device") != std::string::npos);
  CHECK(says("", true).find("empty") != std::string::npos);
  scratch::spill(folder / "plain", "");
  CHECK(says(folder / "plain/below", true).find("cannot create") != std::string::npos);
}

TEST_CASE("a full disk is an error, not a death, and leaves nothing behind") {
  scratch::folder const folder;
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit const limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);  // SIGXFSZ keeps its deadly default
    auto file = io::output_file::create(folder / "out");
    if (!file) ::_exit(2);
    bool failed = false;
    for (int i = 0; i < 100; ++i) failed = !file->write(std::string(10'000, 'x')) || failed;
    auto const outcome = file->commit();
    bool const said = !outcome && outcome.error()->message().find("could not write") != std::string::npos;
    ::_exit(failed && said && folder.list().empty() ? 0 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the signal of the file-size limit works as before outside a write") {
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    { io::detail::file_size_signal_held const held; }
    ::raise(SIGXFSZ);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGXFSZ);
}

}  // namespace
