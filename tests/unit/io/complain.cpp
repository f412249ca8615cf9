#include <cstdio>
#include <string>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <calotype/io/complain.hpp>

namespace {

namespace ct = calotype;

// What `action` writes to standard error.
template <class Action>
std::string said(Action const& action) {
  scratch::folder const folder;
  auto const path = folder / "stderr";
  std::fflush(stderr);
  int const kept = ::dup(STDERR_FILENO);
  std::FILE* const file = std::fopen(path.c_str(), "w");
  ::dup2(::fileno(file), STDERR_FILENO);
  action();
  std::fflush(stderr);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  std::fclose(file);
  return scratch::slurp(path);
}

struct finished_file {
  ct::error const* error() const { return nullptr; }
};

static_assert(ct::io::fallible<ct::result<int>>);
static_assert(ct::io::fallible<finished_file>);
static_assert(!ct::io::fallible<int>);

TEST_CASE("complain prints the first error as one sentence and returns the exit status") {
  ct::result<int> const good = 3;
  ct::result<double> const bad = ct::error{"it is torn", "page 7", "glue it"};
  ct::result<void> const worse = ct::error{"it is gone"};
  int status = -1;
  CHECK(said([&] { status = ct::io::complain(good, bad, worse); }) == "error: page 7: it is torn; glue it\n");
  CHECK(status == 1);
  CHECK(said([&] { status = ct::io::complain(good, finished_file{}); }).empty());
  CHECK(status == 0);
}

}  // namespace
